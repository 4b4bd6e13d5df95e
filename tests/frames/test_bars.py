from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker import tables
from dualbroker.frames import columns
from dualbroker.frames.bars import Interval, auctions_within, bars_frame, interval_ns
from dualbroker.market_hours import MarketHours


def ticks(times: list[str], prices: list[float], volumes: list[float], snapshots: int = 0) -> pd.DataFrame:
    index = pd.DatetimeIndex(pd.to_datetime(times)).as_unit("ns").tz_localize("Asia/Kolkata")
    return pd.DataFrame(
        {
            "ltp": np.array(prices, float),
            "volume": columns.quantities(volumes),
            "snapshot": [number < snapshots for number in range(len(times))],
            "broker_name": ["broker1"] * len(times),
        },
        index=index.rename("receive_time"),
    )


def test_bars_are_labelled_left_and_counted_from_the_sessions_start() -> None:
    bars = bars_frame(
        ticks(
            ["2026-01-15 09:15:01", "2026-01-15 09:19:59", "2026-01-15 09:20:00", "2026-01-15 10:16:00"],
            [10.0, 12.0, 11.0, 9.0],
            [100.0, 150.0, 160.0, 200.0],
            snapshots=1,
        ),
        "5min",
    )
    assert [str(time)[11:16] for time in bars.index] == ["09:15", "09:20", "10:15"]
    assert bars["close"].tolist() == [12.0, 11.0, 9.0]
    assert bars["volume"].tolist() == [50, 10, 40]
    assert str(bars.index.dtype) == "datetime64[ns, Asia/Kolkata]"


def test_an_interval_that_does_not_divide_a_day_begins_anew_each_morning() -> None:
    bars = bars_frame(
        ticks(
            ["2026-01-15 09:15:00", "2026-01-16 09:15:00", "2026-01-16 09:22:00"], [1.0, 2.0, 3.0], [1, 2, 3]
        ),
        "7min",
    )
    assert [str(time)[5:16] for time in bars.index] == ["01-15 09:15", "01-16 09:15", "01-16 09:22"]


def test_before_the_session_bars_keep_to_the_same_grid() -> None:
    bars = bars_frame(ticks(["2026-01-15 09:07:30"], [1.0], [1.0]), "10min")
    assert str(bars.index[0])[11:16] == "09:05"


def test_a_days_bar_is_of_that_day_with_what_came_before_the_session() -> None:
    bars = bars_frame(
        ticks(
            ["2026-01-15 07:50:00", "2026-01-15 15:29:00", "2026-01-16 00:05:00"],
            [1.0, 2.0, 3.0],
            [1.0, 2.0, 3.0],
        ),
        "1D",
    )
    assert [str(time)[:16] for time in bars.index] == ["2026-01-15 09:15", "2026-01-16 09:15"]
    assert bars["close"].tolist() == [2.0, 3.0]


def test_no_bar_begins_on_the_day_before() -> None:
    bars = bars_frame(ticks(["2026-01-15 00:05:00"], [1.0], [1.0]), "2h")
    assert str(bars.index[0])[:16] == "2026-01-15 00:00"


def test_a_volume_that_falls_is_clipped_and_counted() -> None:
    bars = bars_frame(
        ticks(
            ["2026-01-15 10:00:00", "2026-01-15 10:00:01", "2026-01-15 10:00:02"], [1, 1, 1], [100, 90, 95]
        ),
        "1min",
    )
    assert bars["volume"].tolist() == [5]
    assert bars.attrs["negative_volume_steps"] == 1


def at_seconds(*volumes: float, day: str = "2026-01-15", broker: str = "broker1") -> pd.DataFrame:
    """A tick a second from 10:00 on."""
    frame = ticks(
        [f"{day} 10:{second // 60:02d}:{second % 60:02d}" for second in range(len(volumes))],
        [1.0] * len(volumes),
        list(volumes),
    )
    return frame.assign(broker_name=broker)


@pytest.mark.parametrize(
    ("volumes", "traded", "falls"),
    [
        ([1000, 1100, 0, 1200, 1300], 300, 1),  # a blemish of the recorded day
        ([1000, 1100, 0, 0, 0, 1200], 200, 1),
        ([1000, 1100, 1050, 1120], 120, 1),  # a late message
        ([1000, 0, 700, 1100], 1100 - 0, 1),  # half-way back, then on: a new base
        ([1_000_000, 100, 150, 400], 300, 1),  # yesterday's total, then today's
        ([1000, 0, 1000, 0, 1000, 1001], 1, 2),
        ([1000, 900, 800, 700], 0, 3),
        ([1000, 0], 0, 1),
    ],
)
def test_a_fall_of_the_volume_makes_no_bar_huge(volumes: list[float], traded: float, falls: int) -> None:
    bars = bars_frame(at_seconds(*volumes), "1min")
    assert bars["volume"].sum() == traded
    assert bars.attrs["negative_volume_steps"] == falls


def test_volume_begins_anew_each_day() -> None:
    two_days = pd.concat([at_seconds(500, 900), at_seconds(700, 710, day="2026-01-16")])
    bars = bars_frame(two_days, "1D")
    assert bars["volume"].tolist() == [400, 10]
    assert bars.attrs["negative_volume_steps"] == 0
    grown = pd.concat([at_seconds(500, 900), at_seconds(9000, 9010, day="2026-01-16")])
    assert bars_frame(grown, "1D")["volume"].tolist() == [400, 10], "the night traded nothing"


