"""What runs behind the manager: every part of it made and joined, started and stopped, and its events.

All of it runs on one event loop; transport, clocks and chance are arguments, so that it runs in virtual
time as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from dualbroker.background import BackgroundTasks
from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.brokers.registry import create_broker
from dualbroker.brokers.simulator_launch import needing_simulator
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.clock import Clock, MarketClock, SystemClock, WallClock
from dualbroker.config.broker import mask
from dualbroker.config.private_words import PrivateWords
from dualbroker.config.schema import Around, BrokerConfig, Config
from dualbroker.figures import number
from dualbroker.forking import BoundToProcess
from dualbroker.log_file import log_troubles
from dualbroker.manager.announcements import OrderAnnouncer, announce_prices
from dualbroker.manager.bring_up import BringUp
from dualbroker.manager.config_subscriptions import ConfigSubscriptions
from dualbroker.manager.day import DayTurn
from dualbroker.manager.journaling import OrderJournal, account_number, journal_path
from dualbroker.manager.mapping import InstrumentMapping
from dualbroker.manager.masters import MasterLoader
from dualbroker.manager.order_follower import OrderFollowers
from dualbroker.manager.reconcile import Reconciler
from dualbroker.manager.watch import QuoteWatch
from dualbroker.market_hours import MarketHours
from dualbroker.model import Instrument, InstrumentKey, OrderUpdate, QuoteBatch
from dualbroker.routing.driver import Routing, Subscribed
from dualbroker.storage.paths import cache_directory, state_directory
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport

__all__ = ["AUTO", "RunningManager", "health_at_first"]

logger = logging.getLogger("dualbroker")

AUTO = "auto"
"""In ``primary``: who carries quotes is left to what is measured."""


class RunningManager(BoundToProcess, ABC):
    """Runs all brokers of a config.

    Parameters
    ----------
    config
        A validated config.
    transport, clock, wall_clock, rng
        The network, receive times, the time of day, and chance; real ones unless given.
    market_hours
        When markets are open; as the config says unless given.
    """

    def __init__(
        self,
        config: Config,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        wall_clock: Clock | None = None,
        rng: random.Random | None = None,
        market_hours: MarketHours | None = None,
    ) -> None:
        self.config = config
        self.quotes = QuoteStore(config.ticks.max_rows)
        self.orders = Ledger(config.order_events.max_rows)
        self.orders.identity = secrets.token_hex(8)
        self._announcer = OrderAnnouncer(self.orders)
        self.bandwidth = BandwidthStore()
        self.health: dict[str, BrokerHealth] = {}
        self.brokers: dict[str, Broker] = {}
        self.reconcilers: dict[str, Reconciler] = {}
        self.incidents = IncidentStore()
        """What went wrong and what was done about it, and every change of the quote source."""
        self._system_clock = SystemClock()
        self.wall_clock: Clock = wall_clock or WallClock()
        self._traffic_clock: Clock = wall_clock or self._system_clock
        """Seconds of traffic go on whichever way the time of day is set, and are no replay's seconds."""
        replays = config.is_simulated and config.simulator.market == "replay"
        self.clock: Clock = clock or (MarketClock() if replays else self._system_clock)
        if market_hours is None:
            simulated = config.is_simulated
            market_hours = MarketHours.always() if simulated else config.market_hours.market_hours()
        self.market_hours: MarketHours = market_hours
        """When which exchange is open; the simulated market and a replay always are."""
        self.quote_listeners: list[Callable[[], None]] = []
        """Called once per batch after it was stored, on the manager's loop; must not block."""
        self.order_listeners: list[Callable[[OrderEvent], None]] = []
        """Called with each order event, on the manager's loop; must not block."""
        self.simulator: SimulatorProcess | None = None
        self.journal: OrderJournal | None = None
        """What orders did, on disk; None where none is kept."""
        self._background = BackgroundTasks()
        self._transport: Transport = transport or NetworkTransport(gather_s=config.ticks.gather)
        self._random = rng or random.Random()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cache_directory: Path | None = None
        self._state_directory: Path | None = None
        if not config.is_simulated:
            self._cache_directory = config.cache or cache_directory()
            self._state_directory = state_directory()
        self.masters = MasterLoader(self._transport, self.wall_clock, self._cache_directory, self.clock)
        self.routing = Routing(
            brokers=self.brokers,
            health=self.health,
            quotes=self.quotes,
            incidents=self.incidents,
            market_hours=self.market_hours,
            clock=self.clock,
            wall_clock=self.wall_clock,
            on_quotes=self._on_quotes,
            spawn=self._background.spawn,
            preferred=None if config.primary == AUTO else config.primary,
        )
        """Who streams what."""
        self.mapping = InstrumentMapping(self.masters, self.wall_clock, self.routing.machine.keys)
        self._watch = QuoteWatch(
            self.routing,
            self.brokers,
            quotes=self.quotes,
            bandwidth=self.bandwidth,
            incidents=self.incidents,
            mapping=self.mapping,
            market_hours=self.market_hours,
            clock=self.clock,
            wall_clock=self.wall_clock,
            limits=config.liveness,
        )
        self._day_turn = DayTurn(
            self.brokers,
            routing=self.routing,
            quotes=self.quotes,
            masters=self.masters,
            mapping=self.mapping,
            incidents=self.incidents,
            market_hours=self.market_hours,
            clock=self.wall_clock,
            source=lambda: None if self.primary is None else self.brokers[self.primary],
            take_up_config=self._renew_config_subscriptions,
            prepare_mappings=lambda: self._background.spawn(self._prepare_mappings()),
        )
        self._order_followers = OrderFollowers(self, self._background.spawn)
        self._from_config = ConfigSubscriptions(self._subscribe_entry, self._random)
        self._taken_up: set[InstrumentKey] = set()
        """What the config's entries have come to."""
        self.has_started = False
        """Every broker is up, parked or late, and what the config wants is subscribed."""
        self._read_while_down: set[str] = set()

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None until one has logged in."""
        return self.routing.machine.standing.primary

    @property
    def preferred(self) -> str | None:
        """To whom quotes return, by a person or the config; None leaves it to what is measured."""
        return self.routing.machine.standing.preferred

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    # Start and stop

    async def start(self) -> None:
        """Connect all enabled brokers side by side, give out the roles, take up the config's subscriptions.

        Returns when every broker is up or parked, or ``start_timeout`` has passed; what is still on its
        way goes on trying.

        Raises
        ------
        ConfigError
            A broker's type is unknown.
        ConnectionFailedError
            The built-in simulator does not start.
        """
        self._loop = asyncio.get_running_loop()
        log_troubles.append(self._note_log_trouble)
        if not self.market_hours.never_closes:
            # Takes a tenth of a second once; now rather than between two ticks.
            self.market_hours.load()
        sections = await self._with_simulator(self.config.enabled_brokers)
        self._open_journal(sections)
        for section in sections:
            self._add_broker(section)
        self._background.spawn(self._count_seconds())
        bring_up = BringUp(
            self.brokers,
            self.health,
            self.routing,
            rng=self._random,
            on_order=self._on_order,
            on_quotes=self._on_quotes,
            on_down=self._on_down,
            on_primary=self._take_up_config_subscriptions,
            spawn=self._background.spawn,
        )
        await bring_up.run(self.config.start_timeout)
        self.routing.carry_out(self.routing.machine.begin(self.routing.now()))
        self._background.spawn(self._watch.run())
        self._background.spawn(self._day_turn.run())
        if self.primary is not None:
            await self._take_up_config_subscriptions()
        self.has_started = True

    async def _with_simulator(self, sections: list[BrokerConfig]) -> list[BrokerConfig]:
        """Sections of simulated brokers, filled with the addresses of a simulator started for them."""
        simulated = needing_simulator(sections)
        if not simulated:
            return sections
        settings = self.config.simulator
        self.simulator = await SimulatorProcess.start(settings, [section.name for section in simulated])
        filled = {
            section.name: self.simulator.login_for(number, section, settings.generation)
            for number, section in enumerate(simulated)
        }
        return [filled.get(section.name, section) for section in sections]

    def _open_journal(self, sections: list[BrokerConfig]) -> None:
        path = journal_path(self.config)
        if path is None:
            return
        self.journal = OrderJournal(
            path,
            self.config.journal.keep_days,
            ledger=self.orders,
            clock=self.clock,
            note=partial(self._note_incident, None),
        )
        # A simulator that was started here begins anew each time, with the same order numbers.
        simulator = secrets.token_hex(8) if self.simulator is not None else ""
        self.journal.open({section.name: account_number(section, simulator) for section in sections})
        self._background.spawn(self.journal.tend())

    def _add_broker(self, section: BrokerConfig) -> None:
        health = health_at_first(section)
        context = BrokerContext(
            transport=self._transport,
            clock=self.clock,
            wall_clock=self.wall_clock,
            random=self._random,
            health=health,
            traffic=self.bandwidth.add_broker(section.name),
            state_directory=None if section.is_simulated else self._state_directory,
            on_connected=self._on_connected,
            on_down=self._on_down,
            note=self._note_incident,
            liveness=self.config.liveness,
            conceal=PrivateWords(section),
        )
        broker = self.brokers[section.name] = create_broker(section, context)
        self.health[section.name] = health
        self.routing.add_broker(broker)
        self.reconcilers[section.name] = Reconciler(
            broker,
            self.orders,
            self._tell_order,
            every_s=self.config.orders.reconcile_every,
            note=partial(self._note_incident, section.name),
            on_stream_stale=lambda _, why: broker.reconnect(why),
            on_session_expired=lambda _, why: broker.renew_session(why),
        )

    async def stop(self) -> None:
        """Close all sockets. Sessions at the brokers live on, so that the next start needs no login."""
        if self._note_log_trouble in log_troubles:
            log_troubles.remove(self._note_log_trouble)
        await self._background.cancel()
        await asyncio.gather(*(broker.close() for broker in self.brokers.values()), return_exceptions=True)
        if self.journal is not None:
            # As soon as nothing can come any more: whoever ends us may not wait for the rest.
            self.journal.close()
        await self._transport.aclose()
        if self.simulator is not None:
            # Not in a worker thread: at the end of the interpreter none can be started any more.
            self.simulator.stop()
            self.simulator = None

    # What brokers bring

    def _on_quotes(self, batch: QuoteBatch) -> None:
        switches = self.quotes.apply(batch)
        if switches is not None:
            self.routing.carry_out(self.routing.machine.switched(switches))
        if logger.isEnabledFor(logging.DEBUG):
            announce_prices(self.quotes, batch)
        for listener in self.quote_listeners:
            listener()

    def _on_order(self, update: OrderUpdate) -> None:
        event = self.orders.apply(update)
        if event is not None:
            self._tell_order(event)
            if update.as_of_ns is not None:
                self.reconcilers[update.broker_name].note_polled(update.key)

    def _tell_order(self, event: OrderEvent) -> None:
        self._announcer.announce(event)
        for listener in self.order_listeners:
            listener(event)

    def _note_log_trouble(self, cause: str, action: str) -> None:
        """Told on whichever thread logs, in the midst of a line."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._note_incident, None, cause, action)

    def _note_incident(self, name: str | None, cause: str, action: str) -> None:
        self.incidents.note(self.clock.now_ns(), name, cause, action)

    def _on_down(self, name: str, why: str) -> None:
        self.routing.on_down(name, why)
        if name not in self._read_while_down:
            self._read_while_down.add(name)
            self._background.spawn(self._reconcile_while_down(name))

    async def _reconcile_while_down(self, name: str) -> None:
        """A socket that stays away takes no order away: the books are read on without it."""
        health = self.health[name]
        # The orders of one that never was up are not known at all: they do not wait for the next minute.
        pause_s = 0.0 if health.last_book_ns is None else self.config.orders.reconcile_every
        try:
            while True:
                await asyncio.sleep(pause_s)
                pause_s = self.config.orders.reconcile_every
                if health.connected_since_ns is not None or health.state is not BrokerState.RECONNECTING:
                    return
                await self.reconcilers[name].reconcile_now()
        finally:
            self._read_while_down.discard(name)

    def _on_connected(self, name: str) -> None:
        self.routing.on_connected(name)
        self._background.spawn(self.reconcilers[name].run())

    async def _count_seconds(self) -> None:
        """Close the books on each second of traffic."""
        loop = asyncio.get_running_loop()
        next_s = loop.time() + 1.0
        while True:
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            self.bandwidth.close_second(self._traffic_clock.now_ns() // 1_000_000_000)
            next_s += 1.0
            if step_s := self._system_clock.catch_up():
                self._note_clock_step(step_s)

    def _note_clock_step(self, step_s: float) -> None:
        if step_s > 0:
            cause, action = "gone ahead", "the system slept, or its clock was set; receive times follow it"
        else:
            cause, action = "been set back", "receive times never go back: they stay ahead until a restart"
        self._note_incident(None, f"the system's clock has {cause} by {number(abs(step_s))} s", action)

    # What the public part does

    @abstractmethod
    async def subscribe(
        self,
        names: Sequence[str | Instrument],
        exchange: str = "NFO",
        *,
        depth: bool = False,
        holder: str = "user",
    ) -> list[Subscribed]:
        """Stream instruments from the primary."""

    @abstractmethod
    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = "user"
    ) -> None:
        """Let one holder let go of instruments."""

    @abstractmethod
    async def _take_up_config_subscriptions(self) -> None:
        """Subscribe what config.yaml wants from the start."""

    @abstractmethod
    async def _renew_config_subscriptions(self) -> None:
        """Subscribe what config.yaml wants on a new day."""

    @abstractmethod
    async def _prepare_mappings(self, *names: str) -> None:
        """Have these brokers' keys of what is wanted, or all brokers'."""

    @abstractmethod
    async def _subscribe_entry(self, entry: str | Around) -> None:
        """Subscribe what one entry of config.yaml means by now."""


def health_at_first(section: BrokerConfig) -> BrokerHealth:
    """How a broker is doing before its session has begun."""
    return BrokerHealth(
        broker_name=section.name,
        broker_type=section.type,
        account=mask(section.account_id or section.user_id or ""),
        simulated=section.is_simulated,
    )
