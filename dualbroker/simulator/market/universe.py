"""Which instruments a synthetic market lists on a given day, and what each derives its price from.

Tokens and tick sizes of indices and shares are those of the exchange, and so are the expiry weekdays
and the spelling of trading symbols. Prices are round figures near those of 2026 and lots those of
the time; tokens of derivatives are invented. An expiry on a holiday is on the trading
day before it: on those that move from year to year, as far as ``market_calendar`` has them written down, for
the library that has them all takes longer to load than the simulator to start.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

import msgspec

from dualbroker.errors import DualBrokerError
from dualbroker.market_calendar import closed_as_listed
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.names import MONTHS

__all__ = [
    "Underlying",
    "Universe",
    "build_universe",
    "monthly_expiries",
    "option_symbol",
    "weekly_expiries",
]

_WEEKLY_MONTH_CODES = "123456789OND"
_TUESDAY, _THURSDAY = 1, 3
_OPTION_TICK = 0.05
_FIRST_DERIVATIVE_TOKEN = 40_000
"""On every exchange the same: tokens repeat across exchanges in the real masters too."""


class Underlying(msgspec.Struct, frozen=True, kw_only=True):
    """A price that moves by itself; everything listed derives from one of these."""

    name: str
    base_price: float
    """Yesterday's close, rupees (points for an index)."""
    beta: float
    """How far it goes with the market: 1 is as far as NIFTY."""
    own_volatility: float
    """Annual volatility of what moves it alone, 0.2 is 20 %."""
    volatility_ratio: float = 1.0
    """At-the-money implied volatility of its options, as a multiple of India VIX."""


class Universe(msgspec.Struct, frozen=True):
    """What is listed. ``underlying_of[i]`` is the position in ``underlyings`` of ``instruments[i]``'s."""

    underlyings: tuple[Underlying, ...]
    instruments: tuple[Instrument, ...]
    underlying_of: tuple[int, ...]
    volatility_index: int
    """Position in ``underlyings`` of the one that is a volatility (India VIX), no price."""


class _Chain(msgspec.Struct, frozen=True):
    """Derivatives of one index."""

    underlying: str
    exchange: str
    lot_size: int
    strike_step: float
    expiry_weekday: int
    weekly: bool
    future_tick: float | None


class _Future(msgspec.Struct, frozen=True):
    """Monthly futures of what is itself not listed."""

    name: str
    exchange: str
    price: float
    lot_size: int
    tick: float
    instrument_type: str
    own_volatility: float


_FUTURES = (
    _Future("USDINR", "CDS", 88.5, 1, 0.0025, "FUTCUR", 0.03),
    _Future("CRUDEOIL", "MCX", 5_300.0, 100, 1.0, "FUTCOM", 0.3),
    _Future("NATURALGAS", "MCX", 310.0, 1_250, 0.1, "FUTCOM", 0.4),
)
"""Expire on Tuesdays as the others do, which the real ones do not."""

_INDICES = (
    # exchange, token, trading symbol, plain name, yesterday's close, beta, own volatility, volatility ratio
    ("NSE", "26000", "NIFTY INDEX", "NIFTY", 26_000.0, 1.0, 0.02, 1.0),
    ("NSE", "26009", "NIFTY BANK", "BANKNIFTY", 58_500.0, 1.15, 0.06, 1.15),
    ("NSE", "26037", "FINNIFTY", "FINNIFTY", 27_400.0, 1.1, 0.05, 1.1),
    ("BSE", "1", "SENSEX", "SENSEX", 85_000.0, 0.98, 0.025, 1.0),
    ("NSE", "26017", "INDIA VIX", "INDIA VIX", 13.5, -5.0, 0.5, 1.0),
)

_CHAINS = (
    _Chain("NIFTY", "NFO", 65, 50.0, _TUESDAY, True, 0.1),
    _Chain("BANKNIFTY", "NFO", 30, 100.0, _TUESDAY, False, 0.2),
    _Chain("FINNIFTY", "NFO", 60, 50.0, _TUESDAY, False, 0.1),
    _Chain("SENSEX", "BFO", 20, 100.0, _THURSDAY, True, None),
)

