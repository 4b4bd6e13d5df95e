"""REST endpoints for market data (protocol: sections 1.5 and 1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.noren.fields import number, whole
from dualbroker.noren.times import exchange_time_text, ist_day
from dualbroker.simulator.answers import INVALID_INPUT, NO_DATA, Refusal, invalid_symbol
from dualbroker.simulator.market.market import Bar, Market
from dualbroker.simulator.market.names import multiplier, wire_symbol
from dualbroker.simulator.wire.catalogue import Catalogue, scrip_row
from dualbroker.simulator.wire.fan_out import QuoteFanOut
from dualbroker.simulator.wire.greeks import option_greeks
from dualbroker.simulator.wire.masters import master_date
from dualbroker.simulator.wire.quote_wire import InstrumentWire

__all__ = [
    "daily_series",
    "greeks",
    "index_list",
    "option_chain",
    "price_series",
    "quotes",
    "search_scrip",
    "security_info",
]

_INTERVALS_MINUTES = frozenset({1, 3, 5, 10, 15, 30, 60, 120, 240})
_NAMES_IN_QUOTES = {"52h": "wk52_h", "52l": "wk52_l"}


def search_scrip(catalogue: Catalogue, fields: Mapping[str, str]) -> list[Instrument]:
    """Instruments by words."""
    return catalogue.search(fields.get("exch", ""), fields.get("stext", ""))


def option_chain(catalogue: Catalogue, fields: Mapping[str, str]) -> list[Instrument]:
    """Options around a strike; ``tsym`` names any contract of the underlying and expiry.

    Raises
    ------
    Refusal
        No such contract or no strike.
    """
    symbol = fields.get("tsym", "")
    index = catalogue.index_of_symbol(fields.get("exch", ""), symbol)
    if index is None:
        raise invalid_symbol(symbol)
    strike = number(fields.get("strprc"))
    count = whole(fields.get("cnt"))
    if strike is None or count is None or count < 0:
        raise Refusal(INVALID_INPUT)
    return catalogue.chain(catalogue.instruments[index], strike, count)


def security_info(market: Market, fields: Mapping[str, str]) -> dict[str, str]:
    """What an instrument is.

    Raises
    ------
    Refusal
        No such instrument.
    """
    instrument = market.instruments[_index(market, fields)]
    factor = f"(1 / 1 ) * ({multiplier(instrument)} / 1)"
    return scrip_row(instrument) | {"stat": "Ok", "mult": "1", "prcftr_d": factor}


def quotes(
    market: Market, catalogue: Catalogue, fan_out: QuoteFanOut, fields: Mapping[str, str]
) -> dict[str, str]:
    """A full snapshot of one instrument, five levels of depth included.

    Raises
    ------
    Refusal
        No such instrument.
    """
    index = _index(market, fields)
    wire = fan_out.wire(index)
    details = market.details(index)
    row = security_info(market, fields) | wire.texts(market.quote(index))
    book = wire.book(market.depth(index), details)
    row |= {_NAMES_IN_QUOTES.get(name, name): text for name, text in book.items()}
    if "last_trade_time" in details:
        row["ltd"] = exchange_time_text(int(details["last_trade_time"]) * NS_PER_S)[:10]
    total = market.total_open_interest(index)
    if total is not None:
        row["toi"] = wire.quantity(total)
    band = market.circuit(index)
    if band is not None:
        row |= {"lc": wire.price(band[0]), "uc": wire.price(band[1])}
    under = catalogue.underlying(market.instruments[index])
    if under is not None:
        row |= {"und_exch": under.exchange, "und_tk": under.token}
    return row | {"lut": str(market.now_ns() // NS_PER_S)}


def greeks(market: Market, fields: Mapping[str, str]) -> dict[str, object]:
    """GetOptionGreek: of the option that the fields describe (``exd``, strike, spot, both rates in percent).

    Raises
    ------
    Refusal
        A figure is missing, is not above 0, or the expiry is past.
    """
    names = ("sptprc", "strprc", "volatility", "initrate")
    spot, strike, volatility, interest = (number(fields.get(name)) or 0.0 for name in names)
    try:
        expiry = datetime.strptime(fields.get("exd", ""), "%d-%b-%Y").date()
    except ValueError:
        raise Refusal(INVALID_INPUT) from None
    days = (expiry - ist_day(market.now_ns())).days
    if min(spot, strike, volatility) <= 0 or days < 0:
        raise Refusal(INVALID_INPUT)
    return {
        "stat": "OK",
        **option_greeks(
            spot=spot,
            strike=strike,
            days=max(days, 1),
            interest_percent=interest,
            volatility_percent=volatility,
        ),
    }


def index_list(catalogue: Catalogue, fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Names and tokens of an exchange's indices.

    Raises
    ------
    Refusal
        It has none.
    """
    found = [
        {"idxname": wire_symbol(item), "token": item.token}
        for item in catalogue.instruments
        if item.kind is InstrumentKind.INDEX and item.exchange == fields.get("exch", "NSE")
    ]
    if not found:
        raise Refusal(NO_DATA)
    return found


