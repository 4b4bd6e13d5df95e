// The option chain: calls left of the strike, puts right of it; the row at the money stands out.

import { HEADS } from "./heads.js";
import { choices, flash, keyed, lines, make, panel, setClass, setText } from "./nodes.js";
import { fields } from "./timeline.js";
import { UNKNOWN, ageWords, noSourceLines, number, secondsSince, signed, written } from "./words.js";

const CHAIN_CELLS = HEADS.chain;
const STRIKE_AT = CHAIN_CELLS.findIndex(({ key }) => key === "strike");

// What is seen of a side besides its last price, and of the strike.
const VIEWS = {
  Prices: ["change_percent", "bid", "ask", "volume", "open_interest", "open_interest_change", "iv", "straddle", "put_call_ratio"],
  Greeks: ["iv", "delta", "gamma", "theta", "vega"],
  "Open interest": ["volume", "open_interest", "open_interest_change", "put_call_ratio"],
};
const bare = (key) => key.replace(/^(call|put)_(?!call_ratio)/, "");

const AGE_SHOWN_S = 5;
// Strikes far from the money may rest for a while; a whole chain that does so this long is old.
const OLD_CHAIN_S = 60;

export function chain() {
  const { node, head } = panel("chain", "Option chain");
  const title = head.querySelector("h2");
  const spot = make("span", "spot");
  const facts = make("span", "quiet");
  const age = make("span", "aged");
  head.append(spot, facts, age);
  const noSource = lines("unknown");
  const note = make("p", "empty");
  const table = make("table", "chain-table");
  table.append(make("caption", "unseen", "Calls left of the strike, puts right of it"));
  const sides = table.createTHead().insertRow();
  sides.className = "sides";
  const names = table.tHead.insertRow();
  for (const [words, className] of [["Calls", "call"], ["", ""], ["Puts", "put"], ["", ""]]) {
    sides.append(make(words ? "th" : "td", `side-head ${className}`, words, words ? { scope: "colgroup" } : {}));
  }
  function show(view) {
    shown = CHAIN_CELLS.map(({ key }) => ["strike", "ltp", ...VIEWS[view]].includes(bare(key)));
    for (const row of [names, ...body.rows]) showCells(row, shown);
    const side = shown.slice(0, STRIKE_AT).filter(Boolean).length;
    const rest = shown.slice(2 * STRIKE_AT + 1).filter(Boolean).length;
    [side, 1, side, rest].forEach((span, at) => {
      sides.cells[at].colSpan = span || 1;
      sides.cells[at].hidden = !span;
    });
    setClass(table, `chain-table ${view === "Open interest" ? "is-interest" : ""}`);
    isCentred = false;
    centre();
  }
  for (const { title: words, className } of CHAIN_CELLS) names.append(make("th", className, words, { scope: "col" }));
  const body = table.createTBody();
  const box = make("div", "scrolls", "", { tabindex: "0", role: "region", "aria-label": "Option chain" });
  box.append(table);
  node.append(noSource.node, note, box);
  const known = new Map();
  let isCentred = false;
  let shown = [];

  // Where it is wider than its box, calls and puts are seen alike; once, for then a person scrolls it.
  function centre() {
    if (isCentred || !box.clientWidth) return;
    isCentred = true;
    box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
  }

  head.append(choices("What is shown of the options", Object.keys(VIEWS), "Prices", show).node);
  show("Prices");

  return {
    node,
    draw(state, moment) {
      const now = state.chain;
      note.hidden = Boolean(now?.rows.length) && !now.note;
      setText(note, now?.note || "The strikes around the money are on their way.");
      box.hidden = !now?.rows.length;
      if (!now) return;
      noSource.draw(noSourceLines(now.no_source));
      const seconds = secondsSince(now.newest, moment);
      setText(age, seconds !== null && seconds >= AGE_SHOWN_S ? `last quote ${ageWords(seconds)} ago` : "");
      node.classList.toggle("is-old", now.no_source.length > 0 || (seconds !== null && seconds >= OLD_CHAIN_S));
      setText(title, `${now.underlying} ${now.expiry_words || now.expiry || ""}`.trim());
      setText(spot, spotWords(now));
      setClass(spot, `spot ${now.change_percent > 0 ? "up" : now.change_percent < 0 ? "down" : ""}`);
      setText(facts, [
        now.atm === null ? "" : `at the money ${number(now.atm, 0, 2)}`,
        now.straddle === null ? "" : `straddle ₹${number(now.straddle, now.option_decimals)}`,
        now.iv === null ? "" : `IV ${number(now.iv, 2)} %`,
        now.max_pain === null ? "" : `max pain ${number(now.max_pain, 0, 2)}`,
        now.put_call_ratio === null ? "" : `put-call ratio ${number(now.put_call_ratio, 2)} by open interest`,
      ].filter(Boolean).join(" · "));
      const rows = now.rows.map((row) => fields(now.columns, row));
      keyed(body, known, rows, (row) => row.strike, () => chainRow(shown));
      const most = Math.max(1, ...rows.flatMap((row) => [row.call_open_interest ?? 0, row.put_open_interest ?? 0]));
      for (const row of rows) writeChainRow(known.get(row.strike), row, now, most);
      if (rows.length) centre();
    },
  };
}

// An underlying that is not listed itself has no price of its own: what calls and puts say of it is named as that.
function spotWords(now) {
  if (now.ltp !== null) return `${now.sign}${number(now.ltp, now.decimals)}  ${signed(now.change_percent)} %`;
  return now.implied_forward === null ? UNKNOWN : `${now.sign}${number(now.implied_forward, now.decimals)}  implied by calls and puts`;
}

function showCells(row, shown) {
  shown.forEach((isShown, at) => { row.cells[at].hidden = !isShown; });
}

function chainRow(shown) {
  const node = make("tr");
  const cells = CHAIN_CELLS.map(({ key, className }) =>
    key === "strike" ? make("th", className, "", { scope: "row" }) : make("td", className));
  node.append(...cells);
  showCells(node, shown);
  return { node, cells, shown: {} };
}

function writeChainRow(part, row, chainState, most) {
  const isMoney = row.strike === chainState.atm;
  const money = chainState.ltp ?? chainState.implied_forward;
  setClass(part.node, isMoney ? "money" : "");
  CHAIN_CELLS.forEach(({ key: name, className, writing }, at) => {
    const value = row[name];
    const cell = part.cells[at];
    const isCall = name.startsWith("call_");
    const isPut = name.startsWith("put_") && name !== "put_call_ratio";
    const inMoney = money !== null && (isCall ? row.strike < money : isPut && row.strike > money);
    let kind = `${className}${inMoney ? " in-money" : ""}`;
    if (writing === "change" || writing === "difference") kind += value > 0 ? " up" : value < 0 ? " down" : "";
    const before = part.shown[name];
    if (before === value && part.shown[`${name} kind`] === kind) return;
    if (part.shown[`${name} kind`] !== kind) {
      part.shown[`${name} kind`] = kind;
      cell.className = kind;
    }
    if (before === value) return;
    setText(cell, written(writing, value, chainState.option_decimals));
    if (writing === "price" && (isCall || isPut) && before !== undefined && before !== null && value !== null) flash(cell, value - before);
    part.shown[name] = value;
    if (name.endsWith("open_interest")) {
      // Where the open interest lies is read at a glance from a bar behind it.
      const share = `${Math.round(((value ?? 0) / most) * 100)}%`;
      cell.style.setProperty("--share", share);
    }
  });
}
