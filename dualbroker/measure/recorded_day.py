"""A recorded day's own account of itself, read apart from the simulator that plays it. And its check."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from dualbroker.errors import DualBrokerError
from dualbroker.model import InstrumentKey

__all__ = ["COMPARED_FIELDS", "Mismatch", "RecordedDay", "differences", "read_recorded_day"]

COMPARED_FIELDS = {
    "ltp": "ltp",
    "prev_close": "prev_close",
    "volume": "volume",
    "open_interest": "open_interest",
    "bid": "bid",
    "bid_qty": "bid_quantity",
    "ask": "ask",
    "ask_qty": "ask_quantity",
}
"""The file's columns, and the fields of a quote that must end up equal to them."""

_COLUMNS = ("exchange_time", "exchange", "token", "symbol", *COMPARED_FIELDS)

Figures = Mapping[str, float]


class RecordedDay(msgspec.Struct, frozen=True):
    """What has to come out of a replay."""

    rows: int
    first_time_ns: int
    """UTC nanoseconds, of the exchange."""
    last_time_ns: int
    symbols: dict[InstrumentKey, str]
    last_rows: dict[InstrumentKey, dict[str, float]]
    """Each contract's last row: rupees and units by the names of ``model.QUOTE_FIELDS``."""


class Mismatch(msgspec.Struct, frozen=True):
    """One field of one contract that did not end up as the file has it. NaN is unknown."""

    symbol: str
    field: str
    expected: float
    found: float


def read_recorded_day(path: Path) -> RecordedDay:
    """Read what a recorded day ends with.

    Parameters
    ----------
    path
        A parquet file with a row per contract and poll: ``exchange_time``, ``exchange``, ``token``,
        ``symbol`` and the keys of ``COMPARED_FIELDS``.

    Raises
    ------
    DualBrokerError
        There is no such file, or it is no such table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise DualBrokerError(f"expected a recorded day (parquet) at {path}, found {found}")
    try:
        missing = [name for name in _COLUMNS if name not in pq.read_schema(path).names]
        if missing:
            raise DualBrokerError(f"expected the columns {', '.join(missing)} in {path}, found none such")
        table = pq.read_table(path, columns=list(_COLUMNS))
        times = table.column("exchange_time").cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_numpy()
    except (pa.ArrowException, OSError) as error:
        words = str(error).splitlines()[0]
        raise DualBrokerError(f"expected a recorded day (parquet) at {path}, found: {words}") from error
    if not times.size:
        raise DualBrokerError(f"expected at least one row in {path}, found none")
    order = np.argsort(times, kind="stable")
    keys = list(zip(table.column("exchange").to_pylist(), table.column("token").to_pylist(), strict=True))
    last = {keys[row]: row for row in order.tolist()}
    symbols = table.column("symbol").to_pylist()
    values = {name: table.column(name).to_numpy() for name in COMPARED_FIELDS}
    return RecordedDay(
        rows=int(times.size),
        first_time_ns=int(times[order[0]]),
        last_time_ns=int(times[order[-1]]),
        symbols={key: symbols[row] for key, row in last.items()},
        last_rows={
            key: {field: float(values[name][row]) for name, field in COMPARED_FIELDS.items()}
            for key, row in last.items()
        },
    )


def differences(day: RecordedDay, quotes: Mapping[InstrumentKey, Figures]) -> list[Mismatch]:
    """Where the last quotes are not what the file's last rows say.

    A zero is a zero: it equals neither unknown nor what was known before.
    """
    return [
        Mismatch(day.symbols[key], field, expected, found)
        for key, row in day.last_rows.items()
        for field, expected in row.items()
        if not _same(expected, found := quotes.get(key, {}).get(field, math.nan))
    ]


def _same(expected: float, found: float) -> bool:
    return expected == found or (math.isnan(expected) and math.isnan(found))