def daily_series(
    market: Market, catalogue: Catalogue, fan_out: QuoteFanOut, fields: Mapping[str, str]
) -> list[str]:
    """Days from ``from`` to ``to`` (epoch seconds) of ``sym`` (``NSE:SBIN-EQ``), newest first.

    Each is a JSON object within a string, as the real ones are.

    Raises
    ------
    Refusal
        No such instrument, or no days.
    """
    exchange, _, symbol = fields.get("sym", "").partition(":")
    index = catalogue.index_of_symbol(exchange, symbol)
    if index is None:
        raise invalid_symbol(symbol)
    start, end = number(fields.get("from")), number(fields.get("to"))
    now_s = market.now_ns() // NS_PER_S
    days = market.days(index, int(start or 0), min(int(end), now_s) + 1 if end is not None else now_s + 1)
    if not days:
        raise Refusal(NO_DATA)
    wire = fan_out.wire(index)
    return [msgspec.json.encode(_day_row(day, wire)).decode("utf-8") for day in days]


def _day_row(day: Bar, wire: InstrumentWire) -> dict[str, str]:
    return {
        "time": master_date(datetime.fromtimestamp(day.start_s, UTC).date()),
        "into": wire.price(day.open),
        "inth": wire.price(day.high),
        "intl": wire.price(day.low),
        "intc": wire.price(day.close),
        "ssboe": str(day.start_s),
        "intv": f"{day.volume:.2f}",
    }


def price_series(market: Market, fan_out: QuoteFanOut, fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Bars, newest first; from ``st`` (default: the market's day) to ``et`` (default: now).

    Raises
    ------
    Refusal
        No such instrument or interval, or no bars.
    """
    index = _index(market, fields)
    now_s = market.now_ns() // NS_PER_S
    minutes = whole(fields.get("intrv", "1"))
    if minutes not in _INTERVALS_MINUTES:
        raise Refusal(INVALID_INPUT)
    start = number(fields.get("st"))
    end = number(fields.get("et"))
    start_s = int(start) if start is not None else now_s - 86_400
    end_s = min(int(end), now_s) if end is not None else now_s
    bars = market.bars(index, start_s, end_s + 1, minutes)
    if not bars:
        raise Refusal(NO_DATA)
    wire = fan_out.wire(index)
    return [_bar_row(bar, wire) for bar in bars]


def _bar_row(bar: Bar, wire: InstrumentWire) -> dict[str, str]:
    return {
        "stat": "Ok",
        "time": exchange_time_text(bar.start_s * NS_PER_S),
        "ssboe": str(bar.start_s),
        "into": wire.price(bar.open),
        "inth": wire.price(bar.high),
        "intl": wire.price(bar.low),
        "intc": wire.price(bar.close),
        "intvwap": wire.price(bar.average_price),
        "intv": wire.quantity(bar.volume),
        "intoi": wire.quantity(bar.open_interest_change),
        "v": wire.quantity(bar.day_volume),
        "oi": wire.quantity(bar.open_interest),
    }


def _index(market: Market, fields: Mapping[str, str]) -> int:
    index = market.index_of((fields.get("exch", ""), fields.get("token", "")))
    if index is None:
        raise Refusal(INVALID_INPUT)
    return index
