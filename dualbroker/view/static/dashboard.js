// Draws the state that dualbroker/view/state.py makes, in a notebook and on a page.
//
// The state replaces itself: what is attached late, after a reload or a lag, is drawn from the latest
// state alone. Read from the model: "state"; "slow", laid under it, where a carrier sends what changes
// rarely apart; "part"; "options" (notice: words to be shown; actions: what only a page can do; commands: what
// can be asked of a broker, on a page and in a notebook); "link", on a page: { connected, words }. A message
// { kind: "show", name } brings the row of an instrument into sight.

import { drawMode, headline } from "./headline.js";
import { make, setText } from "./nodes.js";
import { PARTS } from "./panels.js";
import { summary } from "./summary.js";
import { ageWords } from "./words.js";

// These say at their top whether what they show is simulated; a panel by itself carries the word in its head.
const SAY_THE_MODE = new Set([headline, summary]);
const OLD_AFTER_MS = 5000;
const LOOK_EVERY_MS = 500;

function render({ model, el }) {
  const root = make("div", "dualbroker");
  const grid = make("div", "grid");
  const above = make("div", "above");
  const notice = make("p", "notice", "", { role: "status" });
  notice.hidden = true;
  root.append(grid);
  el.append(root);
  let parts = [];
  let badges = [];
  let heardAt = performance.now();
  let asked = false;
  let inSight = true;

  function build() {
    for (const part of parts) part.close?.();
    const name = model.get("part") || "monitor";
    root.dataset.part = name;
    const makers = PARTS[name] ?? PARTS.monitor;
    const { actions, commands } = model.get("options") ?? {};
    parts = makers.map((create) => create(actions, commands));
    badges = makers.some((create) => SAY_THE_MODE.has(create)) ? [] : parts.map(({ node }) => {
      const badge = make("span", "mode");
      node.querySelector("h2").after(badge);
      return badge;
    });
    // The line at the top and what is wrong stand together; the notice below the line.
    const nodes = parts.map((part) => part.node);
    const count = parts.filter((part) => part.isAbove).length;
    above.replaceChildren(...nodes.slice(0, 1).filter(() => count), notice, ...nodes.slice(1, count));
    grid.replaceChildren(above, ...nodes.slice(count));
    hear();
    ask();
  }

  function words(silentMs) {
    const link = model.get("link");
    const told = model.get("options")?.notice;
    if (told) return told;
    if (link?.words) return link.words;
    if (silentMs < OLD_AFTER_MS) return "";
    return `Nothing new for ${ageWords(silentMs / 1000)}. What is shown is old.`;
  }

  function draw() {
    asked = false;
    const silentMs = performance.now() - heardAt;
    const text = words(silentMs);
    notice.hidden = !text;
    setText(notice, text);
    root.classList.toggle("is-old", Boolean(text));
    const quick = model.get("state");
    if (!quick?.mode) return;
    const state = { ...model.get("slow"), ...quick };
    shape(root, state);
    const now = state.time === null ? null : Date.parse(state.time) + silentMs;
    for (const badge of badges) drawMode(badge, state.mode);
    for (const part of parts) part.draw(state, now);
  }

  // Nothing is drawn that nobody sees: a hidden page gets no frame, and a part scrolled away waits.
  function ask() {
    if (asked || !inSight) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  function heard() {
    heardAt = performance.now();
    hear();
    ask();
  }

  function hear() {
    const state = { ...model.get("slow"), ...model.get("state") };
    for (const part of parts) part.hear?.(state);
  }

  const sight = new IntersectionObserver((entries) => {
    inSight = entries.at(-1).isIntersecting;
    ask();
  }, { rootMargin: "200px" });
  sight.observe(root);
  const timer = setInterval(ask, LOOK_EVERY_MS);
  // What was subscribed elsewhere in a notebook comes into sight here.
  function told({ kind, name }) {
    if (kind === "show") for (const part of parts) part.show?.(name);
  }

  const listeners = [["msg:custom", told], ["change:state", heard], ["change:slow", heard], ["change:link", ask], ["change:options", ask], ["change:part", build]];
  for (const [name, listener] of listeners) model.on(name, listener);
  build();

  return () => {
    clearInterval(timer);
    sight.disconnect();
    for (const [name, listener] of listeners) model.off(name, listener);
    for (const part of parts) part.close?.();
    root.remove();
  };
}

// Which of quotes and orders is the longer list: below the shorter one stands what went wrong. It changes only
// when the other one has become the longer by some rows, so that nothing jumps to and fro.
const ROWS_TO_TURN = 4;

function shape(root, { quotes: figures, orders: table }) {
  if (!figures || !table) return;
  const lead = figures.count - table.rows.length;
  const isDecided = root.dataset.longer !== undefined;
  if (!isDecided || Math.abs(lead) > ROWS_TO_TURN) root.dataset.longer = lead >= 0 ? "quotes" : "orders";
}

export default { render };
