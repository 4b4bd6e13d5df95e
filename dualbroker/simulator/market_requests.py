"""REST endpoints for market data (protocol: sections 1.5 and 1.8)."""

from __future__ import annotations

from collections.abc import Mapping

from dualbroker.model import Instrument
from dualbroker.noren.fields import number, whole
from dualbroker.noren.times import exchange_time_text
from dualbroker.simulator.answers import INVALID_INPUT, NO_DATA, Refusal
from dualbroker.simulator.catalogue import Catalogue, scrip_row
from dualbroker.simulator.fan_out import QuoteFanOut
from dualbroker.simulator.market import Bar, Market
from dualbroker.simulator.quote_wire import InstrumentWire

__all__ = ["option_chain", "price_series", "quotes", "search_scrip", "security_info"]

_NS_PER_S = 1_000_000_000
_INTERVALS_MINUTES = frozenset({1, 3, 5, 10, 15, 30, 60, 120, 240})
_SEGMENTS = {"NSE": "EQT", "BSE": "EQT", "NFO": "DER", "BFO": "DER", "CDS": "CUR", "MCX": "COM"}


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
    index = catalogue.index_of_symbol(fields.get("exch", ""), fields.get("tsym", ""))
    strike = number(fields.get("strprc"))
    count = whole(fields.get("cnt"))
    if index is None or strike is None or count is None or count < 0:
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
    row = scrip_row(instrument) | {"stat": "Ok", "seg": _SEGMENTS.get(instrument.exchange, "")}
    return row | {"cname": instrument.name, "mult": "1", "prcftr_d": "(1 / 1 ) * (1 / 1)"}


def quotes(market: Market, fan_out: QuoteFanOut, fields: Mapping[str, str]) -> dict[str, str]:
    """A full snapshot of one instrument, five levels of depth included.

    Raises
    ------
    Refusal
        No such instrument.
    """
    index = _index(market, fields)
    wire = fan_out.wire(index)
    row = security_info(market, fields) | wire.texts(market.quote(index)) | wire.levels(market.depth(index))
    band = market.circuit(index)
    if band is not None:
        row |= {"lc": wire.price(band[0]), "uc": wire.price(band[1])}
    return row | {"lut": str(market.now_ns() // _NS_PER_S)}


def price_series(market: Market, fan_out: QuoteFanOut, fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Bars, newest first; from ``st`` (default: the market's day) to ``et`` (default: now).

    Raises
    ------
    Refusal
        No such instrument or interval, or no bars.
    """
    index = _index(market, fields)
    now_s = market.now_ns() // _NS_PER_S
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
        "time": exchange_time_text(bar.start_s * _NS_PER_S),
        "ssboe": str(bar.start_s),
        "into": wire.price(bar.open),
        "inth": wire.price(bar.high),
        "intl": wire.price(bar.low),
        "intc": wire.price(bar.close),
        "intvwap": wire.price(bar.average_price),
        "intv": f"{bar.volume:.0f}",
        "intoi": f"{bar.open_interest:.0f}",
        "v": f"{bar.volume:.0f}",
        "oi": f"{bar.open_interest:.0f}",
    }


def _index(market: Market, fields: Mapping[str, str]) -> int:
    index = market.index_of((fields.get("exch", ""), fields.get("token", "")))
    if index is None:
        raise Refusal(INVALID_INPUT)
    return index
