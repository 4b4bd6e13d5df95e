from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from dualbroker.errors import DualBrokerError
from dualbroker.simulator.market.bars import MinuteRecorder, bar_start, merge_bars
from dualbroker.simulator.market.market import Bar

SESSION_START = int(datetime(2026, 11, 23, 3, 45, tzinfo=UTC).timestamp())
"""09:15 IST."""


def minute(number: int, price: float, volume: float = 100.0) -> Bar:
    return Bar(
        start_s=SESSION_START + 60 * number,
        open=price,
        high=price + 1,
        low=price - 1,
        close=price + 0.5,
        volume=volume,
        average_price=price,
        open_interest=float(number),
    )


@pytest.mark.parametrize("interval", [1, 3, 5, 10, 15, 30, 60, 120, 240])
def test_bars_are_anchored_at_the_session_start(interval: int) -> None:
    assert bar_start(SESSION_START, interval) == SESSION_START
    assert bar_start(SESSION_START + interval * 60 - 1, interval) == SESSION_START
    assert bar_start(SESSION_START + interval * 60, interval) == SESSION_START + interval * 60
    assert bar_start(SESSION_START - 1, interval) == SESSION_START - interval * 60


def test_minutes_are_merged_newest_first() -> None:
    bars = merge_bars([minute(n, 100.0 + n) for n in range(7)], 0, SESSION_START + 3_600, 5)
    assert [bar.start_s - SESSION_START for bar in bars] == [300, 0]
    assert bars[1] == Bar(SESSION_START, 100.0, 105.0, 99.0, 104.5, 500.0, 102.0, 4.0)
    assert bars[0].volume == 200.0


def test_only_bars_that_start_within_the_range_and_those_whole() -> None:
    minutes = [minute(n, 100.0) for n in range(15)]
    bars = merge_bars(minutes, SESSION_START + 60, SESSION_START + 301, 5)
    assert [(bar.start_s - SESSION_START, bar.volume) for bar in bars] == [(300, 500.0)]


def test_without_volume_the_average_is_the_close() -> None:
    assert merge_bars([minute(0, 100.0, volume=0.0)], 0, 2**40, 1)[0].average_price == 100.5


def test_an_interval_below_a_minute_is_refused() -> None:
    with pytest.raises(DualBrokerError, match="at least 1 minute, found 0"):
        merge_bars([], 0, 1, 0)


def test_recorder_leaves_out_minutes_without_a_trade_and_forgets_the_oldest() -> None:
    recorder = MinuteRecorder(2, keep_minutes=2)
    volume, turnover, interest = np.zeros(2), np.zeros(2), np.array([np.nan, 5.0])
    assert recorder.minutes(0, volume, turnover, interest) == []
    for number in range(4):
        recorder.begin(SESSION_START + 60 * number, volume, turnover, interest)
        recorder.note(np.array([0]), np.array([10.0 + number]))
        volume[0] += 3
        turnover[0] += 3 * (10.0 + number)
    bars = recorder.minutes(0, volume, turnover, interest)
    assert [(bar.close, bar.volume, bar.average_price) for bar in bars] == [
        (11.0, 3.0, 11.0),
        (12.0, 3.0, 12.0),
        (13.0, 3.0, 13.0),
    ]
    assert [bar.open_interest for bar in bars] == [0.0, 0.0, 0.0]
    assert recorder.minutes(1, volume, turnover, interest) == []
