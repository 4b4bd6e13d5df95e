// A small chart of areas over the last seconds, as SVG that stretches to its place.

const SVG = "http://www.w3.org/2000/svg";
const CHART_WIDTH = 240;
const CHART_HEIGHT = 40;

function drawn(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// names: one area each, the first at the back.
export function areaChart(kind, names) {
  const node = drawn("svg", {
    viewBox: `0 0 ${CHART_WIDTH} ${CHART_HEIGHT}`, preserveAspectRatio: "none", class: `chart ${kind}`, "aria-hidden": "true",
  });
  const areas = names.map((name) => node.appendChild(drawn("path", { class: name })));
  // series: lists of the same span in seconds, which may not be full yet; top: the value at the upper edge.
  function draw(series, span, top) {
    series.forEach((values, place) => {
      const step = CHART_WIDTH / (span - 1);
      const first = CHART_WIDTH - (values.length - 1) * step;
      const points = values.map((value, at) =>
        `${(first + at * step).toFixed(1)} ${(CHART_HEIGHT - (value / top) * (CHART_HEIGHT - 2)).toFixed(1)}`);
      const path = values.length < 2 ? "" : `M${first.toFixed(1)} ${CHART_HEIGHT}L${points.join("L")}L${CHART_WIDTH} ${CHART_HEIGHT}Z`;
      if (areas[place].shownPath === path) return;
      areas[place].shownPath = path;
      areas[place].setAttribute("d", path);
    });
  }
  return { node, draw };
}

// The next round number, for the upper edge.
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}
