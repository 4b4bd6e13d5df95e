"""Find instruments by words, as a person types them: ``nifty 26000 ce``, ``banknifty dec fut``."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from dualbroker.instruments.arrays import flags_of
from dualbroker.instruments.catalogue import CASH_EXCHANGES, Catalogue
from dualbroker.instruments.names import (
    DERIVATIVES_OF,
    EXCHANGES,
    INDICES,
    MONTHS,
    compact,
    index_named,
    readable,
)
from dualbroker.instruments.table import CALL, KIND_ORDER, NO_EXPIRY, PUT, MasterTable
from dualbroker.model import Instrument, InstrumentKind

__all__ = ["Found", "exchanges_implied", "search"]

_Flags = npt.NDArray[np.bool_]

_TYPES = {"CE": CALL, "CALL": CALL, "CALLS": CALL, "PE": PUT, "PUT": PUT, "PUTS": PUT}
_KINDS = {
    "FUT": InstrumentKind.FUTURE,
    "FUTURE": InstrumentKind.FUTURE,
    "FUTURES": InstrumentKind.FUTURE,
    "OPT": InstrumentKind.OPTION,
    "OPTION": InstrumentKind.OPTION,
    "OPTIONS": InstrumentKind.OPTION,
    "INDEX": InstrumentKind.INDEX,
    "EQ": InstrumentKind.EQUITY,
}
_MONTH_WORDS = MONTHS | {
    "JANUARY": 1,
    "FEBRUARY": 2,
    "MARCH": 3,
    "APRIL": 4,
    "JUNE": 6,
    "JULY": 7,
    "AUGUST": 8,
    "SEPTEMBER": 9,
    "OCTOBER": 10,
    "NOVEMBER": 11,
    "DECEMBER": 12,
}
_MOST_WORDS = 20
"""No instrument has so many parts; each costs a look at every row."""
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_STRIKE_AND_TYPE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(CE|PE)", re.ASCII)
_DAY = re.compile(rf"(?P<day>\d\d?)?(?P<month>{'|'.join(MONTHS)})(?P<year>(?:20)?\d\d)?", re.ASCII)
_INDEX = KIND_ORDER.index(InstrumentKind.INDEX)
_LEAST_BEGINNING = 3
"""Letters of an index's name that are enough to look on its exchange."""


class Found(msgspec.Struct, frozen=True):
    """What a search found, and where it looked."""

    instruments: list[Instrument]
    """The best first."""
    searched: list[str]
    """Exchanges whose symbol masters were searched."""
    not_searched: dict[str, str] = {}
    """Exchanges that should have been searched, each with the reason why that was not possible."""


def search(
    catalogue: Catalogue, words: str, *, exchange: str | None = None, limit: int = 20
) -> list[Instrument]:
    """Instruments of which all words match a part: name, strike, type, kind, expiry, exchange.

    An index or the underlying that is named exactly comes first, then what else matches: underlyings
    before futures before options, the nearest expiry first.
    """
    wanted = list(dict.fromkeys(readable(words).upper().replace(":", " ").split()))
    if not 0 < len(wanted) <= _MOST_WORDS:
        return []
    found = []
    for table in catalogue.tables(exchange):
        matches: _Flags = np.ones(len(table), dtype=np.bool_)
        for word in wanted:
            matches &= _matches(table, word)
        found += _best(table, np.flatnonzero(matches), wanted, limit)
    found.sort(key=lambda hit: hit[0])
    return [table.instrument(row) for _, table, row in found[:limit]]


def exchanges_implied(words: str) -> list[str]:
    """Exchanges that the words of a search name, or on which an index that they name has its home.

    ``sensex 80000 ce`` is looked for on BSE and BFO, ``mcx gold`` on MCX.
    """
    wanted = readable(words).upper().replace(":", " ").split()[:_MOST_WORDS]
    found = [word for word in wanted if word in EXCHANGES]
    for index in INDICES:
        names = [word for name in (index.name, *index.aliases) for word in name.split()]
        if any(len(word) >= _LEAST_BEGINNING and name.startswith(word) for word in wanted for name in names):
            found += [index.exchange, DERIVATIVES_OF[index.exchange]]
    return list(dict.fromkeys(found))


