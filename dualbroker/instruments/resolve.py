"""From a name in any of its forms to the one instrument that has it."""

from __future__ import annotations

from dualbroker.errors import AmbiguousInstrumentError, UnknownInstrumentError
from dualbroker.figures import number
from dualbroker.instruments.catalogue import CASH_EXCHANGES, Catalogue
from dualbroker.instruments.names import (
    EXCHANGES,
    LONGEST_NAME,
    compact,
    exchange_for,
    index_named,
    may_be_elsewhere,
    read_derivative,
    readable,
    split_exchange,
)
from dualbroker.instruments.suggest import closest, expired
from dualbroker.model import Instrument, InstrumentKind

__all__ = ["resolve"]

_SHARE_SERIES = ("EQ", "BE", "BZ", "SM", "ST")
"""Series a bare company symbol means on NSE, the first that exists."""


def resolve(catalogue: Catalogue, name: str, exchange: str) -> Instrument:
    """The instrument of that name; see `dualbroker.instruments.registry.Instruments.resolve`."""
    if len(name) > 2 * LONGEST_NAME:
        raise UnknownInstrumentError(
            f"expected the name of an instrument, found a text of {number(len(name))} characters"
        )
    name = readable(name)
    _, text = split_exchange(name)
    target = exchange_for(name, exchange)
    if not text:
        raise UnknownInstrumentError(f"expected the name of an instrument, found {name!r}")
    if target not in EXCHANGES:
        raise UnknownInstrumentError(
            f"expected one of the exchanges {', '.join(EXCHANGES)} for {name!r}, found {target!r}"
        )
    if target not in catalogue.exchanges:
        loaded = ", ".join(catalogue.exchanges) or "none"
        raise UnknownInstrumentError(
            f"{name!r} is looked up on {target}, whose symbol master isn't loaded (loaded: {loaded})"
        )
    found = _found(catalogue, target, text)
    if not found and may_be_elsewhere(name, exchange):
        found = _found_elsewhere(catalogue, target, text)
    if len(found) == 1:
        return found[0]
    if found:
        names = [instrument.qualified_name for instrument in found]
        raise AmbiguousInstrumentError(
            f"{name!r} is the name of several instruments: {', '.join(names)}; say which, with its exchange",
            names,
        )
    over = _found(catalogue.expired, target, text)
    if over:
        raise expired(catalogue, over[0])
    raise closest(catalogue, target, text)


def _found_elsewhere(catalogue: Catalogue, target: str, text: str) -> list[Instrument]:
    """On NSE; else on all other exchanges at hand together."""
    others = [other for other in EXCHANGES if other not in ("NSE", target) and other in catalogue.exchanges]
    return _found(catalogue, "NSE", text) or [
        found for other in others for found in _found(catalogue, other, text)
    ]


def _found(catalogue: Catalogue, exchange: str, text: str) -> list[Instrument]:
    index = index_named(text)
    if index is not None and index.exchange == exchange:
        rows = catalogue.named(exchange, index.name)
        indices = [instrument for instrument in rows if instrument.kind == InstrumentKind.INDEX]
        if indices:
            return indices[:1]
    exact = catalogue.by_symbol(exchange, text) or catalogue.by_symbol(exchange, compact(text))
    if exact is not None:
        return [exact]
    if exchange == "BSE" and text.isascii() and text.isdigit():
        by_code = catalogue.get((exchange, text))
        return [] if by_code is None else [by_code]
    if exchange in CASH_EXCHANGES:
        for series in _SHARE_SERIES:
            share = catalogue.by_symbol(exchange, f"{text}-{series}")
            if share is not None:
                return [share]
        return catalogue.named(exchange, text)
    instruments = (catalogue.contract(reading, exchange) for reading in read_derivative(text))
    return list({found.key: found for found in instruments if found is not None}.values())
