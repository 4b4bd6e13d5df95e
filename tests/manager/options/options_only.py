"""A recorded day of options alone, whose underlying goes where a test says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dualbroker.clock import IST
from dualbroker.simulator.market.replay import ReplayMarket

OPENING = datetime(2025, 8, 29, 9, 30, tzinfo=IST)
STRIKES = [24_000.0 + 50.0 * step for step in range(41)]
TIME_VALUE = 12.5
"""Of every option, rupees."""


def options_only(folder: Path, forward_at: Callable[[int], float], *, seconds: int) -> ReplayMarket:
    """A market that runs at once: NIFTY's calls and puts from 24,000 to 26,000, quoted each second.

    Parameters
    ----------
    forward_at
        What calls and puts imply, rupees, by the second of the day.
    """
    rows: list[dict[str, Any]] = []
    for second in range(seconds):
        for place, strike in enumerate(STRIKES):
            for option_type, direction in (("CE", 1), ("PE", -1)):
                worth = max(0.0, direction * (forward_at(second) - strike)) + TIME_VALUE
                rows.append(
                    {
                        "exchange_time": OPENING + timedelta(seconds=second),
                        "exchange": "NFO",
                        "token": str(900_000 + 2 * place + (option_type == "PE")),
                        "symbol": f"NIFTY02SEP25{option_type[0]}{strike:.0f}",
                        "underlying": "NIFTY",
                        "expiry": datetime(2025, 9, 2),
                        "strike": strike,
                        "option_type": option_type,
                        "lot_size": 75,
                        "ltp": worth,
                        "prev_close": worth,
                        "volume": 75 * (second + 1),
                        "open_interest": 750,
                        "bid": worth - 0.05,
                        "bid_qty": 75,
                        "ask": worth + 0.05,
                        "ask_qty": 75,
                    }
                )
    path = folder / "options.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    market = ReplayMarket(path)
    market.release()
    return market
