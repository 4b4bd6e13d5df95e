"""Finds the options around the money, out of the symbol masters and a price asked by REST."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np

from dualbroker.brokers.base import Broker
from dualbroker.errors import (
    AmbiguousInstrumentError,
    ArgumentError,
    InstrumentError,
    RequestRefusedError,
    UnknownInstrumentError,
)
from dualbroker.instruments.catalogue import CASH_EXCHANGES
from dualbroker.instruments.names import split_exchange
from dualbroker.manager.instruments.masters import LONGEST_NAME, MasterLoader
from dualbroker.manager.options.chain_window import nearest
from dualbroker.manager.options.parity import implied_forward, option_prices
from dualbroker.model import Instrument, InstrumentKind

__all__ = ["options_around"]

EXPIRIES_SHOWN = 4
"""Listed where one was asked for that does not exist."""
_LOOKS = 2
"""How often calls and puts are asked where the money is: far from it their prices are too coarse to tell."""


async def options_around(
    masters: MasterLoader, broker: Broker, underlying: str, expiry: int | date | str, strikes: int
) -> list[Instrument]:
    """Calls and puts of the strikes nearest to the last price that the broker knows.

    Where the underlying is not listed itself, the money is where calls and puts imply it, and in the
    middle of all strikes while they have no price either.

    Parameters
    ----------
    underlying
        An index or a share with options; or what is not listed itself, with the exchange of its options
        where that is not NFO: ``MCX:CRUDEOIL``.
    expiry
        0 is the nearest expiry, 1 the next one; or its day, a date or a text such as ``2030-01-31``.
    strikes
        How many on each side of the one at the money.

    Raises
    ------
    UnknownInstrumentError
        No such underlying, or it has no options of that expiry; the message lists the nearest ones.
    RequestRefusedError
        The underlying is listed, and the broker knows no price of it.
    ValueError
        ``strikes`` is below 0.
    """
    if strikes < 0:
        raise ArgumentError(f"expected 0 strikes or more on each side, found {strikes}")
    series = _Series(masters, broker)
    spot = await series.open(underlying, expiry)
    if spot is None:
        money = await series.implied_price()
    else:
        price = (await broker.quote(spot.key)).ltp
        if price is None:
            raise RequestRefusedError(f"{broker.name} knows no last price of {underlying}")
        money = price
    ladder = series.ladder
    middle = ladder.index(nearest(ladder, money))
    chosen = ladder[max(0, middle - strikes) : middle + strikes + 1]
    return [option for strike in chosen for option in series.pair(strike) if option is not None]


class _Series:
    """The options of one underlying and expiry, and what the broker says they cost."""

    def __init__(self, masters: MasterLoader, broker: Broker) -> None:
        self._masters = masters
        self._broker = broker
        self._name = ""
        self._exchange = ""
        self._day = date.min
        self.ladder: list[float] = []

    async def open(self, underlying: str, expiry: int | date | str) -> Instrument | None:
        """Find it; the underlying, where that is listed itself."""
        qualifier, self._name = split_exchange(underlying)
        unknown: InstrumentError | None = None
        spot: Instrument | None = None
        try:
            spot = await self._masters.resolve(self._broker, underlying, "NSE")
        except InstrumentError as error:  # ambiguous, too, is the mere name of a commodity's contracts
            unknown = error
        is_cash = qualifier is None or qualifier in CASH_EXCHANGES
        is_bse = spot is not None and spot.exchange == "BSE"
        self._exchange = ("BFO" if is_bse else "NFO") if is_cash else str(qualifier)
        await self._masters.load(self._broker, self._exchange)
        instruments = self._masters.instruments
        days = instruments.expiries(self._name, exchange=self._exchange, kind=InstrumentKind.OPTION)
        if unknown is not None and not days and not isinstance(unknown, AmbiguousInstrumentError):
            raise unknown
        self._day = _expiry_day(underlying, self._exchange, days, expiry)
        self.ladder = instruments.strikes(self._name, self._day, exchange=self._exchange)
        return spot

    def pair(self, strike: float) -> tuple[Instrument | None, Instrument | None]:
        """Call and put of a strike."""
        call, put = (
            self._masters.instruments.option(self._name, self._day, strike, kind, exchange=self._exchange)
            for kind in ("CE", "PE")
        )
        return call, put

    async def implied_price(self) -> float:
        money = self.ladder[len(self.ladder) // 2]
        for _ in range(_LOOKS):
            strike = nearest(self.ladder, money)
            prices = [await self._price(option) for option in self.pair(strike)]
            implied = implied_forward(np.array([strike]), np.array(prices[:1]), np.array(prices[1:]))
            if math.isnan(implied):
                break
            money = implied
        return money

    async def _price(self, option: Instrument | None) -> float:
        if option is None:
            return math.nan
        quote = await self._broker.quote(option.key)
        known = [
            np.array([math.nan if value is None else value]) for value in (quote.bid, quote.ask, quote.ltp)
        ]
        return float(option_prices(*known)[0])


def _expiry_day(underlying: str, exchange: str, days: Sequence[date], expiry: int | date | str) -> date:
    """The day that a person means by an expiry, among those that there are, nearest first."""
    if not days:
        raise UnknownInstrumentError(f"{underlying} has no options on {exchange}")
    if isinstance(expiry, int):
        if 0 <= expiry < len(days):
            return days[expiry]
        expected = f"an expiry from 0 to {len(days) - 1}"
    else:
        day = _as_day(expiry)
        if day is not None and day in days:
            return day
        expected = "one of its expiries, by number or day"
    nearest_days = ", ".join(f"{number} is {day}" for number, day in enumerate(days[:EXPIRIES_SHOWN]))
    more = ", …" if len(days) > EXPIRIES_SHOWN else ""
    raise UnknownInstrumentError(
        f"{underlying}: expected {expected}, found {str(expiry)[:LONGEST_NAME]!r} ({nearest_days}{more})"
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
