"""Finding instruments of the simulated market by symbol and by words."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_plus

from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.market.names import display_name, instrument_type, precision, wire_symbol
from dualbroker.simulator.wire.masters import master_date

__all__ = ["Catalogue", "scrip_row"]

_MOST_RESULTS = 100
_SEGMENTS = {"NSE": "EQT", "BSE": "EQT", "NFO": "DER", "BFO": "DER", "CDS": "CUR", "MCX": "COM"}
_UNDERLYING_FIRST = tuple(InstrumentKind)


class Catalogue:
    """All instruments of a market, by position."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = instruments
        self._by_symbol = {
            (item.exchange, symbol): index
            for index, item in enumerate(instruments)
            for symbol in (item.symbol, wire_symbol(item))
        }
        self._words = [
            f"{item.symbol} {item.name} {wire_symbol(item)} {display_name(item)}".upper()
            for item in instruments
        ]
        self._underlying: dict[str, Instrument] = {}
        for item in sorted(instruments, key=lambda item: _UNDERLYING_FIRST.index(item.kind)):
            self._underlying.setdefault(item.name, item)

    def index_of_symbol(self, exchange: str, symbol: str) -> int | None:
        """Position by trading symbol or an index's display name.

        ``M%26M-EQ`` is tolerated for ``M&M-EQ``, as clients send it.
        """
        exact = self._by_symbol.get((exchange, symbol))
        return self._by_symbol.get((exchange, unquote_plus(symbol))) if exact is None else exact

    def search(self, exchange: str, text: str) -> list[Instrument]:
        """Instruments whose symbol or name holds every word of the text, at most a hundred.

        ``NIFTY DEC CE`` finds calls that expire in a December. What is called exactly so comes first. An
        empty exchange means any.
        """
        wanted = unquote_plus(text).upper()
        words = wanted.split()
        if not words:
            return []
        found = [
            item
            for item, name in zip(self.instruments, self._words, strict=True)
            if (not exchange or item.exchange == exchange) and all(word in name for word in words)
        ]
        called = " ".join(words)
        found.sort(key=lambda item: called not in (item.symbol.upper(), wire_symbol(item).upper()))
        return found[:_MOST_RESULTS]

    def underlying(self, instrument: Instrument) -> Instrument | None:
        """What a derivative derives from: an index or a share, for a commodity its first future."""
        return self._underlying.get(instrument.name) if instrument.expiry is not None else None

    def chain(self, near: Instrument, strike: float, count: int) -> list[Instrument]:
        """Options of the same underlying and expiry, ``count`` strikes on each side of a strike."""
        options = [
            item
            for item in self.instruments
            if item.kind is InstrumentKind.OPTION
            and item.exchange == near.exchange
            and item.name == near.name
            and (near.expiry is None or item.expiry == near.expiry)
            and item.strike is not None
        ]
        strikes = sorted({item.strike for item in options if item.strike is not None})
        nearest = sorted(strikes, key=lambda value: abs(value - strike))[: 2 * count + 1]
        wanted = set(nearest)
        return [item for item in options if item.strike in wanted]


def scrip_row(instrument: Instrument) -> dict[str, str]:
    """An instrument as SearchScrip and GetOptionChain list it."""
    decimals = precision(instrument)
    row = {
        "exch": instrument.exchange,
        "token": instrument.token,
        "tsym": wire_symbol(instrument),
        "symname": instrument.name,
        "instname": instrument_type(instrument),
        "seg": _SEGMENTS.get(instrument.exchange, ""),
        "pp": str(decimals),
        "ls": str(instrument.lot_size),
        "ti": f"{instrument.tick_size or DEFAULT_TICK_SIZE:.{decimals}f}",
    }
    if instrument.option_type is not None:
        row["optt"] = instrument.option_type
    if instrument.strike is not None:
        row["strprc"] = f"{instrument.strike:.{decimals}f}"
    if instrument.expiry is not None:
        row["exd"] = master_date(instrument.expiry)
        row["dname"] = display_name(instrument)
    else:
        row["cname"] = instrument.symbol if instrument.kind is InstrumentKind.INDEX else instrument.name
    return row
