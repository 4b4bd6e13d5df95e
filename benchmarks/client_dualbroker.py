"""dualbroker as it is used: a manager with one broker, its network transport, stream and stores.

``cpu``      takes the ticks.
``latency``  the same, and notes when rows could be read.
``idle``     is connected and subscribed, and nothing comes.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

from child_protocol import (
    DEADLINE_S,
    CpuSpan,
    await_go,
    delays,
    parse_arguments,
    report,
    report_imported,
    start_ticks,
    wait_for_end,
)
from tick_frames import EXCHANGE, tokens

from dualbroker import Config, WebSocketManager
from dualbroker.model import Instrument, InstrumentKind

DEFAULT_MAX_ROWS = 2_000_000
SETTLED_S = 2.0
"""After the last acknowledgement, before an idle manager is looked at."""


async def run(arguments: argparse.Namespace) -> None:
    """Connect and subscribe, then do the work."""
    async with WebSocketManager(make_config(arguments)) as manager:
        accepted = await manager.subscribe(make_instruments(arguments.instruments))
        if not all(row.acknowledged for row in accepted):
            raise RuntimeError("not every instrument was acknowledged")
        report(ready=True)
        await asyncio.to_thread(await_go)
        report(**(await idle(arguments) if arguments.work == "idle" else await take(arguments, manager)))
        await asyncio.to_thread(wait_for_end)


async def take(arguments: argparse.Namespace, manager: WebSocketManager) -> dict[str, Any]:
    """Measure from the first tick to the marker after the last."""
    ended = asyncio.Event()
    manager.order_listeners.append(lambda _: ended.set())
    seen: list[tuple[int, int]] = []
    if arguments.work == "latency":
        store = manager.quotes
        manager.quote_listeners.append(lambda: seen.append((store.tick_count, time.monotonic_ns())))
    span = CpuSpan()
    await asyncio.to_thread(start_ticks, arguments)
    await asyncio.wait_for(ended.wait(), DEADLINE_S)
    result = span.result(manager.quotes.tick_count)
    if arguments.work == "latency":
        result |= await asyncio.to_thread(delays, arguments, seen)
    return result


async def idle(arguments: argparse.Namespace) -> dict[str, Any]:
    """What it costs to wait for ticks."""
    await asyncio.sleep(SETTLED_S)
    span = CpuSpan()
    await asyncio.sleep(arguments.seconds)
    return span.result(0)


def make_config(arguments: argparse.Namespace, rows: int = 0) -> Config:
    """One broker at the source. The bound of the store is the default, or what holds every tick."""
    address = f"127.0.0.1:{arguments.port}"
    broker = {
        "type": "simulated",
        "dialect": "shoonya_legacy",
        "rest_base": f"http://{address}",
        "websocket_url": arguments.websocket,
        "masters_base": f"http://{address}",
        "user_id": "BENCH01",
        "password": "benchmark",
        "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "api_key": "benchmark",
    }
    ticks: dict[str, float] = {
        "max_rows": max(rows, arguments.ticks + arguments.instruments, DEFAULT_MAX_ROWS)
    }
    if arguments.gather is not None:
        ticks["gather"] = arguments.gather
    return Config.model_validate({"brokers": {"broker1": broker}, "ticks": ticks})


def make_instruments(count: int) -> list[Instrument]:
    """What is subscribed, without a symbol master."""
    return [
        Instrument(
            exchange=EXCHANGE,
            token=token,
            symbol=f"INSTRUMENT{token}",
            name="INSTRUMENT",
            kind=InstrumentKind.OTHER,
        )
        for token in tokens(count)
    ]


def main() -> None:
    arguments = parse_arguments()
    report_imported("dualbroker", "websockets", "msgspec")
    asyncio.run(run(arguments))


if __name__ == "__main__":
    main()
