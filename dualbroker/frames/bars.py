"""Bars out of ticks: labelled left, anchored at the session's start, volume from the cumulative one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dualbroker import tables
from dualbroker.errors import ArgumentError
from dualbroker.frames.columns import frame
from dualbroker.market_hours import MarketHours

__all__ = [
    "SESSION_START",
    "Interval",
    "auctions_at",
    "auctions_within",
    "bar_starts_ns",
    "bars_frame",
    "indicative",
    "interval_ns",
]

Interval = str | timedelta | np.timedelta64
"""The length of a bar: a pandas offset, or a duration."""

SESSION_START = pd.Timedelta(hours=9, minutes=15)
"""NSE and BSE open at 09:15 IST; bars of every day are counted from there."""

_LONGEST_DIP_TICKS = 1000
"""How far ahead a fall of the volume is looked for to be made good; bounds the work."""

_DAY_NS = 86_400 * 1_000_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_IST_OFFSET_NS = int(5.5 * 3600) * 1_000_000_000


def bars_frame(
    ticks: pd.DataFrame, interval: Interval, auctions: Sequence[tuple[int, int]] = ()
) -> pd.DataFrame:
    """Open, high, low, close, volume per interval, indexed by ``time`` (the left edge, Indian time).

    Prices are those of ticks; a snapshot is no price of its own time and only sets the volume's base.
    Volume is the difference of the cumulative volume within a day and a quote source; the first tick
    of each is a base only, since what was traded before it is not known. Negative steps are clipped and
    counted in ``attrs["negative_volume_steps"]``; a fall that is made good in one step (a 0 between two
    totals) traded nothing either way, any other is a new base. Intervals without a tick have no bar. No
    bar holds ticks of two days: that of a day (``"1D"``) is labelled 09:15 and holds what came before, too.
    In an auction only a tick with more volume than before is a trade; the others are indicative prices.

    Parameters
    ----------
    ticks
        A frame as ``feed.ticks`` gives it.
    interval
        A pandas offset (``"1min"``, ``"5min"``, ``"15s"``, ``"1h"``) or a duration (``pd.Timedelta``,
        ``datetime.timedelta``, ``np.timedelta64``); at most a day.
    auctions
        When prices may be indicative: begin and end, UTC ns.

    Raises
    ------
    ValueError
        The interval can't be read, or is not between a millisecond and a day.
    """
    width_ns = interval_ns(interval)
    receive_ns = pd.DatetimeIndex(ticks.index).as_unit("ns").asi8
    traded = ticks["ltp"].to_numpy() > 0
    use = traded & ~ticks["snapshot"].to_numpy(dtype=bool)
    midnight_ns = _midnight_ns(receive_ns)
    sources = ticks["broker_name"].to_numpy()
    volumes = ticks["volume"].to_numpy(dtype=float, na_value=np.nan)
    steps, negative = _volume_steps(volumes, midnight_ns, sources)
    use &= ~indicative(receive_ns, steps, auctions)
    start_ns = bar_starts_ns(receive_ns, width_ns)
    table = pd.DataFrame(
        {
            "start": start_ns[use],
            "price": ticks["ltp"].to_numpy()[use],
            "step": steps[use],
            "broker_name": sources[use],
        }
    )
    grouped = table.groupby("start", sort=True)
    prices = grouped["price"]
    bars = frame(
        tables.BARS,
        {
            "time": grouped.size().index.to_numpy(dtype=np.int64),
            "open": prices.first().to_numpy(),
            "high": prices.max().to_numpy(),
            "low": prices.min().to_numpy(),
            "close": prices.last().to_numpy(),
            "volume": grouped["step"].sum(min_count=1).to_numpy(),
            "ticks": grouped.size().to_numpy(),
            "broker_name": grouped["broker_name"].last().tolist(),
        },
    )
    bars.attrs["negative_volume_steps"] = negative
    return bars


def auctions_within(hours: MarketHours, exchange: str, ticks: pd.DataFrame) -> list[tuple[int, int]]:
    """When prices were indicative on the days of these ticks: begin and end, UTC ns."""
    return auctions_at(hours, exchange, pd.DatetimeIndex(ticks.index).as_unit("ns").asi8)


def auctions_at(hours: MarketHours, exchange: str, receive_ns: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The same of times (UTC ns)."""
    days = np.unique((receive_ns + _IST_OFFSET_NS) // _DAY_NS)
    return [
        session
        for day in days.tolist()
        for session in hours.auctions(exchange, date.fromordinal(_EPOCH + day))
    ]


def indicative(
    receive_ns: NDArray[np.int64], steps: NDArray[np.float64], auctions: Sequence[tuple[int, int]]
) -> NDArray[np.bool_]:
    """Which ticks have an indicative price: those in an auction that no volume came with.

    Parameters
    ----------
    receive_ns
        UTC ns.
    steps
        What was traded from the tick before to each; NaN where that is not known.
    auctions
        Begin and end, UTC ns.
    """
    within = np.zeros(len(receive_ns), np.bool_)
    for begin_ns, end_ns in auctions:
        within |= (receive_ns >= begin_ns) & (receive_ns < end_ns)
    found: NDArray[np.bool_] = within & ~(steps > 0)
    return found


def bar_starts_ns(times_ns: NDArray[np.int64], width_ns: int) -> NDArray[np.int64]:
    """The left edge of the bar that each time (UTC ns) falls into."""
    # Days are kept apart, so that an interval that does not divide a day starts over each morning.
    midnight_ns = _midnight_ns(times_ns)
    into_session_ns = times_ns + _IST_OFFSET_NS - midnight_ns - SESSION_START.value
    from_start_ns = into_session_ns // width_ns * width_ns
    # What is before the session belongs to its own day: a day's bar holds all of it, no other bar
    # begins before midnight.
    earliest_ns = 0 if width_ns == _DAY_NS else -SESSION_START.value
    starts_ns: NDArray[np.int64] = (
        midnight_ns + SESSION_START.value + np.maximum(from_start_ns, earliest_ns) - _IST_OFFSET_NS
    )
    return starts_ns


def _midnight_ns(times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Midnight in India of each time, on India's own clock."""
    local_ns = times_ns + _IST_OFFSET_NS
    midnight_ns: NDArray[np.int64] = local_ns // _DAY_NS * _DAY_NS
    return midnight_ns


def _volume_steps(
    volumes: NDArray[np.float64], days: NDArray[np.int64], sources: NDArray[Any]
) -> tuple[NDArray[np.float64], int]:
    """What was traded from each tick to the next, NaN where that is not known, and how often it fell."""
    steps = np.diff(volumes, prepend=np.nan)
    if not len(steps):
        return steps, 0
    begins = np.concatenate([[True], (np.diff(days) != 0) | (sources[1:] != sources[:-1])])
    steps[begins] = np.nan
    falls = np.flatnonzero(steps < 0)
    ends = np.append(np.flatnonzero(begins), len(steps))
    done = 0
    for fall in falls.tolist():
        if fall < done:
            continue
        total = volumes[fall - 1]
        end = min(int(ends[np.searchsorted(ends, fall, side="right")]), fall + _LONGEST_DIP_TICKS)
        reached = np.flatnonzero(volumes[fall:end] >= total)
        if not len(reached):
            continue
        back = fall + int(reached[0])
        if 2 * steps[back] >= total - np.nanmin(volumes[fall:back]):
            steps[fall:back] = 0.0
            steps[back] = volumes[back] - total
            done = back
    return np.maximum(steps, 0.0), len(falls)


def interval_ns(interval: Interval) -> int:
    """The length of an interval such as ``"1min"`` or ``pd.Timedelta("1min")``.

    Raises
    ------
    ValueError
        It can't be read, or is not between a millisecond and a day.
    """
    number = str(interval)
    if number.isascii() and number.isdigit():
        raise ArgumentError(
            f"expected an interval with its unit, '{number}s' or '{number}min', found {interval!r}"
        )
    try:
        if isinstance(interval, str):
            width = pd.Timedelta(interval if interval[:1].isdigit() else f"1{interval}")
        elif isinstance(interval, timedelta | np.timedelta64):
            width = pd.Timedelta(interval)
        else:
            raise TypeError
    except (ValueError, TypeError):
        raise ArgumentError(
            "expected an interval such as '1min', '5min' or '15s', or a pandas Timedelta, "
            f"found {str(interval)[:40]!r}"
        ) from None
    # NaT is no duration, and compares as false.
    if not pd.Timedelta(milliseconds=1) <= width <= pd.Timedelta(days=1):
        raise ArgumentError(f"expected an interval between a millisecond and a day, found {str(interval)!r}")
    return int(width.as_unit("ns").value)
