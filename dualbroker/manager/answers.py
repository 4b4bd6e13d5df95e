"""What a manager answers about itself: the part of a feed's source that only reads."""

from __future__ import annotations

from collections.abc import Sequence

from dualbroker.brokers.base import Broker
from dualbroker.errors import ConnectionFailedError, InstrumentError, UnknownInstrumentError
from dualbroker.instruments.names import EXCHANGES
from dualbroker.instruments.search import Found, exchanges_implied
from dualbroker.manager.running import RunningManager, health_at_first
from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.stores.health import BrokerHealth

__all__ = ["AnsweringManager"]

SEARCHED = ("NSE", "NFO")
"""Always; others are searched as well where subscriptions, orders or the words touch them."""


class AnsweringManager(RunningManager):
    """Says what is known of the brokers, of what is wanted, and of instruments."""

    @property
    def origin(self) -> str:
        """Where its config is from, in words."""
        path = self.config.path
        return "made in code, without a config file" if path is None else f"config: {path}"

    @property
    def is_simulated(self) -> bool:
        """True when what is shown must bear the word SIMULATED."""
        return self.config.is_simulated

    def as_of_ns(self) -> int:
        """Now: nothing lies between this process and the brokers."""
        return self.clock.now_ns()

    def all_health(self) -> list[BrokerHealth]:
        """How each enabled broker is doing, in the config's order, also before its session exists."""
        return [
            self.health.get(section.name) or health_at_first(section)
            for section in self.config.enabled_brokers
        ]

    def streaming_brokers(self) -> list[str]:
        """Enabled brokers with a socket; the others are polled by REST."""
        return [section.name for section in self.config.enabled_brokers if section.orders == "stream"]

    def wanted(self) -> dict[InstrumentKey, FeedType]:
        """All instruments held by anybody, in order of first subscription."""
        return self.routing.machine.holders.wanted.copy()

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
        broker = self._quote_broker()
        if exchange is not None:
            await self.load_master(exchange.upper())
            found = self.masters.instruments.search(words, exchange=exchange.upper(), limit=limit)
            return Found(found, [exchange.upper()])
        not_searched: dict[str, str] = {}
        last_problem: ConnectionFailedError | None = None
        for wanted in self._exchanges_to_search(words):
            try:
                await self.masters.load_unless_failed(broker, wanted)
            except ConnectionFailedError as error:
                not_searched[wanted], last_problem = str(error), error
        instruments = self.masters.instruments
        searched = [name for name in EXCHANGES if any(True for _ in instruments.tables(name))]
        if last_problem is not None and not searched:
            raise last_problem
        missing = {name: why for name, why in not_searched.items() if name not in searched}
        return Found(instruments.search(words, limit=limit), searched, missing)

    def _exchanges_to_search(self, words: str) -> list[str]:
        touched = {exchange for exchange, _ in self.wanted()}
        touched |= {state.exchange for state in self.orders.snapshot() if state.exchange is not None}
        touched |= {*SEARCHED, *exchanges_implied(words)}
        return [exchange for exchange in EXCHANGES if exchange in touched]
