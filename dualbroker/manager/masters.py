"""The symbol masters of the broker that carries quotes, loaded when a name first needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock, ist
from dualbroker.errors import RequestRefusedError, UnknownInstrumentError
from dualbroker.instruments import Instruments
from dualbroker.model import Instrument
from dualbroker.storage.masters import MasterCache
from dualbroker.transport.base import Transport

__all__ = ["MasterLoader"]


class MasterLoader:
    """Fills an ``Instruments`` registry, one exchange at a time, each once."""

    def __init__(self, transport: Transport, clock: Clock, cache_directory: Path | None) -> None:
        self.instruments = Instruments()
        self._transport = transport
        self._clock = clock
        self._cache_directory = cache_directory
        self._loaded: dict[str, date] = {}
        self._loading = asyncio.Lock()

    async def load(self, broker: Broker, exchange: str) -> None:
        """Have an exchange's master of today.

        Raises
        ------
        ConnectionFailedError
            It can't be downloaded, and no earlier one is kept.
        """
        today = ist(self._clock.now_ns()).date()
        async with self._loading:
            if self._loaded.get(exchange) == today:
                return
            source = broker.master_source
            cache = MasterCache(self._cache_directory if source else None)
            for url in broker.master_urls(exchange):
                self.instruments.add(
                    await cache.load(self._transport, url, exchange, source=source, day=today)
                )
            self._loaded[exchange] = today

    async def resolve(self, broker: Broker, name: str, exchange: str) -> Instrument:
        """The instrument of that name.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            With the closest matches.
        """
        await self.load(broker, self.instruments.exchange_for(name, exchange))
        return self.instruments.resolve(name, exchange)

    async def resolve_all(
        self, broker: Broker, names: Sequence[str | Instrument], exchange: str
    ) -> list[Instrument]:
        """The instruments of these names; an ``Instrument`` among them stands for itself."""
        return [
            name if isinstance(name, Instrument) else await self.resolve(broker, name, exchange)
            for name in names
        ]

    async def options_around(
        self, broker: Broker, underlying: str, expiry: int, strikes: int
    ) -> list[Instrument]:
        """Calls and puts of the strikes nearest to the last price that the broker knows.

        Raises
        ------
        UnknownInstrumentError
            No such underlying, or it has no options of that expiry.
        """
        spot = await self.resolve(broker, underlying, "NSE")
        price = (await broker.quote(spot.key)).ltp
        if price is None:
            raise RequestRefusedError(f"{broker.name} knows no last price of {underlying}")
        await self.load(broker, "BFO" if spot.exchange == "BSE" else "NFO")
        dates = self.instruments.expiries(underlying)
        if expiry >= len(dates):
            raise UnknownInstrumentError(
                f"{underlying}: expected an expiry below {len(dates)}, found {expiry}"
            )
        ladder = self.instruments.strikes(underlying, dates[expiry])
        if not ladder:
            raise UnknownInstrumentError(f"{underlying} has no options of {dates[expiry]}")
        middle = min(range(len(ladder)), key=lambda place: abs(ladder[place] - price))
        chosen = ladder[max(0, middle - strikes) : middle + strikes + 1]
        found = (
            self.instruments.option(underlying, dates[expiry], strike, kind)
            for strike in chosen
            for kind in ("CE", "PE")
        )
        return [option for option in found if option is not None]
