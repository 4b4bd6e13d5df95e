"""Recorded days through a real simulator process and the whole pipeline."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dualbroker.frames.bars import bars_frame
from dualbroker.frames.frames import ticks_frame
from dualbroker.manager import WebSocketManager
from dualbroker.measure.recorded_day import RecordedDay, read_recorded_day
from dualbroker.measure.replay import ReplaySummary, play, replay_config, replay_day
from tests.measure.days import row, write_day

CONTRACTS = 12
NANOSECONDS = 1_000_000_000


def test_every_row_comes_out_also_one_that_repeats_and_one_that_falls_to_zero(tmp_path: Path) -> None:
    rows = [
        row("24000", "09:30:00"),
        row("24000", "09:30:00"),
        row("24100", "09:30:01", ltp=0.0),
        row("24000", "09:40:00", bid=0.0, bid_qty=0, ask=0.0, ask_qty=0, volume=0),
    ]
    path = write_day(tmp_path / "day.parquet", rows)
    seen: list[tuple[int, int]] = []
    summary = asyncio.run(
        replay_day(
            path,
            read_recorded_day(path),
            speed=10_000,
            on_progress=lambda ticks, time_ns: seen.append((ticks, time_ns)),
        )
    )
    assert summary.ok, summary
    assert (summary.rows, summary.rows_sent, summary.ticks_received) == (4, 4, 4)
    assert summary.snapshots_received == summary.contracts == 2
    assert seen[-1] == (4, read_recorded_day(path).last_time_ns)
    assert list(summary.as_dict()) == ["ok", "rows", "ticks_received", "contracts", "mismatched", "seconds"]


@pytest.mark.shared
def test_gaps_stay_and_bars_come_in_market_time(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    whole = pq.read_table(shared_data / "nifty-option-chain-2025-08-29.parquet")
    busiest = whole.column("token").value_counts().to_pylist()
    busiest.sort(key=lambda each: -each["counts"])
    tokens = [each["values"] for each in busiest[:CONTRACTS]]
    pq.write_table(whole.filter(pc.field("token").isin(tokens)), path)
    day = read_recorded_day(path)

    async def run() -> tuple[ReplaySummary, WebSocketManager]:
        async with WebSocketManager(replay_config(path, day, speed=10_000, brokers=2)) as manager:
            return await play(manager, day), manager

    summary, manager = asyncio.run(run())
    assert summary.ok, summary
    _check_times(manager, day, path)


def _check_times(manager: WebSocketManager, day: RecordedDay, path: Path) -> None:
    times = pq.read_table(path, columns=["exchange_time"]).column(0).to_pandas()
    recorded = np.unique(times.dt.tz_convert("UTC").astype("datetime64[s, UTC]").astype(np.int64))
    widest = int(np.argmax(np.diff(recorded)))
    gap = (int(recorded[widest]), int(recorded[widest + 1]))
    assert gap[1] - gap[0] > 18 * 60
    index = manager.quotes.index_of(next(iter(day.symbols)))
    assert index is not None
    ticks = ticks_frame(manager.quotes, index)
    ticks = ticks[~ticks["snapshot"]]
    seconds = pd.DatetimeIndex(ticks.index).as_unit("ns").asi8 // NANOSECONDS
    assert set(seconds.tolist()) <= set(recorded.tolist())
    bars = bars_frame(ticks, "5min")
    starts = pd.DatetimeIndex(bars.index)
    assert set(starts.minute % 5) == {0}
    assert str(starts[0].time()) >= "09:15:00"
    assert starts[-1].strftime("%Y-%m-%d %H:%M") == "2025-08-29 15:25"
    starts_s = starts.as_unit("ns").asi8 // NANOSECONDS
    assert not ((starts_s > gap[0]) & (starts_s + 300 <= gap[1])).any()
