// The live quote table: rows keep their place unless the user sorts, changes flash, an old quote turns grey.

import { HEADS } from "./heads.js";
import { flash, lines, link, make, panel, setClass, setText } from "./nodes.js";
import { searchBox } from "./search.js";
import { longTable } from "./table.js";
import { noSourceLines, number, plural, wholeAge, written } from "./words.js";

const QUOTE_COLUMNS = HEADS.quotes.map((head) => ({ ...head, sorts: true }));
const AGE_CELL = QUOTE_COLUMNS.findIndex(({ writing }) => writing === "age") - 1;
const OLD_QUOTE_S = 60;
const JUST_NOW_S = 2;

export function quotes(actions) {
  const { node, head } = panel("quotes", "Quotes");
  const count = make("span", "quiet");
  head.append(count, ...(actions?.csv ? [link("CSV", actions.csv.quotes)] : []));
  const noSource = lines("unknown");
  const empty = make("p", "empty");
  empty.append("Nothing is subscribed yet. ");
  if (actions) empty.append("Look for an instrument above, or in ");
  else empty.append("In ");
  empty.append("Python say ", make("code", "", 'feed.subscribe("NIFTY")'), "; names under ",
    make("code", "", "subscribe:"), " in config.yaml are subscribed from the start.");
  let instruments = { revision: null, symbol: [], exchange: [], exchanges: [], decimals: [], gone: [] };
  let figures = null;
  let now = null;
  let sorted = { key: null, direction: 0 };
  let inPlace = [];
  const table = longTable({
    label: "Quotes", caption: "Latest quote of each subscribed instrument", columns: QUOTE_COLUMNS,
    makeRow: () => quoteRow(actions ? letGo : null),
    writeRow(row, number, isOther) {
      if (isOther && row.letGo) row.letGo.hidden = !held.has(nameOf(number));
      writeQuote(row, number, isOther, instruments, figures, now);
    },
    onSort: (key, direction) => {
      sorted = { key, direction };
      redraw();
    },
  });
  const search = actions ? searchBox(actions, () => instruments, show) : null;
  const gone = lines("empty");
  node.append(...(search ? [search.node] : []), noSource.node, empty, gone.node, table.node);

  function redraw() {
    if (figures) table.draw(sorted.key ? inOrder(inPlace, sorted, instruments, figures) : inPlace);
  }

  // What was added comes into sight, as soon as the service tells of it.
  let awaited = null;
  function show(name) {
    awaited = name;
    const place = instruments.symbol.findIndex((_, number) => nameOf(number) === name);
    if (place < 0 || !figures) return;
    awaited = null;
    const row = table.reveal(place);
    if (row) flash(row.node, 0);
  }

  // What the page itself holds are the rows that it can let go.
  let held = new Set();
  const nameOf = (number) => `${instruments.exchanges[instruments.exchange[number]]}:${instruments.symbol[number]}`;
  async function askHeld() {
    try {
      held = await actions.held();
    } catch {
      held = new Set(); // then nothing is offered
    }
    table.forget();
    redraw();
  }

  async function letGo(number) {
    const symbol = instruments.symbol[number];
    try {
      await actions.letGo({ symbol, exchange: instruments.exchanges[instruments.exchange[number]] });
      search.say(`${symbol} is let go.`);
    } catch (error) {
      search.say(actions.problemOf(error));
    }
  }

  return {
    node,
    draw(state, moment) {
      // Names and figures may come apart; rows of one are never shown with those of the other.
      if (state.quotes.revision !== state.instruments.revision) return;
      if (state.instruments.revision !== instruments.revision) {
        inPlace = state.instruments.symbol.map((_, place) => place);
        table.forget();
        if (actions) askHeld();
      }
      instruments = state.instruments;
      figures = state.quotes;
      now = moment === null ? null : (moment - Date.parse(figures.since)) / 1000;
      const { count: all, no_source: why } = figures;
      noSource.draw(noSourceLines(why));
      empty.hidden = all > 0 || why.length > 0;
      gone.draw(goneLines(instruments.gone));
      table.node.hidden = inPlace.length === 0;
      setText(count, inPlace.length < all
        ? `${number(inPlace.length)} of ${plural(all, "instrument")}` : plural(all, "instrument"));
      redraw();
      if (awaited !== null) show(awaited);
    },
    show,
    close: () => {
      table.close();
      search?.close();
    },
  };
}

