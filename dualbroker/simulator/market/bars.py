"""Bars of a simulated market: minutes noted as they pass, longer intervals made of minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec
import numpy as np

from dualbroker.errors import DualBrokerError
from dualbroker.simulator.market.market import Bar
from dualbroker.simulator.market.pricing import Floats, Integers

__all__ = ["MINUTE_S", "MinuteRecorder", "bar_start", "merge_bars"]

MINUTE_S = 60
_SESSION_START_S = 13_500
"""09:15 IST in seconds after midnight UTC; bars are anchored there."""


class _Minute(msgspec.Struct, frozen=True):
    """One minute of the whole market: an array per figure, one element per instrument."""

    start_s: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats
    day_volume: Floats
    open_interest: Floats
    open_interest_change: Floats


def bar_start(time_s: int, interval_minutes: int) -> int:
    """Start of the bar that holds a time, both in epoch seconds; bars are anchored at 09:15 IST."""
    interval_s = interval_minutes * MINUTE_S
    day, within = divmod(time_s - _SESSION_START_S, 86_400)
    return _SESSION_START_S + day * 86_400 + within // interval_s * interval_s


def merge_bars(minutes: Iterable[Bar], start_s: int, end_s: int, interval_minutes: int) -> list[Bar]:
    """Merge one-minute bars, given in the order of time, into longer ones, newest first.

    Only bars that start within ``start_s <= start < end_s`` are returned, each of them whole.

    Raises
    ------
    DualBrokerError
        The interval is below one minute.
    """
    if interval_minutes < 1:
        raise DualBrokerError(f"expected an interval of at least 1 minute, found {interval_minutes}")
    by_start: dict[int, list[Bar]] = {}
    for minute in minutes:
        bar_start_s = bar_start(minute.start_s, interval_minutes)
        if start_s <= bar_start_s < end_s:
            by_start.setdefault(bar_start_s, []).append(minute)
    return [_merged(bar_start_s, parts) for bar_start_s, parts in sorted(by_start.items(), reverse=True)]


def _merged(start_s: int, parts: list[Bar]) -> Bar:
    volume = sum(part.volume for part in parts)
    turnover = sum(part.average_price * part.volume for part in parts)
    last = parts[-1]
    return Bar(
        start_s=start_s,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=last.close,
        volume=volume,
        average_price=round(turnover / volume, 2) if volume else last.close,
        open_interest=last.open_interest,
        day_volume=last.day_volume,
        open_interest_change=sum(part.open_interest_change for part in parts),
    )


class MinuteRecorder:
    """Notes the trades of all instruments minute by minute and keeps the last ones."""

    def __init__(self, instruments: int, *, keep_minutes: int) -> None:
        self._past: deque[_Minute] = deque(maxlen=keep_minutes)
        self._start_s: int | None = None
        self._open: Floats = np.full(instruments, np.nan)
        self._high: Floats = np.full(instruments, np.nan)
        self._low: Floats = np.full(instruments, np.nan)
        self._close: Floats = np.full(instruments, np.nan)
        self._volume_before: Floats = np.zeros(instruments)
        self._turnover_before: Floats = np.zeros(instruments)
        self._interest_before: Floats = np.zeros(instruments)

    def begin(self, time_s: float, volume: Floats, turnover: Floats, open_interest: Floats) -> None:
        """Tell the time, and the cumulative figures (NaN for none), before that time's trades are noted."""
        start_s = int(time_s) // MINUTE_S * MINUTE_S
        if start_s == self._start_s:
            return
        if self._start_s is not None:
            self._past.append(self._present(self._start_s, volume, turnover, open_interest))
        self._start_s = start_s
        self._interest_before = np.nan_to_num(open_interest)
        for prices in (self._open, self._high, self._low, self._close):
            prices.fill(np.nan)
        self._volume_before = np.nan_to_num(volume)
        self._turnover_before = turnover.copy()

    def begin_day(self, volume: Floats, turnover: Floats) -> None:
        """The cumulative figures start over; to be told right after ``begin``."""
        self._volume_before = np.nan_to_num(volume)
        self._turnover_before = turnover.copy()

    def note(self, traded: Integers, price: Floats) -> None:
        """Note last prices of distinct instruments."""
        opened = self._open[traded]
        self._open[traded] = np.where(np.isnan(opened), price, opened)
        self._high[traded] = np.fmax(self._high[traded], price)
        self._low[traded] = np.fmin(self._low[traded], price)
        self._close[traded] = price

    def minutes(self, index: int, volume: Floats, turnover: Floats, open_interest: Floats) -> list[Bar]:
        """All one-minute bars that are kept of an instrument, oldest first.

        Minutes without a trade are left out; the one that now runs is included as far as it goes.
        """
        if self._start_s is None:
            return []
        kept = [*self._past, self._present(self._start_s, volume, turnover, open_interest)]
        return [_bar(minute, index) for minute in kept if not np.isnan(minute.open[index])]

    def _present(self, start_s: int, volume: Floats, turnover: Floats, open_interest: Floats) -> _Minute:
        return _Minute(
            start_s=start_s,
            open=self._open.copy(),
            high=self._high.copy(),
            low=self._low.copy(),
            close=self._close.copy(),
            volume=np.nan_to_num(volume) - self._volume_before,
            turnover=turnover - self._turnover_before,
            day_volume=np.nan_to_num(volume),
            open_interest=np.nan_to_num(open_interest),
            open_interest_change=np.nan_to_num(open_interest) - self._interest_before,
        )


def _bar(minute: _Minute, index: int) -> Bar:
    volume = float(minute.volume[index])
    close = float(minute.close[index])
    return Bar(
        start_s=minute.start_s,
        open=float(minute.open[index]),
        high=float(minute.high[index]),
        low=float(minute.low[index]),
        close=close,
        volume=volume,
        average_price=float(minute.turnover[index]) / volume if volume else close,
        open_interest=float(minute.open_interest[index]),
        day_volume=float(minute.day_volume[index]),
        open_interest_change=float(minute.open_interest_change[index]),
    )
