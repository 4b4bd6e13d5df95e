"""The symbol masters of the broker that carries quotes, loaded when a name first needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock, market_day
from dualbroker.errors import RequestRefusedError, UnknownInstrumentError
from dualbroker.instruments import Instruments
from dualbroker.instruments.names import EXCHANGES
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.storage.masters import MasterCache
from dualbroker.transport.base import Transport

__all__ = ["LONGEST_NAME", "MasterLoader", "require_short"]

LONGEST_NAME = 200
"""Characters; no instrument's name comes near it, and looking for a longer one would hold up the feed."""

EXPIRIES_SHOWN = 4
"""Listed where one was asked for that does not exist."""


class MasterLoader:
    """Fills an ``Instruments`` registry, one exchange at a time, each once."""

    def __init__(self, transport: Transport, clock: Clock, cache_directory: Path | None) -> None:
        self.instruments = Instruments()
        self._transport = transport
        self._clock = clock
        self._cache_directory = cache_directory
        self._loaded: dict[str, date] = {}
        self._loading = asyncio.Lock()

    def another(self) -> MasterLoader:
        """An empty one with the same network, clock and cache, for another broker's masters."""
        return MasterLoader(self._transport, self._clock, self._cache_directory)

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
        # A download of the small hours may still be yesterday's file.
        today = market_day(self._clock.now_ns())
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
        require_short(name)
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
        self, broker: Broker, underlying: str, expiry: int | date | str, strikes: int
    ) -> list[Instrument]:
        """Calls and puts of the strikes nearest to the last price that the broker knows.

        Parameters
        ----------
        expiry
            0 is the nearest expiry, 1 the next one; or its day, a date or a text such as ``2030-01-31``.
        strikes
            How many on each side of the one at the money.

        Raises
        ------
        UnknownInstrumentError
            No such underlying, or it has no options of that expiry; the message lists the nearest ones.
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
        days = self.instruments.expiries(underlying, kind=InstrumentKind.OPTION)
        day = _expiry_day(underlying, days, expiry)
        ladder = self.instruments.strikes(underlying, day)
        middle = min(range(len(ladder)), key=lambda place: abs(ladder[place] - price))
        chosen = ladder[max(0, middle - strikes) : middle + strikes + 1]
        found = (
            self.instruments.option(underlying, day, strike, kind)
            for strike in chosen
            for kind in ("CE", "PE")
        )
        return [option for option in found if option is not None]


def require_short(name: str) -> None:
    """Refuse what is too long to be a name."""
    if len(name) > LONGEST_NAME:
        raise UnknownInstrumentError(
            f"expected the name of an instrument, found a text of {len(name):,} characters"
        )


def _expiry_day(underlying: str, days: Sequence[date], expiry: int | date | str) -> date:
    """The day that a person means by an expiry, among those that there are, nearest first."""
    if not days:
        raise UnknownInstrumentError(f"{underlying} has no options in this symbol master")
    if isinstance(expiry, int):
        if 0 <= expiry < len(days):
            return days[expiry]
        expected = f"an expiry from 0 to {len(days) - 1}"
    else:
        day = _as_day(expiry)
        if day is not None and day in days:
            return day
        expected = "one of its expiries, by number or day"
    nearest = ", ".join(f"{number} is {day}" for number, day in enumerate(days[:EXPIRIES_SHOWN]))
    more = ", …" if len(days) > EXPIRIES_SHOWN else ""
    raise UnknownInstrumentError(
        f"{underlying}: expected {expected}, found {str(expiry)[:LONGEST_NAME]!r} ({nearest}{more})"
    )


def _as_day(expiry: date | str) -> date | None:
    if isinstance(expiry, datetime):  # and so a pandas Timestamp, as frames hold it
        return expiry.date()
    if isinstance(expiry, date):
        return expiry
    try:
        return date.fromisoformat(expiry.strip())
    except (ValueError, AttributeError):
        return None
