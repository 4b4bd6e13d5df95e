"""The pictures of failovers, from a feed with failovers of its own making."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import dualbroker
from dualbroker.config.schema import demo_config
from dualbroker.feed import Feed
from dualbroker.notebook.failover_drawing import windows_svg
from dualbroker.notebook.failover_plot import plot_failovers, plot_gaps
from dualbroker.notebook.failover_windows import COLUMNS, FailoverWindow, failover_windows
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


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


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


def test_the_picture_is_interactive_and_has_a_plain_drawing_beside_it(feed: Feed) -> None:
    picture = plot_failovers(feed)
    bundle = picture._repr_mimebundle_()
    assert {trace["name"] for trace in bundle["application/vnd.plotly.v1+json"]["data"]} == {
        "broker1",
        "broker2",
    }
    words = _Words()
    words.feed(bundle["text/html"])
    assert words.tags == {"svg", "text", "rect", "path"}
    assert any("failover 1: broker1 → broker2 · noticed after" in text for text in words.words)
    assert any("hand-over 2: broker2 → broker1" in text for text in words.words)
    assert "SIMULATED" in words.words[0]
    assert "SIMULATED" in bundle["text/plain"]
    assert len(plot_failovers(feed, [1]).figure.data) == 2


def test_bars_show_the_gaps_of_what_was_not_planned(feed: Feed) -> None:
    picture = plot_gaps(feed)
    (bars,) = picture.figure.data
    assert set(bars.x) == {"NIFTY INDEX", "TCS-EQ"}
    assert max(bars.y) == pytest.approx(feed.failovers["gap_max"].iloc[0])
    assert "broker1 → broker2" in bars.name
    assert f"{max(bars.y):.3f} s" in picture.svg


@pytest.mark.parametrize("plot", [plot_failovers, plot_gaps])
def test_without_failovers_there_is_nothing_to_draw_and_it_says_so(feed: Feed, plot: object) -> None:
    assert callable(plot)
    with pytest.raises(ValueError, match=r"expected .*failovers"):
        plot(feed, [99])


def test_what_comes_from_outside_is_escaped_in_the_drawing() -> None:
    evil = "<script>alert(1)</script>"
    window = FailoverWindow(
        number=1,
        from_broker=evil,
        to_broker="broker2",
        why=evil,
        planned=False,
        start_s=-1.0,
        end_s=2.0,
        decided_s=0.5,
        gap_max_s=1.0,
        symbols=[evil],
        ticks_s={evil: [np.array([-0.5, 0.0])], "broker2": [np.array([1.0])]},
    )
    words = _Words()
    words.feed(windows_svg([window], {evil: "#000000", "broker2": "#111111"}, "#222222", evil))
    assert "script" not in words.tags
    assert sum(evil in text for text in words.words) >= 4
