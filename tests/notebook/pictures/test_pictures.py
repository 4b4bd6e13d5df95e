"""Pictures beside plotly figures, looked at as a reader without plotly gets them."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from numpy.typing import NDArray
from PIL import Image

from dualbroker.notebook.pictures.picture import Picture, calm, figure_png
from dualbroker.notebook.pictures.png import COLOURS, DOWN, UP, Bars, Candles, Line, draw_png
from dualbroker.notebook.pictures.png_canvas import INK, SCALE

TIMES = pd.date_range("2026-11-26 09:15", periods=300, freq="s", tz="Asia/Kolkata")
PRICES = pd.Series(26_000 + np.random.default_rng(1).normal(size=300).cumsum(), TIMES)


def line_png(lines: dict[str, pd.Series[Any]], **look: Any) -> bytes:
    return draw_png([Line(name=name, x=values.index, y=values) for name, values in lines.items()], **look)


def bar_png(bars: dict[str, pd.Series[Any]], **look: Any) -> bytes:
    return draw_png([Bars(name=name, x=values.index, y=values) for name, values in bars.items()], **look)


def points_and_dots_png() -> bytes:
    points = Line(name="a", x=[1, 2], y=[0, 50], shows_line=False, shows_points=True)
    return draw_png([points, Line(name="b", x=[1, 2, 3], y=[0, 50, 66], dotted=True)])


def pixels(png: bytes) -> NDArray[Any]:
    """Red, green, blue and opacity."""
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGBA")).astype(int)


def where(png: bytes, colour: str) -> NDArray[Any]:
    """Rows and columns of the pixels that have about this colour."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    found = pixels(png)
    return np.argwhere((np.abs(found[..., :3] - wanted).max(axis=2) < 24) & (found[..., 3] > 200))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: line_png({"a": PRICES, "b": PRICES + 5}, title="$a$ · SIMULATED", y_title="₹"),
        lambda: bar_png({"a": pd.Series(range(60), [f"NIFTY29DEC26C{k}" for k in range(60)])}),
        lambda: bar_png({"a": pd.Series(range(60), [f"N{k}" for k in range(60)])}, sideways=True, height=700),
        points_and_dots_png,
        lambda: line_png({}, title="nothing"),
        lambda: line_png({"a": pd.Series([1.0], TIMES[:1])}),
        lambda: line_png({"a": pd.Series([np.nan, np.nan], TIMES[:2])}),
    ],
)
def test_a_picture_is_small_and_without_a_ground(draw: Callable[[], bytes]) -> None:
    png = draw()
    assert len(png) < 25_000
    found = pixels(png)
    assert found[0, 0, 3] == 0
    assert found[..., 3].max() == 255
    assert found.shape[1] == round(760 * SCALE)
    assert len(np.unique(found.reshape(-1, 4), axis=0)) > 3


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"], ids=["light", "dark"])
def test_words_can_be_read_on_the_ground_of_a_light_and_of_a_dark_notebook(ground: str) -> None:
    def brightness(colour: str) -> float:
        """Relative, as WCAG has it."""
        shares = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    darker, lighter = sorted((brightness(INK), brightness(ground)))
    assert (lighter + 0.05) / (darker + 0.05) > 4.2, "more is not to be had on both"


def test_bars_are_as_long_as_their_values() -> None:
    png = bar_png({"quotes": pd.Series([10.0, 40.0], ["broker1", "broker2"])})
    found = where(png, COLOURS[0])
    left, right = found[:, 1].min(), found[:, 1].max()
    first, second = (np.ptp(found[found[:, 1] == column][:, 0]) for column in (left + 5, right - 5))
    assert second / first == pytest.approx(4, rel=0.1)


def test_candles_are_green_up_and_red_down() -> None:
    png = draw_png([Candles(TIMES[:2], [1.0, 3.0], [4.0, 4.0], [0.5, 0.5], [3.0, 1.0])])
    assert where(png, UP)[:, 1].max() < where(png, DOWN)[:, 1].min()


def figure(**layout: Any) -> go.Figure:
    made = go.Figure()
    made.add_bar(x=["broker1", "broker2"], y=[30, 10], name="quotes")
    made.add_bar(x=["broker1", "broker2"], y=[1, 2], name="orders")
    return calm(made, "Bytes per second · SIMULATED").update_layout(**layout)


def test_a_picture_carries_plotly_a_png_and_words() -> None:
    picture = Picture(figure())
    bundle, about = picture._repr_mimebundle_()
    assert [trace["name"] for trace in bundle["application/vnd.plotly.v1+json"]["data"]] == [
        "quotes",
        "orders",
    ]
    assert bundle["text/plain"] == "<picture: Bytes per second · SIMULATED>"
    assert about["image/png"]["width"] * SCALE == pixels(bundle["image/png"]).shape[1]
    assert "text/html" not in bundle, "a page would show that in place of the picture"


def test_the_picture_follows_what_is_done_to_the_figure() -> None:
    picture = Picture(figure())
    before = picture.png
    picture.figure.update_layout(barmode="stack")
    stacked = picture.png
    assert stacked != before
    assert where(stacked, COLOURS[1])[:, 0].min() < where(stacked, COLOURS[0])[:, 0].min()
    picture.figure.data[1].visible = False
    assert not len(where(picture.png, COLOURS[1]))


def test_every_kind_of_trace_that_is_known_is_drawn() -> None:
    made = go.Figure()
    made.add_scatter(x=TIMES, y=PRICES, line={"shape": "hv", "color": "#aa00aa"})
    made.add_candlestick(x=TIMES[:2], open=[1, 2], high=[3, 4], low=[0, 1], close=[2, 1])
    assert len(where(figure_png(made), "#aa00aa"))
    lying = go.Figure(go.Bar(y=["a", "b"], x=[0.001, 2.0], orientation="h"))
    lying.update_xaxes(type="log")
    assert len(where(figure_png(lying), COLOURS[0]))
    with pytest.raises(ValueError, match="expected scatter, bar and candlestick traces, found pie"):
        figure_png(go.Figure(go.Pie(values=[1, 2])))


def test_a_picture_that_was_given_is_drawn_only_when_it_is_looked_at() -> None:
    asked: list[int] = []

    def draw() -> bytes:
        asked.append(1)
        return b"png"

    picture = Picture(figure(), draw, width=500, height=100)
    assert asked == []
    bundle, about = picture._repr_mimebundle_()
    assert bundle["image/png"] == b"png"
    assert about["image/png"] == {"width": 500, "height": 100}


def test_threads_draw_at_the_same_time_and_get_the_same() -> None:
    expected = line_png({"a": PRICES}, title="a")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: line_png({"a": PRICES}, title="a"), range(8)))
    assert set(found) == {expected}


def test_matplotlib_is_loaded_by_the_first_picture_and_touches_nothing_global() -> None:
    program = """
import sys, logging
import pandas as pd
from dualbroker.notebook.pictures.picture import Picture
from dualbroker.notebook.pictures.png import Line, draw_png
assert "matplotlib" not in sys.modules
draw_png([Line(x=[0, 1], y=[1.0, 2.0])])
assert "matplotlib.pyplot" not in sys.modules
assert logging.getLogger("matplotlib").level == logging.NOTSET
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)
