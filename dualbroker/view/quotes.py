"""The live quote table as columns: what is subscribed, and the latest quote of each. Pure.

A table of 500 rows is sent several times a second, so names and figures go apart and each figure is sent
once, in a list of its own, without the field's name beside it.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dualbroker import tables
from dualbroker.clock import NS_PER_S, ist
from dualbroker.manager.source import FeedSource
from dualbroker.stores.quotes import QuoteStore
from dualbroker.tables import Column
from dualbroker.view.remembered import Remembered
from dualbroker.view.rows import price_decimals
from dualbroker.view.unknown import no_quotes_because

__all__ = ["QUOTES_SHOWN", "QUOTE_FIGURES", "Shown", "quote_columns", "shown_instruments"]

QUOTES_SHOWN = 3000
"""Rows at most, the first subscribed: about what the brokers let one socket carry."""

_COLUMNS = tuple(
    column
    for column in tables.QUOTES.columns
    if column.head and column.kind in ("price", "quantity", "number")
)
QUOTE_FIGURES = tuple(column.name for column in _COLUMNS)
"""What is shown of a quote, besides its symbol, its broker and its age."""

_remembered = Remembered()


class Shown(NamedTuple):
    """The instruments of a quote table."""

    indices: NDArray[np.int64]
    """In the store, row by row."""
    columns: dict[str, Any]
    """``symbol``, ``exchange`` (a place in ``exchanges``), ``decimals`` of its prices; they change only with
    what is subscribed. ``gone``: names that were asked for and are not subscribed. ``revision`` tells these
    from any others: names and figures may come apart, and rows are joined by this alone."""
    subscribed: int
    """All that is subscribed, with what is not chosen."""


def shown_instruments(source: FeedSource, symbols: Collection[str] | None = None) -> Shown:
    """What is subscribed, in order of subscription.

    Parameters
    ----------
    symbols
        Only these, by symbol (``RELIANCE-EQ``) or qualified name (``NSE:RELIANCE-EQ``).
    """
    store = source.quotes
    name = None if symbols is None else frozenset(symbols)
    # A service tells of an instrument apart from who wants it.
    mark = source.arrangement, len(store.instruments)
    return _remembered.of(store, name, mark, lambda: _shown(store, store.indices_of(source.wanted()), name))


def _shown(store: QuoteStore, indices: Sequence[int], symbols: frozenset[str] | None) -> Shown:
    chosen = [
        (index, instrument)
        for index in indices
        if (instrument := store.instruments[index])
        and (symbols is None or not symbols.isdisjoint((instrument.symbol, instrument.qualified_name)))
    ][:QUOTES_SHOWN]
    exchanges = sorted({instrument.exchange for _, instrument in chosen})
    names = {name for _, each in chosen for name in (each.symbol, each.qualified_name)}
    place = {exchange: number for number, exchange in enumerate(exchanges)}
    columns = {
        "revision": zlib.crc32("\n".join(instrument.qualified_name for _, instrument in chosen).encode()),
        "exchanges": exchanges,
        "symbol": [instrument.symbol for _, instrument in chosen],
        "exchange": [place[instrument.exchange] for _, instrument in chosen],
        "decimals": [price_decimals(instrument) for _, instrument in chosen],
        "gone": sorted((symbols or frozenset()) - names),
    }
    return Shown(np.array([index for index, _ in chosen], np.int64), columns, len(indices))


def quote_columns(source: FeedSource, shown: Shown, now_ns: int, *, brief: bool = False) -> dict[str, Any]:
    """The latest quotes of these instruments by column, row for row as ``shown.columns`` has them.

    Returns
    -------
    dict
        ``revision``: of the instruments that the rows belong to. ``count``: all that is subscribed.
        ``no_source``: why no broker carries quotes, ``brief`` where the brokers' cards say more; empty when
        one does. ``brokers``: names.
        Columns: ``broker`` (a place in ``brokers``), ``received_s`` (seconds after ``since``, the last
        midnight in Indian time), ``QUOTE_FIGURES``. None is unknown.
    """
    store = source.quotes
    indices, rows, brokers = store.latest()
    places = np.full(len(store.instruments), -1, np.int64)
    known = indices < len(places)
    places[indices[known]] = np.flatnonzero(known)
    at = places[shown.indices]
    midnight = ist(now_ns).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight_ns = int(midnight.timestamp()) * NS_PER_S
    received_s = (_column(rows["receive_time"], at, 0) - midnight_ns) // NS_PER_S
    names = list(store.broker_names)
    return {
        "revision": shown.columns["revision"],
        "count": shown.subscribed,
        "no_source": no_quotes_because(source, brief=brief),
        "since": midnight.isoformat(),
        "brokers": names,
        "broker": [
            int(brokers[place]) if place >= 0 else _place_of(names, store.source(index))
            for place, index in zip(at.tolist(), shown.indices.tolist(), strict=True)
        ],
        "received_s": _plain(received_s, at >= 0),
        **{column.name: _shown_figures(column, rows, at) for column in _COLUMNS},
    }


def _place_of(names: list[str], broker_name: str | None) -> int | None:
    return names.index(broker_name) if broker_name in names else None


def _column(values: NDArray[Any], at: NDArray[np.int64], missing: float) -> NDArray[Any]:
    """The values at these places; ``missing`` where the place is -1."""
    if not len(values):
        return np.full(len(at), missing, values.dtype)
    return np.where(at >= 0, values[at], missing)


def _figures(rows: NDArray[Any], name: str, at: NDArray[np.int64]) -> NDArray[np.float64]:
    return _column(rows[name], at, np.nan)


def _shown_figures(column: Column, rows: NDArray[Any], at: NDArray[np.int64]) -> list[Any]:
    values: NDArray[Any] = _figures(rows, column.name, at)
    if column.kind == "quantity":
        return _whole(values)
    if column.written == "change":
        # Unknown of what has never traded, whose last price is sent as 0.
        values = np.round(np.where(_figures(rows, "ltp", at) > 0, values, np.nan), 2)
    return _plain(values)


def _plain(values: NDArray[Any], known: NDArray[np.bool_] | None = None) -> list[Any]:
    """As Python's own numbers; None where it is unknown."""
    known = np.isfinite(values) if known is None else known
    if known.all():
        return list(values.tolist())
    return [value if is_known else None for value, is_known in zip(values.tolist(), known, strict=True)]


def _whole(values: NDArray[np.float64]) -> list[int | None]:
    known = np.isfinite(values)
    whole = np.where(known, values, 0).astype(np.int64)
    return _plain(whole, known)
