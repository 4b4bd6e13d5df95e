"""The symbol masters of the broker that carries quotes, loaded when a name first needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock, ist, market_day
from dualbroker.errors import ConnectionFailedError, UnknownInstrumentError
from dualbroker.figures import number
from dualbroker.instruments import Instruments
from dualbroker.instruments.names import EXCHANGES, exchange_for, may_be_elsewhere, read_derivative
from dualbroker.model import Instrument
from dualbroker.storage.masters import MasterCache
from dualbroker.transport.base import Transport

__all__ = ["LONGEST_NAME", "MasterLoader", "require_short"]

TRY_AGAIN_S = 60.0
"""A download that hangs takes its whole timeout, and a search asks for it with each key."""

LONGEST_NAME = 200
"""Characters; no instrument's name comes near it, and looking for a longer one would hold up the feed."""


class MasterLoader:
    """Fills an ``Instruments`` registry, one exchange at a time, each once.

    Parameters
    ----------
    clock
        The time of day: a master is of a day.
    market_clock
        By which contracts expire; of a replay it is the recorded day's.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        cache_directory: Path | None,
        market_clock: Clock | None = None,
    ) -> None:
        self.instruments = Instruments()
        self._transport = transport
        self._clock = clock
        self._market_clock = market_clock or clock
        self._cache_directory = cache_directory
        self._loaded: dict[str, date] = {}
        self.older: dict[str, date] = {}
        """Exchanges whose master is of an earlier day, because today's could not be had; and of which."""
        self._loading = asyncio.Lock()
        self._failed: dict[str, tuple[float, ConnectionFailedError]] = {}
        """By exchange: when its master was last not to be had, by the loop's clock, and why."""

    def another(self) -> MasterLoader:
        """An empty one with the same network, clock and cache, for another broker's masters."""
        return MasterLoader(self._transport, self._clock, self._cache_directory, self._market_clock)

    async def load(self, broker: Broker, exchange: str, *, again: bool = False) -> None:
        """Have an exchange's master of today, or the newest one that is kept: ``older`` tells.

        Parameters
        ----------
        again
            Try again for today's where an earlier one had to do. Names are looked up without, as each try
            may hang for a minute.

        Raises
        ------
        UnknownInstrumentError
            There is no such exchange.
        ConnectionFailedError
            It can't be downloaded, and no earlier one is kept.
        """
        if exchange not in EXCHANGES:
            raise UnknownInstrumentError(
                f"expected one of the exchanges {', '.join(EXCHANGES)}, found {str(exchange)[:20]!r}"
            )
        # A download of the small hours may still be yesterday's file.
        today = market_day(self._clock.now_ns())
        async with self._loading:
            if self._loaded.get(exchange) == today and not (again and exchange in self.older):
                return
            source = broker.master_source
            cache = MasterCache(self._cache_directory if source else None)
            days = []
            for url in broker.master_urls(exchange):
                table = await cache.load(self._transport, url, exchange, source=source, day=today)
                self.instruments.add(table, ist(self._market_clock.now_ns()).date())
                days.append(table.day or today)
            self._loaded[exchange] = today
            if (oldest := min(days, default=today)) < today:
                self.older[exchange] = oldest
            else:
                self.older.pop(exchange, None)

    async def load_unless_failed(self, broker: Broker, exchange: str) -> None:
        """Have an exchange's master; one that could not be had is left alone for a minute.

        For anyone who asks with each key that a person types.

        Raises
        ------
        UnknownInstrumentError, ConnectionFailedError
            As ``load``; also within a minute of a failure, without another try.
        """
        loop = asyncio.get_running_loop()
        failed = self._failed.get(exchange)
        if failed is not None and loop.time() < failed[0] + TRY_AGAIN_S:
            raise failed[1]
        try:
            await self.load(broker, exchange)
        except ConnectionFailedError as error:
            self._failed[exchange] = (loop.time(), error)
            raise
        self._failed.pop(exchange, None)

    async def resolve(self, broker: Broker, name: str, exchange: str) -> Instrument:
        """The instrument of that name.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            With the closest matches.
        """
        require_short(name)
        await self.load(broker, exchange_for(name, exchange))
        if may_be_elsewhere(name, exchange) and not read_derivative(name):
            # A share, most likely; a contract's name needs no other exchange than its own.
            await self.load(broker, "NSE")
        return self.instruments.resolve(name, exchange)

    async def resolve_all(
        self, broker: Broker, names: Sequence[str | Instrument], exchange: str
    ) -> list[Instrument]:
        """The instruments of these names; an ``Instrument`` among them stands for itself."""
        return [
            name if isinstance(name, Instrument) else await self.resolve(broker, name, exchange)
            for name in names
        ]


def require_short(name: str) -> None:
    """Refuse what is too long to be a name."""
    if len(name) > LONGEST_NAME:
        raise UnknownInstrumentError(
            f"expected the name of an instrument, found a text of {number(len(name))} characters"
        )
