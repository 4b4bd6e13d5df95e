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
from dualbroker.instruments.names import EXCHANGES
from dualbroker.model import Instrument
from dualbroker.storage.masters import MasterCache
from dualbroker.transport.base import Transport

__all__ = ["MasterLoader"]

LONGEST_NAME = 200
"""Characters; no instrument's name comes near it, and looking for a longer one would hold up the feed."""


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
        UnknownInstrumentError
            There is no such exchange.
        ConnectionFailedError
            It can't be downloaded, and no earlier one is kept.
        """
        if exchange not in EXCHANGES:
            raise UnknownInstrumentError(
                f"expected one of the exchanges {', '.join(EXCHANGES)}, found {str(exchange)[:20]!r}"
            )
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
        if len(name) > LONGEST_NAME:
            raise UnknownInstrumentError(
                f"expected the name of an instrument, found a text of {len(name):,} characters"
            )
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
        ValueError
            ``strikes`` is below 0.
        """
        if strikes < 0:
            raise ValueError(f"expected 0 strikes or more on each side, found {strikes}")
        spot = await self.resolve(broker, underlying, "NSE")
        price = (await broker.quote(spot.key)).ltp
        if price is None:
            raise RequestRefusedError(f"{broker.name} knows no last price of {underlying}")
        await self.load(broker, "BFO" if spot.exchange == "BSE" else "NFO")
        dates = self.instruments.expiries(underlying)
        if not 0 <= expiry < len(dates):
            raise UnknownInstrumentError(
                f"{underlying}: expected an expiry from 0 to {len(dates) - 1}, found {expiry}"
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
