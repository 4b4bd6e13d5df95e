// A table of any length of which only the rows in sight exist: 2,000 rows cost what 30 cost.
//
// A row has the same height everywhere, so where it stands is known without asking the page.

import { make, setAttribute, setClass } from "./nodes.js";

const ROW_HEIGHT = 26;
const ROWS_AROUND = 4;
const FIRST_GUESS_HEIGHT = 520;

// columns: [{ key, title, className, sorts }]; onSort(key, direction) with direction 1, -1 or 0 (as they come).
export function longTable({ label, caption, columns, makeRow, writeRow, onSort }) {
  const node = make("div", "scrolls long", "", { tabindex: "0", role: "region", "aria-label": label });
  const table = make("table");
  table.append(make("caption", "unseen", caption));
  const heads = new Map();
  const headRow = table.createTHead().insertRow();
  let sorted = { key: null, direction: 0 };
  for (const column of columns) headRow.append(head(column));
  const above = make("tbody", "", "", { "aria-hidden": "true" });
  const body = make("tbody");
  const below = make("tbody", "", "", { "aria-hidden": "true" });
  const [spaceAbove, spaceBelow] = [above, below].map((part) => part.insertRow().insertCell());
  // One cell of no span: in a table of fixed layout a span would make room for columns that are not shown.
  for (const space of [spaceAbove, spaceBelow]) space.className = "space";
  table.append(above, body, below);
  node.append(table);

  const rows = [];
  let order = [];
  let height = FIRST_GUESS_HEIGHT;
  let top = 0;
  let asked = false;

  node.addEventListener("scroll", () => {
    top = node.scrollTop;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw(order);
    });
  }, { passive: true });
  const sizes = new ResizeObserver((entries) => {
    const seen = entries.at(-1).contentRect.height;
    if (seen <= 0 || Math.abs(seen - height) < 1) return;
    height = seen;
    draw(order);
  });
  sizes.observe(node);

  function head(column) {
    const cell = make("th", column.className, column.sorts ? "" : column.title, { scope: "col" });
    if (!column.sorts) return cell;
    const button = make("button", "sort", column.title, { type: "button", tabindex: "-1" });
    button.onclick = () => sort(column);
    cell.append(button);
    heads.set(column.key, cell);
    setAttribute(cell, "aria-sort", "none");
    return cell;
  }

  // Figures begin with the greatest, words with A; a third press gives the rows their own places back.
  function sort(column) {
    const first = column.className.includes("number") ? -1 : 1;
    const again = sorted.key === column.key;
    const direction = !again ? first : sorted.direction === first ? -first : 0;
    sorted = { key: direction ? column.key : null, direction };
    for (const [key, cell] of heads) {
      const turn = key === sorted.key ? direction : 0;
      setAttribute(cell, "aria-sort", turn > 0 ? "ascending" : turn < 0 ? "descending" : "none");
    }
    onSort(sorted.key, direction);
  }

  // Writes the rows in sight. newOrder: numbers of the rows, in the order in which they stand.
  function draw(newOrder) {
    order = newOrder;
    const fitting = Math.ceil(height / ROW_HEIGHT) + 2 * ROWS_AROUND;
    const count = Math.min(order.length, fitting);
    const first = Math.max(0, Math.min(Math.floor(top / ROW_HEIGHT) - ROWS_AROUND, order.length - count));
    while (rows.length < count) {
      const row = makeRow();
      row.number = null;
      rows.push(row);
      body.append(row.node);
    }
    while (rows.length > count) rows.pop().node.remove();
    space(spaceAbove, first);
    space(spaceBelow, order.length - first - count);
    for (let place = 0; place < count; place += 1) {
      const row = rows[place];
      const number = order[first + place];
      const isOther = row.number !== number;
      row.number = number;
      const parity = (first + place) % 2 ? "odd" : "even";
      if (row.parity !== parity) {
        row.parity = parity;
        setClass(row.node, parity);
      }
      setAttribute(row.node, "aria-rowindex", String(first + place + 2));
      writeRow(row, number, isOther);
    }
    setAttribute(table, "aria-rowcount", String(order.length + 1));
  }

  function space(cell, count) {
    const size = `${count * ROW_HEIGHT}px`;
    if (cell.style.height === size) return;
    cell.style.height = size;
    cell.parentElement.hidden = count === 0;
  }

  // The row at a place of the order comes into sight; it is the row, as drawn.
  function reveal(place) {
    const begin = place * ROW_HEIGHT;
    // The head stays at the top and covers a row's height.
    if (begin < node.scrollTop) node.scrollTop = begin;
    else node.scrollTop = Math.max(node.scrollTop, begin + 2 * ROW_HEIGHT - node.clientHeight);
    top = node.scrollTop;
    draw(order);
    return rows.find((row) => row.number === order[place]);
  }

  // The table is one stop of the Tab key. Inside, the arrows go up and down its rows and the line of its heads,
  // and along what there is in one line.
  node.addEventListener("keydown", (event) => {
    const heading = [...headRow.querySelectorAll(".sort")];
    const inHead = heading.indexOf(document.activeElement);
    const row = rows.find((each) => each.node.contains(document.activeElement));
    const at = row ? order.indexOf(row.number) : -1;
    const line = row ? row.stops() : heading;
    const along = row ? line.indexOf(document.activeElement) : inHead;
    const down = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[event.key];
    const beside = { ArrowRight: along + 1, ArrowLeft: along - 1 }[event.key];
    if ((down === undefined && beside === undefined) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (beside !== undefined) line[Math.max(0, Math.min(beside, line.length - 1))]?.focus();
    else if (down >= 0) reveal(Math.min(down, order.length - 1))?.stops()[0].focus({ preventScroll: true });
    else if (at === 0) heading[0]?.focus();
    else node.focus();
  });

  // After the rows themselves have become others: none of them shows what it showed.
  function forget() {
    for (const row of rows) row.number = null;
  }

  return { node, draw, forget, reveal: (number) => reveal(order.indexOf(number)), close: () => sizes.disconnect() };
}
