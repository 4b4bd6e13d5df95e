"""Carries out what routing's machine decides: what happens goes in, and each command is done, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import InitVar, dataclass, field
from typing import Any

import msgspec

from dualbroker.brokers.base import Broker, QuoteCallback
from dualbroker.clock import Clock
from dualbroker.errors import SubscriptionLimitError
from dualbroker.figures import duration
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, Role
from dualbroker.routing.commands import (
    AskAgain,
    Command,
    FailoverBegun,
    FailoverFinished,
    Moment,
    Note,
    PrimaryChanged,
    Reconnect,
    Subscribe,
    Unsubscribe,
    WireCommand,
)
from dualbroker.routing.machine import RoutingMachine, names_shown
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.quotes import QuoteStore

__all__ = ["Routing", "Subscribed"]

logger = logging.getLogger("dualbroker")

ACKNOWLEDGE_WITHIN_S = 5.0
"""After a subscription was asked for; then another broker is asked where there is one."""
HAND_OVER_WITHIN_S = 60.0


class Subscribed(msgspec.Struct, frozen=True):
    """One instrument as it was accepted."""

    instrument: Instrument
    quote_source: str
    acknowledged: bool
    """The broker has sent its first full quote."""


@dataclass(kw_only=True, eq=False)
class Routing:
    """Reports to the machine what happens, and carries its commands to brokers and stores.

    Parameters
    ----------
    brokers, health
        By name, in file order; filled while the feed starts, see ``add_broker``.
    clock
        Receive times.
    on_quotes
        Where brokers that carry quotes bring them.
    on_probes
        Where brokers bring what they stream only to be compared.
    spawn
        Runs what takes time.
    preferred
        To whom quotes return; None leaves it to what is measured.
    is_balanced
        Share the quotes out over all brokers, instead of having one carry them.
    at_stake
        Instruments with open orders or fills of today: in a failover they come first.
    """

    brokers: Mapping[str, Broker]
    health: Mapping[str, BrokerHealth]
    quotes: QuoteStore
    incidents: IncidentStore
    market_hours: InitVar[MarketHours]
    clock: Clock
    wall_clock: Clock
    on_quotes: QuoteCallback
    on_probes: QuoteCallback
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    preferred: InitVar[str | None]
    is_balanced: bool = False
    at_stake: InitVar[Callable[[], Collection[InstrumentKey]]] = frozenset
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    """Held while a broker is sent something, which takes several frames and the pauses between them."""
    _connections: Counter[str] = field(default_factory=Counter)
    """Counted up as each is lost: what was meant for one connection is not sent on another."""
    _probed: dict[str, frozenset[InstrumentKey]] = field(default_factory=dict)
    """What each broker was last told to keep apart."""
    _finished: dict[int, asyncio.Event] = field(default_factory=dict)
    """By number of each failover under way."""

    def __post_init__(
        self,
        market_hours: MarketHours,
        preferred: str | None,
        at_stake: Callable[[], Collection[InstrumentKey]],
    ) -> None:
        self.machine = RoutingMachine(
            self.health,
            market_hours,
            self.quotes.routes,
            preferred,
            is_balanced=self.is_balanced,
            last_price=self.quotes.last_price_of,
            at_stake=at_stake,
        )

    # What holders want

    async def hold(self, holder: str, instruments: Sequence[Instrument], kind: FeedType) -> list[Subscribed]:
        """Let a holder hold instruments; returns once they are acknowledged or late.

        Raises
        ------
        SubscriptionLimitError
            All brokers together may not stream so many.
        """
        problem = self.machine.lacks_room(instrument.key for instrument in instruments)
        if problem is not None:
            raise SubscriptionLimitError(problem)
        registered = {self.quotes.register(instrument): instrument for instrument in instruments}
        self.carry_out(self.machine.hold(holder, registered, kind, self.now()))
        keys = [instrument.key for instrument in instruments]
        acknowledged = await self._wait_acknowledged(keys)
        primary = self.machine.standing.primary or ""
        missing: dict[str, list[str]] = {}
        for each in instruments:
            if each.key not in acknowledged:
                at = self.machine.moves.target_of(each.key) or primary
                missing.setdefault(at, []).append(each.qualified_name)
        for name, names in missing.items():
            logger.warning("%s has not acknowledged %s", name, ", ".join(names))
        return [
            Subscribed(i, self.machine.moves.target_of(i.key) or primary, i.key in acknowledged)
            for i in instruments
        ]

    def release(self, holder: str, instruments: Iterable[Instrument] | None = None) -> None:
        """Release these instruments of a holder, or all that it holds."""
        keys = None if instruments is None else [instrument.key for instrument in instruments]
        self.release_keys(holder, keys)

    def release_keys(self, holder: str, keys: Iterable[InstrumentKey] | None) -> None:
        """Release instruments of a holder by their keys, or all that it holds."""
        self.carry_out(self.machine.release(holder, keys, self.now()))

    def turn_day(self, expired: Sequence[Instrument], moved: Sequence[tuple[Instrument, Instrument]]) -> None:
        """Retire what has expired, and let the holders of each that has a new key hold it under that."""
        gone = [*expired, *(old for old, _ in moved)]
        self.quotes.retire(*(index for each in gone if (index := self.quotes.index_of(each.key)) is not None))
        heirs = {old.key: (self.quotes.register(new), new) for old, new in moved}
        self.carry_out(self.machine.turn_day([each.key for each in expired], heirs, self.now()))

    async def _wait_acknowledged(self, keys: Iterable[InstrumentKey]) -> set[InstrumentKey]:
        by_broker: dict[str, dict[InstrumentKey, InstrumentKey]] = {}
        for key in keys:
            name = self.machine.moves.target_of(key)
            there = None if name is None else self.machine.wire.key_at(name, key)
            if name is not None and there is not None:
                by_broker.setdefault(name, {})[there] = key
        acknowledged: set[InstrumentKey] = set()
        for name, ours in by_broker.items():
            for there in await self.brokers[name].wait_acknowledged(list(ours), ACKNOWLEDGE_WITHIN_S):
                acknowledged.add(ours[there])
        return acknowledged

    # What becomes of brokers

    def add_broker(self, broker: Broker) -> None:
        """There is a broker, not connected yet; in file order."""
        can_stream = broker.config.orders == "stream"
        self.machine.add_broker(broker.name, can_stream=can_stream, can_probe=broker.can_probe)
        if (most := broker.config.max_subscriptions) is not None:
            self.machine.caps.tell(broker.name, most, "set")
        else:
            self.machine.caps.tell(broker.name, broker.max_subscriptions, "family")

    def on_connected(self, name: str) -> None:
        """A broker's orders flow, on a new connection or by REST."""
        self.carry_out(self.machine.broker_up(name, self.health[name].state, self.now()))

    def on_down(self, name: str, why: str) -> None:
        """A broker's connection is of no use any more, or it is parked."""
        self._connections[name] += 1
        self.carry_out(self.machine.broker_down(name, why, self.health[name].state, self.now()))

    def check(self) -> None:
        """To be called every moment: what was not acknowledged in time, what may be asked for again."""
        late = {
            name: set(keys)
            for name, broker in self.brokers.items()
            if self.machine.standing.serves(name) and (keys := broker.unacknowledged(ACKNOWLEDGE_WITHIN_S))
        }
        self.carry_out(self.machine.tick(late, self.now()))

    async def move_to(self, name: str) -> Failover | None:
        """Make a broker the primary that others return to, and hand everything over to it."""
        commands = self.machine.prefer(name, self.now())
        self.carry_out(commands)
        begun = [command.failover for command in commands if isinstance(command, FailoverBegun)]
        for failover in begun:
            finished = self._finished.get(failover.number)
            if finished is not None:
                try:
                    async with asyncio.timeout(HAND_OVER_WITHIN_S):
                        await finished.wait()
                except TimeoutError:
                    continue
        return begun[0] if begun else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it connections may come and go on purpose, and nothing is moved for that."""
        self.machine.pause()
        try:
            yield
        finally:
            self.carry_out(self.machine.go_on(self.now()))

    def sample(self, keys: Iterable[InstrumentKey]) -> None:
        """Have these streamed by every broker that can, to be compared with their source; and no others."""
        self.carry_out(self.machine.sample(keys, self.now()))

    async def refresh(self) -> None:
        """Ask for a new full quote of everything that is streamed."""
        for name in self.machine.moves.sources:
            if self.machine.standing.serves(name):
                async with self._turn(name):
                    await self.brokers[name].refresh()

    # Commands

    def now(self) -> Moment:
        """The time of an event that happens now."""
        return Moment(asyncio.get_running_loop().time(), self.clock.now_ns(), self.wall_clock.now_ns())

    def carry_out(self, commands: Iterable[Command]) -> None:
        """Do what the machine has returned, in order; what is sent to a broker takes its time."""
        to_send: dict[str, list[WireCommand]] = {}
        for command in commands:
            match command:
                case Subscribe() | Unsubscribe() | AskAgain():
                    to_send.setdefault(command.broker, []).append(command)
                case Note(name, cause, action, line):
                    self.incidents.note(self.clock.now_ns(), name, cause, action)
                    if line:
                        logger.warning("%s", line)
                case Reconnect(name, why, renew_session):
                    broker = self.brokers[name]
                    (broker.renew_session if renew_session else broker.reconnect)(why)
                case PrimaryChanged(primary, reason):
                    self.say_primary(primary, reason)
                    if self.machine.standing.has_begun:
                        self.announce_roles()
                case FailoverBegun(failover):
                    self.incidents.add_failover(failover)
                    self._finished[failover.number] = asyncio.Event()
                    logger.warning("%s", _begin_words(failover))
                case FailoverFinished(failover):
                    self._finished.pop(failover.number).set()
                    logger.info("%s", _end_words(failover))
        self._tell_probes()
        for name, wire_commands in to_send.items():
            # What is probed already needs no subscription to become a source.
            asks = any(isinstance(command, Subscribe | AskAgain) for command in wire_commands)
            if asks and self.machine.wire.carries(name):
                self.brokers[name].set_quote_callback(self.on_quotes)
            self.spawn(self._send(self.brokers[name], wire_commands, self._connections[name]))
        self._give_roles()

    async def _send(self, broker: Broker, commands: Iterable[WireCommand], connection: int) -> None:
        # In turn: an unsubscription that overtook its subscription would leave a second stream behind.
        async with self._turn(broker.name):
            for command in commands:
                if self._connections[broker.name] != connection:
                    return
                match command:
                    case Subscribe(_, keys, kind):
                        await broker.subscribe(keys, kind)
                    case Unsubscribe(_, keys):
                        await broker.unsubscribe(keys)
                    case AskAgain(_, keys):
                        await broker.refresh(keys)

    def _tell_probes(self) -> None:
        """At once, unlike what is sent: a message that comes in between must be taken for what it is."""
        for name, broker in self.brokers.items():
            probed = self.machine.wire.probed(name)
            if probed != self._probed.get(name, frozenset()):
                self._probed[name] = probed
                broker.set_probes(probed, self.on_probes)

    def _turn(self, name: str) -> asyncio.Lock:
        return self._turns.setdefault(name, asyncio.Lock())

    def say_primary(self, name: str, reason: str) -> None:
        """Which broker leads, and why; INFO."""
        if self.is_balanced:
            logger.info("%s is asked for what one broker is asked, such as symbol masters: %s", name, reason)
        else:
            logger.info("%s carries quotes: %s", name, reason)

    def announce_roles(self) -> None:
        """Who carries quotes, who carries orders; INFO."""
        shared = [name for name, each in self.machine.standing.brokers.items() if each.serves]
        _say_roles(self.machine.standing.primary, self.health, shared if self.is_balanced else ())

    def _give_roles(self) -> None:
        for name, broker in self.brokers.items():
            health = self.health[name]
            cap = self.machine.caps.of(name)
            health.max_subscriptions = None if cap is None else cap.most
            health.max_known_by = "" if cap is None else cap.known_by
            if health.role is Role.NONE or broker.config.orders != "stream":
                continue
            role = self.machine.role(name)
            if role is Role.SECONDARY and health.role is not role:
                broker.set_quote_callback(None)
            health.role = role


def _say_roles(primary: str | None, health: Mapping[str, BrokerHealth], shared: Sequence[str] = ()) -> None:
    """Who carries quotes, who carries orders; INFO."""
    if len(shared) > 1:
        logger.info("Price/Quote updates: shared out over %s, each instrument at one", ", ".join(shared))
    elif primary is not None:
        logger.info("Price/Quote updates: %s only", primary)
    carrying = [name for name, broker in health.items() if broker.role is not Role.NONE]
    if carrying:
        logger.info("Order updates: %s", ", ".join(carrying))
    if len(health) == 1 and carrying:
        logger.info(
            "One broker is enabled: it carries quotes and orders, and the optimisation is off, "
            "for there is no second stream of quotes to save"
        )


def _begin_words(failover: Failover) -> str:
    to = failover.to_broker
    lacking = f"; {to} can't carry {names_shown(failover.uncovered)}" if failover.uncovered else ""
    return (
        f"quotes of {failover.instruments} instruments move from {failover.from_broker} to {to}: "
        f"{failover.why}{lacking}"
    )


def _end_words(failover: Failover) -> str:
    median, longest = failover.gap_quantile(0.5), failover.gap_quantile(1.0)
    words = f"{failover.to_broker} carries the quotes of {failover.from_broker}"
    if median is not None and longest is not None:
        words += f", gap {duration(median)} (median), {duration(longest)} at most"
    if failover.uncovered:
        words += f"; not carried: {names_shown(failover.uncovered)}"
    return words
