// The feed in a few lines: is all well, where do prices come from, what is there, what did it save.

import { drawMode, drawVerdict, savedWords } from "./headline.js";
import { keyed, lines, make, setClass, setText } from "./nodes.js";
import { ageWords, plural, secondsSince, timeWords } from "./words.js";

export function summary() {
  const node = make("section", "panel summary", "", { "aria-label": "dualbroker" });
  const bar = make("p", "bar");
  const mode = make("span", "mode");
  const verdict = make("span", "verdict", "", { role: "status" });
  const time = make("span", "time");
  const source = make("span", "source");
  bar.append(make("strong", "", "dualbroker"), mode, verdict, source, time);
  const brokers = make("ul", "brokers");
  const problems = lines("problems");
  const counts = make("p", "quiet");
  node.append(bar, problems.node, brokers, counts);
  const known = new Map();
  return {
    node,
    draw(state, now) {
      drawMode(mode, state.mode);
      drawVerdict(verdict, state.verdict);
      setText(time, timeWords(state));
      setText(source, state.headline.quotes);
      setClass(source, `source sev-${state.verdict.quotes}`);
      problems.draw(state.problems);
      keyed(brokers, known, state.brokers, (row) => row.broker_name, (row) => {
        const part = { node: make("li"), state: make("span", "state"), words: make("span", "quiet") };
        part.node.append(make("strong", "", row.broker_name), part.state, part.words);
        return part;
      });
      for (const row of state.brokers) {
        const part = known.get(row.broker_name);
        setClass(part.node, `is-${row.state} sev-${row.severity}`);
        setText(part.state, `● ${row.state_words}`);
        const ages = [["tick", row.last_quote], ["order", row.last_order]]
          .filter(([name, moment]) => moment !== null && !(name === "tick" && row.role === "orders only"))
          .map(([name, moment]) => `${name} ${ageWords(secondsSince(moment, now))}`);
        setText(part.words, [row.duty, ...ages].join(" · "));
      }
      const orders = Object.values(state.counts.orders);
      const total = orders.reduce((sum, row) => sum + row.all, 0);
      const open = orders.reduce((sum, row) => sum + row.open, 0);
      setText(counts, [
        plural(state.counts.instruments, "instrument"),
        `${plural(total, "order")}${open ? `, ${open} open` : ""}`,
        savedWords(state.traffic.savings),
      ].filter(Boolean).join(" · "));
    },
  };
}
