"""Recorded days of a few rows, in the layout of real ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dualbroker.clock import IST

__all__ = ["row", "write_day"]


def row(token: str, clock: str, **figures: float) -> dict[str, Any]:
    """One poll of one contract on 29 Aug 2025, at ``HH:MM:SS`` Indian time."""
    return {
        "exchange_time": datetime.fromisoformat(f"2025-08-29 {clock}").replace(tzinfo=IST),
        "exchange": "NFO",
        "token": token,
        "symbol": f"NIFTY02SEP25C{token}",
        "underlying": "NIFTY",
        "expiry": datetime(2025, 9, 2),
        "strike": float(token),
        "option_type": "CE",
        "lot_size": 75,
        "ltp": 100.0,
        "prev_close": 90.0,
        "volume": 75,
        "open_interest": 750,
        "bid": 99.95,
        "bid_qty": 75,
        "ask": 100.05,
        "ask_qty": 150,
        **figures,
    }


def write_day(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path
