"""How steady each broker has been of late: what the choice of the quote source is made from. Pure."""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum
from statistics import median_low

import msgspec

__all__ = ["Stability", "StabilityStore", "Trouble"]

WINDOW_S = 600.0
MOST_KEPT = 1_000
ROUND_TRIP_POINTS_PER_S = 20.0
ROUND_TRIP_EVERY_S = 5.0
FEWEST_ROUND_TRIPS = 5
"""Before that many have been seen, a single slow one could be the median."""
UNACKNOWLEDGED_POINTS = 0.2
MOST_UNACKNOWLEDGED_POINTS = 20.0
LAG_POINTS_PER_S = 40.0
MOST_LAG_POINTS = 40.0
LATE_TICKS_S = 30.0
LATE_TICKS_POINTS = 10.0


class Trouble(StrEnum):
    """What counts against a broker."""

    DISCONNECT = "reconnected"
    STALE = "was mute"


_POINTS = {Trouble.DISCONNECT: 10.0, Trouble.STALE: 20.0}


class Stability(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one broker in the sliding window."""

    name: str
    is_serving: bool
    """Its socket is up, and brings quotes as far as is known."""
    why_not: str = ""
    """Why it does not serve, in words."""
    disconnects: int = 0
    stales: int = 0
    unacknowledged: int = 0
    """Instruments that it has not acknowledged or leaves silent."""
    round_trip_s: float | None = None
    """Median over the window: one late pong says nothing."""
    tick_age_s: float | None = None
    """Age of its newest quote in market hours; None of one that carries none."""
    lag_s: float = 0.0
    """By which it shows trades later than the soonest broker, where brokers are compared all day; 0 where
    that is not known, too little or too uncertain to count."""
    steady_s: float = 0.0
    """Since its last trouble, or since it was first seen."""
    failures: int = 0
    """Failovers away from it in the window."""

    @property
    def trouble(self) -> float:
        """Points; the fewer, the better."""
        points = _POINTS[Trouble.DISCONNECT] * self.disconnects + _POINTS[Trouble.STALE] * self.stales
        points += min(MOST_UNACKNOWLEDGED_POINTS, UNACKNOWLEDGED_POINTS * self.unacknowledged)
        points += ROUND_TRIP_POINTS_PER_S * (self.round_trip_s or 0.0)
        points += min(MOST_LAG_POINTS, LAG_POINTS_PER_S * self.lag_s)
        if self.tick_age_s is not None and self.tick_age_s > LATE_TICKS_S:
            points += LATE_TICKS_POINTS
        return points

    @property
    def words(self) -> str:
        """What counts against it, for a sentence that begins with its name."""
        parts = []
        if self.disconnects:
            parts.append(f"reconnected {_times(self.disconnects)} in {WINDOW_S / 60:.0f} minutes")
        if self.stales:
            parts.append(f"was mute {_times(self.stales)} in {WINDOW_S / 60:.0f} minutes")
        if self.unacknowledged:
            parts.append(f"does not stream {self.unacknowledged} instruments")
        if self.round_trip_s is not None and self.round_trip_s > 0.5:
            parts.append(f"takes {self.round_trip_s * 1000:.0f} ms to answer")
        if self.lag_s:
            parts.append(f"shows trades {self.lag_s * 1000:.0f} ms later than the soonest broker")
        if self.tick_age_s is not None and self.tick_age_s > LATE_TICKS_S:
            parts.append(f"has brought no quote for {self.tick_age_s:.0f} s")
        return ", ".join(parts) or "has had no trouble"


class StabilityStore:
    """Trouble of each broker over a sliding window. Times are seconds of a clock that never runs back."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._troubles: dict[str, deque[tuple[float, Trouble]]] = {}
        self._failures: dict[str, deque[float]] = {}
        self._since_s: dict[str, float] = {}
        self._round_trips: dict[str, deque[tuple[float, float]]] = {}
        self._medians: dict[str, float | None] = {}
        """Of the round trips as they are: asked for every second, they change every few."""

    def first_seen(self, name: str, now_s: float) -> None:
        """A broker is there."""
        self._since_s.setdefault(name, now_s)

    def note(self, name: str, trouble: Trouble, now_s: float) -> None:
        """Something happened that counts against a broker."""
        self._troubles.setdefault(name, deque(maxlen=MOST_KEPT)).append((now_s, trouble))

    def note_failover(self, name: str, now_s: float) -> None:
        """Quotes had to be taken away from a broker."""
        self._failures.setdefault(name, deque(maxlen=MOST_KEPT)).append(now_s)

    def counts(self, name: str, now_s: float) -> Counter[Trouble]:
        """How often each kind of trouble happened within the window."""
        return Counter(kind for when, kind in self._troubles.get(name, ()) if when > now_s - self._window_s)

    def failures(self, name: str, now_s: float) -> int:
        """Failovers away from it within four windows: a broker that flaps is remembered for longer."""
        return sum(when > now_s - 4 * self._window_s for when in self._failures.get(name, ()))

    def note_round_trip(self, name: str, round_trip_s: float, now_s: float) -> None:
        """How long a broker takes to answer now; to be called often, and taken down every few seconds."""
        taken = self._round_trips.setdefault(name, deque(maxlen=MOST_KEPT))
        if not taken or now_s - taken[-1][0] >= ROUND_TRIP_EVERY_S:
            taken.append((now_s, round_trip_s))
            self._medians.pop(name, None)

    def round_trip_s(self, name: str, now_s: float) -> float | None:
        """Median over the window; None while too little is known."""
        taken = self._round_trips.get(name, deque())
        while taken and taken[0][0] <= now_s - self._window_s:
            taken.popleft()
            self._medians.pop(name, None)
        if name not in self._medians:
            enough = len(taken) >= FEWEST_ROUND_TRIPS
            self._medians[name] = median_low([each for _, each in taken]) if enough else None
        return self._medians[name]

    def steady_s(self, name: str, now_s: float) -> float:
        """Seconds since the last trouble, or since the broker was first seen."""
        troubles = self._troubles.get(name)
        return now_s - (troubles[-1][0] if troubles else self._since_s.get(name, now_s))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
