"""The rolling chart as a browser draws it; the kernel's part is played by hand."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from dualbroker.notebook.live.chart import packed_rows
from dualbroker.notebook.live.widgets import chart_module
from tests.polling import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

SPAN_MS = 60_000.0
OPTIONS: dict[str, Any] = {
    "kind": "line", "symbol": "MRF-EQ", "words": "NSE", "mode": "SIMULATED", "decimals": 2, "sign": "₹",
    "span_ms": SPAN_MS, "ahead_ms": 0, "height": 300,
}  # fmt: skip

DRAW = """async ([source, style, options, base]) => {
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer);
  const calls = new Map();
  const values = { options, base: bytes(base), tail: null };
  window.tell = (name, text) => { values[name] = bytes(text); calls.get(`change:${name}`)(); };
  const model = {
    get: (name) => values[name], send() {}, on: (name, call) => calls.set(name, call), off() {},
  };
  const looks = document.createElement("style");
  looks.textContent = style;
  document.head.append(looks);
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const element = document.createElement("main");
  document.body.replaceChildren(element);
  (await import(url)).default.render({ model, el: element });
}"""


def _packed(prices: list[float], quoted_s_ago: float = 0.0) -> str:
    """A tick a second, the newest so long ago."""
    now_ms = time.time() * 1000
    quoted_ms = now_ms - quoted_s_ago * 1000
    times = quoted_ms - 1000.0 * np.arange(len(prices))[::-1]
    rows = np.column_stack([times, prices] * 3)
    return base64.b64encode(packed_rows(0, rows, now_ms, 0.5, quoted_ms)).decode()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page with plotly.js; at the end its console must be clean."""
    page = browser.new_page(viewport={"width": 900, "height": 400})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_script_tag(
        content=(files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    )
    yield page
    page.close()
    assert complaints == []


def _draw(page: Any, base: str, **options: Any) -> None:
    style = (files("dualbroker.notebook") / "static" / "chart.css").read_text(encoding="utf-8")
    page.evaluate(DRAW, [chart_module(), style, {**OPTIONS, **options}, base])
    page.wait_for_selector(".plot .ytick text")


def _lines(page: Any) -> list[str]:
    """Dashes of each line that is drawn."""
    found: list[str] = page.eval_on_selector_all(
        ".scatterlayer .trace path.js-line",
        """(paths) => paths.filter((path) => path.getTotalLength() > 1)
          .map((path) => path.style.strokeDasharray)""",
    )
    return found


def test_a_price_that_is_old_is_said_to_be_and_is_not_drawn_as_that_of_now(page: Any) -> None:
    _draw(page, _packed([125_000.0, 125_100.0, 125_050.5]))
    assert page.inner_text(".head .price") == "₹1,25,050.50"
    assert page.inner_text(".head .age") == ""
    wait_until(lambda: _lines(page) == [""])
    page.evaluate("(text) => tell('tail', text)", _packed([125_000.0, 125_100.0, 125_050.5], 42))
    assert page.inner_text(".head .age") == "last 42 s ago"
    assert page.locator(".head.aged").count() == 1
    wait_until(lambda: len(_lines(page)) == 2)
    solid, dotted = _lines(page)
    assert (solid, dotted != "") == ("", True)


def test_a_kernel_that_says_nothing_any_more_is_noticed(page: Any) -> None:
    page.clock.install()
    _draw(page, _packed([100.0, 101.0]))
    assert page.inner_text(".head .notice") == ""
    page.clock.run_for(10_000)
    assert page.inner_text(".head .notice").startswith("Nothing new for 10 s. What is shown is old.")
    assert page.inner_text(".head .age") in ("last 9 s ago", "last 10 s ago")
    page.evaluate("(text) => tell('tail', text)", _packed([100.0, 101.0]))
    assert page.inner_text(".head .notice") == ""


def test_prices_are_grouped_as_in_india_on_the_axis_and_where_one_points(page: Any) -> None:
    _draw(page, _packed([125_000.0, 135_000.0]))
    ticks = page.locator(".plot .ytick text").all_text_contents()
    assert ticks
    assert all(text.startswith("1,") and text.endswith("000.00") for text in ticks), ticks
    edge = page.locator(".plot").bounding_box()
    for label in page.locator(".plot .ytick text").all():
        place = label.bounding_box()
        assert place["x"] + place["width"] <= edge["x"] + edge["width"], "a price is cut at the edge"
    box = page.locator(".plot .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 40)
    page.wait_for_selector(".hovertext")
    wait_until(lambda: "1,35,000.00" in page.locator(".hoverlayer").text_content())
