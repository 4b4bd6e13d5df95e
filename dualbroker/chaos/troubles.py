"""When which broker was in trouble, by the schedule alone. Pure.

Rules that promise something "while a broker is well" ask here, so that what is expected of the client
never depends on what the client did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dualbroker.chaos.schedule import ALL_BROKERS, Fault, OneOff, Schedule

__all__ = ["REST_IS_DOWN", "Troubles"]

REST_IS_DOWN = ("rest_html_502", "rest_hangs", "no_data", "black_hole")
"""Switches under which no order book can be read."""


class _Trouble(msgspec.Struct, frozen=True):
    start_s: float
    end_s: float
    words: frozenset[str]
    """Switches, or the action of a one-off fault."""


class Troubles:
    """The troubles of each broker of a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.names = [f"broker{number + 1}" for number in range(schedule.brokers)]
        self.schedule = schedule
        self._troubles: dict[str, list[_Trouble]] = {name: [] for name in self.names}
        self.evicted_at_s: dict[str, float] = {}
        """First eviction of each broker that had one."""
        for event in schedule.events:
            if isinstance(event, Fault):
                end_s = min(event.at_s + event.lasts_s, schedule.faults_end_s)
                self._add(event.broker, _Trouble(event.at_s, end_s, frozenset(event.switches)))
            elif isinstance(event, OneOff):
                lasts_s = self._until_noticed_s() if event.action == "half_frame" else 0.0
                end_s = event.at_s + lasts_s
                self._add(event.broker, _Trouble(event.at_s, end_s, frozenset({event.action})))
                if event.action == "evict":
                    for name in self.who(event.broker):
                        self.evicted_at_s.setdefault(name, event.at_s)

    def who(self, broker: str) -> Sequence[str]:
        """The brokers that a name in an event means."""
        return self.names if broker == ALL_BROKERS else [broker]

    def _until_noticed_s(self) -> float:
        """How long a link may be of no use before its silence is noticed: a half frame swallows all else."""
        limits = self.schedule.settings["liveness"]
        return float(limits["ping_every"] + limits["pong_within"]) + 2.0

    def is_well(self, broker: str, from_s: float, to_s: float) -> bool:
        """Whether nothing at all was wrong with it in that time."""
        return self.is_well_but_for(broker, (), from_s, to_s)

    def is_well_but_for(self, broker: str, words: Iterable[str], from_s: float, to_s: float) -> bool:
        """The same, of all troubles but these."""
        but = frozenset(words)
        return not any(
            trouble.start_s <= to_s and trouble.end_s >= from_s
            for trouble in self._troubles[broker]
            if not (but and trouble.words <= but)
        )

    def had(self, broker: str, words: Iterable[str], from_s: float = 0.0, to_s: float = 1e9) -> bool:
        """Whether one of these troubles was on in that time."""
        wanted = frozenset(words)
        return any(
            trouble.words & wanted and trouble.start_s <= to_s and trouble.end_s >= from_s
            for trouble in self._troubles[broker]
        )

    def spans(self, broker: str, words: Iterable[str]) -> list[tuple[float, float]]:
        """The times in which one of these switches was on, joined where they meet, in order."""
        wanted = frozenset(words)
        spans = sorted((t.start_s, t.end_s) for t in self._troubles[broker] if t.words & wanted)
        joined: list[tuple[float, float]] = []
        for start_s, end_s in spans:
            if joined and start_s <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end_s))
            else:
                joined.append((start_s, end_s))
        return joined

    def is_barred(self, broker: str) -> bool:
        """Whether its login is refused for good, by its settings."""
        return "password" in self.schedule.broker_settings.get(broker, {})

    def is_polled(self, broker: str) -> bool:
        return self.schedule.broker_settings.get(broker, {}).get("orders") == "poll"

    def can_stream(self, broker: str, at_s: float) -> bool:
        """Whether it may carry quotes at that time, were it well."""
        evicted = self.evicted_at_s.get(broker, 1e9) <= at_s
        return not (evicted or self.is_barred(broker) or self.is_polled(broker))

    def _add(self, broker: str, trouble: _Trouble) -> None:
        for name in self.who(broker):
            self._troubles[name].append(trouble)
