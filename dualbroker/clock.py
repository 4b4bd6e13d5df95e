"""Time as an argument: what the pure code and the stores are told instead of asking the system."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Protocol
from zoneinfo import ZoneInfo

__all__ = ["IST", "PREPARED_AT", "Clock", "MarketClock", "SystemClock", "ist", "market_day"]

IST = ZoneInfo("Asia/Kolkata")
PREPARED_AT = time_of_day(8, 30)
"""Indian time at which a day is made ready; the first session, of commodities, begins at 09:00."""


class Clock(Protocol):
    """Wall time that never runs back."""

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch, never less than what was returned before."""
        ...

    def follow(self, feed_time_s: int) -> None:
        """Take note of a market time (epoch seconds) seen in a message; only a replay's clock cares."""
        ...


class SystemClock:
    """A wall-clock anchor taken once, carried on by the monotonic clock.

    A change of the system's time moves no receive time.
    """

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return self._offset_ns + time.monotonic_ns()

    def follow(self, feed_time_s: int) -> None:
        """Live time needs no telling."""


class MarketClock:
    """The time of a recorded day: as far as the messages seen so far have carried it."""

    def __init__(self) -> None:
        self._now_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def follow(self, feed_time_s: int) -> None:
        self._now_ns = max(self._now_ns, feed_time_s * 1_000_000_000)


def ist(time_ns: int) -> datetime:
    """The Indian wall time of UTC nanoseconds since the epoch (microsecond precision)."""
    return datetime.fromtimestamp(time_ns / 1e9, IST)


def market_day(now_ns: int) -> date:
    """The day that symbol masters of this moment belong to; it begins at ``PREPARED_AT``."""
    since_midnight = timedelta(hours=PREPARED_AT.hour, minutes=PREPARED_AT.minute)
    return (ist(now_ns) - since_midnight).date()
