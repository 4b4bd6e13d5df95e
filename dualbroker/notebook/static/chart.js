// A rolling chart of one instrument: a line of ticks, or candles. One text with seen.js and the dashboard's
// words.js.
//
// Traits: `base`, all rows as they were once, and `tail`, the newest ones, both as numbers in bytes:
// number of the first row, fields of a row, current time (ms), change in percent, time of the newest quote (ms),
// then row after row. A row may come again, and what was missed is a gap in the line and nothing worse.
// `options` is what does not change.
// plotly.js is pushed once per kernel by a widget of its own (library.js), is asked for here and waited for.

const IST_MS = 19_800_000; // plotly shows a number as UTC, so the clock of India is added to it
const DAY_MS = 86_400_000;
const HEAD = 5;
const OLD_MS = 5_000; // from then on a price is not drawn as the current one, and a kernel that says nothing is silent
const LOOK_EVERY_MS = 1_000;
const WAIT_MS = 50;
const LONGEST_WAIT_MS = 60_000;
// plotly groups digits by threes unless told otherwise; hundreds of crores are grouped further than any price reaches.
const IN_INDIA = { locale: "en-IN", locales: { "en-IN": { dictionary: {}, format: { grouping: [3, 2, 2, 2, 2, 2] } } } };
const LOOKS = {
  light: { ink: "#24292f", quiet: "#656d76", grid: "#8884", line: "#1f6fb2", up: "#1a7f37", down: "#c02c2c" },
  dark: { ink: "#e6e8ea", quiet: "#9aa4ae", grid: "#8884", line: "#6cb6ff", up: "#5fd07a", down: "#ff8a80" },
};

async function plotly(node) {
  const until = performance.now() + LONGEST_WAIT_MS;
  while (!window.Plotly?.react) {
    window.dualbrokerPlotly?.(); // it may come after its charts
    if (performance.now() > until) {
      node.textContent = "plotly.js has not arrived; run the cell again.";
      return null;
    }
    await new Promise((go) => setTimeout(go, WAIT_MS));
  }
  return window.Plotly;
}

function isDark() {
  const lab = document.body.dataset.jpThemeLight;
  return lab === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : lab === "false";
}

