"""Who streams each instrument, decided: subscriptions, failover, planned hand-overs, what is left over.

``arrange`` decides who should stream what (``source_choice``, ``roles``) and has it carried out
(``placement``); it is called whenever anything has happened that may change the decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dualbroker.brokers.base import Broker, QuoteCallback
from dualbroker.clock import Clock
from dualbroker.manager.failover_log import FailoverLog, names_shown
from dualbroker.manager.mapping import InstrumentMapping
from dualbroker.manager.placement import Placement
from dualbroker.manager.refusals import Refusals
from dualbroker.manager.source_choice import SourceChoice
from dualbroker.manager.standing import Standing
from dualbroker.manager.subscriptions import SubscriptionBook
from dualbroker.manager.telling import Teller
from dualbroker.model import InstrumentKey, Role
from dualbroker.roles import assign
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.quotes import QuoteStore

__all__ = ["COMES_BACK", "QuoteCarrier"]

logger = logging.getLogger("dualbroker")

ACKNOWLEDGE_WITHIN_S = 5.0
"""After a subscription was asked for; then another broker is asked where there is one."""
HAND_OVER_WITHIN_S = 60.0
RECONNECTS = "it reconnects by itself"
COMES_BACK = {
    BrokerState.PARKED: "it is parked until a person does something",
    BrokerState.POLLING: "the login is left to whoever took it, and orders are read by REST",
}
"""What becomes of a broker that does not reconnect by itself."""


class QuoteCarrier:
    """Gives every wanted instrument exactly one broker that streams it, as far as there is one.

    Parameters
    ----------
    brokers, health
        By name, in file order; filled while the feed starts.
    quotes, book, incidents
        What is remembered.
    clock
        Receive times.
    on_quotes
        Where brokers that carry quotes bring them.
    spawn
        Runs what has to be told to a broker.
    on_new_primary, is_market_open, preferred
        See `SourceChoice`.
    is_trading_continuous
        Whether the age of the last tick says anything: in an auction it does not.
    """

    def __init__(
        self,
        brokers: Mapping[str, Broker],
        health: Mapping[str, BrokerHealth],
        *,
        quotes: QuoteStore,
        book: SubscriptionBook,
        incidents: IncidentStore,
        mapping: InstrumentMapping,
        clock: Clock,
        on_quotes: QuoteCallback,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        on_new_primary: Callable[[], None],
        is_market_open: Callable[[], bool],
        is_trading_continuous: Callable[[], bool],
        preferred: str | None,
    ) -> None:
        self._brokers = brokers
        self._health = health
        self._book = book
        self._incidents = incidents
        self._mapping = mapping
        self._clock = clock
        self._is_trading_continuous = is_trading_continuous
        self.refusals = Refusals()
        self._failovers = FailoverLog(incidents)
        self.standing = Standing(
            brokers, health, unacknowledged=self.refusals.count, tick_age_s=self._tick_age_s
        )
        self.choice = SourceChoice(
            health,
            self.standing,
            on_new_primary=on_new_primary,
            is_market_open=is_market_open,
            preferred=preferred,
        )
        self._teller = Teller(brokers, mapping, on_quotes, spawn)
        self.placement = Placement(
            health,
            quotes=quotes,
            clock=clock,
            teller=self._teller,
            failovers=self._failovers,
            refusals=self.refusals,
            standing=self.standing,
            why=self.choice.why_moved,
            unknown_at=self._unknown_at,
            on_left=self._give_roles,
        )

    # What is known

    @property
    def primary(self) -> str | None:
        """Who carries quotes, but for instruments that it does not stream; None before one has logged in."""
        return self.choice.primary

    def serves(self, name: str) -> bool:
        """Whether a broker's socket is up and of use for quotes."""
        return self.standing.serves(name)

    def streamed_by(self, name: str) -> list[InstrumentKey]:
        """Instruments that a broker streams, without those on their way to it."""
        return self.placement.streamed_by(name)

    def target_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        return self.placement.target_of(key)

    @property
    def sources(self) -> list[str]:
        """Brokers that stream anything, each once."""
        return self.placement.sources

    def uncovered(self) -> list[str]:
        """Qualified names of wanted instruments that no broker streams now."""
        streams = {key: self.placement.stream_of(key) for key in self._book.wanted()}
        return [
            self.placement.name(key) for key, name in streams.items() if name is None or not self.serves(name)
        ]

    # What happens

    def begin(self) -> None:
        """The start is over: a source that is not there by now is replaced."""
        self.choice.has_begun = True
        self.arrange()

    def on_connected(self, name: str) -> None:
        """A broker's socket is up."""
        self.standing.came_up(name)
        self.choice.came_up(name)
        self.refusals.forget(name)
        self.arrange()

    def on_down(self, name: str, why: str) -> bool:
        """A broker's socket is of no use any more; whether that is an incident, which is then noted."""
        if not self.standing.can_stream(name):
            return False
        self.choice.went_down(name)
        if self.choice.is_held:
            return False
        was_stale = self.standing.is_stale(name)
        self.standing.went_down(name, why)
        before = self._incidents.failover_count
        self.arrange()
        if was_stale:
            return False
        action = self._what_follows(name, before, COMES_BACK.get(self._health[name].state, RECONNECTS))
        self._incidents.note(self._clock.now_ns(), name, why, action)
        return True

    def mark_stale(self, name: str, why: str, *, renew_session: bool = False) -> None:
        """A broker answers and brings no quotes while the market moves: it is treated as failed."""
        if self.standing.is_stale(name):
            return
        self.standing.became_stale(name, why)
        before = self._incidents.failover_count
        self.arrange()
        # Of a session that only a person can open, the broker itself says what to do.
        words = "its session has to be renewed" if renew_session else "it is connected anew"
        action = self._what_follows(name, before, words)
        self._incidents.note(self._clock.now_ns(), name, why, action)
        logger.warning("%s: %s; %s", name, why, action)
        broker = self._brokers[name]
        if renew_session:
            broker.renew_session(why)
        else:
            broker.reconnect(why)

    def _what_follows(self, name: str, failovers_before: int, else_words: str) -> str:
        if self._incidents.failover_count > failovers_before:
            return f"quotes go to {self.primary}; {else_words}"
        if self.streamed_by(name):
            return f"no other broker can carry the quotes; {else_words}"
        return else_words

    def refuse(self, name: str, keys: Iterable[InstrumentKey], why: str, *, are_silent: bool = False) -> None:
        """A broker does not stream these; another one is asked where there is one.

        Silent are those that it has acknowledged and brings no ticks of.
        """
        fresh = [key for key in keys if self.refusals.add(name, key, _now_s(), is_silent=are_silent)]
        if not fresh:
            return
        self.arrange()
        elsewhere = Counter(self.target_of(key) for key in fresh)
        elsewhere.pop(name, None)
        elsewhere.pop(None, None)
        names = names_shown(map(self.placement.name, fresh))
        action = (
            ", ".join(f"{count} go to {other}" for other, count in elsewhere.items())
            or "no other broker can stream them; they are asked for again from time to time"
        )
        self._incidents.note(self._clock.now_ns(), name, f"{why}: {names}", action)
        logger.warning("%s %s: %s; %s", name, why, names, action)

    def exchanges(self) -> set[str]:
        """Of all wanted instruments."""
        return {exchange for exchange, _ in self._book.wanted()}

    def ask_for_refused(self) -> None:
        """Ask for everything that was refused, whenever that was."""
        refused = {name: self.refusals.of(name) for name in self._brokers}
        for name in self._brokers:
            self.refusals.forget(name)
        self.arrange()
        for name, keys in refused.items():
            ours = [key for key in keys if self.serves(name) and self.target_of(key) == name]
            if ours:
                self._teller.ask_again(name, ours)

    def check(self) -> None:
        """To be called every moment: what was not acknowledged in time, what may be asked for again."""
        for name in list(self._brokers):
            late = set(self._brokers[name].unacknowledged(ACKNOWLEDGE_WITHIN_S)) if self.serves(name) else ()
            if late:
                ours = [
                    key for key in self.placement.headed_to(name) if self._teller.key_at(name, key) in late
                ]
                self.refuse(name, ours, f"has not acknowledged {len(ours)} instruments")
        expired = self.refusals.expire(_now_s(), self.target_of)
        if expired or self.choice.choose():
            self.arrange()
        for name, key in expired:
            # What is still its own is asked for anew: the broker may have lost it.
            if self.serves(name) and self.target_of(key) == name:
                self._teller.ask_again(name, [key])

    async def wait_acknowledged(self, keys: Iterable[InstrumentKey], timeout_s: float) -> set[InstrumentKey]:
        """Those of the keys that their brokers have acknowledged, waiting no longer than the time given."""
        by_broker: dict[str, list[InstrumentKey]] = {}
        for key in keys:
            name = self.target_of(key)
            if name is not None:
                by_broker.setdefault(name, []).append(key)
        acknowledged: set[InstrumentKey] = set()
        for name, ours in by_broker.items():
            there = {self._teller.key_at(name, key): key for key in ours}
            known = [key for key in there if key is not None]
            for key in await self._brokers[name].wait_acknowledged(known, timeout_s):
                acknowledged.add(there[key])
        return acknowledged

    async def move_to(self, name: str) -> Failover | None:
        """Make a broker the primary that others return to, and hand everything over to it."""
        before = self._incidents.failover_count
        self.choice.prefer(name)
        self.refusals.forget(name)
        self.arrange()
        begun = [each for each in self._incidents.failovers if each.number > before]
        for failover in begun:
            await self._failovers.until_finished(failover, HAND_OVER_WITHIN_S)
        return begun[0] if begun else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it connections may come and go on purpose, and nothing is moved for that."""
        self.choice.is_held = True
        try:
            yield
        finally:
            self.choice.is_held = False
            self.arrange()

    async def refresh(self) -> None:
        """Ask for a new full quote of everything that is streamed."""
        for name in self.sources:
            if self.serves(name):
                await self._brokers[name].refresh()

    def _tick_age_s(self, name: str) -> float | None:
        last_ns = self._health[name].last_quote_ns
        if last_ns is None or name not in self.sources or not self._is_trading_continuous():
            return None
        return max(0, self._clock.now_ns() - last_ns) / 1e9

    # The arrangement

    def arrange(self) -> None:
        """Begin every move that leads to who should stream what."""
        if self.choice.is_left_alone():
            return
        self.choice.choose()
        assert self.primary is not None
        wanted = self._book.wanted()
        targets = assign(wanted, self.primary, self.standing.serving(), self._refused(wanted))
        self.placement.arrange(wanted, targets, self._last_resort)
        self._give_roles()

    def _last_resort(self, key: InstrumentKey) -> str | None:
        """Every broker that serves has refused it: the primary keeps it, should it begin to tick."""
        if (
            self.primary is None
            or not self.serves(self.primary)
            or self._teller.key_at(self.primary, key) is None
        ):
            return None
        return self.primary

    def _refused(self, wanted: Iterable[InstrumentKey]) -> dict[str, set[InstrumentKey]]:
        keys = list(wanted)
        return {
            name: refused
            for name, broker in self._brokers.items()
            if (refused := self.refusals.of(name) | set(self._mapping.unknown_at(broker, keys)))
        }

    def _unknown_at(self, name: str) -> list[str]:
        keys = self._mapping.unknown_at(self._brokers[name], self._book.wanted())
        return [self.placement.name(key) for key in keys]

    def _give_roles(self) -> None:
        carrying = self.placement.carrying()
        for name, broker in self._brokers.items():
            health = self._health[name]
            if health.role is Role.NONE or broker.config.orders != "stream":
                continue
            if name == self.primary:
                health.role = Role.PRIMARY
            elif carrying[name]:
                health.role = Role.SOME_QUOTES
            else:
                if health.role is not Role.SECONDARY:
                    broker.set_quote_callback(None)
                health.role = Role.SECONDARY


def _now_s() -> float:
    return asyncio.get_running_loop().time()
