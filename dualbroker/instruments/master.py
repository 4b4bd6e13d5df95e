"""Read a symbol master as a broker serves it (protocol: section 3). Pure: bytes in, columns out.

The layouts differ by exchange and broker, so columns are found by their names. Words that repeat
(names, expiries, strikes) are read once per distinct word. A row that can't be read with certainty is
skipped and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dualbroker.errors import WireError
from dualbroker.instruments.archive import unzipped
from dualbroker.instruments.arrays import flags_of, numbers_of, to_column, to_flags, to_texts
from dualbroker.instruments.memory import memory_that_is_given_back
from dualbroker.instruments.names import INDICES, MONTHS, index_named, read_derivative
from dualbroker.instruments.rows import split_rows
from dualbroker.instruments.table import SCHEMA, MasterTable, kind_of, one_chunk_each
from dualbroker.model import InstrumentKind

__all__ = ["MasterTable", "parse_master"]

_LONGEST_WORD = 64
"""Characters of a trading symbol or name; the longest there are have about 30."""
_LARGEST_NUMBER = 1e9
"""Of a strike or tick in rupees, or a lot in units."""
_YEARS_OF_EXPIRY = range(2000, 2100)
_HIGHEST_DUMMY_TOKEN = 100
"""CDS lists dummies up to this token (protocol: section 3)."""

_TOKEN = r"^[0-9]{1,18}$"
_TOKENS = {"NCX": rf"^[A-Za-z0-9&_.-]{{1,{_LONGEST_WORD}}}$"}
"""At NCDEX the token is the trading symbol, ``ABC19JUN2026`` (a real file of 2026). Never ``|`` or ``#``,
which divide keys on the wire."""

_ROWS_ASKED = 20
"""Rows of one product code whose symbols say its underlying."""

_SYMBOL = rf"^[^\x00-\x1f,\x{{FFFD}}]{{1,{_LONGEST_WORD}}}$"

_Flags = npt.NDArray[np.bool_]


def parse_master(exchange: str, data: bytes) -> MasterTable:
    """Parse a symbol master.

    Parameters
    ----------
    exchange
        NSE, NFO, BSE, BFO, CDS, MCX …; rows that name another exchange are skipped.
    data
        The zip as downloaded, or the CSV text in it.

    Raises
    ------
    WireError
        It is no symbol master (an error page, an empty answer, a broken zip, other columns), or not a
        single row of it is readable.
    """
    exchange = exchange.upper()
    with memory_that_is_given_back():
        header, rows, malformed = split_rows(exchange, unzipped(data) if data.startswith(b"PK") else data)
        columns, total = _read_columns(exchange, header, rows)
        skipped = malformed + total - columns.num_rows
        table = _with_indices(MasterTable(exchange, columns, skipped))
        del rows
    if not len(table) or skipped == malformed + total > 0:
        raise WireError(
            f"expected instruments of {exchange} in the symbol master, found none in {skipped} rows"
        )
    return table


def _read_columns(exchange: str, header: list[str], rows: pa.Table) -> tuple[pa.Table, int]:
    """The columns of `SCHEMA` for the rows that can be read, and how many rows there were."""
    total = rows.num_rows
    if not total:
        return SCHEMA.empty_table(), 0

    def words(name: str) -> pa.DictionaryArray:
        if name not in header:
            return pa.DictionaryArray.from_arrays(
                to_column(np.zeros(total, np.int32), pa.int32()), to_texts([""])
            )
        return rows.column(header.index(name)).chunk(0)

    def plain(name: str) -> pa.Array:
        return pc.utf8_trim_whitespace(rows.column(header.index(name)).chunk(0))

    def read(name: str, reader: Callable[[str], Any], dtype: Any) -> npt.NDArray[Any]:
        column = words(name)
        values = [reader(word.strip()) for word in column.dictionary.to_pylist()]
        codes: npt.NDArray[np.int32] = numbers_of(column.indices, 0)
        distinct: npt.NDArray[Any] = np.array(values, dtype=dtype)
        return distinct[codes]

    token, symbol = plain("token"), plain("tradingsymbol")
    kinds = read("instrument", lambda word: kind_of(exchange, word), object)
    is_option = kinds == InstrumentKind.OPTION
    is_derivative = is_option | (kinds == InstrumentKind.FUTURE)
    expiry = read("expiry", _expiry, "datetime64[D]")
    strike = read("strike", _number, np.float64)
    option_type = read("optiontype", str.upper, object)
    lot_size = read("lotsize", _number, np.float64)
    tick_size = read("ticksize", _number, np.float64)

    readable = flags_of(pc.match_substring_regex(token, _TOKENS.get(exchange, _TOKEN)))
    readable &= flags_of(pc.match_substring_regex(symbol, _SYMBOL))
    readable &= read("symbol", _is_word, np.bool_)
    readable &= read("instrument", _is_word, np.bool_)
    readable &= read("exchange", lambda word: word.upper() in ("", exchange), np.bool_)
    readable &= (lot_size >= 1) & (lot_size == np.floor(lot_size)) & (lot_size <= _LARGEST_NUMBER)
    readable &= ~is_derivative | ~np.isnat(expiry)
    readable &= ~is_option | ((strike > 0) & (strike <= _LARGEST_NUMBER) & np.isin(option_type, ("CE", "PE")))
    if exchange == "CDS":
        readable[readable] = (
            numbers_of(token.filter(to_flags(readable)).cast(pa.int64()), 0) > _HIGHEST_DUMMY_TOKEN
        )
    readable &= _first_of_each(token)

    known_tick = (
        (tick_size > 0) & (tick_size <= _LARGEST_NUMBER) & _tick_size_in_rupees(exchange, tick_size[readable])
    )
    columns = pa.table(
        [
            token,
            symbol,
            _trimmed(words("symbol")),
            _trimmed(words("instrument")),
            to_column(expiry.astype(np.int64).astype(np.int32), pa.date32(), is_derivative),
            to_column(strike, pa.float64(), is_option),
            pa.DictionaryArray.from_arrays(
                to_column((option_type == "PE").astype(np.int32), pa.int32(), is_option),
                to_texts(["CE", "PE"]),
            ),
            to_column(np.where(readable, lot_size, 1).astype(np.int64), pa.int64()),
            to_column(tick_size, pa.float64(), known_tick),
        ],
        schema=SCHEMA,
    ).filter(to_flags(readable))
    return _with_plain_names(exchange, one_chunk_each(columns)), total


def _first_of_each(token: pa.Array) -> _Flags:
    """False where a token has been seen in an earlier row."""
    codes = token.dictionary_encode()
    first = np.zeros(len(token), dtype=np.bool_)
    first[np.unique(numbers_of(codes.indices, 0), return_index=True)[1]] = True
    return first


def _tick_size_in_rupees(exchange: str, tick_sizes: npt.NDArray[np.float64]) -> bool:
    """False where a cash market's file has no tick below a rupee.

    protocol: some of these files are said to be in paise, so such a file can't be trusted.
    """
    known = tick_sizes[tick_sizes > 0]
    return exchange not in ("NSE", "BSE") or bool((known < 1).any())


def _trimmed(words: pa.DictionaryArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(words.indices, pc.utf8_trim_whitespace(words.dictionary))


def _with_plain_names(exchange: str, columns: pa.Table) -> pa.Table:
    """Name indices by their plain names, and BFO's rows by underlying instead of product code."""
    if not columns.num_rows or not (
        exchange == "BFO" or any(index.exchange == exchange for index in INDICES)
    ):
        return columns
    codes = columns.column("name").chunk(0)
    names = codes.dictionary.to_pylist()
    row_codes: npt.NDArray[np.int32] = numbers_of(codes.indices, 0)
    changed: dict[int, str] = {}
    for code in np.unique(row_codes).tolist():
        rows = columns.filter(to_flags(row_codes == code))
        # By symbol, so that the order of the file does not matter.
        sample = rows.take(pc.sort_indices(rows.column("symbol"))[:_ROWS_ASKED]).to_pylist()
        if kind_of(exchange, sample[0]["instrument_type"]) == InstrumentKind.INDEX:
            index = index_named(sample[0]["symbol"]) or index_named(names[code])
            if index is not None and index.exchange == exchange:
                changed[code] = index.name
        elif exchange == "BFO":
            found = Counter(
                filter(None, (_underlying(row["symbol"], row["expiry"], row["strike"]) for row in sample))
            )
            changed[code] = found.most_common(1)[0][0] if found else names[code]
    if not changed:
        return columns
    plain = to_texts([changed.get(code, name) for code, name in enumerate(names)])
    position = columns.schema.get_field_index("name")
    return columns.set_column(position, SCHEMA.field("name"), plain.take(codes.indices).dictionary_encode())


