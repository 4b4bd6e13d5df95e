"""The async core: connects every broker, gives each its role, and keeps what they say.

Quotes come from one broker, the primary; orders from every broker. All of it runs on one event loop;
transport, clocks and chance are arguments, so that it runs in virtual time as well.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Self

from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.brokers.registry import create_broker
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.clock import Clock, MarketClock, SystemClock
from dualbroker.config.broker import mask
from dualbroker.config.schema import Around, BrokerConfig, Config
from dualbroker.errors import ConfigError, ConnectionFailedError
from dualbroker.manager.announcements import announce_order, announce_prices, announce_roles
from dualbroker.manager.bring_up import BringUp
from dualbroker.manager.carrier import QuoteCarrier
from dualbroker.manager.config_subscriptions import CONFIG_HOLDER, ConfigSubscriptions
from dualbroker.manager.day import DayTurn
from dualbroker.manager.mapping import InstrumentMapping
from dualbroker.manager.masters import MasterLoader
from dualbroker.manager.reconcile import Reconciler, ReconcileResult
from dualbroker.manager.subscriber import Subscribed, Subscriber
from dualbroker.manager.subscriptions import SubscriptionBook
from dualbroker.manager.watch import QuoteWatch
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, OrderUpdate, QuoteBatch
from dualbroker.storage.paths import cache_directory, state_directory
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport

__all__ = ["WebSocketManager"]

logger = logging.getLogger("dualbroker")

AUTO = "auto"
"""In ``primary``: who carries quotes is left to what is measured."""


class WebSocketManager:
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
        self.bandwidth = BandwidthStore()
        self.health: dict[str, BrokerHealth] = {}
        self.brokers: dict[str, Broker] = {}
        self.reconcilers: dict[str, Reconciler] = {}
        self.incidents = IncidentStore()
        """What went wrong and what was done about it, and every change of the quote source."""
        self.wall_clock: Clock = wall_clock or SystemClock()
        replays = config.is_simulated and config.simulator.market == "replay"
        self.clock: Clock = clock or (MarketClock() if replays else SystemClock())
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
        self._transport: Transport = transport or NetworkTransport()
        self._random = rng or random.Random()
        self._cache_directory: Path | None = None
        self._state_directory: Path | None = None
        if not config.is_simulated:
            self._cache_directory = config.cache or cache_directory()
            self._state_directory = state_directory()
        self.masters = MasterLoader(self._transport, self.wall_clock, self._cache_directory)
        self.mapping = InstrumentMapping(self.masters, self.wall_clock)
        book = SubscriptionBook()
        self.carrier = QuoteCarrier(
            self.brokers,
            self.health,
            quotes=self.quotes,
            book=book,
            incidents=self.incidents,
            mapping=self.mapping,
            clock=self.clock,
            on_quotes=self._on_quotes,
            spawn=self._spawn,
            on_new_primary=self._on_new_primary,
            is_market_open=self._is_market_open,
            preferred=None if config.primary == AUTO else config.primary,
        )
        self.subscriptions = Subscriber(self.quotes, book, self.carrier)
        self._watch = QuoteWatch(
            self.carrier,
            self.brokers,
            quotes=self.quotes,
            bandwidth=self.bandwidth,
            incidents=self.incidents,
            mapping=self.mapping,
            market_hours=self.market_hours,
            clock=self.clock,
            limits=config.liveness,
        )
        self._day_turn = DayTurn(
            self.brokers,
            carrier=self.carrier,
            book=book,
            quotes=self.quotes,
            masters=self.masters,
            incidents=self.incidents,
            market_hours=self.market_hours,
            clock=self.wall_clock,
            source=lambda: None if self.primary is None else self.brokers[self.primary],
            take_up_config=self._renew_config_subscriptions,
        )
        self._from_config = ConfigSubscriptions(self._subscribe_entry, self._random)
        self._taken_up: set[InstrumentKey] = set()
        self._roles_given = False
        self._read_while_down: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None until one has logged in."""
        return self.carrier.primary

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
        if not self.market_hours.never_closes:
            # Takes a tenth of a second once; now rather than between two ticks.
            self.market_hours.load()
        for section in await self._with_simulator(self.config.enabled_brokers):
            self._add_broker(section)
        self._spawn(self._count_seconds())
        bring_up = BringUp(
            self.brokers,
            self.health,
            self.carrier,
            rng=self._random,
            on_order=self._on_order,
            on_quotes=self._on_quotes,
            on_primary=self._take_up_config_subscriptions,
            spawn=self._spawn,
        )
        await bring_up.run(self.config.start_timeout)
        self._roles_given = True
        self.carrier.begin()
        self._spawn(self._watch.run())
        self._spawn(self._day_turn.run())
        if self.primary is not None:
            await self._take_up_config_subscriptions()

    async def _with_simulator(self, sections: list[BrokerConfig]) -> list[BrokerConfig]:
        """Sections of simulated brokers, filled with the addresses of a simulator started for them."""
        simulated = [section for section in sections if section.is_simulated and section.rest_base is None]
        if not simulated:
            return sections
        settings = self.config.simulator
        self.simulator = await SimulatorProcess.start(settings, [section.name for section in simulated])
        numbers = {section.name: number for number, section in enumerate(simulated)}
        return [
            self.simulator.login_for(numbers[section.name], section, settings.generation)
            if section.name in numbers
            else section
            for section in sections
        ]

    def _add_broker(self, section: BrokerConfig) -> None:
        health = BrokerHealth(
            broker_name=section.name,
            broker_type=section.type,
            account=mask(section.account_id or section.user_id or ""),
            simulated=section.is_simulated,
        )
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
            liveness=self.config.liveness,
        )
        broker = self.brokers[section.name] = create_broker(section, context)
        self.health[section.name] = health
        self.reconcilers[section.name] = Reconciler(
            broker,
            self.orders,
            self._tell_order,
            every_s=self.config.orders.reconcile_every,
            note=partial(self._note_incident, section.name),
            on_stream_stale=lambda _, why: broker.reconnect(why),
            on_session_expired=lambda _, why: broker.renew_session(why),
            is_market_open=self._is_market_open,
        )

    async def stop(self) -> None:
        """Close all sockets. Sessions at the brokers live on, so that the next start needs no login."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(broker.close() for broker in self.brokers.values()), return_exceptions=True)
        await self._transport.aclose()
        if self.simulator is not None:
            # Not in a worker thread: at the end of the interpreter none can be started any more.
            self.simulator.stop()
            self.simulator = None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a background task of the feed failed", exc_info=error)

    # What brokers bring

    def _on_quotes(self, batch: QuoteBatch) -> None:
        self.quotes.apply(batch)
        if logger.isEnabledFor(logging.DEBUG):
            announce_prices(self.quotes, batch)
        for listener in self.quote_listeners:
            listener()

    def _on_order(self, update: OrderUpdate) -> None:
        event = self.orders.apply(update)
        if event is not None:
            self._tell_order(event)

    def _tell_order(self, event: OrderEvent) -> None:
        announce_order(event)
        for listener in self.order_listeners:
            listener(event)

    def _note_incident(self, name: str, cause: str, action: str) -> None:
        self.incidents.note(self.clock.now_ns(), name, cause, action)

    async def reconcile(self, broker: str | None = None) -> list[ReconcileResult]:
        """Make the ledger equal to the books of one broker, or of every broker, now.

        A failed read raises nothing: each result says what it found.

        Raises
        ------
        ConfigError
            No enabled broker bears that name.
        """
        if broker is not None and broker not in self.reconcilers:
            raise ConfigError(f"broker: expected one of {', '.join(self.reconcilers)}, found {broker!r}")
        asked = [self.reconcilers[broker]] if broker is not None else list(self.reconcilers.values())
        return list(await asyncio.gather(*(reconciler.reconcile_now() for reconciler in asked)))

    def _on_down(self, name: str, why: str) -> None:
        self.carrier.on_down(name, why)
        if name not in self._read_while_down:
            self._read_while_down.add(name)
            self._spawn(self._reconcile_while_down(name))

    async def _reconcile_while_down(self, name: str) -> None:
        """A socket that stays away takes no order away: the books are read on without it."""
        health = self.health[name]
        try:
            while True:
                await asyncio.sleep(self.config.orders.reconcile_every)
                if health.connected_since_ns is not None or health.state is not BrokerState.RECONNECTING:
                    return
                await self.reconcilers[name].reconcile_now()
        finally:
            self._read_while_down.discard(name)

    def _is_market_open(self) -> bool:
        exchanges = {exchange for exchange, _ in self.subscriptions.book.wanted()}
        return self.market_hours.any_open(exchanges or {"NSE"}, self.clock.now_ns())

    def _on_new_primary(self) -> None:
        if self._roles_given:
            announce_roles(self.primary, self.health)

    def _on_connected(self, name: str) -> None:
        self.carrier.on_connected(name)
        self._spawn(self.reconcilers[name].run())

    async def _count_seconds(self) -> None:
        """Close the books on each second of traffic."""
        loop = asyncio.get_running_loop()
        next_s = loop.time() + 1.0
        while True:
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            self.bandwidth.close_second(self.wall_clock.now_ns() // 1_000_000_000)
            next_s += 1.0

    # Subscriptions: told to the primary, and to nobody else

    def _quote_broker(self) -> Broker:
        if self.primary is None:
            problems = "; ".join(f"{name} is {health.words}" for name, health in self.health.items())
            raise ConnectionFailedError(f"no broker carries quotes: {problems}")
        return self.brokers[self.primary]

    async def resolve(self, names: Sequence[str | Instrument], exchange: str = "NFO") -> list[Instrument]:
        """The instruments of these names, by the symbol master of the broker that carries quotes."""
        return await self.masters.resolve_all(self._quote_broker(), names, exchange)

    async def load_master(self, exchange: str) -> None:
        """Have an exchange's symbol master of today in ``masters.instruments``."""
        await self.masters.load(self._quote_broker(), exchange)

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
        """
        primary = self._quote_broker().name
        instruments = await self.resolve(names, exchange)
        kind = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        accepted = await self.subscriptions.hold(holder, instruments, kind, primary)
        self._spawn(self._prepare_mappings())
        return accepted

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = "user"
    ) -> None:
        """Let one holder let go; an instrument that nobody holds any more is streamed no longer."""
        self.subscriptions.let_go(holder, await self.resolve(names, exchange))

    async def release(self, holder: str) -> None:
        """Let go of everything that a holder holds."""
        self.subscriptions.let_go(holder, None)

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
        return await self.masters.options_around(self._quote_broker(), underlying, expiry, strikes)

    async def _take_up_config_subscriptions(self) -> None:
        left = await self._from_config.take_up(self.config.subscribe)
        if left:
            self._spawn(self._from_config.keep_trying(left))

    async def _subscribe_entry(self, entry: str | Around) -> None:
        names: Sequence[str | Instrument] = [entry] if isinstance(entry, str) else []
        if isinstance(entry, Around):
            names = await self.options_around(entry.underlying, expiry=entry.expiry, strikes=entry.strikes)
        accepted = await self.subscribe(names, holder=CONFIG_HOLDER)
        self._taken_up.update(row.instrument.key for row in accepted)

    async def _renew_config_subscriptions(self) -> None:
        """What the config wants on a new day: other strikes and expiries, most likely, than yesterday."""
        book = self.subscriptions.book
        before = book.held_by(CONFIG_HOLDER)
        self._taken_up.clear()
        left = await self._from_config.take_up(self.config.subscribe)
        if left:
            self._spawn(self._from_config.keep_trying(left))
            return
        book.remove(CONFIG_HOLDER, [key for key in before if key not in self._taken_up])
        self.carrier.arrange()

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
        """
        streaming = [each for each, broker in self.brokers.items() if broker.config.orders == "stream"]
        if name != AUTO and name not in streaming:
            raise ConfigError(
                f"set_quote_source: expected auto or one of {', '.join(streaming)}, found {str(name)[:40]!r}"
            )
        if name == AUTO:
            self.carrier.preferred = None
            return None
        if not self.carrier.serves(name):
            raise ConnectionFailedError(f"{name} can't carry quotes now: {self.health[name].words}")
        await self._prepare_mappings()
        return await self.carrier.move_to(name)

    def reconnect(self, name: str) -> None:
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

    async def _prepare_mappings(self) -> None:
        """Have every broker's keys of what is wanted, for a failover can't wait for a symbol master."""
        source = self._quote_broker()
        indices = map(self.quotes.index_of, self.subscriptions.book.wanted())
        wanted = [self.quotes.instruments[index] for index in indices if index is not None]
        for broker in self.brokers.values():
            if broker.config.orders == "stream":
                await self.mapping.prepare(source, broker, wanted)
