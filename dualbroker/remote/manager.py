"""A feed's source whose brokers are run by a service elsewhere: the same stores, filled over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime
from functools import cached_property

from dualbroker.alerts.delivery import Delivered
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.config.schema import Config
from dualbroker.desk.books import DeskStore
from dualbroker.desk.desk import Desk
from dualbroker.errors import ConfigError, DualBrokerError
from dualbroker.instruments.search import Found
from dualbroker.manager.instruments.masters import LONGEST_NAME, require_short
from dualbroker.manager.order_follower import OrderFollowers
from dualbroker.manager.reconcile.reconcile import ReconcileResult
from dualbroker.manager.referee import ComparedBroker
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.remote.attachment import OWN_HOLDER, Attachment, holder_part, short_names
from dualbroker.routing.driver import Subscribed
from dualbroker.stores.alerts import AlertStore
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore

__all__ = ["RemoteManager"]

LOOK_UP_WITHIN_S = 5.0


class RemoteManager(Attachment):
    """Attached to a running service: a feed's source like the manager that runs the brokers itself.

    What it holds lets go when it ends.
    """

    @cached_property
    def _order_followers(self) -> OrderFollowers:
        return OrderFollowers(self, self._background.spawn)

    # Stores

    @property
    def quotes(self) -> QuoteStore:
        return self._mirror.quotes

    @property
    def orders(self) -> Ledger:
        return self._mirror.orders

    @property
    def bandwidth(self) -> BandwidthStore:
        return self._mirror.bandwidth

    @property
    def incidents(self) -> IncidentStore:
        return self._mirror.incidents

    @property
    def alerts(self) -> AlertStore:
        """What a person was told, by the service."""
        return self._mirror.alerts

    @property
    def desk_books(self) -> DeskStore:
        """Positions, holdings and money of every account, as the service has read them last."""
        return self._mirror.desk_books

    @cached_property
    def desk(self) -> Desk:
        """What is worked out of them, here."""
        return Desk(
            books=lambda: self.desk_books,
            quotes=lambda: self.quotes,
            orders=lambda: self.orders,
            health=self.all_health,
            source_of=self.source_of,
        )

    @property
    def health(self) -> dict[str, BrokerHealth]:
        """By broker's name, in file order; while the service is out of reach each says so."""
        return self._mirror.health

    @property
    def quote_listeners(self) -> list[Callable[[], None]]:
        """Called once per batch after it was stored, on the source's loop; must not block."""
        return self._mirror.quote_listeners

    @property
    def order_listeners(self) -> list[Callable[[OrderEvent], None]]:
        """Called with each order event, on the source's loop; must not block."""
        return self._mirror.order_listeners

    # What is known

    @property
    def config(self) -> Config:
        """A service keeps its config to itself.

        Raises
        ------
        ConfigError
            Always.
        """
        raise ConfigError(f"the config is that of the service at {self.address}, and stays there")

    @property
    def origin(self) -> str:
        """The service's address, in words."""
        return f"service: {self.address}"

    @property
    def is_simulated(self) -> bool:
        """True when what is shown must carry the word SIMULATED."""
        return self._mirror.simulated

    @property
    def is_attached(self) -> bool:
        """Whether the link to the service is up."""
        return self._link is not None

    def as_of_ns(self) -> int:
        """Of when the newest is that the service has told (UTC ns)."""
        return self._mirror.time_ns

    @property
    def market_hours(self) -> MarketHours:
        return self._mirror.market_hours

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes, as far as is known."""
        return self._mirror.primary

    @property
    def preferred(self) -> str | None:
        """To whom quotes return, by a person or the config; None leaves it to what is measured."""
        return self._mirror.preferred

    @property
    def simulator(self) -> SimulatorProcess | None:
        """None where brokers are real.

        Raises
        ------
        ConfigError
            They are simulated, by the service.
        """
        if not self._mirror.simulated:
            return None
        raise ConfigError(
            f"the simulator belongs to the service at {self.address}, where faults are set; "
            "dualbroker.demo() runs one whose faults a notebook can set"
        )

    def all_health(self) -> list[BrokerHealth]:
        """How each enabled broker is doing, in the config's order, also before its session exists."""
        return self._mirror.all_health

    def streaming_brokers(self) -> list[str]:
        """Enabled brokers with a socket; the others are polled by REST."""
        return self._mirror.streaming

    def wanted(self) -> dict[InstrumentKey, FeedType]:
        """All instruments held by anybody, in order of first subscription."""
        return self._mirror.wanted()

    @property
    def arrangement(self) -> Hashable:
        """Another one whenever what is wanted, or who streams it, may have changed."""
        return self._mirror.arrangement

    def serves(self, name: str) -> bool:
        """Whether a broker's socket is up and of use for quotes; nobody's while the link is lost."""
        return name in self._mirror.serves

    def why_stale(self, name: str) -> str:
        """Why a broker's quotes count as stale; empty when they do not."""
        return self._mirror.stale.get(name, "")

    def source_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        return self._mirror.target_of(key)

    def why_source(self, key: InstrumentKey) -> str:
        """Why an instrument is with that broker, or with none, in words."""
        return self._mirror.why_source(key)

    def named_by_master(self, name: str, exchange: str) -> Instrument | None:
        """The instrument that the service's symbol masters know by this name; None without one."""
        loop = self._loop
        if loop is None or self._link is None or len(name) > LONGEST_NAME:
            return None
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is loop:
                return None  # waiting here would stop the very answer
        exchange = str(exchange)[:LONGEST_NAME]
        ask = self._ask("named_by_master", Instrument | None, name=name, exchange=exchange)
        try:
            found: Instrument | None = asyncio.run_coroutine_threadsafe(ask, loop).result(LOOK_UP_WITHIN_S)
            return found
        except (DualBrokerError, TimeoutError):
            return None

    # What it does

    async def known_instruments(self, keys: Sequence[InstrumentKey]) -> list[Instrument]:
        """The instruments of these keys, by the service's symbol masters."""
        found: list[Instrument] = await self._ask("known_instruments", list[Instrument], keys=list(keys))
        return found

    async def search(self, words: str, *, exchange: str | None = None, limit: int = 20) -> list[Instrument]:
        """The instruments of :meth:`find`."""
        return (await self.find(words, exchange=exchange, limit=limit)).instruments

    async def find(self, words: str, *, exchange: str | None = None, limit: int = 20) -> Found:
        """Instruments that all the words fit, the nearest expiry first, and on which exchanges was looked."""
        found: Found = await self._ask(
            "find",
            Found,
            words=words[:LONGEST_NAME],
            exchange=None if exchange is None else exchange[:LONGEST_NAME],
            limit=limit,
        )
        return found

    async def options_around(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> list[Instrument]:
        """Calls and puts of the strikes nearest to the underlying's last price."""
        require_short(underlying)
        if isinstance(expiry, datetime):
            expiry = expiry.date()
        found: list[Instrument] = await self._ask(
            "options_around",
            list[Instrument],
            underlying=underlying,
            expiry=expiry if isinstance(expiry, int) else str(expiry)[:LONGEST_NAME],
            strikes=strikes,
        )
        return found

    async def subscribe(
        self,
        names: Sequence[str | Instrument],
        exchange: str = "NFO",
        *,
        depth: bool = False,
        holder: str = OWN_HOLDER,
    ) -> list[Subscribed]:
        """Have the service stream instruments, for as long as this client lives."""
        accepted = await self._subscribe_there(names, exchange, depth, holder)
        kind = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        held = self._held.setdefault(holder, {})
        held.update({row.instrument.key: (row.instrument, kind) for row in accepted})
        return accepted

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = OWN_HOLDER
    ) -> None:
        """Let one holder of this client let go; others stay as they are."""
        gone: list[Instrument] = await self._ask(
            "unsubscribe",
            list[Instrument],
            names=short_names(names),
            exchange=exchange[:LONGEST_NAME],
            holder=holder_part(holder),
        )
        for instrument in gone:
            self._held.get(holder, {}).pop(instrument.key, None)

    async def subscribe_orders(self, *, holder: str = OWN_HOLDER) -> list[Subscribed]:
        """Have the service stream what has an order at any broker, for as long as this client lives."""
        return await self._order_followers.follow(holder)

    async def unsubscribe_orders(self, *, holder: str = OWN_HOLDER) -> None:
        """Follow the orders for a holder no longer, and release what was held for that."""
        await self._order_followers.leave(holder)

    async def release(self, holder: str) -> None:
        """Release everything that a holder of this client holds."""
        self._held.pop(holder, None)
        await self._ask("release", None, holder=holder_part(holder))

    async def set_quote_source(self, name: str) -> Failover | None:
        """Let a broker carry the quotes; the hand-over, None when nothing had to be moved."""
        failover: Failover | None = await self._ask(
            "set_quote_source", Failover | None, name=str(name)[:LONGEST_NAME]
        )
        return failover

    async def reconnect(self, name: str) -> None:
        """Have the service give a broker's connection up and open another."""
        await self._ask("reconnect", None, name=str(name)[:LONGEST_NAME])

    async def add_alert(self, what: str, above: float | None = None, below: float | None = None) -> None:
        """Have the service tell of a price level, or of one more rule, until it ends."""
        await self._ask("add_alert", None, what=str(what)[:LONGEST_NAME], above=above, below=below)

    async def remove_alert(self, what: str) -> int:
        """Have the service tell of a rule, or of an instrument's price levels, no longer."""
        gone: int = await self._ask("remove_alert", int, what=str(what)[:LONGEST_NAME])
        return gone

    async def test_alerts(self) -> list[Delivered]:
        """Have the service send a test message to each of its targets now."""
        results: list[Delivered] = await self._ask("test_alerts", list[Delivered])
        return results

    async def begin_comparison(self, seconds: float) -> None:
        """Have the service compare its brokers for so long."""
        await self._ask("begin_comparison", None, seconds=float(seconds))

    async def comparison(self) -> list[ComparedBroker]:
        """What the service compared last."""
        results: list[ComparedBroker] = await self._ask("comparison", list[ComparedBroker])
        return results

    async def reconcile(self, broker: str | None = None) -> list[ReconcileResult]:
        """Have the ledger made equal to the books of one broker, or of every broker, now."""
        results: list[ReconcileResult] = await self._ask(
            "reconcile",
            list[ReconcileResult],
            broker=None if broker is None else str(broker)[:LONGEST_NAME],
        )
        return results
