// Orders of every broker, the newest first: by broker and state, and each row opens the order's life.

import { HEADS } from "./heads.js";
import { arrowsInside, choices, flash, headCells, keyed, lines, link, make, panel, plainTable, scrolling, setAttribute, setClass, setText } from "./nodes.js";
import { fields, orderFacts, timeline } from "./timeline.js";
import { UNKNOWN, clockTimeOn, number, orderPrice, statusWords } from "./words.js";

const SHOWN = {
  all: () => true,
  open: (row) => row.open,
  complete: (row) => row.status === "COMPLETE",
  cancelled: (row) => row.status === "CANCELED",
  rejected: (row) => row.status === "REJECTED",
  unknown: (row) => row.status === "UNKNOWN",
};
const SIDES = { BUY: "B", SELL: "S" };

function nameOf(order) {
  return `${order.broker_name}|${order.trading_day}|${order.order_id}`;
}

export function orders(actions) {
  const { node, head } = panel("orders", "Orders");
  let broker = "all";
  let show = "all";
  let drawn = null;
  let rows = [];
  let state = null;
  const known = new Map();
  const brokers = choices("Orders of", ["all"], "all", (name) => {
    broker = name;
    drawRows();
  });
  const states = choices("Orders that are", Object.keys(SHOWN), "all", (name) => {
    show = name;
    drawRows();
  });
  head.append(brokers.node, ...(actions?.csv ? [link("CSV", actions.csv.orders)] : []), states.node);
  const unread = lines("unknown");
  const empty = make("p", "empty");
  const table = plainTable("Latest state of each order, the newest first; a row opens the order's life", HEADS.orders);
  const box = scrolling("Orders", table.node);
  arrowsInside(box, () => [...table.body.querySelectorAll(".opens")]);
  const more = make("p", "quiet");
  const moreWords = make("span");
  more.append(moreWords, make("code", "", actions ? "/api/orders" : "feed.orders"));
  node.append(unread.node, empty, box, more);

  function drawRows() {
    const ofBroker = (row) => broker === "all" || row.broker_name === broker;
    const all = rows.filter(ofBroker);
    const shown = all.filter(SHOWN[show]);
    const notRead = state.orders.unread.filter(ofBroker);
    unread.draw(notRead.map((row) => `Unknown for ${row.broker_name}: ${row.why}`));
    empty.hidden = shown.length > 0 || (notRead.length > 0 && all.length === 0);
    const count = broker === "all"
      ? Object.values(state.orders.counts).reduce((total, each) => total + each, 0) : state.orders.counts[broker] ?? 0;
    more.hidden = all.length >= count;
    setText(moreWords, `${number(all.length)} of ${number(count)}: whatever is open, and the newest; all of them: `);
    setText(empty, all.length
      ? `None of the orders ${more.hidden ? "known" : "shown"} is one of these.`
      : "No order today yet. Orders placed anywhere on the account show up here by themselves.");
    box.hidden = shown.length === 0;
    keyed(table.body, known, shown, nameOf, () => orderRow(opened));
    for (const row of shown) drawOrder(known.get(nameOf(row)), row, state);
  }

  // A row was opened or closed.
  function opened(part) {
    const name = nameOf(part.order);
    if (!part.isOpen || !actions?.history || state.histories.orders[name]) {
      drawDetail(part, state);
      return;
    }
    part.asked = actions.history(part.order).then(
      (steps) => {
        part.steps = steps;
        part.stepsOf = part.order.last_update;
      },
      (error) => {
        part.problem = actions.problemOf(error);
      },
    ).finally(() => drawDetail(part, state));
    drawDetail(part, state);
  }

  return {
    node,
    draw(whole) {
      state = whole;
      const { orders: now } = whole;
      if (drawn !== now) {
        drawn = now;
        rows = now.rows.map((row) => fields(now.columns, row));
        const counts = Object.entries(now.counts);
        const sum = counts.reduce((total, [, count]) => total + count, 0);
        const tabs = counts.length > 1 ? [["all", sum], ...counts] : counts.length ? [["all", sum]] : [];
        brokers.show(tabs.map(([name, count]) =>
          [name, `${counts.length === 1 ? counts[0][0] : name} ${number(count)}`]));
      }
      drawRows();
    },
  };
}