_SHARES = (
    # name, NSE token, BSE token or None, tick in rupees, yesterday's close, beta, own volatility
    ("RELIANCE", "2885", "500325", 0.1, 1_480.0, 1.05, 0.16),
    ("TCS", "11536", "532540", 0.1, 3_060.0, 0.75, 0.17),
    ("INFY", "1594", "500209", 0.1, 1_510.0, 0.85, 0.19),
    ("HDFCBANK", "1333", "500180", 0.05, 985.0, 1.0, 0.13),
    ("SBIN", "3045", "500112", 0.05, 940.0, 1.15, 0.16),
    ("ICICIBANK", "4963", None, 0.1, 1_390.0, 1.05, 0.14),
    ("AXISBANK", "5900", None, 0.1, 1_240.0, 1.2, 0.18),
    ("KOTAKBANK", "1922", None, 0.05, 420.0, 0.95, 0.17),
    ("BHARTIARTL", "10604", None, 0.1, 2_070.0, 0.8, 0.18),
    ("ITC", "1660", None, 0.05, 405.0, 0.6, 0.15),
    ("LT", "11483", None, 0.1, 3_980.0, 1.1, 0.17),
    ("HINDUNILVR", "1394", None, 0.1, 2_440.0, 0.5, 0.17),
    ("MARUTI", "10999", None, 1.0, 15_900.0, 0.9, 0.19),
    ("M&M", "2031", None, 0.1, 3_690.0, 1.1, 0.21),
    ("TATASTEEL", "3499", None, 0.01, 172.0, 1.35, 0.24),
    ("SUNPHARMA", "3351", None, 0.1, 1_690.0, 0.55, 0.19),
    ("BAJFINANCE", "317", None, 0.05, 1_020.0, 1.25, 0.22),
    ("TITAN", "3506", None, 0.1, 3_880.0, 0.85, 0.19),
    ("NTPC", "11630", None, 0.05, 326.0, 0.9, 0.18),
    ("WIPRO", "3787", None, 0.01, 244.0, 0.85, 0.21),
)


def weekly_expiries(today: date, weekday: int, count: int) -> list[date]:
    """The next ``count`` expiries, today included: a weekday (Monday is 0), or the trading day before it."""
    return [day for day, _ in islice(_expiries(today, weekday), count)]


def monthly_expiries(today: date, weekday: int, count: int) -> list[date]:
    """The next ``count`` of them that are their month's last, today included."""
    return [day for day, _ in islice((each for each in _expiries(today, weekday) if each[1]), count)]


def _expiries(today: date, weekday: int) -> Iterator[tuple[date, bool]]:
    """Expiries from today on, and of each whether it is its month's last."""
    usual = today + timedelta(days=(weekday - today.weekday()) % 7)
    while True:
        day = usual
        while closed_as_listed(day):
            day -= timedelta(days=1)
        if day >= today:
            yield day, (usual + timedelta(weeks=1)).month != usual.month
        usual += timedelta(weeks=1)


def option_symbol(
    exchange: str, name: str, expiry: date, strike: float, option_type: str, *, monthly: bool
) -> str:
    """The trading symbol of an option (protocol: trading-symbol formats).

    NFO spells ``NIFTY29DEC26C26000``. BFO spells as the exchange does: ``SENSEX26SEP91000PE`` for the
    month's last expiry, ``SENSEX24N2273200PE`` for any other.
    """
    if exchange != "BFO":
        return f"{name}{expiry.day:02d}{_month_and_year(expiry)}{option_type[0]}{strike:.0f}"
    year = f"{expiry.year % 100:02d}"
    when = MONTHS[expiry.month - 1] if monthly else f"{_WEEKLY_MONTH_CODES[expiry.month - 1]}{expiry.day:02d}"
    return f"{name}{year}{when}{strike:.0f}{option_type}"


def build_universe(today: date, *, strikes_each_side: int = 15, expiries: int = 2) -> Universe:
    """List indices, shares, near and next futures, and chains of options around the money.

    Every chain has its near and next monthly expiry; those with weekly ones (NIFTY, SENSEX) have the
    next ``expiries`` weeks too. The default lists about 650 instruments, 40 and 3 about 2,000.

    Parameters
    ----------
    today
        The first day on which an expiry may lie.
    strikes_each_side
        Strikes below and above the one at the money, at least 1.
    expiries
        Weekly expiries per chain that has them, at least 1.

    Raises
    ------
    DualBrokerError
        A number is below 1.
    """
    if strikes_each_side < 1 or expiries < 1:
        raise DualBrokerError(
            "expected at least 1 strike on each side and 1 expiry, "
            f"found strikes_each_side={strikes_each_side}, expiries={expiries}"
        )
    underlyings: list[Underlying] = []
    listed: list[tuple[Instrument, int]] = []
    for exchange, token, symbol, name, price, beta, own_volatility, ratio in _INDICES:
        listed.append((_index(exchange, token, symbol, name), len(underlyings)))
        underlyings.append(
            Underlying(
                name=name,
                base_price=price,
                beta=beta,
                own_volatility=own_volatility,
                volatility_ratio=ratio,
            )
        )
    for name, nse_token, bse_token, tick, price, beta, own_volatility in _SHARES:
        listed.append((_share("NSE", nse_token, f"{name}-EQ", name, tick), len(underlyings)))
        if bse_token is not None:
            listed.append((_share("BSE", bse_token, name, name, tick), len(underlyings)))
        underlyings.append(Underlying(name=name, base_price=price, beta=beta, own_volatility=own_volatility))
    positions = {underlying.name: position for position, underlying in enumerate(underlyings)}
    next_token = dict.fromkeys((chain.exchange for chain in _CHAINS), _FIRST_DERIVATIVE_TOKEN)
    for chain in _CHAINS:
        position = positions[chain.underlying]
        price = underlyings[position].base_price
        for instrument in _derivatives(chain, price, today, strikes_each_side, expiries):
            token_number = next_token[chain.exchange]
            next_token[chain.exchange] += 1
            listed.append((msgspec.structs.replace(instrument, token=str(token_number)), position))
    for future in _FUTURES:
        for expiry in monthly_expiries(today, _TUESDAY, 2):
            token_number = next_token.setdefault(future.exchange, _FIRST_DERIVATIVE_TOKEN)
            next_token[future.exchange] += 1
            listed.append((_outright(future, expiry, str(token_number)), len(underlyings)))
        underlyings.append(
            Underlying(
                name=future.name, base_price=future.price, beta=0.0, own_volatility=future.own_volatility
            )
        )
    instruments, underlying_of = zip(*listed, strict=True)
    return Universe(
        underlyings=tuple(underlyings),
        instruments=instruments,
        underlying_of=underlying_of,
        volatility_index=positions["INDIA VIX"],
    )


