"""The async core: connects every broker, gives each its role, and keeps what they say.

Quotes come from one broker, the primary; orders from every broker. All of it runs on one event loop;
transport, clocks and chance are arguments, so that it runs in virtual time as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Self

from dualbroker.alerts.delivery import Delivered
from dualbroker.background import BackgroundTasks
from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.brokers.registry import create_broker
from dualbroker.brokers.simulator_launch import needing_simulator
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.clock import Clock, MarketClock, SystemClock, WallClock
from dualbroker.config.broker import mask
from dualbroker.config.private_words import PrivateWords
from dualbroker.config.schema import BrokerConfig, Config
from dualbroker.desk.books import DeskStore
from dualbroker.desk.desk import Desk
from dualbroker.errors import (
    ConfigError,
    ConnectionFailedError,
    InstrumentError,
    RequestRefusedError,
    UnknownInstrumentError,
)
from dualbroker.forking import BoundToProcess
from dualbroker.instruments.search import Found
from dualbroker.log_file import log_troubles
from dualbroker.manager.alerting import Alerting
from dualbroker.manager.announcements import OrderAnnouncer, announce_prices
from dualbroker.manager.day.bring_up import BringUp
from dualbroker.manager.day.config_subscriptions import ConfigSubscriptions
from dualbroker.manager.day.day import DayTurn
from dualbroker.manager.desk.keeper import DeskKeeper
from dualbroker.manager.instruments.finding import find
from dualbroker.manager.instruments.mapping import InstrumentMapping
from dualbroker.manager.instruments.masters import MasterLoader, require_short
from dualbroker.manager.options.options_around import options_around
from dualbroker.manager.order_follower import OrderFollowers
from dualbroker.manager.reconcile.journaling import OrderJournal, account_number, journal_path
from dualbroker.manager.reconcile.reconcile import Reconciler, ReconcileResult
from dualbroker.manager.referee import BrokerReferee, ComparedBroker
from dualbroker.manager.seconds import close_seconds
from dualbroker.manager.watch import QuoteWatch
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, OrderUpdate, QuoteBatch
from dualbroker.routing.driver import Routing, Subscribed
from dualbroker.storage.paths import cache_directory, state_directory
from dualbroker.stores.alerts import AlertStore
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport

__all__ = ["AUTO", "WebSocketManager"]

logger = logging.getLogger("dualbroker")

AUTO = "auto"
"""In ``primary``: who carries quotes is left to what is measured."""


class WebSocketManager(BoundToProcess):
    """Runs all brokers of a config.

    ``async with WebSocketManager(config) as manager: ...`` starts and stops it.

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
        self.alerts = AlertStore()
        """What a person was told."""
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
            on_probes=lambda batch: self.referee.take(batch),
            spawn=self._background.spawn,
            preferred=None if config.primary == AUTO else config.primary,
            is_balanced=config.quotes == "balanced",
            at_stake=self._at_stake,
        )
        """Who streams what."""
        self.mapping = InstrumentMapping(self.masters, self.wall_clock, self.routing.machine.keys)
        self.referee = BrokerReferee(
            self.routing,
            quotes=self.quotes,
            bandwidth=self.bandwidth,
            incidents=self.incidents,
            market_hours=self.market_hours,
            clock=self.clock,
            wall_clock=self.wall_clock,
            prepare=lambda: self._prepare_mappings(),
            background=self._background,
            budget_percent=None if config.referee is None else config.referee.budget_percent,
            blur_s=config.ticks.gather,
        )
        """Compares brokers."""
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
        self._from_config = ConfigSubscriptions(
            self, config.subscribe, self.routing, self._random, self._background.spawn
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
            take_up_config=self._from_config.renew,
            prepare_mappings=lambda: self._background.spawn(self._prepare_mappings()),
        )
        self._order_followers = OrderFollowers(self, self._background.spawn)
        self._alerting = Alerting(self, config.alerts, self.alerts, partial(self._note_incident, None))
        self.desk_books = DeskStore()
        """Positions, holdings and money of every account, as they were read last, and the day's fills."""
        self.desk = Desk(
            books=lambda: self.desk_books,
            quotes=lambda: self.quotes,
            orders=lambda: self.orders,
            health=self.all_health,
            source_of=self.source_of,
        )
        """What is worked out of them."""
        self._desk_keeper = DeskKeeper(
            self,
            self.desk_books,
            self.desk,
            settings=config.desk,
            subscribes=not config.is_simulated if config.desk.subscribe is None else config.desk.subscribe,
            states=self.orders.states,
            market_hours=self.market_hours,
            clock=self.clock,
            note=self._note_incident,
            spawn=self._background.spawn,
        )
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
        self._alerting.open()
        sections = await self._with_simulator(self.config.enabled_brokers)
        self._open_journal(sections)
        for section in sections:
            self._add_broker(section)
        self._background.spawn(
            close_seconds(
                self.bandwidth, self._traffic_clock, self._system_clock, partial(self._note_incident, None)
            )
        )
        bring_up = BringUp(
            self.brokers,
            self.health,
            self.routing,
            rng=self._random,
            on_order=self._on_order,
            on_quotes=self._on_quotes,
            on_down=self._on_down,
            on_primary=self._from_config.take_up,
            spawn=self._background.spawn,
        )
        await bring_up.run(self.config.start_timeout)
        self.routing.carry_out(self.routing.machine.begin(self.routing.now()))
        self._desk_keeper.start()
        self._background.spawn(self._watch.run())
        self._background.spawn(self._alerting.run())
        self._background.spawn(self._day_turn.run())
        self._background.spawn(self.referee.run())
        if self.primary is not None:
            await self._from_config.take_up()
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
        # A simulator that was started here starts over each time, with the same order numbers.
        simulator = secrets.token_hex(8) if self.simulator is not None else ""
        self.journal.open({section.name: account_number(section, simulator) for section in sections})
        self._background.spawn(self.journal.tend())

    def _add_broker(self, section: BrokerConfig) -> None:
        health = _health_at_first(section)
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
            desk_share=self.config.desk.rate_share,
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
            take_trades=partial(self._desk_keeper.on_trades, section.name),
        )
        self._desk_keeper.add_broker(broker)

    async def stop(self) -> None:
        """Close all sockets. Sessions at the brokers live on, so that the next start needs no login."""
        if self._note_log_trouble in log_troubles:
            log_troubles.remove(self._note_log_trouble)
        await self._background.cancel()
        await asyncio.gather(*(broker.close() for broker in self.brokers.values()), return_exceptions=True)
        if self.journal is not None:
            # As soon as nothing can come any more: the caller may not wait for the rest.
            self.journal.close()
        await self._transport.aclose()
        self._alerting.close()
        if self.simulator is not None:
            # Not in a worker thread: at the end of the interpreter none can be started any more.
            self.simulator.stop()
            self.simulator = None

    # What brokers bring

    def _on_quotes(self, batch: QuoteBatch) -> None:
        switches = self.quotes.apply(batch)
        if switches is not None:
            self.routing.carry_out(self.routing.machine.switched(switches, self.routing.now()))
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

    def _at_stake(self) -> set[InstrumentKey]:
        """What has an open order, or fills of the newest trading day, at any broker."""
        states = self.orders.snapshot()
        today = max((state.key[1] for state in states), default=None)
        return {
            (state.exchange, state.token)
            for state in states
            if state.exchange is not None
            and state.token is not None
            and (state.status.is_open or (state.filled_quantity and state.key[1] == today))
        }

    def _tell_order(self, event: OrderEvent) -> None:
        self._announcer.announce(event)
        self._desk_keeper.on_order(event)
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
        self.referee.restart(name)
        self.routing.on_down(name, why)
        self._desk_keeper.on_down(name, why)
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
        self._desk_keeper.on_connected(name)
        self._background.spawn(self.reconcilers[name].run())

    # What is known

    @property
    def origin(self) -> str:
        """Where its config is from, in words."""
        path = self.config.path
        return "made in code, without a config file" if path is None else f"config: {path}"

    @property
    def is_simulated(self) -> bool:
        """True when what is shown must carry the word SIMULATED."""
        return self.config.is_simulated

    def as_of_ns(self) -> int:
        """Now: nothing lies between this process and the brokers."""
        return self.clock.now_ns()

    def all_health(self) -> list[BrokerHealth]:
        """How each enabled broker is doing, in the config's order, also before its session exists."""
        return [
            self.health.get(section.name) or _health_at_first(section)
            for section in self.config.enabled_brokers
        ]

    def streaming_brokers(self) -> list[str]:
        """Enabled brokers with a socket; the others are polled by REST."""
        return [section.name for section in self.config.enabled_brokers if section.orders == "stream"]

    def wanted(self) -> dict[InstrumentKey, FeedType]:
        """All instruments held by anybody, in order of first subscription."""
        return self.routing.machine.holders.wanted.copy()

    @property
    def arrangement(self) -> Hashable:
        """Another one whenever what is wanted, or who streams it, may have changed."""
        return self.routing.machine.arrangement

    def serves(self, name: str) -> bool:
        """Whether a broker's socket is up and of use for quotes."""
        return self.routing.machine.standing.serves(name)

    def why_stale(self, name: str) -> str:
        """Why a broker's quotes count as stale; empty when they do not."""
        standing = self.routing.machine.standing.brokers.get(name)
        return "" if standing is None else standing.why_stale

    def source_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        return self.routing.machine.moves.target_of(key)

    def why_source(self, key: InstrumentKey) -> str:
        """Why an instrument is with that broker, or with none, in words."""
        return self.routing.machine.why_there(key)

    # Instruments

    def _quote_broker(self) -> Broker:
        if self.primary is None:
            problems = "; ".join(f"{name} is {health.words}" for name, health in self.health.items())
            raise ConnectionFailedError(f"no broker carries quotes: {problems}")
        return self.brokers[self.primary]

    def named_by_master(self, name: str, exchange: str) -> Instrument | None:
        """The instrument that the symbol masters loaded so far know by this name; None without one."""
        try:
            return self.masters.instruments.resolve(name, exchange)
        except InstrumentError:
            return None

    async def known_instruments(self, keys: Sequence[InstrumentKey]) -> list[Instrument]:
        """The instruments of these keys.

        Raises
        ------
        UnknownInstrumentError
            No symbol master that is loaded knows one of them.
        """
        found = []
        for key in keys:
            instrument = self.masters.instruments.get(key)
            if instrument is None:
                raise UnknownInstrumentError(f"no symbol master that is loaded knows {key[0]} token {key[1]}")
            found.append(instrument)
        return found

    async def load_master(self, exchange: str) -> None:
        """Have an exchange's symbol master of today in ``masters.instruments``."""
        await self.masters.load(self._quote_broker(), exchange)

    async def search(self, words: str, *, exchange: str | None = None, limit: int = 20) -> list[Instrument]:
        """The instruments of :meth:`find`."""
        return (await self.find(words, exchange=exchange, limit=limit)).instruments

    async def find(self, words: str, *, exchange: str | None = None, limit: int = 20) -> Found:
        """Instruments that all the words fit, the nearest expiry first, and on which exchanges was looked.

        Unless an exchange is told, these are NSE and NFO, those that subscriptions, orders or the words
        themselves touch, and those whose symbol master is at hand anyway.

        Raises
        ------
        UnknownInstrumentError
            There is no such exchange.
        ConnectionFailedError
            No broker carries quotes, or not a single symbol master can be had.
        """
        touched = {exchange for exchange, _ in self.wanted()}
        touched |= {state.exchange for state in self.orders.snapshot() if state.exchange is not None}
        return await find(self.masters, self._quote_broker(), words, exchange, limit, touched)

    async def resolve(self, names: Sequence[str | Instrument], exchange: str = "NFO") -> list[Instrument]:
        """The instruments of these names, by the symbol master of the broker that carries quotes."""
        return await self.masters.resolve_all(self._quote_broker(), names, exchange)

    async def options_around(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> list[Instrument]:
        """Calls and puts of the strikes nearest to the underlying's last price.

        Parameters
        ----------
        expiry
            0 is the nearest expiry, 1 the next one; or its day, a date or a text such as ``2030-01-31``.
        strikes
            How many on each side of the one at the money.
        """
        return await options_around(self.masters, self._quote_broker(), underlying, expiry, strikes)

    # Subscriptions: told to the primary, and to nobody else

    async def subscribe_symbol(self, symbol: str, exchange: str = "NFO") -> Subscribed:
        """Stream one instrument from the primary, and from nobody else."""
        return (await self.subscribe([symbol], exchange))[0]

    async def subscribe(
        self,
        names: Sequence[str | Instrument],
        exchange: str = "NFO",
        *,
        depth: bool = False,
        holder: str = "user",
    ) -> list[Subscribed]:
        """Stream instruments from the primary. All names are looked up before any is subscribed.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            With the closest matches.
        ConnectionFailedError
            No broker carries quotes.
        SubscriptionLimitError
            All brokers together may not stream so many.
        """
        instruments = await self.resolve(names, exchange)
        kind = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        accepted = await self.routing.hold(holder, instruments, kind)
        self._background.spawn(self._prepare_mappings())
        return accepted

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = "user"
    ) -> None:
        """Let one holder let go; an instrument that nobody holds any more is streamed no longer."""
        self.routing.release(holder, await self.resolve(names, exchange))

    async def subscribe_orders(self, *, holder: str = "user") -> list[Subscribed]:
        """Stream what has an order at any broker, from now on also what gets one.

        It is held apart from what the holder subscribes itself. Orders of the newest trading day count, and
        those that are not final; at most ``order_follower.MOST_FOLLOWED`` instruments are followed.

        Raises
        ------
        ConnectionFailedError
            No broker carries quotes.
        """
        self._quote_broker()
        return await self._order_followers.follow(holder)

    async def unsubscribe_orders(self, *, holder: str = "user") -> None:
        """Follow the orders for a holder no longer, and release what was held for that."""
        await self._order_followers.leave(holder)

    async def release(self, holder: str) -> None:
        """Release everything that a holder holds."""
        self.routing.release(holder)

    # Who carries quotes

    async def set_quote_source(self, name: str) -> Failover | None:
        """Let a broker carry the quotes from now on, and again after every failover away from it.

        The new source streams an instrument before the old one is told to stop, so that no tick is lost
        or counted twice. ``auto`` leaves the choice to what is measured, and moves nothing by itself.

        Returns
        -------
        Failover
            What was moved; its ``uncovered`` names instruments that the broker does not know, or has not
            acknowledged: these stay where they were. None when nothing had to be moved.

        Raises
        ------
        ConfigError
            No enabled broker that streams has this name.
        ConnectionFailedError
            It is not connected.
        RequestRefusedError
            The quotes are shared out over all brokers.
        """
        streaming = [each for each, broker in self.brokers.items() if broker.config.orders == "stream"]
        if name != AUTO and name not in streaming:
            raise ConfigError(
                f"set_quote_source: expected auto or one of {', '.join(streaming)}, found {str(name)[:40]!r}"
            )
        if name == AUTO:
            self.routing.machine.standing.preferred = None
            return None
        if self.config.quotes == "balanced":
            raise RequestRefusedError(
                "the quotes are shared out over all brokers (quotes: balanced in the config), so none "
                "carries them all; quotes: primary lets one do so"
            )
        if not self.serves(name):
            raise ConnectionFailedError(f"{name} can't carry quotes now: {self.health[name].words}")
        await self._prepare_mappings(name)
        return await self.routing.move_to(name)

    async def reconnect(self, name: str) -> None:
        """Give a broker's connection up and open another, also where it is parked or was evicted.

        Raises
        ------
        ConfigError
            No enabled broker has this name.
        """
        if name not in self.brokers:
            known = ", ".join(self.brokers)
            raise ConfigError(f"reconnect: expected one of {known}, found {str(name)[:40]!r}")
        self.brokers[name].reconnect("asked for by a person")

    async def _prepare_mappings(self, *names: str) -> None:
        """Have these brokers' keys of what is wanted, or all brokers': a failover can't wait for a master."""
        source = self._quote_broker()
        indices = map(self.quotes.index_of, self.wanted())
        wanted = [self.quotes.instruments[index] for index in indices if index is not None]
        for broker in [self.brokers[name] for name in names or self.brokers]:
            if broker.config.orders == "stream":
                await self.mapping.prepare(source, broker, wanted)

    # Alerts

    async def add_alert(self, what: str, above: float | None = None, below: float | None = None) -> None:
        """Tell of a price level, or of one more rule; see ``Alerting.add``."""
        require_short(what)
        await self._alerting.add(what, above, below)

    async def remove_alert(self, what: str) -> int:
        """Tell of a rule, or of an instrument's price levels, no longer; how many there were."""
        return await self._alerting.remove(what)

    async def test_alerts(self) -> list[Delivered]:
        """Send a test message to each target now; what came of each."""
        return await self._alerting.test()

    # Comparing brokers

    async def begin_comparison(self, seconds: float) -> None:
        """Have the liveliest instruments streamed by all brokers for so long, and compare what they bring.

        Raises
        ------
        ArgumentError
            The time is out of bounds.
        RequestRefusedError
            A comparison is under way, or nothing is streamed that could be compared.
        ConnectionFailedError
            Fewer than two brokers can stream now.
        """
        await self.referee.begin(seconds)

    async def comparison(self) -> list[ComparedBroker]:
        """What was compared last because a person asked for it, else over the day so far.

        Raises
        ------
        RequestRefusedError
            Nothing was compared yet.
        """
        if not (results := self.referee.results()):
            raise RequestRefusedError(
                "no brokers were compared yet: feed.compare_brokers() does it once, and a section referee in "
                "the config all day"
            )
        return results

    # Orders

    async def reconcile(self, broker: str | None = None) -> list[ReconcileResult]:
        """Make the ledger equal to the books of one broker, or of every broker, now.

        A failed read raises nothing: each result says what it found.

        Raises
        ------
        ConfigError
            No enabled broker has that name.
        """
        if broker is not None and broker not in self.reconcilers:
            raise ConfigError(f"broker: expected one of {', '.join(self.reconcilers)}, found {broker!r}")
        asked = [self.reconcilers[broker]] if broker is not None else list(self.reconcilers.values())
        return list(await asyncio.gather(*(reconciler.reconcile_now() for reconciler in asked)))


def _health_at_first(section: BrokerConfig) -> BrokerHealth:
    """How a broker is doing before its session has begun."""
    return BrokerHealth(
        broker_name=section.name,
        broker_type=section.type,
        account=mask(section.account_id or section.user_id or ""),
        simulated=section.is_simulated,
    )
