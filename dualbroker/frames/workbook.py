"""Frames as sheets of an Excel workbook: rows written as they come, and nothing taken for what it is not.

Text is written as text, never as a formula, so that a remark of ``=1+1`` stays that, and a token keeps its
leading zero. Times are naive Indian wall time, for Excel knows no time zones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from dualbroker.extras import needs_extra
from dualbroker.frames.columns import ZONE
from dualbroker.tables import Column, Kind

__all__ = ["EXCEL_ROWS", "Workbook", "import_xlsxwriter"]

EXCEL_ROWS = 1_048_575
"""Below the heads; a sheet has 1,048,576 rows."""
LONGEST_TEXT = 32_767
"""Characters in a cell."""

_UNIX_EPOCH_DAYS = 25_569
"""From Excel's day 0 to 1970-01-01."""
_DAY_NS = 86_400 * 1_000_000_000
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")
"""What XML can't hold."""

_LAKHS = "[>=10000000]##\\,##\\,##\\,##0{0};[>=100000]##\\,##\\,##0{0};##,##0{0}"
_FORMATS: dict[Kind, str] = {
    "price": _LAKHS.format(".00##"),
    "number": "0.00####",
    "quantity": _LAKHS.format(""),
    "count": _LAKHS.format(""),
    "time": "yyyy-mm-dd hh:mm:ss.000",
    "day": "yyyy-mm-dd",
    "text": "@",
    "flag": "General",
    "answer": "General",
}
_WIDTHS: dict[Kind, int] = {"time": 23, "day": 11, "text": 15, "flag": 8, "answer": 8}


def import_xlsxwriter() -> ModuleType:
    """The library that writes workbooks.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    with needs_extra("excel"):
        import xlsxwriter
    module: ModuleType = xlsxwriter
    return module


class Workbook:
    """A workbook that is written sheet by sheet; the file is whole once it is closed.

    Parameters
    ----------
    path
        Where to; what is there is replaced.
    mode
        SIMULATED or LIVE; it stands in the last column of each row, so that no copied row loses it.
    """

    def __init__(self, path: Path, mode: str) -> None:
        self._mode = mode
        self._book = import_xlsxwriter().Workbook(
            str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._heads = self._book.add_format({"bold": True, "bottom": 1})
        self._title = self._book.add_format({"bold": True, "font_size": 16})
        colour = "#5b3fa8" if mode == "SIMULATED" else "#1a7f37"
        self._badge = self._book.add_format({"bold": True, "font_color": "#ffffff", "bg_color": colour})
        self._tab_colour = colour
        self._formats = {kind: self._book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()

    def lines(self, name: str, title: str, lines: Iterable[tuple[str, ...]]) -> None:
        """A sheet to be read: a title, the mode, then lines of a few cells."""
        sheet = self._sheet(name)
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 2, 12)
        sheet.set_column(3, 3, 90)
        sheet.write_string(0, 0, title, self._title)
        sheet.write_string(1, 0, self._mode, self._badge)
        for number, line in enumerate(lines, start=2):
            for place, cell in enumerate(line):
                if cell.replace(",", "").isdigit():
                    sheet.write_number(number, place, int(cell.replace(",", "")), self._formats["count"])
                else:
                    sheet.write_string(number, place, written(cell))

    def table(self, name: str, columns: Sequence[Column], parts: Iterable[pd.DataFrame]) -> int:
        """A sheet of rows with a head for each column, as many as it holds; returns how many it has now.

        Parameters
        ----------
        columns
            The parts have these columns in this order.
        parts
            Frames, one below the other.
        """
        sheet = self._sheet(name)
        for place, column in enumerate((*columns, Column("mode", "text"))):
            sheet.write_string(0, place, column.name, self._heads)
            sheet.set_column(place, place, max(_WIDTHS.get(column.kind, 12), len(column.name) + 2))
        sheet.freeze_panes(1, 1)
        row = 1
        for part in parts:
            rows = part.iloc[: EXCEL_ROWS + 1 - row]
            cells = [_values(column.kind, rows[column.name]) for column in columns]
            writers = [self._writer(sheet, column.kind) for column in columns]
            for values in zip(*cells, strict=True):
                for place, (write, value) in enumerate(zip(writers, values, strict=True)):
                    if value is not None:
                        write(row, place, value)
                sheet.write_string(row, len(columns), self._mode)
                row += 1
        sheet.autofilter(0, 0, max(1, row - 1), len(columns))
        if row > 1:
            sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{row}"})
        return row - 1

    def _sheet(self, name: str) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.set_tab_color(self._tab_colour)
        sheet.set_header(f"&L{name}&C{self._mode}&RPage &P of &N")
        return sheet

    def _writer(self, sheet: Any, kind: Kind) -> Any:
        form = self._formats[kind]
        if kind == "text":
            return lambda row, place, value: sheet.write_string(row, place, value, form)
        if kind in ("flag", "answer"):
            return lambda row, place, value: sheet.write_boolean(row, place, value)
        return lambda row, place, value: sheet.write_number(row, place, value, form)


def written(text: str) -> str:
    """Text as a cell can hold it: what can't be written is replaced by �, what is too long is cut."""
    text = _UNWRITABLE.sub("�", text)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _values(kind: Kind, column: pd.Series[Any]) -> list[Any]:
    """A column as what is written, None where nothing is: unknown stays empty, never 0."""
    if kind == "text":
        return [None if value is None or value != value else written(str(value)) for value in column]
    if kind in ("flag", "answer"):
        return [None if pd.isna(value) else bool(value) for value in column]
    if kind in ("time", "day"):
        moments = pd.DatetimeIndex(column)
        naive = moments if moments.tz is None else moments.tz_convert(ZONE).tz_localize(None)
        ns = naive.as_unit("ns").asi8
        days = ns / _DAY_NS + _UNIX_EPOCH_DAYS
        return [None if unknown else day for day, unknown in zip(days.tolist(), naive.isna(), strict=True)]
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return [value if np.isfinite(value) else None for value in numbers.tolist()]
