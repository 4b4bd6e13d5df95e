"""Finding instruments of the simulated market by symbol and by words."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_plus

from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.order_wire import instrument_name
from dualbroker.simulator.quote_wire import precision

__all__ = ["Catalogue", "scrip_row"]

_MOST_RESULTS = 100


class Catalogue:
    """All instruments of a market, by position."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = instruments
        self._by_symbol = {(item.exchange, item.symbol): index for index, item in enumerate(instruments)}

    def index_of_symbol(self, exchange: str, symbol: str) -> int | None:
        """Position by trading symbol; ``M%26M-EQ`` is tolerated for ``M&M-EQ``, as clients send it."""
        exact = self._by_symbol.get((exchange, symbol))
        return self._by_symbol.get((exchange, unquote_plus(symbol))) if exact is None else exact

    def search(self, exchange: str, text: str) -> list[Instrument]:
        """Instruments whose symbol or name holds every word of the text, at most a hundred.

        An empty exchange means any.
        """
        words = unquote_plus(text).upper().split()
        found: list[Instrument] = []
        for item in self.instruments:
            if exchange and item.exchange != exchange:
                continue
            name = f"{item.symbol} {item.name}".upper()
            if words and all(word in name for word in words):
                found.append(item)
                if len(found) == _MOST_RESULTS:
                    break
        return found

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
        "tsym": instrument.symbol,
        "symname": instrument.name,
        "instname": instrument_name(instrument.kind, instrument.instrument_type),
        "pp": str(decimals),
        "ls": str(instrument.lot_size),
        "ti": f"{instrument.tick_size or DEFAULT_TICK_SIZE:.{decimals}f}",
    }
    if instrument.option_type is not None:
        row["optt"] = instrument.option_type
    if instrument.strike is not None:
        row["strprc"] = f"{instrument.strike:.{decimals}f}"
    if instrument.expiry is not None:
        row["exd"] = f"{instrument.expiry:%d-%b-%Y}".upper()
    return row