def _matches(table: MasterTable, word: str) -> _Flags:
    """The rows of which some part matches this word."""
    if word in _TYPES:
        return np.equal(table.option_types, _TYPES[word])
    strike_and_type = _STRIKE_AND_TYPE.fullmatch(word)
    if strike_and_type:
        of_type = np.equal(table.option_types, _TYPES[strike_and_type[2]])
        return of_type & np.equal(table.strikes, float(strike_and_type[1]))
    matches = _name_matches(table, word) | _expiry_matches(table, word)
    if word in _KINDS:
        matches |= table.kinds == KIND_ORDER.index(_KINDS[word])
    elif word == table.exchange:
        matches[:] = True
    elif _NUMBER.fullmatch(word):
        matches |= table.strikes == float(word)
    else:
        symbols = table.columns.column("symbol").chunk(0)
        contains = pc.match_substring if table.exchange in CASH_EXCHANGES else pc.starts_with
        matches |= flags_of(contains(symbols, word))
    return matches


def _name_matches(table: MasterTable, word: str) -> _Flags:
    texts = table.names
    if table.exchange in CASH_EXCHANGES:
        aliases = {index.name: " ".join((index.name, *index.aliases)) for index in INDICES}
        texts = [aliases.get(name, name) for name in texts]
    return np.array([word in text for text in texts], dtype=np.bool_)[table.name_codes]


def _expiry_matches(table: MasterTable, word: str) -> _Flags:
    """The rows whose expiry has this day, month or year, or all that the word says of them."""
    matches = np.zeros(len(table), dtype=np.bool_)
    distinct, position = np.unique(table.expiry_days, return_inverse=True)
    said = _said_of_a_day(word)
    for code, days in enumerate(distinct.tolist()):
        if days != NO_EXPIRY and said:
            day = date.fromordinal(date(1970, 1, 1).toordinal() + days)
            if any(all(getattr(day, part) == value for part, value in parts.items()) for parts in said):
                matches |= position == code
    return matches


def _said_of_a_day(word: str) -> list[dict[str, int]]:
    """Readings of a word as parts of a date: ``29`` is a day or a year, ``DEC26`` a month with a year."""
    if word in _MONTH_WORDS:
        return [{"month": _MONTH_WORDS[word]}]
    if word.isascii() and word.isdigit() and len(word) in (1, 2, 4):
        number = int(word)
        return [{"year": number}] if len(word) == 4 else [{"day": number}, {"year": 2000 + number}]
    match = _DAY.fullmatch(word)
    if match is None:
        try:
            day = date.fromisoformat(word)
        except ValueError:
            return []
        return [{"year": day.year, "month": day.month, "day": day.day}]
    parts = {"month": MONTHS[match["month"]]}
    if match["day"]:
        parts["day"] = int(match["day"])
    if match["year"]:
        parts["year"] = 2000 + int(match["year"][-2:])
    return [parts]


_Hit = tuple[tuple[object, ...], MasterTable, int]


def _best(table: MasterTable, rows: npt.NDArray[np.intp], words: list[str], limit: int) -> list[_Hit]:
    """The first rows by rank, each with the key that ranks it among those of other tables."""
    index = index_named(" ".join(words))
    exact_names = {*words, compact("".join(words)), index.name if index else ""}
    exact = np.array([name not in exact_names for name in table.names], dtype=np.int8)[table.name_codes]
    alphabetical = np.argsort(np.argsort(np.array(table.names)))[table.name_codes]
    kinds = table.kinds[rows]
    ranks = (
        np.where(kinds == _INDEX, 0, exact[rows]),
        kinds,
        exact[rows],
        table.expiry_days[rows],
        alphabetical[rows],
        np.nan_to_num(table.strikes[rows]),
        table.option_types[rows],
    )
    best = np.lexsort(ranks[::-1])[:limit]
    name_rank = 4
    return [
        (
            tuple(
                table.names[table.name_codes[rows[at]]] if number == name_rank else rank[at].item()
                for number, rank in enumerate(ranks)
            ),
            table,
            int(rows[at]),
        )
        for at in best
    ]
