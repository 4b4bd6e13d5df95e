"""A parsed symbol master, kept by column; instruments are made of its rows on demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dualbroker.instruments.arrays import SortedTexts, numbers_of, to_flags
from dualbroker.model import Instrument, InstrumentKind

__all__ = ["CALL", "KIND_ORDER", "NO_EXPIRY", "PUT", "SCHEMA", "MasterTable", "kind_of", "one_chunk_each"]

_WORD = pa.dictionary(pa.int32(), pa.string())

SCHEMA = pa.schema(
    [
        ("token", pa.string()),
        ("symbol", pa.string()),
        ("name", _WORD),
        ("instrument_type", _WORD),
        ("expiry", pa.date32()),
        ("strike", pa.float64()),
        ("option_type", _WORD),
        ("lot_size", pa.int64()),
        ("tick_size", pa.float64()),
    ]
)
"""Columns of a parsed master; unknown is null."""

KIND_ORDER = (
    InstrumentKind.INDEX,
    InstrumentKind.EQUITY,
    InstrumentKind.FUTURE,
    InstrumentKind.OPTION,
    InstrumentKind.OTHER,
)
"""Kinds by their code in `MasterTable.kinds`; underlyings sort before their derivatives."""

CALL, PUT = 1, 2
"""Codes in `MasterTable.option_types`; 0 is no option."""

NO_EXPIRY = 0
"""Code in `MasterTable.expiry_days`."""

_SHARES = {
    "NSE": frozenset({"EQ", "BE", "BZ", "SM", "ST"}),
    "BSE": frozenset({"EQ", "A", "B", "T", "X", "XT", "Z", "ZP", "M", "MS", "MT", "P"}),
}
"""Series (NSE) and groups (BSE) in which shares trade; the rest are bonds, bills, units and the like."""


def one_chunk_each(columns: pa.Table) -> pa.Table:
    """The same columns, each in one chunk, also where no row is left; of `SCHEMA`."""
    return columns.combine_chunks() if columns.num_rows else SCHEMA.empty_table()


def kind_of(exchange: str, instrument_type: str) -> InstrumentKind:
    """What a master's own word for an instrument type means on its exchange."""
    word = instrument_type.upper()
    if word.startswith("FUT"):
        return InstrumentKind.FUTURE
    if word.startswith("OPT"):
        return InstrumentKind.OPTION
    if word == "INDEX":
        return InstrumentKind.INDEX
    return InstrumentKind.EQUITY if word in _SHARES.get(exchange, ()) else InstrumentKind.OTHER


@dataclass(frozen=True, eq=False)
class MasterTable:
    """The instruments of one exchange, in the order of the file, one row per token."""

    exchange: str
    columns: pa.Table
    """Of `SCHEMA`, each column in one chunk."""
    skipped: int
    """Rows of the file that could not be read, or name no instrument."""
    day: date | None = None
    """The day it was downloaded; None when that is not known."""
    source: str = ""
    """Whose download it is (``shoonya``)."""

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    def instrument(self, row: int) -> Instrument:
        """The instrument in a row, counted from 0."""
        values = {
            name: column.chunk(0)[row].as_py()
            for name, column in zip(SCHEMA.names, self.columns.itercolumns(), strict=True)
        }
        return Instrument(exchange=self.exchange, kind=KIND_ORDER[self.kinds[row]], **values)

    def without(self, tokens: pa.Array) -> MasterTable:
        """The same table less the rows of these tokens."""
        keep = pc.invert(pc.is_in(self.columns.column("token"), value_set=tokens))
        columns = one_chunk_each(self.columns.filter(keep))
        return MasterTable(self.exchange, columns, self.skipped, self.day, self.source)

    def split(self, today: date) -> tuple[MasterTable, MasterTable]:
        """The rows that are still traded on a day, and those that expired before it."""
        is_over = (self.expiry_days != NO_EXPIRY) & (self.expiry_days < (today - date(1970, 1, 1)).days)
        if not is_over.any():
            return self, self._only(is_over)
        return self._only(~is_over), self._only(is_over)

    def _only(self, rows: npt.NDArray[np.bool_]) -> MasterTable:
        columns = one_chunk_each(self.columns.filter(to_flags(rows)))
        return MasterTable(self.exchange, columns, self.skipped, self.day, self.source)

    def row_of_token(self, token: str) -> int | None:
        """The row of this token."""
        return self._tokens.row_of(token)

    def row_of_symbol(self, symbol: str) -> int | None:
        """The first row of this trading symbol, in capitals."""
        return self._symbols.row_of(symbol)

    @cached_property
    def _tokens(self) -> SortedTexts:
        return SortedTexts(self.columns.column("token").chunk(0))

    @cached_property
    def _symbols(self) -> SortedTexts:
        symbols = self.columns.column("symbol").chunk(0)
        capitals = pc.utf8_upper(symbols)
        return SortedTexts(symbols if capitals.equals(symbols) else capitals)

    @cached_property
    def names(self) -> list[str]:
        """Every name once, in capitals; `name_codes` points in here."""
        words: list[str] = self._word_column("name").dictionary.to_pylist()
        return [word.upper() for word in words]

    @cached_property
    def name_codes(self) -> npt.NDArray[np.int32]:
        return numbers_of(self._word_column("name").indices, 0)

    @cached_property
    def expiry_days(self) -> npt.NDArray[np.int32]:
        """Days since 1970-01-01; `NO_EXPIRY` where there is none."""
        return numbers_of(self.columns.column("expiry").chunk(0).cast(pa.int32()), NO_EXPIRY)

    @cached_property
    def strikes(self) -> npt.NDArray[np.float64]:
        """Rupees; NaN where there is none."""
        return numbers_of(self.columns.column("strike").chunk(0), float("nan"))

    @cached_property
    def option_types(self) -> npt.NDArray[np.int8]:
        """`CALL`, `PUT`, or 0."""
        column = self._word_column("option_type")
        codes = np.array([{"CE": CALL, "PE": PUT}[word] for word in column.dictionary.to_pylist()] + [0])
        indices: npt.NDArray[np.int32] = numbers_of(column.indices, len(codes) - 1)
        return codes.astype(np.int8)[indices]

    @cached_property
    def kinds(self) -> npt.NDArray[np.int8]:
        """Positions in `KIND_ORDER`."""
        column = self._word_column("instrument_type")
        codes = [KIND_ORDER.index(kind_of(self.exchange, word)) for word in column.dictionary.to_pylist()]
        indices: npt.NDArray[np.int32] = numbers_of(column.indices, 0)
        return np.array(codes, dtype=np.int8)[indices]

    @cached_property
    def _rows_by_name(self) -> dict[str, npt.NDArray[np.intp]]:
        return {}

    def rows_named(self, name: str) -> npt.NDArray[np.intp]:
        """Rows that have this name (in capitals), in the order of the file."""
        if name not in self._rows_by_name:
            codes = [code for code, word in enumerate(self.names) if word == name]
            self._rows_by_name[name] = np.flatnonzero(np.isin(self.name_codes, codes))
        return self._rows_by_name[name]

    def _word_column(self, name: str) -> pa.DictionaryArray:
        return self.columns.column(name).chunk(0)