function make(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

function numbers(view) {
  if (!view?.byteLength) return null;
  // A copy, for the bytes need not lie where numbers may.
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  return new Float64Array(bytes.buffer);
}

// All rows that are known, by running number.
function rowStore(span) {
  const rows = new Map();
  let newest = -1;
  return {
    now: 0,
    change: NaN,
    quoted: NaN,
    take(values) {
      if (!values) return;
      const [first, fields, now, change, quoted] = values;
      for (let at = HEAD, number = first; at < values.length; at += fields, number += 1) {
        // The newest row that was sent before may have been sent again since, and newer.
        if (number < newest && rows.has(number)) continue;
        rows.set(number, values.subarray(at, at + fields));
        newest = Math.max(newest, number);
      }
      if (now >= this.now) [this.now, this.change, this.quoted] = [now, change, quoted];
      const old = this.now - 1.1 * span;
      for (const [number, row] of rows) if (row[0] < old && number < newest - 1) rows.delete(number);
    },
    sorted: () => [...rows].sort((a, b) => a[0] - b[0]),
    get last() {
      return rows.get(newest)?.at(-1);
    },
  };
}

// Solid while a price held for certain; dotted is the last one, since when nothing has come.
function lineTraces(store, look) {
  const x = [];
  const y = [];
  let expected = null;
  for (const [number, row] of store.sorted()) {
    if (expected !== null && number !== expected) {
      x.push(row[0] + IST_MS);
      y.push(null);
    }
    expected = number + 1;
    for (let at = 0; at < row.length; at += 2) {
      if (at && row[at] === row[at - 2]) continue;
      x.push(row[at] + IST_MS);
      y.push(row[at + 1]);
    }
  }
  const line = { type: "scatter", mode: "lines", line: { color: look.line, width: 1.5, shape: "hv" } };
  if (!x.length) return [{ ...line, x, y }];
  const end = Math.max(store.now + IST_MS, x.at(-1));
  const isOld = store.now - store.quoted > OLD_MS;
  const held = isOld ? Math.max(store.quoted + IST_MS, x.at(-1)) : end;
  x.push(held);
  y.push(y.at(-1));
  const beyond = { x: isOld ? [held, end] : [], y: isOld ? [y.at(-1), y.at(-1)] : [] };
  return [{ ...line, x, y }, { ...line, ...beyond, hoverinfo: "skip", line: { color: look.quiet, width: 1.5, dash: "dot" } }];
}

function candleTrace(store, look) {
  const rows = store.sorted().map(([, row]) => row);
  const column = (at) => rows.map((row) => row[at]);
  const side = (colour) => ({ line: { color: colour, width: 1 }, fillcolor: colour });
  return {
    type: "candlestick", x: column(0).map((time) => time + IST_MS), open: column(1), high: column(2),
    low: column(3), close: column(4), increasing: side(look.up), decreasing: side(look.down), whiskerwidth: 0,
  };
}

function layout(look, options, range, { last, width }) {
  const axis = { gridcolor: look.grid, linecolor: look.grid, zeroline: false, color: look.quiet, fixedrange: false };
  return {
    height: options.height - 34, margin: { l: 8, r: Math.max(64, 12 + 7 * number(last ?? 0, options.decimals).length), t: 6, b: 26 }, showlegend: false, dragmode: "pan",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x",
    font: { family: "system-ui, sans-serif", size: 11, color: look.quiet },
    xaxis: { ...axis, type: "date", range, rangeslider: { visible: false }, hoverformat: "%H:%M:%S", nticks: Math.max(2, Math.min(8, width / 90)),
      tickformat: options.span_ms < 900_000 ? "%H:%M:%S" : options.span_ms < DAY_MS ? "%H:%M" : "%d %b %H:%M" },
    yaxis: { ...axis, side: "right", tickformat: `,.${options.decimals}f`, nticks: 6, autorange: true },
    autosize: true, uirevision: "kept", hoverlabel: { font: { family: "system-ui, sans-serif" } },
  };
}

function header(node, options) {
  const parts = {};
  for (const name of ["symbol", "mode", "price", "change", "age", "kind", "notice"]) parts[name] = make("span", name, node);
  parts.symbol.textContent = options.symbol;
  parts.mode.textContent = options.mode;
  parts.mode.classList.add(options.mode.toLowerCase());
  parts.kind.textContent = options.words;
  return (store, silentMs, notice) => {
    const { last } = store;
    parts.price.textContent = Number.isFinite(last) ? options.sign + number(last, options.decimals) : UNKNOWN;
    const ageMs = store.now + silentMs - store.quoted;
    node.classList.toggle("aged", ageMs > OLD_MS);
    parts.age.textContent = ageMs > OLD_MS ? `last ${ageWords(ageMs / 1000)} ago` : "";
    const { change } = store;
    parts.change.className = `change ${change > 0 ? "up" : change < 0 ? "down" : ""}`;
    parts.change.textContent = Number.isNaN(change) ? "" : `${signed(change)} %`;
    const silence = silentMs > OLD_MS ? `Nothing new for ${Math.round(silentMs / 1000)} s. What is shown is old.` : "";
    parts.notice.textContent = notice ?? silence;
  };
}

export default {
  render({ model, el }) {
    const options = model.get("options");
    const store = rowStore(options.span_ms);
    el.classList.add("dualbroker-chart");
    const drawHead = header(make("div", "head", el), options);
    const plot = make("div", "plot", el);
    plot.style.height = `${options.height - 34}px`;
    let library = null;
    let follows = true;
    let seen = true;
    let waiting = false;
    let heardAt = performance.now();

    const draw = () => {
      waiting = false;
      if (!library || !seen) return;
      const look = LOOKS[isDark() ? "dark" : "light"];
      const traces = options.kind === "candles" ? [candleTrace(store, look)] : lineTraces(store, look);
      const end = store.now + IST_MS;
      const range = follows ? [end - options.span_ms, end + options.ahead_ms] : plot.layout.xaxis.range;
      library.react(plot, traces.map((trace) => ({ ...trace, name: options.symbol })), layout(look, options, range, { last: store.last, width: plot.clientWidth }),
        { ...IN_INDIA, displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false });
    };
    const writeHead = () => drawHead(store, performance.now() - heardAt, model.get("options").notice);
    const soon = () => {
      writeHead();
      if (!waiting) requestAnimationFrame(draw);
      waiting = true;
    };
    const take = (name) => {
      heardAt = performance.now();
      store.take(numbers(model.get(name)));
      soon();
    };
    const takeBase = () => take("base");
    const takeTail = () => take("tail");
    model.on("change:base", takeBase);
    model.on("change:tail", takeTail);
    model.on("change:options", soon);
    const theme = new MutationObserver(soon);
    theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    const stopTelling = telling(model, el, (now) => { seen = now; if (now) soon(); });
    const clock = setInterval(() => { if (seen) writeHead(); }, LOOK_EVERY_MS);
    takeBase();
    takeTail();

    let ended = false;
    plotly(plot).then((found) => {
      if (ended || !found) return;
      library = found;
      draw();
      plot.on?.("plotly_relayout", (change) => { if ("xaxis.range[0]" in change) follows = false; });
      plot.on?.("plotly_doubleclick", () => { follows = true; soon(); });
    });
    return () => {
      ended = true;
      stopTelling();
      clearInterval(clock);
      theme.disconnect();
      model.off("change:base", takeBase);
      model.off("change:tail", takeTail);
      model.off("change:options", soon);
      if (library) library.purge(plot);
    };
  },
};
