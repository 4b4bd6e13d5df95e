"""What a feed and the view need of what runs the brokers: in this process, or in a running service."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import Protocol

from dualbroker.alerts.delivery import Delivered
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.clock import Clock
from dualbroker.config.schema import Config
from dualbroker.desk.books import DeskStore
from dualbroker.desk.desk import Desk
from dualbroker.instruments.search import Found
from dualbroker.manager.reconcile.reconcile import ReconcileResult
from dualbroker.manager.referee import ComparedBroker
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.routing.driver import Subscribed
from dualbroker.stores.alerts import AlertStore
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore

__all__ = ["FeedSource"]


class FeedSource(Protocol):
    """Stores that are kept filled, what is known of the brokers, and what they can be asked to do.

    ``WebSocketManager`` is one that runs the brokers itself. Stores may be replaced by fresh ones, so
    they are asked for again at each access. Everything that is not ``async`` is safe from any thread and
    does not wait.
    """

    # Stores

    @property
    def quotes(self) -> QuoteStore: ...

    @property
    def orders(self) -> Ledger: ...

    @property
    def bandwidth(self) -> BandwidthStore: ...

    @property
    def incidents(self) -> IncidentStore: ...

    @property
    def alerts(self) -> AlertStore: ...

    @property
    def desk_books(self) -> DeskStore:
        """Positions, holdings and money of every account, as they were read last, and the day's fills."""
        ...

    @property
    def desk(self) -> Desk:
        """What is worked out of them."""
        ...

    @property
    def health(self) -> Mapping[str, BrokerHealth]:
        """By broker's name, in file order: of those that have been begun with."""
        ...

    @property
    def quote_listeners(self) -> list[Callable[[], None]]:
        """Called once per batch after it was stored, on the source's loop; must not block."""
        ...

    @property
    def order_listeners(self) -> list[Callable[[OrderEvent], None]]:
        """Called with each order event, on the source's loop; must not block."""
        ...

    # What is known

    @property
    def config(self) -> Config:
        """What it was made from.

        Raises
        ------
        ConfigError
            The config is somebody else's.
        """
        ...

    @property
    def origin(self) -> str:
        """Where it comes from, in words: its config file, or the address of its service."""
        ...

    @property
    def is_simulated(self) -> bool:
        """True when what is shown must carry the word SIMULATED."""
        ...

    @property
    def clock(self) -> Clock:
        """The current time, by what receives from the brokers; of a replay, the market's."""
        ...

    def as_of_ns(self) -> int:
        """Of when the newest is that could be known (UTC ns): now, unless the link to a service is lost."""
        ...

    @property
    def market_hours(self) -> MarketHours: ...

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None until one has logged in."""
        ...

    @property
    def preferred(self) -> str | None:
        """To whom quotes return, by a person or the config; None leaves it to what is measured."""
        ...

    @property
    def simulator(self) -> SimulatorProcess | None:
        """The simulator started for the brokers; None where brokers are real.

        Raises
        ------
        ConfigError
            It belongs to somebody else.
        """
        ...

    def all_health(self) -> list[BrokerHealth]:
        """How each enabled broker is doing, in the config's order, also before its session exists."""
        ...

    def streaming_brokers(self) -> list[str]:
        """Enabled brokers with a socket; the others are polled by REST."""
        ...

    def wanted(self) -> dict[InstrumentKey, FeedType]:
        """All instruments held by anybody, in order of first subscription."""
        ...

    @property
    def arrangement(self) -> Hashable:
        """Another one whenever what is wanted, or who streams it, may have changed: whoever looks every
        moment need not go through all of it."""
        ...

    def serves(self, name: str) -> bool:
        """Whether a broker's socket is up and of use for quotes."""
        ...

    def why_stale(self, name: str) -> str:
        """Why a broker's quotes count as stale; empty when they do not."""
        ...

    def source_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        ...

    def why_source(self, key: InstrumentKey) -> str:
        """Why an instrument is with that broker, or with none, in words."""
        ...

    def named_by_master(self, name: str, exchange: str) -> Instrument | None:
        """The instrument that the symbol masters loaded so far know by this name; None without one."""
        ...

    # What it does

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def known_instruments(self, keys: Sequence[InstrumentKey]) -> list[Instrument]:
        """The instruments of these keys.

        Raises
        ------
        UnknownInstrumentError
            No symbol master that is loaded knows one of them.
        """
        ...

    async def search(self, words: str, *, exchange: str | None = None, limit: int = 20) -> list[Instrument]:
        """The instruments of ``find``."""
        ...

    async def find(self, words: str, *, exchange: str | None = None, limit: int = 20) -> Found:
        """Instruments that all the words fit, the nearest expiry first, and on which exchanges was looked."""
        ...

    async def options_around(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> list[Instrument]:
        """Calls and puts of the strikes nearest to the underlying's last price."""
        ...

    async def subscribe(
        self,
        names: Sequence[str | Instrument],
        exchange: str = "NFO",
        *,
        depth: bool = False,
        holder: str = "user",
    ) -> list[Subscribed]:
        """Stream instruments. All names are looked up before any is subscribed."""
        ...

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = "NFO", *, holder: str = "user"
    ) -> None:
        """Let one holder let go; an instrument that nobody holds any more is streamed no longer."""
        ...

    async def subscribe_orders(self, *, holder: str = "user") -> list[Subscribed]:
        """Stream what has an order at any broker, from now on also what gets one."""
        ...

    async def unsubscribe_orders(self, *, holder: str = "user") -> None:
        """Follow the orders for a holder no longer, and release what was held for that."""
        ...

    async def set_quote_source(self, name: str) -> Failover | None:
        """Let a broker carry the quotes; the hand-over, None when nothing had to be moved."""
        ...

    async def reconnect(self, name: str) -> None:
        """Give a broker's connection up and open another."""
        ...

    async def add_alert(self, what: str, above: float | None = None, below: float | None = None) -> None:
        """Tell of a price level, or of one more rule."""
        ...

    async def remove_alert(self, what: str) -> int:
        """Tell of a rule, or of an instrument's price levels, no longer; how many there were."""
        ...

    async def test_alerts(self) -> list[Delivered]:
        """Send a test message to each target now; what came of each."""
        ...

    async def begin_comparison(self, seconds: float) -> None:
        """Have the liveliest instruments streamed by all brokers for so long, and compare what they bring."""
        ...

    async def comparison(self) -> list[ComparedBroker]:
        """What was compared last because a person asked for it, else over the day so far."""
        ...

    async def reconcile(self, broker: str | None = None) -> list[ReconcileResult]:
        """Make the ledger equal to the books of one broker, or of every broker, now."""
        ...