function orderRow(opened) {
  const part = { node: make("tr", "order"), detail: make("tr", "detail"), status: null, isOpen: false, order: null };
  part.nodes = [part.node, part.detail];
  part.cells = headCells(HEADS.orders);
  const { order_time: time, status: state, symbol, filled_quantity: filled } = part.cells;
  part.button = make("button", "opens", "", { type: "button", "aria-expanded": "false", tabindex: "-1" });
  part.time = part.button.appendChild(make("span"));
  time.append(part.button);
  part.count = make("span");
  part.bar = make("span", "fill", "", { "aria-hidden": "true" });
  part.done = part.bar.appendChild(make("span"));
  filled.append(part.count, part.bar);
  part.word = make("span", "word");
  part.note = make("span", "reason");
  state.append(part.word, part.note);
  part.symbol = make("span", "name");
  part.reason = make("span", "reason");
  part.doubt = make("span", "reason doubt");
  symbol.append(part.symbol, part.reason, part.doubt);
  part.node.append(...Object.values(part.cells));
  part.inside = make("td", "", "", { colspan: String(HEADS.orders.length) });
  part.detail.append(part.inside);
  part.detail.hidden = true;
  part.node.onclick = () => {
    if (String(document.getSelection())) return; // somebody copies a number
    part.isOpen = !part.isOpen;
    setAttribute(part.button, "aria-expanded", String(part.isOpen));
    part.detail.hidden = !part.isOpen;
    part.node.classList.toggle("is-open", part.isOpen);
    opened(part);
  };
  return part;
}

function drawOrder(part, row, state) {
  part.order = row;
  const { broker_name: broker, side, price } = part.cells;
  const time = clockTimeOn(row.order_time, state.time);
  if (setText(part.time, time)) setAttribute(part.button, "aria-label", `${time}, life of order ${row.order_id}`);
  setText(broker, row.broker_name);
  setText(side, SIDES[row.side] ?? row.side ?? UNKNOWN);
  setAttribute(side, "title", row.side ?? "");
  setClass(side, `side ${row.side === "BUY" ? "buy" : row.side === "SELL" ? "sell" : ""}`);
  setText(part.symbol, row.symbol ?? UNKNOWN);
  setText(part.count, `${number(row.filled_quantity)} / ${number(row.quantity)}`);
  const share = row.quantity ? Math.min(1, (row.filled_quantity ?? 0) / row.quantity) : 0;
  part.bar.hidden = share === 0 || share === 1;
  part.done.style.width = `${Math.round(share * 100)}%`;
  setText(price, orderPrice(row.average_price ?? row.price, row.decimals));
  const changed = setText(part.word, statusWords(row.status));
  setClass(part.word, `word is-${row.status.toLowerCase()}`);
  if (changed && part.status !== null) flash(part.node, 0);
  part.status = row.status;
  setText(part.note, row.status_note ?? "");
  setText(part.reason, row.reject_reason ?? "");
  setText(part.doubt, row.doubt ? `not sure: ${row.doubt}` : "");
  if (part.isOpen) drawDetail(part, state);
}

function furtherBack({ order, problem }) {
  const node = make("p", "quiet", problem ?? "Its steps lie further back than what is sent along; in Python: ");
  // What a broker sent is never part of code that somebody may run.
  if (!problem) node.append(make("code", "", "feed.order_events"), ", order_id ", make("code", "", order.order_id));
  return node;
}

function drawDetail(part, state) {
  if (!part.isOpen) return;
  const { order } = part;
  const { histories } = state;
  const own = histories.orders[nameOf(order)];
  const steps = own ? own.map((row) => fields(histories.columns, row)) : part.steps;
  const mark = `${order.last_update}|${steps?.length}|${part.problem ?? ""}`;
  if (part.drawnMark === mark) return;
  part.drawnMark = mark;
  const old = steps && !own && part.stepsOf !== order.last_update;
  part.inside.replaceChildren(
    steps ? timeline(steps, order, state.time) : furtherBack(part),
    ...(old ? [make("p", "quiet", "Something happened since; close and open it again.")] : []),
    orderFacts(order, state.time),
  );
}
