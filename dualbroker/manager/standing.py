"""Whether each broker is of use for quotes now, and how it has done of late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from dualbroker.brokers.base import Broker
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.stability import Stability, StabilityStore, Trouble

__all__ = ["Standing"]


class Standing:
    """What counts for and against the brokers that can carry quotes.

    Parameters
    ----------
    unacknowledged
        By broker's name: how many instruments it does not stream although it was asked.
    tick_age_s
        By broker's name: age of its newest quote while it could tick; None of one that is no source.
    """

    def __init__(
        self,
        brokers: Mapping[str, Broker],
        health: Mapping[str, BrokerHealth],
        *,
        unacknowledged: Callable[[str], int],
        tick_age_s: Callable[[str], float | None],
    ) -> None:
        self._brokers = brokers
        self._health = health
        self._unacknowledged = unacknowledged
        self._tick_age_s = tick_age_s
        self._stability = StabilityStore()
        self._stale: dict[str, str] = {}
        self._why_down: dict[str, str] = {}
        self._up: set[str] = set()

    def can_stream(self, name: str) -> bool:
        """Whether it has a socket for quotes at all."""
        return self._brokers[name].config.orders == "stream"

    def serves(self, name: str) -> bool:
        """Whether its socket is up and of use for quotes."""
        return (
            self.can_stream(name) and self._health[name].state is BrokerState.LIVE and name not in self._stale
        )

    def is_stale(self, name: str) -> bool:
        return name in self._stale

    def why_stale(self, name: str) -> str:
        """Why its quotes count as stale; empty when they do not."""
        return self._stale.get(name, "")

    def came_up(self, name: str) -> None:
        self._stale.pop(name, None)
        self._why_down.pop(name, None)
        self._up.add(name)
        self._stability.first_seen(name, _now_s())

    def went_down(self, name: str, why: str) -> None:
        if name in self._up and name not in self._stale:
            self._stability.note(name, Trouble.DISCONNECT, _now_s())
        self._up.discard(name)
        self._why_down[name] = why

    def became_stale(self, name: str, why: str) -> None:
        self._stale[name] = self._why_down[name] = why
        self._stability.note(name, Trouble.STALE, _now_s())

    def lost_quotes(self, name: str) -> None:
        """Quotes had to be taken away from it."""
        self._stability.note_failover(name, _now_s())

    def why_not(self, name: str) -> str:
        """Why it does not serve, in words."""
        why = self._stale.get(name) or self._why_down.get(name) or self._health[name].problem
        return why or "it is not connected"

    def measurements(self) -> list[Stability]:
        """What was measured of each broker that can carry quotes, in file order."""
        now_s = _now_s()
        found = []
        for name in self._brokers:
            if not self.can_stream(name):
                continue
            counts = self._stability.counts(name, now_s)
            answered_s = self._health[name].round_trip_s
            if answered_s is not None and name in self._up:
                self._stability.note_round_trip(name, answered_s, now_s)
            found.append(
                Stability(
                    name=name,
                    is_serving=self.serves(name),
                    why_not=self.why_not(name),
                    disconnects=counts[Trouble.DISCONNECT],
                    stales=counts[Trouble.STALE],
                    unacknowledged=self._unacknowledged(name),
                    round_trip_s=self._stability.round_trip_s(name, now_s),
                    tick_age_s=self._tick_age_s(name),
                    steady_s=self._stability.steady_s(name, now_s),
                    failures=self._stability.failures(name, now_s),
                )
            )
        return found

    def serving(self) -> list[str]:
        """Who can carry quotes now, the steadiest first."""
        rows = [row for row in self.measurements() if row.is_serving]
        return [row.name for row in sorted(rows, key=lambda row: row.trouble)]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
