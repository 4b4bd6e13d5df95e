"""What went wrong and what was done about it: incidents in words, failovers in figures. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import msgspec

__all__ = ["Failover", "Incident", "IncidentStore", "quantile"]

MOST_INCIDENTS = 2_000
MOST_FAILOVERS = 1_000


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went wrong, or that somebody should know."""

    number: int
    """Counts all incidents of this feed, from 1."""
    time_ns: int
    """UTC, by the feed's clock."""
    broker_name: str | None
    """None where it is about the feed as a whole."""
    cause: str
    """What happened, in words."""
    action: str
    """What was done about it, or what a person should do."""


class Failover(msgspec.Struct, kw_only=True):
    """One change of the broker that carries quotes. Written by routing, read by anybody.

    A *gap* is the time from the last quote that the old source brought, of any instrument, to the first
    one that the new source brought of this instrument, in seconds. A planned hand-over has gaps too: what
    passed between the last message that counted of the old source and the first of the new one. Where the
    old source failed before it had taken over itself, a gap begins with the last quote of the one before it.
    """

    number: int
    """From 1."""
    time_ns: int
    """UTC, when it was decided."""
    from_broker: str
    to_broker: str
    why: str
    planned: bool
    """True for a hand-over, which makes the new stream before it breaks the old one."""
    detected_after_s: float | None
    """From the last sign of the old source's quotes to the decision; None for a planned one, and where the
    old source failed before it had brought any."""
    instruments: int
    """To be moved."""
    gaps_s: dict[tuple[str, str], float] = {}
    """By ``(exchange, token)``, as they are known."""
    uncovered: tuple[str, ...] = ()
    """Qualified names that the new broker can't carry, or has not acknowledged."""
    finished: bool = False

    def gap_quantile(self, share: float) -> float | None:
        """The gap below which that share of the instruments lies, in seconds; None before the first."""
        return quantile(list(self.gaps_s.values()), share)


class IncidentStore:
    """The newest incidents and failovers; older ones are dropped and counted."""

    def __init__(self, max_incidents: int = MOST_INCIDENTS, max_failovers: int = MOST_FAILOVERS) -> None:
        self.incidents: deque[Incident] = deque(maxlen=max_incidents)
        self.failovers: deque[Failover] = deque(maxlen=max_failovers)
        self.incident_count = 0
        self.failover_count = 0
        self.listeners: list[Callable[[Incident], None]] = []
        """Called with each incident where it is noted; must not block."""

    @property
    def dropped_incidents(self) -> int:
        return self.incident_count - len(self.incidents)

    @property
    def dropped_failovers(self) -> int:
        return self.failover_count - len(self.failovers)

    def note(self, time_ns: int, broker_name: str | None, cause: str, action: str) -> Incident:
        """Write one down."""
        self.incident_count += 1
        incident = Incident(
            number=self.incident_count, time_ns=time_ns, broker_name=broker_name, cause=cause, action=action
        )
        self.incidents.append(incident)
        for listener in self.listeners:
            listener(incident)
        return incident

    def add_failover(self, failover: Failover) -> Failover:
        """Keep one that begins; routing fills in the rest."""
        self.failover_count += 1
        self.failovers.append(failover)
        return failover

    def incidents_snapshot(self) -> list[Incident]:
        """Oldest first; safe from any thread."""
        return list(self.incidents.copy())

    def failovers_snapshot(self) -> list[Failover]:
        """Oldest first; safe from any thread."""
        return list(self.failovers.copy())


def quantile(values: list[float], share: float) -> float | None:
    """The smallest value that at least that share of all values does not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = max(0, math.ceil(share * len(ordered) - 1e-9) - 1)
    return ordered[place]
