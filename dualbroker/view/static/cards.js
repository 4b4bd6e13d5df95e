// A card per broker. One that is well takes one line: its state in a word and a colour, what it carries, how fresh
// that is. One that is not says what is wrong and offers what can be done about it; the rest opens when wanted.

import { areaChart } from "./chart.js";
import { keyed, lines, make, setAttribute, setClass, setText } from "./nodes.js";
import { ageWords, byteRate, milliseconds, number, secondsSince } from "./words.js";

const FACTS = ["account", "tick", "order", "latency", "reconnects", "quotes", "orders", "control", "subscribed"];
const OFFERS = { reconnect: "Reconnect", carry_quotes: "Move quotes here" };

// commands: { reconnect(broker), carry_quotes(broker) -> promises, problemOf(error) -> words }; may be absent.
export function cards(_actions, commands) {
  const node = make("section", "cards", "", { "aria-label": "Brokers" });
  const known = new Map();
  return {
    node,
    draw(state, now) {
      keyed(node, known, state.brokers, (row) => row.broker_name, (row) => card(row, commands));
      const { by_broker: histories, span_s: span } = state.traffic.history;
      const top = Math.max(1, ...Object.values(histories).flat());
      for (const row of state.brokers) {
        const part = known.get(row.broker_name);
        drawCard(part, row, state, now);
        if (part.isOpen) part.chart.draw([histories[row.broker_name] ?? []], span, top);
      }
    },
  };
}

function card(row, commands) {
  const part = { node: make("article", "card", "", { "aria-label": row.broker_name }), facts: new Map(), isOpen: false };
  const top = make("div", "top");
  part.state = make("span", "state");
  part.role = make("span", "role");
  part.simulated = make("span", "mode simulated", row.simulated ? "SIMULATED" : "");
  part.simulated.hidden = !row.simulated;
  part.fresh = make("span");
  part.rarely = make("span", "rarely");
  const fresh = make("span", "quiet fresh");
  fresh.append(part.fresh, part.rarely);
  part.button = make("button", "unfold", "details", { type: "button", "aria-expanded": "false", "aria-label": `Details of ${row.broker_name}` });
  part.button.onclick = () => {
    part.isOpen = !part.isOpen;
    setAttribute(part.button, "aria-expanded", String(part.isOpen));
    part.redraw?.();
  };
  top.append(make("h2", "", row.broker_name), part.state, part.role, part.simulated, fresh, part.button);
  part.problems = lines("problems");
  part.offers = offerButtons(row.broker_name, commands);
  part.market = make("p", "market");
  part.failover = make("p", "failover");
  const facts = make("dl", "facts");
  for (const name of FACTS) {
    const value = make("dd");
    const box = make("div");
    box.append(make("dt", "", name), value);
    facts.append(box);
    part.facts.set(name, value);
  }
  part.chart = areaChart("broker", ["carried"]);
  part.inside = make("div", "inside");
  part.inside.hidden = true;
  part.inside.append(part.market, part.failover, part.chart.node, facts);
  part.node.append(top, part.problems.node, part.offers.node, part.inside);
  return part;
}

function offerButtons(broker, commands) {
  const node = make("div", "offers");
  const buttons = new Map();
  const said = make("span", "quiet", "", { role: "status" });
  node.hidden = true;
  node.append(said);
  async function press(offer, button) {
    button.disabled = true;
    setText(said, "");
    try {
      await commands[offer](broker);
    } catch (error) {
      setText(said, commands.problemOf(error));
    } finally {
      button.disabled = false;
    }
  }
  return {
    node,
    draw(offers, isWanted) {
      node.hidden = !commands || !isWanted || offers.length === 0;
      if (node.hidden) return;
      keyed(node, buttons, offers, (offer) => offer, (offer) => {
        const button = make("button", "offer", OFFERS[offer] ?? offer, { type: "button" });
        button.onclick = () => press(offer, button);
        return { node: button };
      });
    },
  };
}

function drawCard(part, row, state, now) {
  part.redraw = () => drawCard(part, row, state, now);
  const isWell = row.severity === "ok";
  setClass(part.node, `card is-${row.state} sev-${row.severity}`);
  setText(part.state, `● ${row.state_words}`);
  if (setText(part.role, row.duty)) part.role.title = row.duty;
  setClass(part.role, row.role === "orders only" || !isWell ? "role" : "role primary");
  part.problems.draw(row.problems);
  part.offers.draw(row.offers, part.isOpen || !isWell || state.verdict.quotes !== "ok");
  const carriesQuotes = row.role !== "orders only";
  const tick = ageWords(secondsSince(row.last_quote, now));
  const order = ageWords(secondsSince(row.last_order, now));
  const latency = milliseconds(row.latency_ms);
  const rate = Object.values(row.bytes_per_second).reduce((sum, value) => sum + (value ?? 0), 0);
  setText(part.fresh, [
    carriesQuotes && row.last_quote !== null ? `tick ${tick}` : "", row.last_order === null ? "no order yet" : `order ${order}`,
  ].filter(Boolean).join(" · "));
  setText(part.rarely, ["", row.latency_ms === null ? "" : latency, byteRate(rate)].filter((words, at) => !at || words).join(" · "));
  part.inside.hidden = !part.isOpen;
  if (!part.isOpen) return;
  setText(part.market, row.market);
  setText(part.failover, row.failover);
  const facts = {
    account: row.simulated ? row.account : `${row.type} ${row.account}`,
    tick: carriesQuotes ? tick : "none, by plan",
    order,
    latency,
    quotes: byteRate(row.bytes_per_second.quotes),
    orders: byteRate(row.bytes_per_second.orders),
    control: byteRate(row.bytes_per_second.control),
    subscribed: row.subscriptions === row.acknowledged
      ? number(row.subscriptions) : `${number(row.acknowledged)} of ${number(row.subscriptions)}`,
    reconnects: number(row.reconnects),
  };
  for (const [name, text] of Object.entries(facts)) setText(part.facts.get(name), text);
}
