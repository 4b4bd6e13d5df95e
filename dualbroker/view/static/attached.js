// Who is attached to the service, and what a slow one missed; on a page only.

import { HEADS } from "./heads.js";
import { headCells, keyed, make, panel, plainTable, scrolling, setClass, setText } from "./nodes.js";
import { byteSize, clockTimeOn, number, plural } from "./words.js";

const ASK_EVERY_MS = 5000;
const ENDED_SHOWN = 8;

// state.clients: { attached, expected_back, dropped_ticks, closes }; actions: { clients() -> the answer of
// /api/clients }, which is asked for while there is more to tell than that this page is attached.
export function attached(actions) {
  const { node, head } = panel("log attached", "Attached");
  node.hidden = true;
  const words = make("span", "quiet");
  head.append(words);
  const table = plainTable("Clients of this service, those that are attached first", HEADS.attached);
  const box = scrolling("Attached clients", table.node);
  node.append(box);
  const known = new Map();
  let askedAt = -Infinity;

  function show(answer, now) {
    const ended = answer.clients.filter((row) => row.until !== null && (row.closed_because || row.dropped_ticks));
    const rows = [...answer.clients.filter((row) => row.until === null), ...ended.slice(0, ENDED_SHOWN)];
    keyed(table.body, known, rows, (row) => `${row.name}|${row.since}`, () => {
      const part = { node: make("tr") };
      part.cells = headCells(HEADS.attached);
      part.node.append(...Object.values(part.cells));
      return part;
    });
    for (const row of rows) {
      const part = known.get(`${row.name}|${row.since}`);
      setClass(part.node, row.until === null ? "" : "aged");
      const texts = {
        name: row.name,
        streams: row.streams.join(", "),
        since: clockTimeOn(row.since, now),
        sent_bytes: byteSize(row.sent_bytes),
        dropped_ticks: number(row.dropped_ticks),
        waiting: row.until === null ? number(row.lag_rows + row.waiting_orders) : "",
        closed_because: row.until === null ? "" : row.closed_because || "left",
      };
      for (const [key, text] of Object.entries(texts)) setText(part.cells[key], text);
    }
  }

  return {
    node,
    draw(state) {
      const now = state.clients;
      node.hidden = !now;
      if (!now) return;
      setText(words, summaryWords(now));
      const more = actions?.clients && (now.attached > 1 || now.expected_back || now.dropped_ticks || Object.keys(now.closes).length);
      box.hidden = !more;
      if (!more || performance.now() - askedAt < ASK_EVERY_MS) return;
      askedAt = performance.now();
      // What fails here is the link, which the page tells of by itself.
      actions.clients().then((answer) => show(answer, state.time), () => {});
    },
  };
}

function summaryWords({ attached: count, expected_back: away, dropped_ticks: skipped, closes }) {
  return [
    count === 1 ? "this page alone" : plural(count, "client"),
    away ? `${number(away)} expected back after a lost link` : "",
    skipped ? `${plural(skipped, "tick")} skipped for slow clients` : "",
    ...Object.entries(closes).map(([why, times]) => `closed ${times === 1 ? "once" : `${number(times)} times`}: ${why}`),
  ].filter(Boolean).join(" · ");
}