def test_another_source_is_a_new_base() -> None:
    later = at_seconds(100_000, 100_003, broker="broker2")
    later.index = later.index + pd.Timedelta(seconds=2)
    moved = pd.concat([at_seconds(500, 900), later])
    bars = bars_frame(moved, "1min")
    assert bars["volume"].tolist() == [403]
    assert bars["broker_name"].tolist() == ["broker2"]


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=60),
    st.sets(st.integers(1, 58), max_size=10),
)
def test_zeros_between_two_totals_change_no_volume(steps: list[int], zeros: set[int]) -> None:
    totals = np.cumsum(np.array(steps)) + 1_000_000
    blemished = totals.astype(float)
    blemished[[place for place in zeros if place < len(totals) - 1]] = 0.0
    bars = bars_frame(at_seconds(*blemished.tolist()), "1min")
    assert bars["volume"].sum() == totals[-1] - totals[0]


@given(st.lists(st.integers(0, 50) | st.just(np.nan), min_size=2, max_size=60))
def test_volume_is_never_negative_nor_more_than_the_rises(volumes: list[float]) -> None:
    bars = bars_frame(at_seconds(*volumes), "1min")
    rises = np.diff(np.array(volumes, float))
    total = bars["volume"].dropna().sum()
    assert 0 <= total <= rises[rises > 0].sum()


def test_a_volume_without_a_base_is_unknown() -> None:
    bars = bars_frame(ticks(["2026-01-15 10:00:00"], [1.0], [500.0]), "1min")
    assert bars["volume"].isna().all()


def test_no_ticks_give_an_empty_frame_with_the_same_columns() -> None:
    empty = bars_frame(ticks([], [], []), "1min")
    full = bars_frame(ticks(["2026-01-15 10:00:00"], [1.0], [1.0]), "1min")
    assert list(empty.columns) == list(tables.BARS.names)
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    assert empty.index.dtype == full.index.dtype


@pytest.mark.parametrize("interval", ["", "soon", "0min", "-1min", "2D", "1ns", "min min"])
def test_an_interval_that_is_none_says_what_is_expected(interval: str) -> None:
    with pytest.raises(ValueError, match="expected an interval"):
        bars_frame(ticks([], [], []), interval)


@pytest.mark.parametrize(
    "minute", [pd.Timedelta("1min"), timedelta(minutes=1), np.timedelta64(60, "s"), "1min", "min"]
)
def test_an_interval_is_text_or_a_duration(minute: Interval) -> None:
    assert interval_ns(minute) == 60_000_000_000


@pytest.mark.parametrize("wrong", [pd.NaT, timedelta(days=2), np.timedelta64("NaT"), 60, None, 1.5, ["1min"]])
def test_what_is_neither_text_nor_a_duration_says_what_is_expected(wrong: Any) -> None:
    with pytest.raises(ValueError, match="expected an interval"):
        interval_ns(wrong)


def test_an_interval_without_its_unit_suggests_two() -> None:
    with pytest.raises(ValueError, match="'60s' or '60min', found '60'"):
        bars_frame(ticks([], [], []), "60")


@given(
    st.lists(st.tuples(st.integers(0, 3 * 86_400), st.integers(1, 1000)), min_size=1, max_size=50),
    st.sampled_from(["1s", "1min", "7min", "1h", "1D"]),
)
def test_every_tick_is_in_exactly_one_bar(moves: list[tuple[int, int]], interval: str) -> None:
    start = pd.Timestamp("2026-01-15")
    ordered = sorted(moves)
    times = [str(start + pd.Timedelta(seconds=second)) for second, _ in ordered]
    prices = [float(price) for _, price in ordered]
    bars = bars_frame(ticks(times, prices, [1.0] * len(times)), interval)
    assert bars["ticks"].sum() == len(times)
    assert bars["high"].max() == max(prices)
    assert bars["low"].min() == min(prices)
    assert bars["open"].iloc[0] == prices[0]
    assert bars["close"].iloc[-1] == prices[-1]
    assert bars.index.is_monotonic_increasing
    assert bars.index.is_unique


def test_indicative_prices_of_auctions_are_in_no_bar_and_their_trades_are() -> None:
    day = "2026-11-30"
    times = ["09:00:30", "09:07:00", "09:10:00", "09:15:05", "15:14:59", "15:20:00", "15:31:00", "15:34:00"]
    prices = [90.0, 91.0, 100.0, 101.0, 102.0, 80.0, 103.0, 81.0]
    volumes = [0.0, 0.0, 500.0, 600.0, 700.0, 700.0, 900.0, 900.0]
    table = ticks([f"{day} {moment}" for moment in times], prices, volumes)
    auctions = auctions_within(MarketHours(), "NSE", table)
    assert len(auctions) == 3, "orders collected, orders matched; the closing auction"
    bars = bars_frame(table, "1D", auctions)
    assert bars[["open", "high", "low", "close"]].to_numpy().tolist() == [[100.0, 103.0, 100.0, 103.0]]
    assert bars["volume"].tolist() == [900]
    assert bars_frame(table, "1D")["low"].tolist() == [80.0], "a market without hours has no auctions"
    assert auctions_within(MarketHours.always(), "NSE", table) == []
    assert auctions_within(MarketHours(), "NSE", table.iloc[:0]) == []
