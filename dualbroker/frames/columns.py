"""How the columns of tables become pandas columns: dtypes, time zone, unknown values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dualbroker.clock import NS_PER_S
from dualbroker.tables import Column, Kind, Table

__all__ = ["ZONE", "frame", "named_rows", "plain_rows", "quantities", "seconds_to_ns", "times"]

ZONE = "Asia/Kolkata"

_LARGEST_EXACT = 2.0**53
_UNKNOWN_NS = pd.NaT.value
_OFFSET_NS = 19_800 * NS_PER_S
"""Of Indian time, which has none of summer."""


def frame(table: Table, data: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]) -> pd.DataFrame:
    """A table as a frame: its columns in their order, each cast to its kind, and its index.

    Parameters
    ----------
    data
        One entry for each column, and for the index where the table has one.
    """
    made = pd.DataFrame({column.name: _cast(column.kind, data[column.name]) for column in table.columns})
    if table.index is not None:
        made.index = _index(table.index, data[table.index.name])
    return made


def plain_rows(table: Table, data: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]) -> list[list[Any]]:
    """The same rows as JSON has them, for streams: values in the order of ``table.all_columns``.

    None is unknown, times are ISO 8601 in Indian time to the microsecond.
    """
    columns = [_plain(column.kind, data[column.name]) for column in table.all_columns]
    return [list(row) for row in zip(*columns, strict=True)]


def named_rows(
    table: Table, data: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]
) -> list[dict[str, Any]]:
    """The same, each row with its columns' names."""
    names = [column.name for column in table.all_columns]
    return [dict(zip(names, row, strict=True)) for row in plain_rows(table, data)]


def _plain(kind: Kind, values: Sequence[Any] | np.ndarray[Any, Any]) -> list[Any]:
    if kind in ("price", "number", "quantity"):
        numbers = np.array([np.nan if value is None else value for value in values], float)
        known = np.abs(numbers) < _LARGEST_EXACT if kind == "quantity" else np.isfinite(numbers)
        exact = np.where(known, numbers, 0).astype(np.int64) if kind == "quantity" else numbers
        plain: list[Any] = exact.tolist()
        if known.all():
            return plain
        return [value if is_known else None for value, is_known in zip(plain, known.tolist(), strict=True)]
    if kind == "time":
        return iso_times(values)
    if kind == "day":
        return [None if value is None else value.isoformat() for value in values]
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def iso_times(values: Sequence[Any] | np.ndarray[Any, Any]) -> list[str | None]:
    """UTC nanoseconds as ISO 8601 to the microsecond, cut off, so that pages can be told apart by time."""
    moments = np.array([_UNKNOWN_NS if value is None else value for value in values], np.int64)
    local = np.where(moments == _UNKNOWN_NS, moments, moments + _OFFSET_NS).view("M8[ns]").astype("M8[us]")
    texts = np.datetime_as_string(local, unit="us").tolist()
    return [None if text == "NaT" else f"{text}+05:30" for text in texts]


def _index(column: Column, values: Sequence[Any] | np.ndarray[Any, Any]) -> pd.Index[Any]:
    index: pd.Index[Any] = pd.Index(_cast(column.kind, values), name=column.name)
    return index


def _cast(kind: Kind, values: Sequence[Any] | np.ndarray[Any, Any]) -> Any:
    if kind in ("price", "number"):
        return np.array(
            [np.nan if v is None else v for v in values] if isinstance(values, list) else values, float
        )
    if kind == "quantity":
        return quantities(values)
    if kind == "time":
        return times(values)
    if kind == "day":
        return pd.DatetimeIndex(pd.to_datetime(pd.Series(list(values), dtype=object))).as_unit("ns")
    if kind == "flag":
        return np.asarray(values, bool)
    if kind == "answer":
        return pd.array([pd.NA if value is None else value for value in values], dtype="boolean")
    if kind == "count":
        return np.asarray(values, np.int64)
    return pd.Series(list(values), dtype=_TEXT_DTYPE).array


_TEXT_DTYPE: Any = pd.Series(["text"]).dtype


def quantities(values: Sequence[Any] | np.ndarray[Any, Any]) -> pd.arrays.IntegerArray:
    """Int64 with <NA> where the value is None, NaN, or too large to be exact."""
    numbers = np.array(
        [np.nan if v is None else v for v in values] if isinstance(values, list) else values, float
    )
    unknown = ~(np.abs(numbers) < _LARGEST_EXACT)
    return pd.arrays.IntegerArray(np.where(unknown, 0, numbers).astype(np.int64), unknown)


def times(values: Sequence[Any] | np.ndarray[Any, Any]) -> pd.DatetimeIndex:
    """UTC nanoseconds (None is unknown) as Indian time."""
    if not isinstance(values, np.ndarray):
        values = np.array([pd.NaT.value if v is None else v for v in values], np.int64)
    return pd.DatetimeIndex(values.view("M8[ns]")).tz_localize("UTC").tz_convert(ZONE)


def seconds_to_ns(seconds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Epoch seconds with NaN as int64 nanoseconds with NaT; what no timestamp can hold is NaT too."""
    known = (seconds > 0) & (seconds < 9.2e9)
    return np.where(known, np.where(known, seconds, 0).astype(np.int64) * 1_000_000_000, pd.NaT.value)
