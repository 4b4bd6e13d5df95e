"""A recorded day through simulated brokers and the whole pipeline, and whether it came out whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dualbroker.config.schema import Config, demo_config
from dualbroker.errors import ConnectionFailedError
from dualbroker.figures import number
from dualbroker.manager import WebSocketManager
from dualbroker.measure.control import SimulatorControl
from dualbroker.measure.recorded_day import (
    COMPARED_FIELDS,
    Mismatch,
    RecordedDay,
    differences,
)
from dualbroker.model import Instrument, InstrumentKey
from dualbroker.stores.quotes import QuoteStore
from dualbroker.transport.network import NetworkTransport

__all__ = ["OnReplayProgress", "ReplaySummary", "play", "replay_config", "replay_day"]

OnReplayProgress = Callable[[int, int], None]
"""Called with the ticks received so far, and the market's time (UTC nanoseconds)."""

PROGRESS_INTERVAL_S = 0.1
STATE_INTERVAL_S = 0.5
STILL_FOR_S = 2.0
"""When the day is over and nothing has come for so long, the rest is taken as lost."""


class ReplaySummary(msgspec.Struct, frozen=True):
    """How a replay ended."""

    rows: int
    """Of the file."""
    rows_sent: int
    """By the simulator."""
    ticks_received: int
    """And stored; full quotes that acknowledge subscriptions are not among them."""
    snapshots_received: int
    contracts: int
    mismatched: list[Mismatch]
    order_updates: int
    """Events of the orders that the simulator's own actor placed meanwhile."""
    seconds: float
    """From the market's start until the last tick was stored."""

    @property
    def ok(self) -> bool:
        """Every row became one stored tick, and every contract's last quote is the file's."""
        return self.rows == self.rows_sent == self.ticks_received and not self.mismatched

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as ``dualbroker replay --json`` prints them; unknown is None."""
        return {
            "ok": self.ok,
            "rows": self.rows,
            "ticks_received": self.ticks_received,
            "contracts": self.contracts,
            "mismatched": [msgspec.to_builtins(each) for each in self.mismatched],
            "seconds": self.seconds,
        }


async def replay_day(
    path: Path,
    day: RecordedDay,
    *,
    speed: float,
    brokers: int = 2,
    on_progress: OnReplayProgress | None = None,
) -> ReplaySummary:
    """Stream a recorded day through simulated brokers and compare what was stored with the file.

    Parameters
    ----------
    path
        The recorded day.
    day
        What ``read_recorded_day`` says of it.
    speed
        Market seconds per second, up to 10,000.

    Raises
    ------
    ConnectionFailedError
        The simulator does not start, or ended early.
    """
    async with WebSocketManager(replay_config(path, day, speed=speed, brokers=brokers)) as manager:
        return await play(manager, day, on_progress)


def replay_config(path: Path, day: RecordedDay, *, speed: float, brokers: int) -> Config:
    """Simulated brokers over that day, held until released; the store has room for all of it."""
    config = demo_config(brokers, market="replay", file=path.absolute(), speed=float(speed), hold=True)
    room = max(config.ticks.max_rows, 2 * (day.rows + len(day.symbols)))
    ticks = config.ticks.model_copy(update={"max_rows": room})
    return config.model_copy(update={"subscribe": [], "ticks": ticks})


async def play(
    manager: WebSocketManager, day: RecordedDay, on_progress: OnReplayProgress | None = None
) -> ReplaySummary:
    """Subscribe everything on a started manager, let the day run to its end, and sum up."""
    if manager.simulator is None:
        raise ConnectionFailedError("expected a manager of simulated brokers, found no simulator")
    transport = NetworkTransport()
    try:
        control = SimulatorControl(manager.simulator.masters_base, transport)
        await _subscribe(manager, day)
        started = time.monotonic()
        await control.release()
        rows_sent, last_tick = await _until_over(manager, control, on_progress)
    finally:
        await transport.aclose()
    return ReplaySummary(
        rows=day.rows,
        rows_sent=rows_sent,
        ticks_received=manager.quotes.tick_count,
        snapshots_received=manager.quotes.snapshot_count,
        contracts=len(day.symbols),
        mismatched=differences(day, _last_quotes(manager.quotes)),
        order_updates=manager.orders.event_count,
        seconds=round(last_tick - started, 3),
    )


async def _subscribe(manager: WebSocketManager, day: RecordedDay) -> None:
    known = manager.masters.instruments
    for exchange in sorted({exchange for exchange, _ in day.symbols}):
        await manager.load_master(exchange)
    found: list[Instrument] = [item for key in day.symbols if (item := known.get(key)) is not None]
    if len(found) != len(day.symbols):
        raise ConnectionFailedError(
            f"expected {number(len(day.symbols))} contracts in the symbol masters, found {number(len(found))}"
        )
    accepted = await manager.subscribe(found)
    silent = [each.instrument.symbol for each in accepted if not each.acknowledged]
    if silent:
        raise ConnectionFailedError(
            f"expected {number(len(found))} acknowledged subscriptions, "
            f"{number(len(silent))} are missing: {silent[0]} …"
        )


async def _until_over(
    manager: WebSocketManager, control: SimulatorControl, on_progress: OnReplayProgress | None
) -> tuple[int, float]:
    """Rows that were sent, and the monotonic time of the last tick."""
    quotes = manager.quotes
    state = await control.state()
    count, changed, asked = quotes.tick_count, time.monotonic(), time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_INTERVAL_S)
        now = time.monotonic()
        if quotes.tick_count != count:
            count, changed = quotes.tick_count, now
        if on_progress is not None:
            on_progress(count, manager.clock.now_ns())
        if not state.finished and now - asked >= STATE_INTERVAL_S:
            state, asked = await control.state(), now
        if state.finished and (count >= state.rows_sent or now - changed >= STILL_FOR_S):
            return state.rows_sent, changed


def _last_quotes(store: QuoteStore) -> dict[InstrumentKey, dict[str, float]]:
    indices, rows, _ = store.latest()
    return {
        store.instruments[index].key: {field: float(row[field]) for field in COMPARED_FIELDS.values()}
        for index, row in zip(indices.tolist(), rows, strict=True)
    }
