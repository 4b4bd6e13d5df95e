"""How the columns of tables become pandas columns: dtypes, time zone, unknown values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dualbroker.tables import Column, Kind, Table

__all__ = ["ZONE", "frame", "quantities", "seconds_to_ns", "times"]

ZONE = "Asia/Kolkata"

_LARGEST_EXACT = 2.0**53


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
