"""What to say of a name that no instrument has: why not, and which names come closest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from msgspec import structs
from rapidfuzz import fuzz, process

from dualbroker.errors import AmbiguousInstrumentError, InstrumentError, UnknownInstrumentError
from dualbroker.instruments.catalogue import CASH_EXCHANGES, Catalogue
from dualbroker.instruments.names import INDICES, DerivativeName, compact, index_named, read_derivative
from dualbroker.instruments.search import search
from dualbroker.model import Instrument, InstrumentKind

__all__ = ["closest", "expired"]

_SHOWN = 5
"""Names listed in an error."""

_LEAST_LIKENESS = 50.0
"""Percent, below which a name is no help."""

_LEAST_INDEX_LIKENESS = 80.0
"""Percent; one letter of NIFTY missing is 89, one that is another is 80."""


def closest(catalogue: Catalogue, exchange: str, text: str) -> InstrumentError:
    """The error for a name (in capitals) that was not found on a loaded exchange."""
    if catalogue.derivative_count(text, exchange):
        return _only_an_underlying(catalogue, exchange, text)
    readings = sorted(read_derivative(text), key=lambda reading: _strangeness(catalogue, exchange, reading))
    for reading in readings:
        if catalogue.derivative_count(reading.underlying, exchange):
            return _no_such_contract(catalogue, exchange, text, reading)
    elsewhere = _on_other_exchanges(catalogue, exchange, text)
    if elsewhere:
        return _error(exchange, text, "it is listed elsewhere", elsewhere)
    by_words = search(catalogue, text, exchange=exchange, limit=_SHOWN)
    if by_words:
        return _error(exchange, text, "", by_words)
    alike = _alike(catalogue, exchange, text, readings)
    indices = _indices_alike(catalogue, exchange, text)
    if alike or indices:
        return _error(exchange, text, "", alike, indices)
    others = [other for other in catalogue.exchanges if other != exchange]
    alike = [match for other in others for match in search(catalogue, text, exchange=other, limit=_SHOWN)]
    alike = alike or [match for other in others for match in _alike(catalogue, other, text, readings)]
    reason = "only elsewhere does something come close" if alike else ""
    if not any(len(table) for table in catalogue.tables(exchange)):
        reason = "this broker lists nothing there"
    return _error(exchange, text, reason, alike)


def expired(catalogue: Catalogue, instrument: Instrument) -> InstrumentError:
    """The error for a contract that is over."""
    reading = DerivativeName(
        instrument.name,
        expiry=instrument.expiry,
        strike=instrument.strike,
        option_type=instrument.option_type,
    )
    exchange, matches = instrument.exchange, list[Instrument]()
    for day in catalogue.expiries(instrument.name, exchange=exchange, kind=instrument.kind)[:_SHOWN]:
        found = catalogue.contract(structs.replace(reading, expiry=day), exchange)
        matches += [found] if found else []
    return _error(exchange, instrument.symbol, f"it expired on {instrument.expiry}", matches)


def _strangeness(catalogue: Catalogue, exchange: str, reading: DerivativeName) -> tuple[float, float]:
    """The longer underlying is likelier, then a strike of the size of those that there are.

    ``NIFTY30JAN2524000CE`` is the strike 24,000 of 30 January 2025, and not 2,524,000 of January 2030.
    """
    off = 0.0
    if reading.strike:
        name = reading.underlying
        expiries = catalogue.expiries(name, exchange=exchange, kind=InstrumentKind.OPTION)
        strikes = catalogue.strikes(name, expiries[0], exchange=exchange) if expiries else []
        off = min((abs(math.log(strike / reading.strike)) for strike in strikes), default=0.0)
    return -len(reading.underlying), off


def _error(
    exchange: str, text: str, reason: str, matches: list[Instrument], indices: Sequence[str] = ()
) -> UnknownInstrumentError:
    names = list(dict.fromkeys((*indices, *(match.qualified_name for match in matches))))[:_SHOWN]
    says = f"; {reason}" if reason else ""
    search_for_it = f"; nothing there comes close; to look for it by words: feed.search({text.lower()!r})"
    tail = f"; closest: {', '.join(names)}" if names else search_for_it
    return UnknownInstrumentError(f"no instrument {text!r} on {exchange}{says}{tail}", names)


def _only_an_underlying(catalogue: Catalogue, exchange: str, text: str) -> InstrumentError:
    index = index_named(text)
    names = [f"{index.exchange}:{index.symbol}"] if index else []
    names += [match.qualified_name for match in _on_other_exchanges(catalogue, exchange, text)]
    for expiry in catalogue.expiries(text, exchange=exchange, kind=InstrumentKind.FUTURE):
        future = catalogue.future(text, expiry, exchange=exchange)
        if future is not None:
            names.append(future.qualified_name)
    names = list(dict.fromkeys(names))[:_SHOWN]
    count = catalogue.derivative_count(text, exchange)
    share = "" if index or exchange != "NFO" else f"; the share itself is NSE:{text}"
    return AmbiguousInstrumentError(
        f"{text!r} is no single instrument on {exchange} but the underlying of {count}{share}; "
        f"closest: {', '.join(names)}",
        names,
    )


def _no_such_contract(
    catalogue: Catalogue, exchange: str, text: str, reading: DerivativeName
) -> InstrumentError:
    """The underlying exists; say whether the expiry or the strike does not."""
    name = reading.underlying
    kind = InstrumentKind.FUTURE if reading.strike is None else InstrumentKind.OPTION
    expiries = catalogue.expiries(name, exchange=exchange, kind=kind)
    expiry = reading.expiry
    if reading.month is not None:
        expiry = catalogue.monthly_expiry(name, *reading.month, kind, exchange=exchange)
    if expiry in expiries:
        strikes = _nearest_strikes(catalogue, exchange, reading, expiry)
        shown = ", ".join(f"{strike:g}" for strike in sorted(strikes))
        reason = f"{name} has no strike {reading.strike:g} on {expiry}, the nearest are {shown}"
        return _error(exchange, text, reason, _options(catalogue, exchange, reading, expiry, strikes))
    year, month = reading.month or (0, 0)
    asked = reading.expiry or date(year, month, 28)
    nearest = sorted(expiries, key=lambda day: abs((day - asked).days))[:_SHOWN]
    days = ", ".join(day.isoformat() for day in sorted(nearest)) or "none"
    when = f"on {asked}" if reading.expiry else f"in {asked:%Y-%m}"
    reason = f"no {kind} of {name} expires {when} (expired or mistyped?), the nearest expiries are {days}"
    matches: list[Instrument] = []
    for day in nearest:
        if reading.strike is None:
            future = catalogue.future(name, day, exchange=exchange)
            matches += [future] if future else []
        else:
            strikes = _nearest_strikes(catalogue, exchange, reading, day)[:1]
            matches += _options(catalogue, exchange, reading, day, strikes)
    return _error(exchange, text, reason, matches)


def _nearest_strikes(
    catalogue: Catalogue, exchange: str, reading: DerivativeName, expiry: date
) -> list[float]:
    wanted = reading.strike or 0.0
    strikes = catalogue.strikes(reading.underlying, expiry, exchange=exchange)
    return sorted(strikes, key=lambda strike: abs(strike - wanted))[:_SHOWN]


def _options(
    catalogue: Catalogue, exchange: str, reading: DerivativeName, expiry: date, strikes: list[float]
) -> list[Instrument]:
    option_type = reading.option_type or "CE"
    options = (
        catalogue.option(reading.underlying, expiry, strike, option_type, exchange=exchange)
        for strike in strikes
    )
    return [option for option in options if option is not None]


def _on_other_exchanges(catalogue: Catalogue, exchange: str, text: str) -> list[Instrument]:
    """The same symbol, or the share of that name, on the other exchanges at hand."""
    found = []
    index = index_named(text)
    if index is not None:
        found += catalogue.named(index.exchange, index.name)
    for other in catalogue.exchanges:
        if other == exchange:
            continue
        spellings = (text, f"{text}-EQ") if other in CASH_EXCHANGES else (text,)
        hits = [catalogue.by_symbol(other, spelling) for spelling in spellings]
        found += [hit for hit in hits if hit is not None]
    return found


def _alike(
    catalogue: Catalogue, exchange: str, text: str, readings: list[DerivativeName]
) -> list[Instrument]:
    """Instruments whose spelling is like this one's.

    Names are compared before symbols, as a master has tens of thousands of symbols under few names.
    """
    if readings:
        corrected = (
            catalogue.contract(structs.replace(reading, underlying=name), exchange)
            for reading in readings
            for name in _names_alike(catalogue, exchange, reading.underlying)
        )
        found = [instrument for instrument in corrected if instrument is not None]
        if found:
            return found
    rows = [
        (table, int(row))
        for name in _names_alike(catalogue, exchange, text)
        for table in catalogue.tables(exchange)
        for row in table.rows_named(name)
    ]
    symbols = [table.columns.column("symbol").chunk(0)[row].as_py() for table, row in rows]
    alike = process.extract(text, symbols, scorer=fuzz.ratio, limit=_SHOWN, processor=str.upper)
    return [rows[at][0].instrument(rows[at][1]) for _, _, at in alike]


def _indices_alike(catalogue: Catalogue, exchange: str, text: str) -> list[str]:
    """Plain names of the indices spelled like this one, where no name of the exchange is closer."""
    word = compact(text)
    listed = {name for table in catalogue.tables(exchange) for name in table.names}
    closest_listed = max((fuzz.ratio(word, name) for name in listed), default=0.0)
    likeness = {
        index.name: max(fuzz.ratio(word, compact(name)) for name in (index.name, *index.aliases))
        for index in INDICES
        if index.exchange not in catalogue.exchanges or catalogue.named(index.exchange, index.name)
    }
    least = max(_LEAST_INDEX_LIKENESS, closest_listed)
    alike = [name for name, percent in likeness.items() if percent >= least]
    return sorted(alike, key=lambda name: -likeness[name])


def _names_alike(catalogue: Catalogue, exchange: str, word: str) -> list[str]:
    names = sorted({name for table in catalogue.tables(exchange) for name in table.names})
    alike = process.extract(word, names, scorer=fuzz.ratio, limit=_SHOWN, score_cutoff=_LEAST_LIKENESS)
    begun = sorted((name for name in names if word.startswith(name)), key=len, reverse=True)[:1]
    return list(dict.fromkeys([*begun, *(name for name, _, _ in alike)]))
