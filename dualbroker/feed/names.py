"""Which instrument a person means, in a call on a feed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dualbroker.errors import AmbiguousInstrumentError, UnknownInstrumentError
from dualbroker.instruments.names import EXCHANGES, compact, index_named, split_exchange
from dualbroker.manager.source import FeedSource
from dualbroker.model import Instrument, InstrumentKey

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs

__all__ = ["SymbolNames", "instruments_meant", "require_exchange"]

LONGEST_SHOWN = 60
"""Characters of a name that an error repeats."""


def instruments_meant(
    symbols: str | Instrument | Sequence[str | Instrument] | pd.DataFrame,
) -> Sequence[str | Instrument | InstrumentKey]:
    """Names and instruments, or the keys of a frame, out of whatever form a person gave them in.

    Raises
    ------
    UnknownInstrumentError
        It is no name, or a frame that lacks the columns exchange and token.
    """
    if isinstance(symbols, str | Instrument):
        return [symbols]
    if not _is_frame(symbols):
        names = list(symbols) if isinstance(symbols, Iterable) else [symbols]
        for name in names:
            require_name(name)
        return names
    if not {"exchange", "token"} <= set(symbols.columns):
        raise UnknownInstrumentError("expected a frame with the columns exchange and token")
    return list(zip(symbols["exchange"].astype(str), symbols["token"].astype(str), strict=True))


def _is_frame(value: object) -> TypeIs[pd.DataFrame]:
    """Anyone who has a frame has imported pandas; it is not imported to find that out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def require_name(symbol: object) -> None:
    """Say clearly that what a person gave as a name is none."""
    if isinstance(symbol, list | tuple | set):
        raise UnknownInstrumentError(
            f"expected the name of an instrument, found a {type(symbol).__name__}; ask for each "
            "by itself, such as {name: feed.ticks(name) for name in names}"
        )
    if not isinstance(symbol, str | Instrument):
        raise UnknownInstrumentError(
            f"expected the name of an instrument or an Instrument, found {type(symbol).__name__}"
        )


def require_exchange(symbol: object, exchange: object) -> None:
    """Say what to do where a second name stands in the place of the exchange.

    Raises
    ------
    UnknownInstrumentError
        There is no such exchange.
    """
    if exchange is None or (isinstance(exchange, str) and exchange.strip().upper() in EXCHANGES):
        return
    found = str(exchange)[:LONGEST_SHOWN]
    fix = f"; for several instruments pass a list: [{symbol!r}, {found!r}]" if isinstance(symbol, str) else ""
    raise UnknownInstrumentError(
        f"expected one of the exchanges {', '.join(EXCHANGES)}, found {found!r}{fix}"
    )


class SymbolNames:
    """Finds subscribed instruments by any of their names."""

    def __init__(self, source: FeedSource) -> None:
        self._source = source

    def index_of(self, symbol: str | Instrument, exchange: str | None = None) -> int:
        """The store's index of an instrument that is or was subscribed.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            None is named so, or several are.
        """
        require_name(symbol)
        require_exchange(symbol, exchange)
        store = self._source.quotes
        if isinstance(symbol, Instrument):
            index = store.index_of(symbol.key)
            if index is None:
                raise UnknownInstrumentError(f"{symbol.qualified_name} was never subscribed here")
            return index
        named_exchange, name = split_exchange(symbol)
        exchange = named_exchange or exchange
        wanted = compact(name)
        plain = index_named(name)
        matches = [
            index
            for index, instrument in enumerate(store.instruments)
            if (exchange is None or instrument.exchange == exchange.upper())
            and (
                wanted in {compact(instrument.symbol), compact(instrument.symbol.removesuffix("-EQ"))}
                or (plain is not None and instrument.key == (plain.exchange, plain.token))
            )
        ]
        named = None if matches else self._source.named_by_master(symbol, exchange or "NFO")
        if named is not None:
            # By a name that only the symbol master understands, such as Kite's monthly ones.
            other_name = store.index_of(named.key)
            if other_name is not None:
                return other_name
        if not matches:
            raise self._never_subscribed(symbol, named)
        # A symbol that came back with another token is two instruments of one name: the newer one is meant.
        newest = {store.instruments[index].qualified_name: index for index in matches}
        if len(newest) > 1:
            names = list(newest)
            raise AmbiguousInstrumentError(
                f"{symbol} may mean {' or '.join(names)}; say which, with its exchange", names
            )
        return matches[-1]

    def _never_subscribed(self, symbol: str, named: Instrument | None) -> UnknownInstrumentError:
        """With what to do: subscribe it, where it is an instrument, else the names that come closest."""
        from rapidfuzz import fuzz, process  # only who mistypes needs it

        found = symbol[:LONGEST_SHOWN]
        if named is not None:
            name = named.qualified_name
            return UnknownInstrumentError(
                f"{found} was never subscribed here; feed.subscribe({name!r}) streams it", [name]
            )
        known = [instrument.qualified_name for instrument in self._source.quotes.instruments]
        by_symbol = {name.partition(":")[2].removesuffix("-EQ"): name for name in known}
        wanted = split_exchange(found.upper())[1]
        alike = process.extract(wanted, list(by_symbol), scorer=fuzz.ratio, limit=5, score_cutoff=60.0)
        closest = [by_symbol[text] for text, _, _ in alike]
        shown = (
            f"closest: {', '.join(closest)}"
            if closest
            else f"subscribed: {', '.join(known[:10]) or 'none yet'}"
        )
        return UnknownInstrumentError(
            f"{found} was never subscribed here; {shown}", [*closest, *(n for n in known if n not in closest)]
        )
