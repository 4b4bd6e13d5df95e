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
from pathlib import Path
from typing import Any, Self

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.brokers.registry import create_broker
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.clock import Clock, MarketClock, SystemClock
from dualbroker.config.broker import mask
from dualbroker.config.schema import Around, BrokerConfig, Config
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    RateLimitedError,
    RetryableBrokerError,
)
from dualbroker.manager.announcements import announce_order, announce_prices, announce_roles
from dualbroker.manager.logins import log_in
from dualbroker.manager.masters import MasterLoader
from dualbroker.manager.reconcile import keep_book_read
from dualbroker.manager.subscriber import Subscribed, Subscriber
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, OrderUpdate, QuoteBatch, Role
from dualbroker.roles import LoginOutcome, choose_primary
from dualbroker.storage.paths import cache_directory, state_directory
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport

__all__ = ["WebSocketManager"]

logger = logging.getLogger("dualbroker")

CONFIG_HOLDER = "config"
"""Holds what config.yaml subscribes from the start."""


class WebSocketManager:
    """Runs all brokers of a config.

    ``async with WebSocketManager(config) as manager: ...`` starts and stops it.

    Parameters
    ----------
    config
        A validated config.
    transport, clock, wall_clock, rng
        The network, receive times, the time of day, and chance; real ones unless given.
    """

    def __init__(
        self,
        config: Config,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        wall_clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.config = config
        self.quotes = QuoteStore(config.ticks.max_rows)
        self.orders = Ledger(config.order_events.max_rows)
        self.bandwidth = BandwidthStore()
        self.incidents = IncidentStore()
        self.health: dict[str, BrokerHealth] = {}
        self.brokers: dict[str, Broker] = {}
        self.primary: str | None = None
        """Name of the broker that carries quotes; None until one has logged in."""
        self.subscriptions = Subscriber(self.quotes)
        self.wall_clock: Clock = wall_clock or SystemClock()
        replays = config.is_simulated and config.simulator.market == "replay"
        self.clock: Clock = clock or (MarketClock() if replays else SystemClock())
        self.market_hours: MarketHours = (
            MarketHours.always() if config.is_simulated else config.market_hours.market_hours()
        )
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
        self._outcomes: dict[str, LoginOutcome] = {}
        self._outcome_changed = asyncio.Event()
        self._roles_decided = asyncio.Event()
        self._roles_announced = False
        self._tasks: set[asyncio.Task[None]] = set()

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
        for section in await self._with_simulator(self.config.enabled_brokers):
            self._add_broker(section)
        self._spawn(self._count_seconds())
        await self._start_optimized_websockets()
        if self.primary is not None:
            await self._take_up_config_subscriptions()

    async def _with_simulator(self, sections: list[BrokerConfig]) -> list[BrokerConfig]:
        """Sections of simulated brokers, filled with the addresses of a simulator started for them."""
        simulated = [section for section in sections if section.is_simulated and section.rest_base is None]
        if not simulated:
            return sections
        settings = self.config.simulator
        self.simulator = await SimulatorProcess.start(settings, len(simulated))
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
        )
        self.brokers[section.name] = create_broker(section, context)
        self.health[section.name] = health
        self._outcomes[section.name] = LoginOutcome.WAITING

    async def _start_optimized_websockets(self) -> None:
        """Quotes and orders from the primary, orders only from every other broker."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.config.start_timeout
        bring_ups = {self._spawn(self._bring_up(broker)) for broker in self.brokers.values()}
        while not self._decide_primary(time_is_up=loop.time() >= deadline):
            self._outcome_changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._outcome_changed.wait()
            except TimeoutError:
                self._decide_primary(time_is_up=True)
                break
        self._roles_decided.set()
        await asyncio.wait(bring_ups, timeout=max(0.0, deadline - loop.time()) + 1.0)
        announce_roles(self.primary, self.health)
        self._roles_announced = True

    def _decide_primary(self, *, time_is_up: bool) -> bool:
        candidates = [name for name, broker in self.brokers.items() if broker.config.orders == "stream"]
        choice = choose_primary(candidates, self._outcomes, time_is_up=time_is_up)
        if choice.primary is not None:
            self.primary = choice.primary
            logger.info("%s carries quotes: %s", choice.primary, choice.reason)
        return choice.final

    async def _bring_up(self, broker: Broker) -> None:
        """Log one broker in and start its stream with the callbacks of its role."""
        logged_in = await log_in(broker, self._random)
        self._note_outcome(broker.name, LoginOutcome.IN if logged_in else LoginOutcome.FAILED)
        if not logged_in:
            return
        await self._roles_decided.wait()
        if self.primary is None and broker.config.orders == "stream":
            self.primary = broker.name
            logger.info("%s carries quotes: the first to log in", broker.name)
        is_primary = self.primary == broker.name
        self.health[broker.name].role = Role.PRIMARY if is_primary else Role.SECONDARY
        try:
            await broker.start_websocket(self._on_order, self._on_quotes if is_primary else None)
        except DualBrokerError as error:
            logger.warning("%s: %s", broker.name, error)
        if self._roles_announced:
            # It has come after all others were up: what start() did, it did without this one.
            announce_roles(self.primary, self.health)
            if is_primary:
                await self._take_up_config_subscriptions()

    def _note_outcome(self, name: str, outcome: LoginOutcome) -> None:
        self._outcomes[name] = outcome
        self._outcome_changed.set()

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
        if event is None:
            return
        announce_order(event)
        for listener in self.order_listeners:
            listener(event)

    def _on_connected(self, name: str) -> None:
        if self.brokers[name].config.orders == "stream":
            every_s = self.config.orders.reconcile_every
            self._spawn(keep_book_read(self.brokers[name], self.clock, self._on_order, every_s))

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
        broker = self._quote_broker()
        instruments = await self.resolve(names, exchange)
        kind = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        return await self.subscriptions.hold(broker, holder, instruments, kind)

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = "user"
    ) -> None:
        """Let one holder let go; an instrument that nobody holds any more is streamed no longer."""
        broker = self._quote_broker()
        await self.subscriptions.let_go(broker, holder, await self.resolve(names, exchange))

    async def release(self, holder: str) -> None:
        """Let go of everything that a holder holds."""
        await self.subscriptions.let_go(self._quote_broker(), holder, None)

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
        """What config.yaml wants from the start; what a broken network keeps away is tried again."""
        left = await self._subscribe_entries(self.config.subscribe)
        if left:
            self._spawn(self._keep_subscribing(left))

    async def _keep_subscribing(self, entries: Sequence[str | Around]) -> None:
        backoff = Backoff(self._random, first_s=2.0, cap_s=60.0)
        while entries:
            await asyncio.sleep(backoff.next_s())
            entries = await self._subscribe_entries(entries)

    async def _subscribe_entries(self, entries: Sequence[str | Around]) -> list[str | Around]:
        """Subscribe each by itself, so that one bad name keeps no other out; returns what to try again."""
        left: list[str | Around] = []
        for entry in entries:
            try:
                names: Sequence[str | Instrument] = (
                    [entry]
                    if isinstance(entry, str)
                    else await self.options_around(
                        entry.underlying, expiry=entry.expiry, strikes=entry.strikes
                    )
                )
                await self.subscribe(names, holder=CONFIG_HOLDER)
            except (ConnectionFailedError, RateLimitedError, RetryableBrokerError) as error:
                left.append(entry)
                logger.warning("subscribe in the config, to be tried again: %s", error)
            except DualBrokerError as error:
                logger.error("subscribe in the config: %s", error)
        return left
