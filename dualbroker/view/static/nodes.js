// Makes and changes nodes. Everything from outside gets in as text, never as markup.

export function make(tag, className = "", text = "", attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function setText(node, text) {
  // Compared with what was written, for reading it back from the page costs more.
  if (node.shownText === text) return false;
  node.shownText = text;
  node.textContent = text;
  return true;
}

export function setClass(node, className) {
  if (node.className !== className) node.className = className;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

const FLASH_MS = 500;

// A flash of half a second that fades in one step. An animation is recalculated for every frame of the
// screen, which took twice as much of the browser as all the rest of the dashboard.
export function flash(node, direction) {
  const name = direction > 0 ? "flash-up" : direction < 0 ? "flash-down" : "flash-any";
  clearTimeout(node.flashTimer);
  node.classList.remove("flash-up", "flash-down", "flash-any", "is-fading");
  node.classList.add(name);
  node.flashTimer = setTimeout(() => {
    node.classList.add("is-fading");
    node.flashTimer = setTimeout(() => node.classList.remove(name, "is-fading"), FLASH_MS / 2);
  }, FLASH_MS / 2);
}

// One node per key, in the order of the rows; nodes of rows that are gone are removed.
export function keyed(parent, known, rows, keyOf, create) {
  const wanted = new Set();
  let place = 0;
  for (const row of rows) {
    const key = keyOf(row);
    wanted.add(key);
    let part = known.get(key);
    if (!part) {
      part = create(row);
      known.set(key, part);
    }
    for (const node of part.nodes ?? [part.node]) {
      if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
      place += 1;
    }
  }
  for (const [key, part] of known) {
    if (wanted.has(key)) continue;
    for (const node of part.nodes ?? [part.node]) node.remove();
    known.delete(key);
  }
}

// A table scrolls inside itself, also by keyboard.
export function scrolling(label, node) {
  const box = make("div", "scrolls", "", { tabindex: "0", role: "region", "aria-label": label });
  box.append(node);
  return box;
}

// A table is one stop of the Tab key; inside, the arrows go from row to row. nodesOf: what they stop at.
export function arrowsInside(box, nodesOf) {
  box.addEventListener("keydown", (event) => {
    const nodes = nodesOf();
    const at = nodes.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: nodes.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (to < 0) box.focus();
    else nodes[Math.min(to, nodes.length - 1)]?.focus();
  });
}

// columns: heads (heads.js).
export function plainTable(caption, columns) {
  const node = make("table");
  node.append(make("caption", "unseen", caption));
  const head = node.createTHead().insertRow();
  for (const { title, className } of columns) head.append(make("th", className, title, { scope: "col" }));
  return { node, body: node.createTBody() };
}

// The cells of a row under these heads, by the heads' keys.
export function headCells(heads) {
  return Object.fromEntries(heads.map(({ key, className }) => [key, make("td", className)]));
}

// A panel with its heading; whatever else stands in the head is appended to it.
export function panel(className, title) {
  const node = make("section", `panel ${className}`, "", { "aria-label": title });
  const head = make("div", "head");
  head.append(make("h2", "", title));
  node.append(head);
  return { node, head };
}

export function link(text, address) {
  return make("a", "link", text, { href: address });
}

// Lines of words that are shown while there are any: what is wrong, or not known.
export function lines(className) {
  const node = make("ul", className);
  node.hidden = true;
  let shown = "";
  return {
    node,
    draw(words) {
      const text = words.join("\n");
      node.hidden = words.length === 0;
      if (shown === text) return;
      shown = text;
      node.replaceChildren(...words.map((line) => make("li", "", line)));
    },
  };
}

// Buttons of which one is pressed.
export function choices(label, names, chosen, onChoice) {
  const node = make("div", "choices", "", { role: "group", "aria-label": label });
  const buttons = new Map();
  let current = chosen;
  function press() {
    for (const [name, part] of buttons) setAttribute(part.node, "aria-pressed", String(name === current));
  }
  function show(entries) {
    keyed(node, buttons, entries, ([name]) => name, ([name]) => {
      const button = make("button", "", "", { type: "button" });
      button.onclick = () => {
        current = name;
        press();
        onChoice(name);
      };
      return { node: button };
    });
    for (const [name, text] of entries) setText(buttons.get(name).node, text);
    press();
  }
  show(names.map((name) => [name, name]));
  return { node, show };
}
