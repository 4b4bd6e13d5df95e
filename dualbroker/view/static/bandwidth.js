// What flows now beside what the naive plan would carry, and what was saved since the start.

import { areaChart, roundUp } from "./chart.js";
import { make, panel, setText } from "./nodes.js";
import { UNKNOWN, byteRate, byteSize, number, percent } from "./words.js";

export function bandwidth() {
  const { node, head } = panel("traffic", "Bytes per second");
  const how = make("span", "quiet");
  const chart = areaChart("total", ["naive", "carried"]);
  const top = make("span", "axis top");
  const begin = make("span", "axis begin");
  const frame = make("div", "chart-frame");
  frame.append(chart.node, top, begin, make("span", "axis end", "now"));
  const legend = make("dl", "figures");
  const now = figure(legend, "carried", "carried, measured");
  const naive = figure(legend, "naive", "naive plan, estimated");
  const saved = figure(legend, "", "saved since the start, estimated");
  head.append(how);
  node.append(legend, frame);
  return {
    node,
    draw(state) {
      const { history, bytes_per_second: rates, savings } = state.traffic;
      setText(now, byteRate(rates.carried));
      setText(naive, byteRate(rates.naive_estimate));
      setText(saved, savings.saved_percent === null
        ? UNKNOWN : `${byteSize(savings.saved_quote_bytes)} of quotes · ${percent(savings.saved_percent)}`);
      setText(how, savings.saved_percent === null ? "" : savings.how);
      const limit = roundUp(Math.max(1, ...history.naive_estimate, ...history.carried));
      chart.draw([history.naive_estimate, history.carried], history.span_s, limit);
      setText(top, byteRate(limit));
      setText(begin, `${number(history.span_s)} s ago`);
    },
  };
}

function figure(list, key, words) {
  const box = make("div");
  const name = make("dt", "", words);
  if (key) name.prepend(make("span", `key ${key}`));
  const value = make("dd");
  box.append(name, value);
  list.append(box);
  return value;
}