def _index(exchange: str, token: str, symbol: str, name: str) -> Instrument:
    return Instrument(
        exchange=exchange,
        token=token,
        symbol=symbol,
        name=name,
        kind=InstrumentKind.INDEX,
        instrument_type="INDEX",
    )


def _share(exchange: str, token: str, symbol: str, name: str, tick_size: float) -> Instrument:
    return Instrument(
        exchange=exchange,
        token=token,
        symbol=symbol,
        name=name,
        kind=InstrumentKind.EQUITY,
        tick_size=tick_size,
        instrument_type="EQ" if exchange == "NSE" else "A",
    )


def _derivatives(
    chain: _Chain, price: float, today: date, strikes_each_side: int, expiries: int
) -> list[Instrument]:
    """Futures, then options by expiry, strike and type; tokens are left blank."""
    days = list(islice(_expiries(today, chain.expiry_weekday), 10 + expiries))
    monthly = [expiry for expiry, is_monthly in days if is_monthly][:2]
    weekly = [expiry for expiry, _ in days[:expiries]] if chain.weekly else []
    instruments = [] if chain.future_tick is None else [_future(chain, expiry) for expiry in monthly]
    at_the_money = round(price / chain.strike_step) * chain.strike_step
    for expiry, is_monthly in days:
        if expiry not in monthly and expiry not in weekly:
            continue
        for step in range(-strikes_each_side, strikes_each_side + 1):
            strike = at_the_money + step * chain.strike_step
            instruments += [
                _option(chain, expiry, strike, option_type, monthly=is_monthly)
                for option_type in ("CE", "PE")
            ]
    return instruments


def _outright(future: _Future, expiry: date, token: str) -> Instrument:
    ending = "" if future.exchange == "MCX" else "F"
    return Instrument(
        exchange=future.exchange,
        token=token,
        symbol=f"{future.name}{expiry.day:02d}{_month_and_year(expiry)}{ending}",
        name=future.name,
        kind=InstrumentKind.FUTURE,
        expiry=expiry,
        lot_size=future.lot_size,
        tick_size=future.tick,
        instrument_type=future.instrument_type,
    )


def _future(chain: _Chain, expiry: date) -> Instrument:
    return Instrument(
        exchange=chain.exchange,
        token="",
        symbol=f"{chain.underlying}{expiry.day:02d}{_month_and_year(expiry)}F",
        name=chain.underlying,
        kind=InstrumentKind.FUTURE,
        expiry=expiry,
        lot_size=chain.lot_size,
        tick_size=chain.future_tick,
        instrument_type="FUTIDX",
    )


def _option(chain: _Chain, expiry: date, strike: float, option_type: str, *, monthly: bool) -> Instrument:
    return Instrument(
        exchange=chain.exchange,
        token="",
        symbol=option_symbol(chain.exchange, chain.underlying, expiry, strike, option_type, monthly=monthly),
        name=chain.underlying,
        kind=InstrumentKind.OPTION,
        expiry=expiry,
        strike=strike,
        option_type=option_type,
        lot_size=chain.lot_size,
        tick_size=_OPTION_TICK,
        instrument_type="OPTIDX",
    )


def _month_and_year(day: date) -> str:
    """``DEC26``, whatever the machine's locale."""
    return f"{MONTHS[day.month - 1]}{day.year % 100:02d}"
