"""Fills joined with the quote that was in force when they happened. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dualbroker.clock import NS_PER_S
from dualbroker.desk.books import fill_time
from dualbroker.model import FillReport, InstrumentKey, Side
from dualbroker.stores.quotes import QuoteStore

__all__ = ["JoinedFill", "joined"]


class JoinedFill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill and the quote before it. Prices are rupees; None is unknown."""

    fill: FillReport
    time_ns: int
    """When it happened: as it came off the order stream, else the broker's second."""
    to_the_second: bool
    """Whether only the broker's second is known."""
    bid: float | None = None
    ask: float | None = None
    ltp: float | None = None
    quote_age_s: float | None = None
    """Seconds by which the quote is older than the fill."""

    @property
    def slippage(self) -> float | None:
        """Rupees a unit paid above the ask, or got below the bid; below zero where it went better."""
        price = self.fill.price
        reference = self.ask if self.fill.side is Side.BUY else self.bid
        if price is None or reference is None or self.fill.side is None:
            return None
        return price - reference if self.fill.side is Side.BUY else reference - price


def joined(fills: Sequence[FillReport], quotes: QuoteStore) -> list[JoinedFill]:
    """Each fill with the last tick of its instrument that had come by then, as far as ticks are kept.

    Of a fill of which only the broker's second is known, it is the last tick that had come when that second
    began: any later one may have come after the fill.
    """
    keys = instrument_keys(quotes)
    by_instrument: dict[int, list[int]] = {}
    for place, fill in enumerate(fills):
        index = index_of(fill, quotes, keys)
        if index is not None:
            by_instrument.setdefault(index, []).append(place)
    found = [
        JoinedFill(
            fill=fill,
            time_ns=fill.receive_time_ns or fill_time(fill),
            to_the_second=fill.receive_time_ns is None,
        )
        for fill in fills
    ]
    for index, places in by_instrument.items():
        rows, _, _ = quotes.rows_of(index)
        times = np.ascontiguousarray(rows["receive_time"])
        for place in places:
            line = found[place]
            at = int(np.searchsorted(times, line.time_ns, "right")) - 1
            if at < 0:
                continue
            row = rows[at]
            found[place] = msgspec.structs.replace(
                line,
                bid=_known(row["bid"]),
                ask=_known(row["ask"]),
                ltp=_known(row["ltp"]),
                quote_age_s=(line.time_ns - int(times[at])) / NS_PER_S,
            )
    return found


def instrument_keys(quotes: QuoteStore) -> dict[tuple[str, str], InstrumentKey]:
    """By exchange and symbol: the keys of what is or was streamed."""
    return {(item.exchange, item.symbol): item.key for item in quotes.instruments}


def index_of(fill: FillReport, quotes: QuoteStore, keys: dict[tuple[str, str], InstrumentKey]) -> int | None:
    """The instrument's place in the store; by its symbol first, for a token is one broker's own."""
    key = keys.get((fill.exchange or "", fill.symbol or ""))
    if key is None and fill.exchange and fill.token:
        key = (fill.exchange, fill.token)
    return None if key is None else quotes.index_of(key)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
