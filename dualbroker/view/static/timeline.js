// The life of one order: what happened when, and how it became known.

import { make } from "./nodes.js";
import { UNKNOWN, clockTimeOn, number, orderPrice } from "./words.js";

const KNOWN_BY = { stream: "", reconcile: "read from the order book", poll: "polled" };

// Noren's codes, as people say them.
const PRICE_TYPES = { LMT: "limit", MKT: "market", "SL-LMT": "stop-loss limit", "SL-MKT": "stop-loss market" };
const PRODUCTS = { C: "delivery (CNC)", M: "carried forward (NRML)", I: "intraday (MIS)", B: "bracket", H: "cover", F: "margin trading (MTF)" };

export function fields(columns, row) {
  const named = {};
  for (let at = 0; at < columns.length; at += 1) named[columns[at]] = row[at];
  return named;
}

// steps: rows of { time, what, source, status, filled_quantity, quantity, price, trigger_price, fill_quantity, fill_price, reason }
export function timeline(steps, order, now) {
  const list = make("ol", "timeline");
  let last = {};
  for (const step of steps) {
    const item = make("li", `is-${step.status.toLowerCase()}`);
    item.append(make("span", "time", stepTime(step, now)), stepWords(step, order, last));
    if (KNOWN_BY[step.source]) item.append(make("span", "known-by", KNOWN_BY[step.source]));
    list.append(item);
    last = { ...last, ...Object.fromEntries(Object.entries(step).filter(([, value]) => value !== null)) };
  }
  return list;
}

// What the stream brought is timed by us, to the millisecond; much happens within one second.
function stepTime({ time, source }, now) {
  const words = clockTimeOn(time, now);
  return source === "stream" && time ? words + time.slice(19, 23) : words;
}

function stepWords(step, order, last) {
  const words = [step.what];
  const price = (value) => orderPrice(value, order.decimals);
  if (step.fill_quantity !== null) words.push(`${number(step.fill_quantity)} @ ${price(step.fill_price)}`);
  else if (step.filled_quantity !== null && step.filled_quantity !== (last.filled_quantity ?? 0)) {
    words.push(`${number(step.filled_quantity)} of ${number(order.quantity)} filled`);
  }
  const terms = [["quantity", (value) => number(value, 0, 4)], ["price", price], ["trigger_price", price]]
    .filter(([name]) => step[name] !== null && last[name] !== undefined && step[name] !== last[name])
    .map(([name, inWords]) => `${name.replace("_", " ")} ${inWords(last[name])} → ${inWords(step[name])}`);
  words.push(...terms);
  const node = make("span", "what", words.join(" · "));
  if (step.reason && step.reason !== last.reason) node.append(make("span", "reason", step.reason));
  return node;
}

// What else is known of an order, as pairs of a name and words.
export function orderFacts(order, now) {
  const pairs = [
    ["order", order.order_id],
    ["type", [PRICE_TYPES[order.price_type] ?? order.price_type, PRODUCTS[order.product] ?? order.product].filter(Boolean).join(" · ")],
    ["price", order.price === null ? "" : orderPrice(order.price, order.decimals)],
    ["trigger", order.trigger_price ? orderPrice(order.trigger_price, order.decimals) : ""],
    ["average", order.average_price === null ? "" : orderPrice(order.average_price, order.decimals)],
    ["exchange order", order.exchange_order_id],
    ["remarks", order.remarks],
    ["last update", clockTimeOn(order.last_update, now)],
  ];
  const list = make("dl", "order-facts");
  for (const [name, words] of pairs) {
    if (!words || words === UNKNOWN) continue;
    const box = make("div");
    box.append(make("dt", "", name), make("dd", "", words));
    list.append(box);
  }
  return list;
}
