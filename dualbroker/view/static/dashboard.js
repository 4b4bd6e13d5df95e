// Draws the state that dualbroker/view/state.py makes, wherever it is shown.
//
// render(element, state, { notice, agedMs }) may be called as often as wanted: it touches only what
// changed. Everything from outside gets in as text, never as markup.

const drawings = new WeakMap();
const UNKNOWN = "–";
const MINUS = "−";

export function render(element, state, { notice = "", agedMs = 0 } = {}) {
  let drawing = drawings.get(element);
  if (!drawing) {
    drawing = skeleton(element);
    drawings.set(element, drawing);
  }
  drawing.notice.hidden = !notice;
  setText(drawing.notice, notice);
  element.classList.toggle("is-old", Boolean(notice));
  if (!state) return;
  const now = state.time === null ? null : Date.parse(state.time) + agedMs;
  drawHeadline(drawing, state);
  drawCards(drawing, state, now);
  drawQuotes(drawing, state);
  drawAges(drawing, state, now);
  drawOrders(drawing, state);
  drawFailovers(drawing, state);
  drawIncidents(drawing, state);
  drawTraffic(drawing, state);
}

// --- Small helpers -----------------------------------------------------------------------------

function make(tag, className = "", text = "", attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function setText(node, text) {
  if (node.textContent === text) return false;
  node.textContent = text;
  return true;
}

function setClass(node, className) {
  if (node.className !== className) node.className = className;
}

function flash(node, direction) {
  node.classList.remove("flash-up", "flash-down", "flash");
  void node.offsetWidth; // so that the same flash can begin anew
  node.classList.add(direction > 0 ? "flash-up" : direction < 0 ? "flash-down" : "flash");
}

const formats = new Map();

function number(value, decimals = 0, most = decimals) {
  if (value === null || value === undefined) return UNKNOWN;
  const key = `${decimals}/${most}`;
  if (!formats.has(key)) {
    const options = { minimumFractionDigits: decimals, maximumFractionDigits: most };
    formats.set(key, new Intl.NumberFormat("en-IN", options));
  }
  return formats.get(key).format(value).replace("-", MINUS);
}

function signed(value, decimals) {
  return value > 0 ? `+${number(value, decimals)}` : number(value, decimals);
}

function bytes(value) {
  if (value === null || value === undefined) return UNKNOWN;
  if (value < 1000) return `${number(value)} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let size = value;
  let unit = -1;
  do {
    size /= 1000;
    unit += 1;
  } while (size >= 1000 && unit < units.length - 1);
  return `${number(size, size < 100 ? 1 : 0)} ${units[unit]}`;
}

function secondsSince(moment, now) {
  return moment === null || now === null ? null : Math.max(0, (now - Date.parse(moment)) / 1000);
}

function age(moment, now) {
  const seconds = secondsSince(moment, now);
  if (seconds === null) return UNKNOWN;
  if (seconds < 5) return `${number(seconds, 1)} s`;
  if (seconds < 120) return `${number(Math.floor(seconds))} s`;
  if (seconds < 7200) return `${number(Math.floor(seconds / 60))} min`;
  return `${number(Math.floor(seconds / 3600))} h`;
}

// Moments come in Indian time, so its digits are the clock to show.
function clock(moment) {
  return moment === null ? UNKNOWN : moment.slice(11, 19);
}

// What happened on another day says on which.
function when(moment, now) {
  if (moment === null || now === null || moment.slice(0, 10) === now.slice(0, 10)) return clock(moment);
  const day = new Date(`${moment.slice(0, 10)}T00:00:00Z`);
  return `${day.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" })} ${clock(moment)}`;
}

// One node per key, in the order of the rows; nodes of rows that are gone are removed.
function keyed(parent, known, rows, keyOf, create) {
  const wanted = new Set();
  rows.forEach((row, place) => {
    const key = keyOf(row);
    wanted.add(key);
    if (!known.has(key)) known.set(key, create(row));
    const node = known.get(key).node;
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
  for (const [key, part] of known) {
    if (!wanted.has(key)) {
      part.node.remove();
      known.delete(key);
    }
  }
}

function table(caption, columns) {
  const node = make("table");
  node.append(make("caption", "unseen", caption));
  const head = node.createTHead().insertRow();
  for (const [title, className] of columns) head.append(make("th", className, title, { scope: "col" }));
  return { node, body: node.createTBody() };
}

// A table scrolls inside itself, also by keyboard.
function scrolling(label, node) {
  const box = make("div", "scrolls", "", { tabindex: "0", role: "region", "aria-label": label });
  box.append(node);
  return box;
}

// What is not known, broker by broker: an empty table alone would read as a fact.
function unknowns() {
  return { node: make("ul", "unknown") };
}

function drawUnknowns(part, words) {
  part.node.hidden = words.length === 0;
  if (part.words === words.join("\n")) return;
  part.words = words.join("\n");
  part.node.replaceChildren(...words.map((text) => make("li", "", text)));
}

// --- The parts, made once ------------------------------------------------------------------------

const QUOTE_COLUMNS = [
  ["Symbol", ""], ["LTP", "number"], ["Chg %", "number"], ["Bid", "number"], ["Ask", "number"],
  ["Volume", "number wide-only"], ["OI", "number wide-only"], ["Age", "number wide-only"],
];
const ORDER_COLUMNS = [
  ["Time", "wide-only"], ["Broker", ""], ["State", "order-state"], ["B/S", ""], ["Symbol", ""],
  ["Filled", "number filled"],
  ["Price", "number"],
];
const FAILOVER_COLUMNS = [
  ["Time", ""], ["From → to, and why", "words"], ["Found after", "number"], ["Gap p50", "number wide-only"],
  ["p99", "number wide-only"], ["Gap max", "number"],
];
const INCIDENT_COLUMNS = [["Time", ""], ["Broker", ""], ["What happened, and what was done", "words"]];
const SHOWN = {
  all: () => true,
  open: (row) => !row.final,
  complete: (row) => row.status === "COMPLETE",
  canceled: (row) => row.status === "CANCELED",
  rejected: (row) => row.status === "REJECTED",
};
const SIDES = { BUY: "B", SELL: "S" };
const OLD_QUOTE_S = 60;

function skeleton(element) {
  element.replaceChildren();
  const drawing = {
    cards: new Map(), quoteRows: new Map(), orderRows: new Map(),
    failoverRows: new Map(), incidentRows: new Map(), tabs: new Map(), charts: new Map(),
    broker: "all", show: "all", redrawOrders: null,
  };
  drawing.notice = make("p", "notice", "", { role: "status" });

  const bar = make("header", "bar");
  drawing.mode = make("span", "mode");
  drawing.time = make("span", "time");
  drawing.source = make("span", "source");
  drawing.orderSource = make("span", "quiet");
  drawing.saved = make("span", "saved");
  drawing.verdict = make("span");
  bar.append(make("h1", "", "dualbroker"), drawing.mode, drawing.verdict, drawing.time, drawing.source,
    drawing.orderSource, drawing.saved);

  drawing.cardsBox = make("section", "cards", "", { "aria-label": "Brokers" });

  const quotes = make("section", "panel quotes");
  const quotesHead = make("div", "head");
  drawing.quoteCount = make("span", "quiet");
  quotesHead.append(make("h2", "", "Quotes"), drawing.quoteCount);
  const quoteTable = table("Latest quote of each subscribed instrument", QUOTE_COLUMNS);
  drawing.quoteBody = quoteTable.body;
  drawing.noQuotes = make("p", "empty");
  drawing.noQuotes.append("Nothing is subscribed yet. Put names under ", make("code", "", "subscribe:"),
    " in config.yaml, or in Python say ", make("code", "", 'feed.subscribe("NIFTY")'), ".");
  drawing.noSource = unknowns();
  quotes.append(quotesHead, drawing.noSource.node, drawing.noQuotes, scrolling("Quotes", quoteTable.node));

  const orders = make("section", "panel orders");
  const ordersHead = make("div", "head");
  drawing.tabsBox = make("div", "choices", "", { role: "group", "aria-label": "Orders of" });
  const shows = make("div", "choices", "", { role: "group", "aria-label": "Orders that are" });
  const showButtons = Object.keys(SHOWN).map((name) => {
    const button = make("button", "", name, { type: "button", "aria-pressed": String(name === "all") });
    button.onclick = () => {
      drawing.show = name;
      for (const other of showButtons) other.setAttribute("aria-pressed", String(other === button));
      drawing.redrawOrders?.();
    };
    return button;
  });
  shows.append(...showButtons);
  ordersHead.append(make("h2", "", "Orders"), drawing.tabsBox, shows);
  const orderTable = table("Latest state of each order, the newest first", ORDER_COLUMNS);
  drawing.orderBody = orderTable.body;
  drawing.noOrders = make("p", "empty");
  drawing.unread = unknowns();
  orders.append(ordersHead, drawing.unread.node, drawing.noOrders, scrolling("Orders", orderTable.node));

  drawing.failovers = log("failovers", "Failovers", FAILOVER_COLUMNS,
    "The quotes have stayed where they are. When their broker fails, another takes over by itself; "
      + "what that cost is measured and listed here.");
  drawing.incidents = log("incidents", "Incidents", INCIDENT_COLUMNS,
    "Nothing went wrong yet. Whatever does is listed here, with what was done about it.");

  const traffic = make("section", "panel traffic");
  const trafficHead = make("div", "head");
  drawing.rate = make("span", "quiet");
  trafficHead.append(make("h2", "", "Bytes per second"), drawing.rate);
  drawing.total = chart("total", ["naive", "carried"]);
  const legend = make("p", "legend");
  legend.append(make("span", "key carried"), "carried, measured", make("span", "key naive"),
    "every broker streaming quotes, estimated");
  drawing.how = make("p", "quiet");
  traffic.append(trafficHead, drawing.total.node, legend, drawing.how);

  element.append(bar, drawing.notice, drawing.cardsBox, orders, quotes,
    drawing.incidents.node, drawing.failovers.node, traffic);
  return drawing;
}

// A list of what happened, the newest first, that says so while it is empty.
function log(className, title, columns, emptyWords) {
  const part = { node: make("section", `panel log ${className}`), drawn: null };
  const head = make("div", "head");
  part.count = make("span", "quiet");
  head.append(make("h2", "", title), part.count);
  const rows = table(`${title}, the newest first`, columns);
  part.body = rows.body;
  part.empty = make("p", "empty", emptyWords);
  part.box = scrolling(title, rows.node);
  part.node.append(head, part.empty, part.box);
  return part;
}

// Whether there is anything new to draw.
function drawLog(part, list, now) {
  const today = now === null ? null : now.slice(0, 10);
  if (part.drawn === list && part.today === today) return false;
  part.drawn = list;
  part.today = today;
  part.empty.hidden = list.count > 0;
  part.box.hidden = list.count === 0;
  const { rows, count } = list;
  setText(part.count, rows.length < count ? `newest ${number(rows.length)} of ${number(count)}` : count ? number(count) : "");
  return true;
}

// --- Headline and cards ------------------------------------------------------------------------

function drawHeadline(drawing, state) {
  setText(drawing.mode, state.mode);
  setClass(drawing.mode, `mode ${state.mode.toLowerCase()}`);
  const wrong = state.problems.length;
  setText(drawing.verdict, wrong ? `${wrong} ${wrong === 1 ? "problem" : "problems"}` : "all well");
  setClass(drawing.verdict, wrong ? "verdict bad" : "verdict");
  setText(drawing.time, `${state.market.words} · ${clock(state.time)} IST`);
  setText(drawing.source, state.headline.quotes);
  setText(drawing.orderSource, state.headline.orders);
  const { saved_percent: percent, saved_quote_bytes: saved } = state.traffic.savings;
  setText(drawing.saved, percent ? `saved ${number(percent, 1)} % · ${bytes(saved)} of quotes (estimated)` : "");
}

function card(row) {
  const part = { node: make("article", "card"), facts: new Map() };
  const top = make("div", "top");
  part.state = make("span", "state");
  part.simulated = make("span", "mode simulated", row.simulated ? "SIMULATED" : "");
  part.simulated.hidden = !row.simulated;
  top.append(make("h2", "", row.broker_name), part.state, part.simulated,
    make("span", "quiet account", row.simulated ? row.account : `${row.type} ${row.account}`));
  part.role = make("p", "role");
  part.market = make("p", "market");
  part.failover = make("p", "failover");
  part.problems = make("ul", "problems");
  const facts = make("dl", "facts");
  for (const name of ["tick", "order", "latency", "reconnects", "quotes", "orders", "control", "subscribed"]) {
    const value = make("dd");
    const box = make("div");
    box.append(make("dt", "", name), value);
    facts.append(box);
    part.facts.set(name, value);
  }
  part.chart = chart("broker", ["carried"]);
  part.node.append(top, part.role, part.market, part.problems, part.failover, part.chart.node, facts);
  return part;
}

function drawCards(drawing, state, now) {
  keyed(drawing.cardsBox, drawing.cards, state.brokers, (row) => row.broker_name, card);
  for (const row of state.brokers) {
    const part = drawing.cards.get(row.broker_name);
    setClass(part.node, `card is-${row.state}`);
    setText(part.state, row.state);
    setText(part.role, row.duty);
    setText(part.market, row.market);
    setText(part.failover, row.failover);
    part.role.classList.toggle("primary", row.duty === "quotes and orders");
    if (part.problemText !== row.problems.join("\n")) {
      part.problemText = row.problems.join("\n");
      part.problems.replaceChildren(...row.problems.map((text) => make("li", "", text)));
    }
    const facts = {
      tick: row.role === "orders only" ? "none, by plan" : age(row.last_quote, now),
      order: age(row.last_order, now),
      latency: row.latency_ms === null ? UNKNOWN : `${number(row.latency_ms, 1)} ms`,
      quotes: rate(row.bytes_per_second.quotes),
      orders: rate(row.bytes_per_second.orders),
      control: rate(row.bytes_per_second.control),
      subscribed: row.subscriptions === row.acknowledged
        ? number(row.subscriptions) : `${number(row.acknowledged)} of ${number(row.subscriptions)}`,
      reconnects: number(row.reconnects),
    };
    for (const [name, text] of Object.entries(facts)) setText(part.facts.get(name), text);
    const history = state.traffic.history;
    drawChart(part.chart, { carried: history.by_broker[row.broker_name] ?? [] }, history.span_s,
      Math.max(1, ...Object.values(history.by_broker).flat()));
  }
}

function rate(value) {
  return value === null || value === undefined ? UNKNOWN : `${bytes(Math.round(value))}/s`;
}

// --- Quotes --------------------------------------------------------------------------------------

function quoteRow(row) {
  const node = make("tr");
  const name = make("th", "symbol", row.symbol, { scope: "row" });
  name.append(make("span", "exchange", ` ${row.exchange}`));
  const cells = QUOTE_COLUMNS.slice(1).map(([, className]) => make("td", className));
  node.append(name, ...cells);
  return { node, cells, ltp: null };
}

function drawQuotes(drawing, state) {
  const { rows, count, no_source: noSource } = state.quotes;
  if (drawing.drawnQuotes === rows) return;
  drawing.drawnQuotes = rows;
  drawUnknowns(drawing.noSource, noSource.length
    ? ["No broker carries quotes.", ...noSource.map((row) => `${row.broker_name}: ${row.why}`)] : []);
  drawing.noQuotes.hidden = count > 0 || noSource.length > 0;
  drawing.quoteBody.parentElement.parentElement.hidden = count === 0;
  setText(drawing.quoteCount, rows.length < count ? `${number(rows.length)} of ${number(count)} instruments` : `${number(count)} instruments`);
  keyed(drawing.quoteBody, drawing.quoteRows, rows, (row) => `${row.exchange}|${row.token}`, quoteRow);
  for (const row of rows) {
    const part = drawing.quoteRows.get(`${row.exchange}|${row.token}`);
    const [ltp, change, bid, ask, volume, interest] = part.cells;
    const changed = setText(ltp, number(row.ltp, row.decimals));
    if (changed && part.ltp !== null && row.ltp !== null) flash(ltp, row.ltp - part.ltp);
    part.ltp = row.ltp;
    setText(change, signed(row.change_percent, 2));
    change.classList.toggle("up", row.change_percent > 0);
    change.classList.toggle("down", row.change_percent < 0);
    setText(bid, number(row.bid, row.decimals));
    setText(ask, number(row.ask, row.decimals));
    setText(volume, number(row.volume));
    setText(interest, number(row.open_interest));
  }
}

function drawAges(drawing, state, now) {
  for (const row of state.quotes.rows) {
    const part = drawing.quoteRows.get(`${row.exchange}|${row.token}`);
    const seconds = secondsSince(row.receive_time, now);
    setText(part.cells.at(-1), seconds !== null && seconds < 2 ? "now" : age(row.receive_time, now));
    part.node.classList.toggle("aged", seconds !== null && seconds >= OLD_QUOTE_S);
  }
}

// --- Orders --------------------------------------------------------------------------------------

function orderKey(row) {
  return `${row.broker_name}|${row.trading_day}|${row.order_id}`;
}

function orderRow(row) {
  const part = { node: make("tr"), status: null };
  part.cells = ORDER_COLUMNS.map(([, className]) => make("td", className));
  const [time, broker, state, side, symbol, filled] = part.cells;
  time.textContent = clock(row.order_time);
  time.classList.add("time");
  broker.textContent = row.broker_name;
  part.count = make("span");
  part.bar = make("span", "fill", "", { "aria-hidden": "true" });
  part.done = part.bar.appendChild(make("span"));
  filled.append(part.count, part.bar);
  part.word = make("span", "word");
  state.append(part.word);
  part.symbol = make("span");
  part.reason = make("span", "reason");
  symbol.append(part.symbol, part.reason);
  side.classList.add("side");
  symbol.classList.add("symbol");
  part.node.append(...part.cells);
  return part;
}

function drawOrders(drawing, state) {
  if (drawing.drawnOrders === state.orders) return;
  drawing.drawnOrders = state.orders;
  drawing.redrawOrders = () => drawOrderRows(drawing, state.orders);
  const counts = Object.entries(state.orders.counts);
  const tabs = [["all", counts.reduce((sum, [, count]) => sum + count, 0)], ...counts];
  keyed(drawing.tabsBox, drawing.tabs, tabs, ([name]) => name, ([name]) => {
    const node = make("button", "", "", { type: "button" });
    node.onclick = () => {
      drawing.broker = name;
      drawing.redrawOrders();
    };
    return { node };
  });
  for (const [name, count] of tabs) setText(drawing.tabs.get(name).node, `${name} ${number(count)}`);
  drawOrderRows(drawing, state.orders);
}

function drawOrderRows(drawing, orders) {
  for (const [name, tab] of drawing.tabs) {
    tab.node.setAttribute("aria-pressed", String(name === drawing.broker));
  }
  const rows = orders.rows.filter(
    (row) => (drawing.broker === "all" || row.broker_name === drawing.broker) && SHOWN[drawing.show](row));
  const unread = orders.unread.filter((row) => drawing.broker === "all" || row.broker_name === drawing.broker);
  drawUnknowns(drawing.unread, unread.map((row) => `Unknown for ${row.broker_name}: ${row.why}`));
  const ofBroker = orders.rows.some((row) => drawing.broker === "all" || row.broker_name === drawing.broker);
  drawing.noOrders.hidden = rows.length > 0 || (unread.length > 0 && !ofBroker);
  drawing.orderBody.parentElement.parentElement.hidden = rows.length === 0;
  setText(drawing.noOrders, ofBroker
    ? "None of the orders known is one of these."
    : "No order today yet. Orders placed anywhere on the account show up here by themselves.");
  keyed(drawing.orderBody, drawing.orderRows, rows, orderKey, orderRow);
  for (const row of rows) drawOrder(drawing.orderRows.get(orderKey(row)), row);
}

function drawOrder(part, row) {
  const side = part.cells[3];
  const price = part.cells.at(-1);
  setText(side, SIDES[row.side] ?? row.side ?? UNKNOWN);
  side.title = row.side ?? "";
  setClass(side, `side ${row.side === "BUY" ? "buy" : row.side === "SELL" ? "sell" : ""}`);
  setText(part.symbol, row.symbol ?? UNKNOWN);
  setText(part.count, `${number(row.filled_quantity)} / ${number(row.quantity)}`);
  const share = row.quantity ? Math.min(1, (row.filled_quantity ?? 0) / row.quantity) : 0;
  part.bar.hidden = share === 0 || share === 1;
  part.done.style.width = `${Math.round(share * 100)}%`;
  setText(price, number(row.average_price ?? row.price, 2, 4));
  const changed = setText(part.word, row.status.replaceAll("_", " "));
  setClass(part.word, `word is-${row.status.toLowerCase()}`);
  if (changed && part.status !== null) flash(part.node, 0);
  part.status = row.status;
  setText(part.reason, row.reject_reason ?? "");
  part.node.title = row.remarks ? `remarks: ${row.remarks}` : "";
}

// --- What went wrong -----------------------------------------------------------------------------

function seconds(value) {
  if (value === null || value === undefined) return UNKNOWN;
  if (value < 10) return `${number(value, value < 1 ? 3 : 2)} s`;
  return `${number(value, 1)} s`;
}

function logRow(columns) {
  const part = { node: make("tr") };
  part.cells = columns.map(([, className]) => make("td", className));
  part.node.append(...part.cells);
  return part;
}

function drawFailovers(drawing, state) {
  const part = drawing.failovers;
  if (!drawLog(part, state.failovers, state.time)) return;
  const { rows } = state.failovers;
  keyed(part.body, drawing.failoverRows, rows, (row) => row.number, () => {
    const made = logRow(FAILOVER_COLUMNS);
    made.cells[0].classList.add("time");
    made.lines = ["", "reason", "reason open"].map((className) => made.cells[1].appendChild(make("span", className)));
    return made;
  });
  for (const row of rows) {
    const { cells, lines } = drawing.failoverRows.get(row.number);
    const [time, , found, p50, p99, max] = cells;
    setText(time, when(row.time, state.time));
    setText(lines[0], `${row.from_broker} → ${row.to_broker}`);
    setText(lines[1], row.why);
    setText(lines[2], leftOpen(row));
    setText(found, row.planned ? "planned" : seconds(row.detected_after_s));
    setText(p50, seconds(row.gap_p50_s));
    setText(p99, seconds(row.gap_p99_s));
    setText(max, seconds(row.gap_max_s));
  }
}

function leftOpen(row) {
  if (!row.finished) return `${number(row.moved)} of ${number(row.instruments)} instruments so far`;
  const count = row.uncovered_count;
  if (!count) return "";
  const more = count > row.uncovered.length ? ` and ${number(count - row.uncovered.length)} more` : "";
  return `not covered by ${row.to_broker}: ${row.uncovered.join(", ")}${more}`;
}

function drawIncidents(drawing, state) {
  const part = drawing.incidents;
  if (!drawLog(part, state.incidents, state.time)) return;
  const { rows } = state.incidents;
  keyed(part.body, drawing.incidentRows, rows, (row) => row.number, (row) => {
    // An incident never changes once it is noted.
    const made = logRow(INCIDENT_COLUMNS);
    const [time, broker, words] = made.cells;
    time.classList.add("time");
    broker.textContent = row.broker_name ?? "all";
    words.append(make("span", "", row.cause), make("span", "reason", row.action));
    return made;
  });
  for (const row of rows) setText(drawing.incidentRows.get(row.number).cells[0], when(row.time, state.time));
}

// --- Traffic ---------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 240;
const HEIGHT = 40;

function chart(kind, names) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  node.setAttribute("preserveAspectRatio", "none");
  node.setAttribute("class", `chart ${kind}`);
  node.setAttribute("aria-hidden", "true");
  const areas = new Map(names.map((name) => {
    const area = node.appendChild(document.createElementNS(SVG, "path"));
    area.setAttribute("class", name);
    return [name, area];
  }));
  return { node, areas };
}

function drawChart(chartPart, series, span, top) {
  for (const [name, values] of Object.entries(series)) {
    const step = WIDTH / (span - 1);
    const first = WIDTH - (values.length - 1) * step;
    const points = values.map(
      (value, place) => `${(first + place * step).toFixed(1)} ${(HEIGHT - (value / top) * (HEIGHT - 2)).toFixed(1)}`);
    const path = values.length < 2 ? "" : `M${first.toFixed(1)} ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`;
    const area = chartPart.areas.get(name);
    if (area.getAttribute("d") !== path) area.setAttribute("d", path);
  }
}

function drawTraffic(drawing, state) {
  if (drawing.drawnTraffic === state.traffic) return;
  drawing.drawnTraffic = state.traffic;
  const { history, bytes_per_second: now, savings } = state.traffic;
  setText(drawing.rate, now.carried === null
    ? UNKNOWN
    : `now ${rate(now.carried)} · every broker streaming quotes: about ${rate(now.naive_estimate)}`);
  drawChart(drawing.total, { naive: history.naive_estimate, carried: history.carried }, history.span_s,
    Math.max(1, ...history.naive_estimate, ...history.carried));
  setText(drawing.how, savings.saved_percent === null ? "" :
    `${bytes(savings.quote_bytes)} of quotes carried, ${bytes(savings.saved_quote_bytes)} saved; ${savings.how}.`);
}
