// What all accounts hold and what it is worth, with the stops that cover it.

import { HEADS } from "./heads.js";
import { headCells, keyed, lines, link, make, panel, plainTable, scrolling, setAttribute, setClass, setText } from "./nodes.js";
import { fields } from "./timeline.js";
import { UNKNOWN, number, signed, written } from "./words.js";

function direction(value) {
  return value > 0 ? " up" : value < 0 ? " down" : "";
}

export function desk(actions) {
  const { node, head } = panel("desk", "Positions");
  const sums = make("ul", "sums");
  const empty = make("span", "quiet", "none today");
  // Where the lines below are folded away, this still says whose positions are unknown.
  const missing = make("span", "fold unsafe");
  const fold = make("button", "fold unfold", "all", { type: "button", "aria-expanded": "false" });
  fold.onclick = () => setAttribute(fold, "aria-expanded", String(node.classList.toggle("is-open")));
  head.append(empty, sums, missing, fold, ...(actions?.csv ? [link("CSV", actions.csv.positions)] : []));
  const unread = lines("unknown");
  const loose = lines("unknown");
  const table = plainTable("What each account holds, marked at the newest price; profits before charges", HEADS.positions);
  const box = scrolling("Positions", table.node);
  const more = make("p", "quiet");
  node.append(unread.node, box, loose.node, more);
  const known = new Map();
  const chips = new Map();
  let drawn = null;
  return {
    node,
    draw({ desk: now }) {
      if (drawn === now) return;
      drawn = now;
      const rows = now.rows.map((row) => fields(now.columns, row));
      keyed(sums, chips, rows.length ? now.profit : [], (sum) => sum.name, () => {
        const part = { node: make("li"), name: make("span", "quiet"), total: make("span", "number") };
        part.node.append(part.name, " ", part.total);
        return part;
      });
      for (const sum of rows.length ? now.profit : []) {
        const { name, total } = chips.get(sum.name);
        setText(name, sum.name);
        setText(total, `${signed(sum.total, 0)}${sum.complete ? "" : " ?"}`);
        setClass(total, `number${direction(sum.total)}`);
        setAttribute(total, "title", sum.complete ? `₹${signed(sum.total)} before charges` : "Not complete: something is unknown or in doubt");
      }
      missing.hidden = now.unread.length === 0;
      setText(missing, `unknown: ${now.unread.map((row) => row.broker_name).join(", ")}`);
      unread.draw(now.unread.map((row) => `Unknown for ${row.broker_name}: ${row.why}`));
      loose.draw(now.loose);
      fold.hidden = rows.length === 0 && now.unread.length === 0;
      empty.hidden = rows.length > 0 || now.unread.length > 0;
      box.hidden = rows.length === 0;
      more.hidden = rows.length >= now.count;
      setText(more, `${number(rows.length)} of ${number(now.count)} positions; all of them: feed.positions, /api/positions`);
      const nameOf = (row) => [row.broker_name, row.exchange, row.symbol, row.product].join("|");
      keyed(table.body, known, rows, nameOf, positionRow);
      for (const row of rows) drawPosition(known.get(nameOf(row)), row);
    },
  };
}

function positionRow() {
  const part = { node: make("tr"), cells: headCells(HEADS.positions) };
  part.name = make("span", "name");
  part.doubt = make("span", "reason doubt");
  part.cells.symbol.append(part.name, part.doubt);
  part.stop = make("span");
  part.note = make("span", "reason");
  part.cells.stop.append(part.stop, part.note);
  part.node.append(...Object.values(part.cells));
  return part;
}

function drawPosition(part, row) {
  for (const { key, writing, className } of HEADS.positions) {
    const cell = part.cells[key];
    if (key === "symbol" || key === "stop") continue;
    if (writing === "text") {
      setText(cell, row[key] || UNKNOWN);
      continue;
    }
    setText(cell, written(writing, row[key]));
    if (writing !== "difference") continue;
    setClass(cell, className + direction(row[key]));
    setAttribute(cell, "title", Number.isFinite(row[key]) ? `₹${signed(row[key])}` : "");
  }
  setAttribute(part.cells.quantity, "title", number(row.quantity));
  setAttribute(part.cells.ltp, "title", row.ltp_from === "stream" ? "" : row.ltp_from);
  setClass(part.cells.ltp, row.ltp_from === "stream" ? "number price" : "number price aged");
  setText(part.name, row.symbol);
  setText(part.doubt, row.doubt ? `not sure: ${row.doubt}` : "");
  setText(part.stop, row.stop);
  setClass(part.stop, row.is_covered ? "" : "unsafe");
  setText(part.note, row.stop_note);
}
