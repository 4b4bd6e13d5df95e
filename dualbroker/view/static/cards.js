// A card per broker: its state in a word and a colour, what it carries, how fresh that is, what is wrong.

import { areaChart } from "./chart.js";
import { keyed, lines, make, setClass, setText } from "./nodes.js";
import { UNKNOWN, ageWords, byteRate, number, secondsSince } from "./words.js";

const FACTS = ["tick", "order", "latency", "reconnects", "quotes", "orders", "control", "subscribed"];

export function cards() {
  const node = make("section", "cards", "", { "aria-label": "Brokers" });
  const known = new Map();
  return {
    node,
    draw(state, now) {
      keyed(node, known, state.brokers, (row) => row.broker_name, card);
      const { by_broker: histories, span_s: span } = state.traffic.history;
      const top = Math.max(1, ...Object.values(histories).flat());
      for (const row of state.brokers) {
        const part = known.get(row.broker_name);
        drawCard(part, row, now);
        part.chart.draw([histories[row.broker_name] ?? []], span, top);
      }
    },
  };
}

function card(row) {
  const part = { node: make("article", "card", "", { "aria-label": row.broker_name }), facts: new Map() };
  const top = make("div", "top");
  part.state = make("span", "state");
  part.simulated = make("span", "mode simulated", row.simulated ? "SIMULATED" : "");
  part.simulated.hidden = !row.simulated;
  top.append(make("h2", "", row.broker_name), part.state, part.simulated,
    make("span", "quiet account", row.simulated ? row.account : `${row.type} ${row.account}`));
  part.role = make("p", "role");
  part.market = make("p", "market");
  part.failover = make("p", "failover");
  part.problems = lines("problems");
  const facts = make("dl", "facts");
  for (const name of FACTS) {
    const value = make("dd");
    const box = make("div");
    box.append(make("dt", "", name), value);
    facts.append(box);
    part.facts.set(name, value);
  }
  part.chart = areaChart("broker", ["carried"]);
  part.node.append(top, part.role, part.market, part.problems.node, part.failover, part.chart.node, facts);
  return part;
}

function drawCard(part, row, now) {
  setClass(part.node, `card is-${row.state}`);
  setText(part.state, row.state);
  setText(part.role, row.duty);
  setClass(part.role, row.duty === "quotes and orders" ? "role primary" : "role");
  setText(part.market, row.market);
  setText(part.failover, row.failover);
  part.problems.draw(row.problems);
  const facts = {
    tick: row.role === "orders only" ? "none, by plan" : ageWords(secondsSince(row.last_quote, now)),
    order: ageWords(secondsSince(row.last_order, now)),
    latency: row.latency_ms === null ? UNKNOWN : `${number(row.latency_ms, 1)} ms`,
    quotes: byteRate(row.bytes_per_second.quotes),
    orders: byteRate(row.bytes_per_second.orders),
    control: byteRate(row.bytes_per_second.control),
    subscribed: row.subscriptions === row.acknowledged
      ? number(row.subscriptions) : `${number(row.acknowledged)} of ${number(row.subscriptions)}`,
    reconnects: number(row.reconnects),
  };
  for (const [name, text] of Object.entries(facts)) setText(part.facts.get(name), text);
}
