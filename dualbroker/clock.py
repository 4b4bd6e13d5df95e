"""Time as an argument: what the pure code and the stores are told instead of asking the system."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Protocol
from zoneinfo import ZoneInfo

__all__ = [
    "IST",
    "NS_PER_S",
    "PREPARED_AT",
    "Clock",
    "MarketClock",
    "SystemClock",
    "WallClock",
    "ist",
    "market_day",
]

IST = ZoneInfo("Asia/Kolkata")
PREPARED_AT = time_of_day(8, 30)
"""Indian time at which a day is made ready; the first session, of commodities, begins at 09:00."""

NS_PER_S = 1_000_000_000
_STEP_NS = NS_PER_S
"""From here on the system's clock was set, or stood still in a sleep; below, it is only being kept right."""


class Clock(Protocol):
    """Receive times, which never run back; or the time of day, which is whatever the system says."""

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch; of receive times never less than what was returned before."""
        ...

    def follow(self, feed_time_s: int) -> None:
        """Take note of a market time (epoch seconds) seen in a message; only a replay's clock cares."""
        ...


class SystemClock:
    """Receive times: a wall-clock anchor, carried on by the monotonic clock.

    That clock stands still while a laptop sleeps, and the anchor may be taken before the system has learnt
    the time; so ``catch_up`` is to be called every second.
    """

    def __init__(self) -> None:
        self._offset_ns = self._seen_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return self._offset_ns + time.monotonic_ns()

    def catch_up(self) -> float:
        """Go ahead with a system's clock that has gone ahead; one that was set back moves nothing.

        Returns
        -------
        float
            Seconds by which the system's clock has stepped since it was last followed; 0.0 up to a second.
        """
        seen_ns = time.time_ns() - time.monotonic_ns()
        step_ns = seen_ns - self._seen_ns
        if abs(step_ns) <= _STEP_NS:
            return 0.0
        self._seen_ns = seen_ns
        self._offset_ns = max(self._offset_ns, seen_ns)
        return step_ns / 1e9

    def follow(self, feed_time_s: int) -> None:
        """Live time needs no telling."""


class WallClock:
    """The time of day: the system's, with every change of it, also back."""

    def now_ns(self) -> int:
        return time.time_ns()

    def follow(self, feed_time_s: int) -> None:
        """Live time needs no telling."""


class MarketClock:
    """The time of a recorded day: as far as the messages seen so far have carried it."""

    def __init__(self) -> None:
        self._now_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def follow(self, feed_time_s: int) -> None:
        self._now_ns = max(self._now_ns, feed_time_s * NS_PER_S)


def ist(time_ns: int) -> datetime:
    """The Indian wall time of UTC nanoseconds since the epoch (microsecond precision)."""
    return datetime.fromtimestamp(time_ns / 1e9, IST)


def market_day(now_ns: int) -> date:
    """The day that symbol masters of this moment belong to; it begins at ``PREPARED_AT``."""
    since_midnight = timedelta(hours=PREPARED_AT.hour, minutes=PREPARED_AT.minute)
    return (ist(now_ns) - since_midnight).date()
