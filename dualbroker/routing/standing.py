"""Whether each broker is of use for quotes now, how it has done of late, and which is the primary. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from dualbroker.market_hours import MarketHours, Phase
from dualbroker.routing.choice import choose_source, fair_weight
from dualbroker.routing.commands import Moment, PrimaryChanged
from dualbroker.routing.holders import Holders
from dualbroker.routing.refusals import Refusals
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.stability import Stability, StabilityStore, Trouble

__all__ = ["BrokerStanding", "Standing"]

NIGHT_GRACE_S = 60.0


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
    """What counts for and against the brokers that can carry quotes, and which of them is the primary.

    It keeps to a primary for as long as there is no reason to change it.

    Parameters
    ----------
    health
        By broker's name: its last quote, its round trip and its problem are read from it.
    preferred
        To whom quotes return; None leaves it to what is measured.
    """

    def __init__(
        self,
        health: Mapping[str, BrokerHealth],
        refusals: Refusals,
        holders: Holders,
        market_hours: MarketHours,
        preferred: str | None,
    ) -> None:
        self.brokers: dict[str, BrokerStanding] = {}
        """By name, in file order."""
        self.primary: str | None = None
        """Who carries quotes, but for instruments that it does not stream; None before one has logged in."""
        self.preferred = preferred
        self.has_begun = False
        """The start is over: a source that is not there by now is replaced."""
        self.is_held = False
        """Connections come and go on purpose, and nothing is moved for that."""
        self.lags: Mapping[str, float] = {}
        """By broker, seconds: as ``Stability.lag_s``; written by whoever compares brokers."""
        self._reason = ""
        """Why the primary was chosen, where it was no failover."""
        self._health = health
        self._refusals = refusals
        self._holders = holders
        self._market_hours = market_hours
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

    def last_quote_ns(self, name: str) -> int | None:
        """Receive time of the newest quote that it brought."""
        return self._health[name].last_quote_ns

    def why_not(self, name: str) -> str:
        """Why it does not serve, in words."""
        broker = self.brokers[name]
        return broker.why_stale or broker.why_down or self._health[name].problem or "it is not connected"

    def is_left_alone(self, now: Moment) -> bool:
        """Whether nothing is moved now: also while a source that has just gone is given time to come back.

        That is only while nothing can tick, as in the night when brokers end all sessions at once: quotes
        would be moved there and back for nothing.
        """
        return (
            self.primary is None
            or self.is_held
            or (
                self.brokers[self.primary].may_come_back(NIGHT_GRACE_S, now)
                and not self._any_exchange_is(
                    now, Phase.PRE_OPEN, Phase.OPENING, Phase.CONTINUOUS, Phase.AUCTION
                )
            )
        )

    def choose(self, now: Moment, sources: list[str]) -> list[PrimaryChanged]:
        """Another primary, where one should carry the quotes from now on; ``sources`` stream something."""
        if not self.has_begun or self.is_left_alone(now):
            return []
        choice = choose_source(self._measurements(now, sources), self.primary, preferred=self.preferred)
        if choice.primary is None or choice.primary == self.primary:
            return []
        old, self.primary = self.primary, choice.primary
        if old is not None and not self.serves(old):
            self._stability.note_failover(old, now.s)
        else:
            self._reason = choice.reason
        return [PrimaryChanged(choice.primary, choice.reason)]

    def weights(self, now: Moment, sources: list[str]) -> dict[str, float]:
        """How much of the quotes each broker that serves should carry beside others, the steadiest first.

        1 is a broker without trouble. One that had some is given nothing more until it has been steady for as
        long as it would have to be to become the primary again.
        """
        rows = [row for row in self._measurements(now, sources) if row.is_serving]
        return {row.name: fair_weight(row) for row in sorted(rows, key=lambda row: row.trouble)}

    def prefer(self, name: str) -> list[PrimaryChanged]:
        """Make it the primary, because a person has asked for that, and the one that others return to."""
        self.preferred = name
        if self.primary == name:
            return []
        self._reason = "asked for by a person"
        self.primary = name
        return [PrimaryChanged(name, self._reason)]

    def why_moved(self, old: str, new: str, *, planned: bool) -> str:
        """Why quotes move, in words; why the primary was chosen is said once."""
        if not self.serves(old):
            return f"{old}: {self.why_not(old)}"
        if not planned:
            return f"{old} does not stream them"
        why, self._reason = self._reason, ""
        return why or f"{new} can stream them again"

    def _measurements(self, now: Moment, sources: Collection[str]) -> list[Stability]:
        """What was measured of each broker that can carry quotes, in file order."""
        # In an auction the age of the last tick says nothing.
        is_continuous = self._any_exchange_is(now, Phase.CONTINUOUS)
        return [
            self._measure(name, now, is_ticking=is_continuous and name in sources)
            for name, broker in self.brokers.items()
            if broker.can_stream
        ]

    def _measure(self, name: str, now: Moment, *, is_ticking: bool) -> Stability:
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
            unacknowledged=self._refusals.count(name),
            round_trip_s=stability.round_trip_s(name, now.s),
            tick_age_s=None if last_ns is None else max(0, now.ns - last_ns) / 1e9,
            lag_s=self.lags.get(name, 0.0),
            steady_s=stability.steady_s(name, now.s),
            failures=stability.failures(name, now.s),
        )

    def _any_exchange_is(self, now: Moment, *phases: Phase) -> bool:
        exchanges = self._holders.exchanges or ("NSE",)
        return any(self._market_hours.phase(exchange, now.wall_ns) in phases for exchange in exchanges)
