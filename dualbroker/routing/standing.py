"""Whether each broker is of use for quotes now, and how it has done of late. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from dualbroker.routing.commands import Moment
from dualbroker.routing.refusals import Refusals
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.stability import Stability, StabilityStore, Trouble

__all__ = ["BrokerStanding", "Standing"]


class BrokerStanding(msgspec.Struct):
    """What is known of one broker."""

    can_stream: bool
    """It has a socket for quotes at all."""
    is_connected: bool = False
    is_counted_up: bool = False
    """Its next loss is a trouble: not of one that went down on purpose."""
    is_parked: bool = False
    down_since_s: float | None = None
    why_down: str = ""
    why_stale: str = ""
    """Why its quotes count as stale; empty when they do not."""

    @property
    def serves(self) -> bool:
        """Whether its socket is up and of use for quotes."""
        return self.can_stream and self.is_connected and not self.why_stale

    def may_come_back(self, within_s: float, now: Moment) -> bool:
        """Whether it has gone less than that long ago and connects again by itself."""
        return self.down_since_s is not None and now.s - self.down_since_s < within_s and not self.is_parked


class Standing:
    """What counts for and against the brokers that can carry quotes.

    Parameters
    ----------
    health
        By broker's name: its last quote, its round trip and its problem are read from it.
    """

    def __init__(self, health: Mapping[str, BrokerHealth]) -> None:
        self.brokers: dict[str, BrokerStanding] = {}
        """By name, in file order."""
        self._health = health
        self._stability = StabilityStore()

    def serves(self, name: str) -> bool:
        """Whether there is such a broker, and its socket is up and of use for quotes."""
        return name in self.brokers and self.brokers[name].serves

    def came_up(self, name: str, state: BrokerState, now: Moment) -> None:
        """Its orders flow; by REST, where it is not live, and then no quotes can."""
        is_live = state is BrokerState.LIVE
        self.brokers[name] = BrokerStanding(self.brokers[name].can_stream, is_live, is_counted_up=True)
        self._stability.first_seen(name, now.s)

    def went_down(self, name: str, state: BrokerState, now: Moment) -> None:
        """Its socket is of no use any more, for whatever reason."""
        broker = self.brokers[name]
        broker.is_connected, broker.is_parked = False, state is BrokerState.PARKED
        if broker.down_since_s is None:
            broker.down_since_s = now.s

    def note_loss(self, name: str, why: str, now: Moment) -> None:
        """That counts against it."""
        broker = self.brokers[name]
        if broker.is_counted_up and not broker.why_stale:
            self._stability.note(name, Trouble.DISCONNECT, now.s)
        broker.is_counted_up, broker.why_down = False, why

    def became_stale(self, name: str, why: str, now: Moment) -> None:
        """It is connected, and brings no quotes while the market moves."""
        self.brokers[name].why_stale = self.brokers[name].why_down = why
        self._stability.note(name, Trouble.STALE, now.s)

    def lost_quotes(self, name: str, now: Moment) -> None:
        """Quotes had to be taken away from it."""
        self._stability.note_failover(name, now.s)

    def last_quote_ns(self, name: str) -> int | None:
        """Receive time of the newest quote that it brought."""
        return self._health[name].last_quote_ns

    def why_not(self, name: str) -> str:
        """Why it does not serve, in words."""
        broker = self.brokers[name]
        return broker.why_stale or broker.why_down or self._health[name].problem or "it is not connected"

    def measurements(self, now: Moment, refusals: Refusals, ticking: Collection[str]) -> list[Stability]:
        """What was measured of each broker that can carry quotes, in file order.

        Parameters
        ----------
        ticking
            Brokers of which the age of the newest quote says something.
        """
        return [
            self._measure(name, now, refusals.count(name), is_ticking=name in ticking)
            for name, broker in self.brokers.items()
            if broker.can_stream
        ]

    def _measure(self, name: str, now: Moment, unacknowledged: int, *, is_ticking: bool) -> Stability:
        health, stability = self._health[name], self._stability
        counts = stability.counts(name, now.s)
        if health.round_trip_s is not None and self.brokers[name].is_counted_up:
            stability.note_round_trip(name, health.round_trip_s, now.s)
        last_ns = health.last_quote_ns if is_ticking else None
        return Stability(
            name=name,
            is_serving=self.serves(name),
            why_not=self.why_not(name),
            disconnects=counts[Trouble.DISCONNECT],
            stales=counts[Trouble.STALE],
            unacknowledged=unacknowledged,
            round_trip_s=stability.round_trip_s(name, now.s),
            tick_age_s=None if last_ns is None else max(0, now.ns - last_ns) / 1e9,
            steady_s=stability.steady_s(name, now.s),
            failures=stability.failures(name, now.s),
        )
