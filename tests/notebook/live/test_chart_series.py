"""What a chart draws of its ticks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.frames.bars import bars_frame
from dualbroker.notebook.live.chart_series import POINTS_ACROSS, CandleSeries, LineSeries, Series

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
OPEN_NS = pd.Timestamp("2026-03-02 09:15", tz="Asia/Kolkata").value

TICKS = st.lists(st.tuples(st.integers(0, 20 * SECOND), st.integers(1, 5000)), min_size=1, max_size=80)


def _arrays(ticks: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    times = OPEN_NS + np.cumsum([step for step, _ in ticks])
    return times.astype(np.int64), np.array([price / 20 for _, price in ticks])


@given(TICKS, st.lists(st.integers(0, 80), max_size=6))
@pytest.mark.parametrize("make", [lambda: LineSeries(10 * MINUTE), lambda: CandleSeries(90 * MINUTE, MINUTE)])
def test_it_is_the_same_however_the_ticks_were_cut(
    make: object, ticks: list[tuple[int, int]], cuts: list[int]
) -> None:
    times, prices = _arrays(ticks)
    whole: Series = make()  # type: ignore[operator]
    whole.add(times, prices)
    pieces: Series = make()  # type: ignore[operator]
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(times)], strict=True):
        pieces.add(times[begin:end], prices[begin:end])
    assert pieces.next == whole.next
    first = max(pieces.first, whole.first)
    np.testing.assert_array_equal(pieces.rows(first)[1], whole.rows(first)[1])


@given(TICKS)
def test_candles_are_the_bars_of_the_feed(ticks: list[tuple[int, int]]) -> None:
    times, prices = _arrays(ticks)
    series = CandleSeries(24 * 60 * MINUTE, MINUTE)
    series.add(times, prices)
    frame = pd.DataFrame(
        {"ltp": prices, "snapshot": False, "volume": np.nan, "broker_name": "broker1"},
        index=pd.DatetimeIndex(times, tz="UTC").tz_convert("Asia/Kolkata"),
    )
    bars = bars_frame(frame, "1min")
    _, rows = series.rows()
    np.testing.assert_array_equal(rows[:, 0] * 1_000_000, pd.DatetimeIndex(bars.index).as_unit("ns").asi8)
    np.testing.assert_array_equal(rows[:, 1:], bars[["open", "high", "low", "close"]].to_numpy())


@given(TICKS)
def test_a_line_holds_the_extremes_and_the_last_price_in_order_of_time(ticks: list[tuple[int, int]]) -> None:
    times, prices = _arrays(ticks)
    series = LineSeries(60 * MINUTE)
    series.add(times, prices)
    _, rows = series.rows()
    points = rows.reshape(-1, 2)
    assert (np.diff(points[:, 0]) >= 0).all()
    assert points[:, 1].min() == prices.min()
    assert points[:, 1].max() == prices.max()
    assert series.last_price == prices[-1]
    # Python's integers, as the series has them: numpy's would lose the last digits before they are divided.
    ticked = {(time / 1_000_000, price) for time, price in zip(times.tolist(), prices.tolist(), strict=True)}
    assert {(time, price) for time, price in points.tolist()} <= ticked


def test_a_line_never_has_more_rows_than_it_is_wide() -> None:
    series = LineSeries(MINUTE)
    times = OPEN_NS + np.arange(20_000, dtype=np.int64) * 10_000_000
    for begin in range(0, len(times), 500):
        series.add(times[begin : begin + 500], np.linspace(1, 2, 500))
    first, rows = series.rows()
    assert len(rows) <= POINTS_ACROSS + 2
    assert first == series.first > 0
    assert rows[0, 0] * 1e6 >= times[-1] - MINUTE - 2 * MINUTE / POINTS_ACROSS


def test_rows_bear_running_numbers_and_only_the_newest_still_changes() -> None:
    series = LineSeries(500 * SECOND)  # a row per second
    series.add(OPEN_NS + np.array([0, 1, 2], np.int64) * SECOND, np.array([1.0, 2.0, 3.0]))
    number = series.next - 1
    before = series.rows()[1][:-1]
    series.add(np.array([OPEN_NS + 2 * SECOND + 5, OPEN_NS + 3 * SECOND], np.int64), np.array([9.0, 4.0]))
    first, rows = series.rows(number)
    assert (first, series.next) == (2, 4)
    assert rows[:, -1].tolist() == [9.0, 4.0]
    np.testing.assert_array_equal(series.rows()[1][:2], before)
    assert len(series.rows(99)[1]) == 0


def test_what_is_no_price_or_comes_from_the_past_is_left_out() -> None:
    series = LineSeries(500 * SECOND)
    series.add(np.array([OPEN_NS], np.int64), np.array([0.0]))
    assert series.last_price is None
    series.add(OPEN_NS + np.array([5, 6], np.int64) * SECOND, np.array([np.nan, 7.0]))
    series.add(np.array([OPEN_NS], np.int64), np.array([5.0]))
    assert series.rows()[1].shape == (1, 6)
    assert series.last_price == 7.0
