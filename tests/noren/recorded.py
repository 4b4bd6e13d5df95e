"""What the tests of recorded messages share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from dualbroker.clock import IST
from dualbroker.model import OrderUpdate, UpdateSource
from dualbroker.noren.orders import order_update_from_row

RECEIVED = 1_800_000_000_000_000_000


def lines(shared_data: Path, name: str) -> list[bytes]:
    """The recorded messages of one file, one per line."""
    return (shared_data / "noren-messages" / f"{name}.jsonl").read_bytes().splitlines()


def ist_ns(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """An Indian wall time in UTC nanoseconds."""
    return int(datetime(year, month, day, hour, minute, second, tzinfo=IST).timestamp()) * 10**9


def said(update: OrderUpdate) -> dict[str, Any]:
    """What an update states, apart from how it reached us."""
    everything = {name: getattr(update, name) for name in update.__struct_fields__}
    for name in ("broker_name", "receive_time_ns", "source"):
        del everything[name]
    return {name: value for name, value in everything.items() if value is not None}


def from_row(row: dict[str, Any]) -> OrderUpdate:
    """An order book's row as an update."""
    return order_update_from_row(
        row, broker_name="broker1", receive_time_ns=RECEIVED, source=UpdateSource.RECONCILE
    )
