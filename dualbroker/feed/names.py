"""Which instrument a person means, in a call on a feed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dualbroker.errors import AmbiguousInstrumentError, UnknownInstrumentError
from dualbroker.instruments.names import compact, index_named, split_exchange
from dualbroker.manager.source import FeedSource
from dualbroker.model import Instrument, InstrumentKey

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs

__all__ = ["SymbolNames", "instruments_meant"]

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
    """Whoever has a frame has imported pandas; it is not imported to find that out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def require_name(symbol: object) -> None:
    """Say clearly that what a person gave as a name is none."""
    if not isinstance(symbol, str | Instrument):
        raise UnknownInstrumentError(
            f"expected the name of an instrument or an Instrument, found {type(symbol).__name__}"
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
        if not matches and (named := self._source.named_by_master(symbol, exchange or "NFO")) is not None:
            # By a name that only the symbol master understands, such as Kite's monthly ones.
            other_name = store.index_of(named.key)
            if other_name is not None:
                return other_name
        if not matches:
            known = [instrument.qualified_name for instrument in store.instruments]
            shown = ", ".join(known[:10]) or "none yet"
            raise UnknownInstrumentError(
                f"{symbol[:LONGEST_SHOWN]} was never subscribed here; subscribed: {shown}", known
            )
        # A symbol that came back with another token is two instruments of one name: the newer one is meant.
        newest = {store.instruments[index].qualified_name: index for index in matches}
        if len(newest) > 1:
            names = list(newest)
            raise AmbiguousInstrumentError(f"{symbol} may mean {' or '.join(names)}", names)
        return matches[-1]
