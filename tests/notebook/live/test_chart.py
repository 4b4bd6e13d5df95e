"""The rolling chart, on a feed of simulated brokers; no kernel is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dualbroker import Feed, UnknownInstrumentError
from dualbroker.market_hours import MarketHours
from dualbroker.notebook.live import widgets
from dualbroker.notebook.live.chart import MOST_TAIL_ROWS, ChartView
from dualbroker.notebook.live.chart_series import CandleSeries, LineSeries
from dualbroker.stores.tick_blocks import TICK_DTYPE
from tests.polling import wait_until

HEAD = 5


def _rows(packed: bytes) -> tuple[int, Any]:
    numbers = np.frombuffer(packed, np.float64)
    return int(numbers[0]), numbers[HEAD:].reshape(-1, int(numbers[1]))


def _chart(view: object) -> ChartView:
    assert isinstance(view, ChartView)
    return view


@pytest.mark.parametrize("candles", [None, "1s"])
def test_base_and_tails_together_are_the_whole_series(feed: Feed, candles: str | None) -> None:
    view = _chart(feed.chart("NIFTY", candles, minutes=1))
    drawn: dict[int, Any] = {}

    def take(packed: bytes) -> None:
        first, rows = _rows(packed)
        drawn.update(enumerate(rows.tolist(), first))

    take(view._chart.base)
    sizes: list[int] = []

    def take_tail(change: dict[str, Any]) -> None:
        take(change["new"])
        sizes.append(len(change["new"]))

    view._chart.observe(take_tail, "tail")
    wait_until(lambda: len(sizes) >= 8)
    view.close()
    first, rows = view._series.rows()
    assert len(rows) > 2
    assert [drawn[number] for number in range(first, first + len(rows))] == rows.tolist()
    assert max(sizes) < 5000
    newest = feed.ticks("NIFTY")["ltp"].iloc[-1]
    assert abs(rows[-1, -1] / newest - 1) < 0.1


def test_a_price_that_has_not_moved_for_long_says_since_when(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = _chart(feed.chart("NIFTY"))
    wait_until(lambda: view._quoted_ns is not None)
    newest_ms = np.frombuffer(view._base(), np.float64)[HEAD - 1]
    assert newest_ms == pytest.approx(feed.ticks("NIFTY").index[-1].value / 1e6, abs=5_000)
    assert "ago" not in view._title()
    fresh = view._snapshot()["image/png"]
    monkeypatch.setattr(view, "_take_new", lambda: False)
    monkeypatch.setattr(view, "_quoted_ns", feed.manager.clock.now_ns() - 42_000_000_000)
    assert " · last 42 s ago · " in view._title()
    assert view._snapshot()["image/png"] != fresh


def test_money_bears_its_sign_and_an_index_which_is_none_does_not(feed: Feed) -> None:
    index, share = _chart(feed.chart("NIFTY")), _chart(feed.chart("RELIANCE-EQ"))
    wait_until(lambda: index._series.last_price is not None and share._series.last_price is not None)
    assert "₹" not in index._title()
    assert "RELIANCE-EQ ₹" in share._title()
    assert [view._chart.options["sign"] for view in (index, share)] == ["", "₹"]


def test_an_update_stays_small_however_much_is_new(feed: Feed) -> None:
    view = _chart(feed.chart("BANKNIFTY"))
    view._sent = -10_000
    assert len(view._packed(view._series.next - MOST_TAIL_ROWS)) < 4500


def test_a_page_that_asks_anew_is_given_the_base_of_now(feed: Feed) -> None:
    view = _chart(feed.chart("NIFTY"))
    before = view._series.next
    wait_until(lambda: view._series.next > before + 1)
    first, rows = _rows(view._chart.get_state()["base"])
    assert first + len(rows) >= before + 1
    assert view._chart.get_state("tail").keys() == {"tail"}


@pytest.mark.parametrize("candles", [None, "1min"])
def test_the_indicative_prices_of_auctions_are_not_drawn_and_their_trades_are(
    feed: Feed, candles: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = _chart(feed.chart("RELIANCE-EQ", candles))
    view.close()
    monkeypatch.setattr(feed.manager, "market_hours", MarketHours())
    day_ns = 86_400_000_000_000
    view._series = LineSeries(day_ns) if candles is None else CandleSeries(day_ns, 60_000_000_000)
    view._volume = float("nan")
    moments = ["09:00:30", "09:07:00", "09:10:00", "09:15:05", "15:14:59", "15:20:00", "15:31:00", "15:34:00"]
    rows = np.zeros(len(moments), TICK_DTYPE)
    rows["receive_time"] = [pd.Timestamp(f"2026-11-30 {at}+05:30").value for at in moments]
    rows["ltp"] = [90.0, 91.0, 100.0, 101.0, 102.0, 80.0, 103.0, 81.0]
    rows["volume"] = [0.0, 0.0, 500.0, 600.0, 700.0, 700.0, 900.0, 900.0]
    for part in (rows[:3], rows[3:6], rows[6:]):  # as they come
        view._take(part, np.zeros(len(part), np.bool_))
    drawn = view._series.rows()[1]
    assert sorted(set(drawn[:, -1].tolist())) == [100.0, 101.0, 102.0, 103.0]


def test_cold_it_is_a_picture_and_a_title(feed: Feed) -> None:
    view = feed.chart("NIFTY", candles="1min")
    bundle, metadata = view._repr_mimebundle_()
    assert metadata == {"image/png": {"width": 760}}
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert "NIFTY INDEX" in bundle["text/plain"]
    assert "SIMULATED" in bundle["text/plain"]
    assert view.freeze()._repr_mimebundle_()[0].keys() == {"image/png", "text/plain"}


def test_plotly_is_pushed_once(feed: Feed) -> None:
    feed.chart("NIFTY")
    library = widgets._library
    feed.chart("BANKNIFTY")
    assert library is not None
    assert widgets._library is library
    assert b"Plotly" in library.source
    assert len(library._esm) < 5_000, "what a model begins with; anywidget gives it 2 s"


def test_what_can_not_be_drawn_is_said(feed: Feed) -> None:
    with pytest.raises(UnknownInstrumentError):
        feed.chart("NO-SUCH-NAME")
    with pytest.raises(ValueError, match="expected an interval"):
        feed.chart("NIFTY", candles="soon")
    with pytest.raises(ValueError, match="minutes: expected more than 0"):
        feed.chart("NIFTY", minutes=0)
