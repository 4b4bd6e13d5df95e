// One line: is all well, on which market, where do prices come from, and what did that save.

import { lines, make, setClass, setText } from "./nodes.js";
import { byteSize, percent, timeWords } from "./words.js";

export function headline() {
  const node = make("header", "bar");
  const mode = make("span", "mode");
  const verdict = make("span", "verdict", "", { role: "status" });
  const time = make("span", "time");
  const source = make("span", "source");
  const orders = make("span", "orders-from");
  const saved = make("span", "saved");
  node.append(make("h1", "", "dualbroker"), mode, verdict, time, source, orders, saved);
  return {
    node,
    isAbove: true,
    draw(state) {
      drawMode(mode, state.mode);
      drawVerdict(verdict, state.verdict);
      setText(time, timeWords(state));
      setText(source, state.headline.quotes);
      setClass(source, `source sev-${state.verdict.quotes}`);
      setText(orders, state.headline.orders);
      setClass(orders, `orders-from sev-${state.verdict.orders}`);
      setText(saved, savedWords(state.traffic.savings));
    },
  };
}

export function drawMode(node, mode) {
  setText(node, mode);
  setClass(node, `mode ${mode.toLowerCase()}`);
}

export function drawVerdict(node, verdict) {
  setText(node, `● ${verdict.words}`);
  setClass(node, `verdict sev-${verdict.severity}`);
}

export function savedWords({ saved_percent: share, saved_quote_bytes: saved }) {
  return share ? `saved ${percent(share)} · ${byteSize(saved)} (estimated)` : "";
}

// What is wrong with the feed as a whole; what is wrong with one broker stands on its card.
export function feedProblems() {
  const part = lines("problems feed-problems");
  return {
    node: part.node,
    isAbove: true,
    draw(state) {
      const own = new Set(state.brokers.flatMap((row) => row.problems.map((text) => `${row.broker_name}: ${text}`)));
      part.draw(state.problems.filter((text) => !own.has(text)));
    },
  };
}
