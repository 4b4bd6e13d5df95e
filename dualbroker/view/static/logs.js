// What went wrong, and which broker carried the quotes when; the newest first.

import { HEADS } from "./heads.js";
import { headCells, keyed, make, panel, plainTable, scrolling, setText } from "./nodes.js";
import { clockTimeOn, number, written } from "./words.js";

// A list that says so while it is empty.
function log(className, title, columns, emptyWords, makeRow, writeRow) {
  const { node, head } = panel(`log ${className}`, title);
  const count = make("span", "quiet");
  head.append(count);
  const table = plainTable(`${title}, the newest first`, columns);
  const empty = make("p", "empty", emptyWords);
  const box = scrolling(title, table.node);
  node.append(empty, box);
  const known = new Map();
  return {
    node,
    draw(list, now) {
      const { rows, count: all } = list;
      empty.hidden = all > 0;
      box.hidden = all === 0;
      setText(count, rows.length < all ? `newest ${number(rows.length)} of ${number(all)}` : all ? number(all) : "");
      keyed(table.body, known, rows, (row) => row.number, () => {
        const part = { node: make("tr") };
        part.cells = headCells(columns);
        part.node.append(...Object.values(part.cells));
        makeRow(part);
        return part;
      });
      for (const row of rows) {
        const part = known.get(row.number);
        setText(part.cells.time, clockTimeOn(row.time, now));
        writeRow(part, row);
      }
    },
  };
}

export function failovers() {
  const part = log("failovers", "Failovers", HEADS.failovers,
    "The quotes have stayed where they are. When their broker fails, another takes over by itself; "
      + "what that cost is measured and listed here.",
    (row) => {
      row.lines = ["", "reason", "reason open"].map((className) => row.cells.why.appendChild(make("span", className)));
    },
    ({ cells, lines }, row) => {
      setText(lines[0], `${row.from_broker} → ${row.to_broker}`);
      setText(lines[1], row.why);
      setText(lines[2], leftOpen(row));
      for (const { key, writing } of HEADS.failovers) {
        if (writing === "duration") setText(cells[key], written(writing, row[key]));
      }
      if (row.planned) setText(cells.detected_after, "planned");
    });
  return { node: part.node, draw: (state) => part.draw(state.failovers, state.time) };
}

function leftOpen(row) {
  if (!row.finished) return `${number(row.moved)} of ${number(row.instruments)} instruments so far`;
  const { uncovered: count, uncovered_names: names } = row;
  if (!count) return "";
  const more = count > names.length ? ` and ${number(count - names.length)} more` : "";
  return `not covered by ${row.to_broker}: ${names.join(", ")}${more}`;
}

export function incidents() {
  const part = log("incidents", "Incidents", HEADS.incidents,
    "Nothing went wrong yet. Whatever does is listed here, with what was done about it.",
    (row) => {
      row.lines = ["", "reason"].map((className) => row.cells.cause.appendChild(make("span", className)));
    },
    ({ cells, lines }, row) => {
      setText(cells.broker_name, row.broker_name ?? "all");
      setText(lines[0], row.cause);
      setText(lines[1], row.action);
    });
  return { node: part.node, draw: (state) => part.draw(state.incidents, state.time) };
}
