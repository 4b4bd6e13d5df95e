"""A recorded day of an option chain, read from its file into tables that a replay can slice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.errors import DualBrokerError
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.deltas import FIELD_ROW, FIELDS
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.market.pricing import Floats, Integers

__all__ = ["RECORDED_FIELDS", "Recording", "load_recording"]

_RECORDED_COLUMNS = {
    "ltp": "ltp",
    "prev_close": "prev_close",
    "volume": "volume",
    "open_interest": "open_interest",
    "bid": "bid",
    "bid_qty": "bid_quantity",
    "ask": "ask",
    "ask_qty": "ask_quantity",
}
"""The file's columns, and what we call them."""
_CONTRACT_COLUMNS = (
    "exchange",
    "token",
    "symbol",
    "underlying",
    "expiry",
    "strike",
    "option_type",
    "lot_size",
)
RECORDED_FIELDS = (*_RECORDED_COLUMNS.values(), "feed_time")
"""What a row of the file tells; the change in percent is worked out, nothing else is."""


class Recording(msgspec.Struct, frozen=True):
    """All rows in the order of their exchange times, in the file's order where these are equal."""

    instruments: tuple[Instrument, ...]
    """In the order of their first rows."""
    time_ns: Integers
    """Exchange time of each row, UTC nanoseconds; never falls."""
    instrument: Integers
    """Position in ``instruments`` of each row's contract."""
    values: Floats
    """Shape (rows, ``len(deltas.FIELDS)``); NaN where the file has no such column."""
    changed: NDArray[np.bool_]
    """What differs from the contract's row before, the same shape. ``feed_time`` always counts as such."""
    by_instrument: tuple[Integers, ...]
    """Rows of each contract, in order."""


def load_recording(path: Path) -> Recording:
    """Read a recorded day.

    Parameters
    ----------
    path
        A parquet file with one row per contract and poll: ``exchange_time`` (with a time zone), the
        contract (``exchange token symbol underlying expiry strike option_type lot_size``) and its figures
        (``ltp prev_close volume open_interest bid bid_qty ask ask_qty``), quantities in units.

    Raises
    ------
    DualBrokerError
        There is no such file, or it is no such table.
    """
    columns = _read_columns(path)
    order = np.argsort(columns["exchange_time"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    time_ns: Integers = columns["exchange_time"].astype(np.int64)
    instrument, first_rows = _number_contracts(columns)
    by_instrument = _rows_of_each(instrument, first_rows.size)
    values = _values(columns, time_ns, by_instrument)
    return Recording(
        instruments=tuple(_contract(columns, row) for row in first_rows.tolist()),
        time_ns=time_ns,
        instrument=instrument,
        values=values,
        changed=_changes(values, instrument, by_instrument),
        by_instrument=by_instrument,
    )


def _read_columns(path: Path) -> dict[str, NDArray[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = ["exchange_time", *_CONTRACT_COLUMNS, *_RECORDED_COLUMNS]
    try:
        found = pq.read_schema(path).names
        missing = [name for name in wanted if name not in found]
        if missing:
            raise DualBrokerError(f"expected the columns {', '.join(missing)} in {path}, found none such")
        table = pq.read_table(path, columns=wanted)
        times = table.column("exchange_time").cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
    except FileNotFoundError:
        raise DualBrokerError(f"expected a recorded day (parquet) at {path}, found no such file") from None
    except (pa.ArrowException, OSError) as error:
        raise DualBrokerError(f"expected a recorded day (parquet) at {path}, found: {error}") from error
    if not table.num_rows:
        raise DualBrokerError(f"expected at least one row in {path}, found none")
    columns = {name: table.column(name).to_numpy() for name in wanted}
    columns["exchange_time"] = times.to_numpy()
    return columns


def _number_contracts(columns: dict[str, NDArray[Any]]) -> tuple[Integers, Integers]:
    """The contract of each row, numbered by first appearance, and the rows of these appearances."""
    numbers: dict[tuple[str, str], int] = {}
    keys = zip(columns["exchange"].tolist(), columns["token"].tolist(), strict=True)
    instrument: Integers = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
    _, first_rows = np.unique(instrument, return_index=True)
    return instrument, first_rows


def _rows_of_each(instrument: Integers, count: int) -> tuple[Integers, ...]:
    order = np.argsort(instrument, kind="stable")
    ends = np.cumsum(np.bincount(instrument, minlength=count))
    return tuple(np.split(order, ends[:-1]))


def _values(
    columns: dict[str, NDArray[Any]], time_ns: Integers, by_instrument: tuple[Integers, ...]
) -> Floats:
    values: Floats = np.full((time_ns.size, len(FIELDS)), np.nan)
    for column, name in _RECORDED_COLUMNS.items():
        values[:, FIELD_ROW[name]] = columns[column]
    values[:, FIELD_ROW["feed_time"]] = time_ns // 1_000_000_000
    ltp, close = values[:, FIELD_ROW["ltp"]], values[:, FIELD_ROW["prev_close"]]
    values[:, FIELD_ROW["change_percent"]] = _change_percent(ltp, close, by_instrument)
    return values


def _change_percent(ltp: Floats, close: Floats, by_instrument: tuple[Integers, ...]) -> Floats:
    """NaN before the first trade; in a later row without one (real blemishes) the last that was known."""
    known = (ltp > 0) & (close > 0)
    change = np.round(100.0 * (np.divide(ltp, close, out=np.full_like(ltp, np.nan), where=known) - 1.0), 2)
    order = np.concatenate(by_instrument)
    sizes = [rows.size for rows in by_instrument]
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    last_known = np.maximum.accumulate(np.where(known[order], np.arange(order.size), -1))
    filled: Floats = np.empty_like(change)
    filled[order] = np.where(last_known >= first, change[order[last_known]], np.nan)
    return filled


def _changes(values: Floats, instrument: Integers, by_instrument: tuple[Integers, ...]) -> NDArray[np.bool_]:
    changed = ~np.isnan(values)
    order = np.concatenate(by_instrument)
    before, after = order[:-1], order[1:]
    has_before = instrument[before] == instrument[after]
    changed[after] &= ~(has_before[:, np.newaxis] & (values[before] == values[after]))
    changed[:, FIELD_ROW["feed_time"]] = True
    return changed


def _contract(columns: dict[str, NDArray[Any]], row: int) -> Instrument:
    expiry: date = columns["expiry"][row].astype("datetime64[D]").item()
    return Instrument(
        exchange=str(columns["exchange"][row]),
        token=str(columns["token"][row]),
        symbol=str(columns["symbol"][row]),
        name=str(columns["underlying"][row]),
        kind=InstrumentKind.OPTION,
        expiry=expiry,
        strike=float(columns["strike"][row]),
        option_type=str(columns["option_type"][row]),
        lot_size=int(columns["lot_size"][row]),
        tick_size=DEFAULT_TICK_SIZE,
        instrument_type="OPTIDX",
    )
