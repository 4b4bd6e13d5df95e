"""The pictures of failovers, from a feed with failovers of its own making."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

import dualbroker
from dualbroker.config.schema import demo_config
from dualbroker.feed import Feed
from dualbroker.notebook.pictures.failover_drawing import FOOT, gaps_png, windows_height, windows_png
from dualbroker.notebook.pictures.failover_plot import plot_failovers, plot_gaps
from dualbroker.notebook.pictures.failover_windows import COLUMNS, FailoverWindow, failover_windows
from dualbroker.notebook.pictures.png import COLOURS, DOWN
from tests.polling import wait_until


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    """One failover and one hand-over behind it, and ticks after both."""
    config = demo_config(2, seed=5, ticks_per_second=3000)
    with dualbroker.connect(config.model_copy(update={"subscribe": ["NIFTY", "NSE:TCS-EQ"]})) as running:
        assert running.simulator is not None
        wait_until(lambda: len(running.ticks("NIFTY")) > 20)
        running.simulator.strike("broker1", "reset")
        wait_until(lambda: running.failovers["finished"].tolist() == [True])
        wait_until(lambda: set(running.brokers["state"]) == {"live"})
        # So that the hand-over lies outside the failover's window.
        later = running.failovers["time"].iloc[0] + pd.Timedelta(seconds=1)
        wait_until(lambda: running.ticks("NIFTY").index[-1] > later)
        running.set_quote_source("broker1")
        seen = len(running.ticks("NIFTY"))
        wait_until(lambda: len(running.ticks("NIFTY")) > seen + 20)
        yield running


def _pixels(png: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGBA")).astype(int)


def _first_column(pixels: NDArray[Any], colour: str) -> int:
    """Of the pixels that have about this colour; the legend, which stands below, does not count."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    found = (np.abs(pixels[:-FOOT, :, :3] - wanted).max(axis=2) < 24) & (pixels[:-FOOT, :, 3] > 200)
    return int(np.flatnonzero(found.any(axis=0))[0])


def test_a_window_parts_the_ticks_of_the_old_source_from_those_of_the_new(feed: Feed) -> None:
    failover, handed_over = failover_windows(feed)
    assert (failover.from_broker, failover.to_broker) == ("broker1", "broker2")
    assert failover.silent_s == failover.gap_max_s > 0
    assert handed_over.silent_s == 0, "while the quotes are handed over they go on"
    for old, new in zip(*failover.ticks_s.values(), strict=True):
        assert old.max(initial=-1.0) < 0.001
        assert new.min(initial=np.inf) > old.max(initial=-1.0)
    assert set(failover.symbols) == {"NIFTY INDEX", "TCS-EQ"}
    lines = [line for lines in failover.ticks_s.values() for line in lines]
    assert all(0 <= len(line) <= COLUMNS + 2 for line in lines)
    assert any(len(line) for line in lines)


def test_the_picture_is_interactive_and_has_a_plain_one_beside_it(feed: Feed) -> None:
    picture = plot_failovers(feed)
    bundle, about = picture._repr_mimebundle_()
    assert {trace["name"] for trace in bundle["application/vnd.plotly.v1+json"]["data"]} == {
        "broker1",
        "broker2",
    }
    assert "SIMULATED" in bundle["text/plain"]
    assert "text/html" not in bundle, "a page would show that in place of the picture"
    height, width, _ = _pixels(bundle["image/png"]).shape
    assert about["image/png"] == {"width": width, "height": height}
    assert picture.figure.layout.height == height
    words = " ".join(each.text for each in picture.figure.layout.annotations)
    assert "failover 1: broker1 → broker2 · noticed after" in words
    assert "hand-over 2: broker2 → broker1" in words


def test_in_the_plain_picture_the_new_source_stands_behind_the_old_one(feed: Feed) -> None:
    picture = plot_failovers(feed, [1])
    assert len(picture.figure.data) == 2
    pixels = _pixels(picture.png)
    assert _first_column(pixels, COLOURS[0]) + 100 < _first_column(pixels, COLOURS[1])


def test_bars_show_the_gaps_of_what_was_not_planned(feed: Feed) -> None:
    picture = plot_gaps(feed)
    (bars,) = picture.figure.data
    assert set(bars.y) == {"NIFTY INDEX", "TCS-EQ"}
    assert max(bars.x) == pytest.approx(feed.failovers["gap_max"].iloc[0])
    (title,) = picture.figure.layout.annotations
    assert "broker1 → broker2" in title.text
    bundle, about = picture._repr_mimebundle_()
    height, width, _ = _pixels(bundle["image/png"]).shape
    assert about["image/png"] == {"width": width, "height": height}
    assert bundle["application/vnd.plotly.v1+json"]["layout"]["height"] == height


def test_gaps_that_nobody_could_tell_apart_are_drawn_too() -> None:
    gaps = pd.Series([0.0, 0.0004], ["NIFTY", "<b>$x$"])
    longer = pd.Series(np.geomspace(0.001, 8, 40), [f"S{number}" for number in range(40)])
    assert _first_column(_pixels(gaps_png({"a": gaps, "b": longer}, COLOURS, "SIMULATED")), COLOURS[1])


@pytest.mark.parametrize("plot", [plot_failovers, plot_gaps])
def test_without_failovers_there_is_nothing_to_draw_and_it_says_so(feed: Feed, plot: object) -> None:
    assert callable(plot)
    with pytest.raises(ValueError, match=r"expected .*failovers"):
        plot(feed, [99])


def test_what_comes_from_outside_is_drawn_as_it_is() -> None:
    odd = "$x_1$ \\frac <script>"
    window = FailoverWindow(
        number=1,
        from_broker=odd,
        to_broker="broker2",
        why=odd,
        planned=False,
        start_s=-1.0,
        end_s=2.0,
        decided_s=0.5,
        gap_max_s=1.0,
        symbols=[odd],
        ticks_s={odd: [np.array([-0.5, 0.0])], "broker2": [np.array([1.0])]},
    )
    png = windows_png([window], {odd: COLOURS[0], "broker2": COLOURS[1]}, DOWN, odd)
    assert _pixels(png).shape[0] == windows_height([window])