const GONE_NAMED = 3;

// Of what the table was opened for.
function goneLines(names) {
  if (!names.length) return [];
  const more = names.length > GONE_NAMED ? ` and ${number(names.length - GONE_NAMED)} more` : "";
  return [`Not subscribed any more: ${names.slice(0, GONE_NAMED).join(", ")}${more}; feed.subscribe brings it back.`];
}

function quoteRow(letGo) {
  const node = make("tr");
  const name = make("th", "symbol", "", { scope: "row", tabindex: "-1" });
  const symbol = make("span");
  const exchange = make("span", "exchange");
  name.append(symbol, exchange);
  const cells = QUOTE_COLUMNS.slice(1).map(({ className }) => make("td", className));
  const row = { node, symbol, exchange, cells, number: null, shown: [] };
  row.stops = () => [name, ...(row.letGo && !row.letGo.hidden ? [row.letGo] : [])];
  if (letGo) {
    row.letGo = make("button", "let-go", "×", { type: "button", tabindex: "-1" });
    row.letGo.onclick = () => letGo(row.number);
    name.append(row.letGo);
  }
  node.append(name, ...cells);
  return row;
}

const FIGURES = QUOTE_COLUMNS.filter(({ writing }) => writing !== "text" && writing !== "age");
// Of the cells, the first is the symbol's.
const CELLS = FIGURES.map((column) => QUOTE_COLUMNS.indexOf(column) - 1);

function writeQuote(row, place, isOther, instruments, figures, now) {
  const decimals = instruments.decimals[place];
  if (isOther) {
    const symbol = instruments.symbol[place];
    setText(row.symbol, symbol);
    setText(row.exchange, instruments.exchanges[instruments.exchange[place]]);
    row.symbol.title = `${symbol} at ${instruments.exchanges[instruments.exchange[place]]}`;
    row.letGo?.setAttribute("aria-label", `let ${symbol} go`);
  }
  const before = row.shown;
  for (let at = 0; at < FIGURES.length; at += 1) {
    const { key, writing, className } = FIGURES[at];
    const value = figures[key][place];
    if (!isOther && before[at] === value) continue;
    const cell = row.cells[CELLS[at]];
    setText(cell, written(writing, value, decimals));
    if (writing === "change") setClass(cell, value > 0 ? `${className} up` : value < 0 ? `${className} down` : className);
    else if (writing === "quantity") cell.title = value >= 1e5 ? number(value) : "";
    // Prices flash: quantities grow with each trade, and a table in which all flashes shows nothing.
    else if (writing === "price" && isOther) setClass(cell, className);
    else if (writing === "price" && value !== null && before[at] !== null) flash(cell, value - before[at]);
    before[at] = value;
  }
  const received = figures.received_s[place];
  const seconds = received === null || now === null ? null : Math.max(0, now - received);
  const age = row.cells[AGE_CELL];
  setText(age, seconds !== null && seconds < JUST_NOW_S ? "now" : wholeAge(seconds));
  const isAged = seconds !== null && seconds >= OLD_QUOTE_S;
  if (row.isAged !== isAged) {
    row.isAged = isAged;
    row.symbol.classList.toggle("aged", isAged);
    for (const cell of row.cells) cell.style.color = isAged ? "var(--quiet)" : "";
  }
}

function inOrder(places, { key, direction }, instruments, figures) {
  const isAge = QUOTE_COLUMNS.find((column) => column.key === key).writing === "age";
  const values = key === "symbol" ? instruments.symbol : isAge ? figures.received_s : figures[key];
  // An age grows while the time of receipt falls.
  const turn = isAge ? -direction : direction;
  return [...places].sort((one, other) => {
    const [first, second] = [values[one], values[other]];
    if (first === second) return one - other;
    if (first === null) return 1;
    if (second === null) return -1;
    return first < second ? -turn : turn;
  });
}
