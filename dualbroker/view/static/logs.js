// What went wrong, and which broker carried the quotes when; the newest first.

import { keyed, make, panel, plainTable, scrolling, setText } from "./nodes.js";
import { clockTimeOn, duration, number } from "./words.js";

const FAILOVER_COLUMNS = [
  ["Time", ""], ["From → to, and why", "words"], ["Found after", "number"], ["Gap p50", "number medium-only"],
  ["p99", "number medium-only"], ["Gap max", "number"],
];
const INCIDENT_COLUMNS = [["Time", ""], ["Broker", ""], ["What happened, and what was done", "words"]];

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
        part.cells = columns.map(([, name]) => make("td", name));
        part.cells[0].classList.add("time");
        part.node.append(...part.cells);
        makeRow(part);
        return part;
      });
      for (const row of rows) {
        const part = known.get(row.number);
        setText(part.cells[0], clockTimeOn(row.time, now));
        writeRow(part, row);
      }
    },
  };
}

export function failovers() {
  const part = log("failovers", "Failovers", FAILOVER_COLUMNS,
    "The quotes have stayed where they are. When their broker fails, another takes over by itself; "
      + "what that cost is measured and listed here.",
    (row) => {
      row.lines = ["", "reason", "reason open"].map((className) => row.cells[1].appendChild(make("span", className)));
    },
    ({ cells, lines }, row) => {
      const [, , found, p50, p99, max] = cells;
      setText(lines[0], `${row.from_broker} → ${row.to_broker}`);
      setText(lines[1], row.why);
      setText(lines[2], leftOpen(row));
      setText(found, row.planned ? "planned" : duration(row.detected_after_s));
      setText(p50, duration(row.gap_p50_s));
      setText(p99, duration(row.gap_p99_s));
      setText(max, duration(row.gap_max_s));
    });
  return { node: part.node, draw: (state) => part.draw(state.failovers, state.time) };
}

function leftOpen(row) {
  if (!row.finished) return `${number(row.moved)} of ${number(row.instruments)} instruments so far`;
  const count = row.uncovered_count;
  if (!count) return "";
  const more = count > row.uncovered.length ? ` and ${number(count - row.uncovered.length)} more` : "";
  return `not covered by ${row.to_broker}: ${row.uncovered.join(", ")}${more}`;
}

export function incidents() {
  const part = log("incidents", "Incidents", INCIDENT_COLUMNS,
    "Nothing went wrong yet. Whatever does is listed here, with what was done about it.",
    (row) => {
      row.lines = ["", "reason"].map((className) => row.cells[2].appendChild(make("span", className)));
    },
    ({ cells, lines }, row) => {
      setText(cells[1], row.broker_name ?? "all");
      setText(lines[0], row.cause);
      setText(lines[1], row.action);
    });
  return { node: part.node, draw: (state) => part.draw(state.incidents, state.time) };
}
