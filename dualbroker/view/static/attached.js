// Who is attached to the service, and what a slow one missed; on a page only, which asks for it.

import { keyed, make, panel, plainTable, scrolling, setClass, setText } from "./nodes.js";
import { byteSize, clockTimeOn, number, plural } from "./words.js";

const ATTACHED_COLUMNS = [
  ["Client", ""], ["Streams", "words"], ["Since", "medium-only"], ["Sent", "number medium-only"], ["Ticks missed", "number"],
  ["Waiting", "number medium-only"], ["Ended", "words"],
];
const ASK_EVERY_MS = 5000;
const ENDED_SHOWN = 8;

// actions: { clients() -> the answer of /api/clients }
export function attached(actions) {
  const { node, head } = panel("log attached", "Attached");
  node.hidden = true;
  const words = make("span", "quiet");
  head.append(words);
  const table = plainTable("Clients of this service, those that are attached first", ATTACHED_COLUMNS);
  node.append(scrolling("Attached clients", table.node));
  const known = new Map();
  let askedAt = -Infinity;

  function show(answer, now) {
    const ended = answer.clients.filter((row) => row.until !== null && (row.closed_because || row.dropped_ticks));
    const rows = [...answer.clients.filter((row) => row.until === null), ...ended.slice(0, ENDED_SHOWN)];
    const closes = Object.values(answer.closes).reduce((sum, count) => sum + count, 0);
    setText(words, [
      plural(answer.attached, "client"),
      answer.expected_back ? `${number(answer.expected_back)} expected back` : "",
      closes ? `${number(closes)} closed for what they did or failed to read` : "none lags",
    ].filter(Boolean).join(" · "));
    keyed(table.body, known, rows, (row) => `${row.name}|${row.since}`, () => {
      const part = { node: make("tr") };
      part.cells = ATTACHED_COLUMNS.map(([, name]) => make("td", name));
      part.node.append(...part.cells);
      return part;
    });
    for (const row of rows) {
      const part = known.get(`${row.name}|${row.since}`);
      setClass(part.node, row.until === null ? "" : "aged");
      const texts = [
        row.name, row.streams.join(", "), clockTimeOn(row.since, now), byteSize(row.sent_bytes), number(row.dropped_ticks),
        row.until === null ? number(row.lag_rows + row.waiting_orders) : "", row.until === null ? "" : row.closed_because || "left",
      ];
      texts.forEach((text, at) => setText(part.cells[at], text));
    }
  }

  return {
    node,
    draw(state) {
      if (!actions?.clients || performance.now() - askedAt < ASK_EVERY_MS) return;
      askedAt = performance.now();
      actions.clients().then((answer) => {
        node.hidden = false;
        show(answer, state.time);
      }, () => {
        node.hidden = true;
      });
    },
  };
}