def _underlying(symbol: str, expiry: date | None, strike: float | None) -> str | None:
    """The underlying in a trading symbol, by the one reading that agrees with the row's other columns."""
    if expiry is None:
        return None
    underlyings = {
        reading.underlying
        for reading in read_derivative(symbol)
        if reading.strike == strike
        and (reading.expiry == expiry or reading.month == (expiry.year, expiry.month))
    }
    return underlyings.pop() if len(underlyings) == 1 else None


def _with_indices(table: MasterTable) -> MasterTable:
    """Add the indices of a cash market whose master lists none, as BSE's (protocol: section 3)."""
    indices = [index for index in INDICES if index.exchange == table.exchange]
    if not indices or InstrumentKind.INDEX in {
        kind_of(table.exchange, word) for word in table.columns["instrument_type"].unique().to_pylist()
    }:
        return table
    rows = [
        f"{index.token},1,{index.name},{index.symbol},INDEX"
        for index in indices
        if table.row_of_token(index.token) is None
    ]
    text = "\n".join(["Token,LotSize,Symbol,TradingSymbol,Instrument", *rows]).encode("utf-8")
    header, fields, _ = split_rows(table.exchange, text)
    added, _ = _read_columns(table.exchange, header, fields)
    columns = pa.concat_tables([added, table.columns]).unify_dictionaries().combine_chunks()
    return MasterTable(table.exchange, columns, table.skipped)


def _is_word(word: str) -> bool:
    return 0 < len(word) <= _LONGEST_WORD and "\ufffd" not in word


_DATE = re.compile(r"(?P<day>\d{1,2})-(?P<month>[A-Z]{3})-(?P<year>\d{4})", re.ASCII)


def _expiry(word: str) -> np.datetime64:
    match = _DATE.fullmatch(word.upper())
    try:
        if match is None:
            day = date.fromisoformat(word)
        else:
            day = date(int(match["year"]), MONTHS.get(match["month"], 0), int(match["day"]))
    except ValueError:
        return np.datetime64("NaT", "D")
    return np.datetime64(day if day.year in _YEARS_OF_EXPIRY else "NaT", "D")


_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)


def _number(word: str) -> float:
    return float(word) if _NUMBER.fullmatch(word) else float("nan")
