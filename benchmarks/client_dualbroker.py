"""dualbroker as it is used: a manager with one broker, its network transport, stream and stores."""

from __future__ import annotations

import asyncio

from child_protocol import (
    DEADLINE_S,
    CpuSpan,
    await_go,
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


async def run(port: int, ticks: int, instruments: int) -> None:
    """Connect, subscribe, then measure from the first tick to the marker after the last."""
    ended = asyncio.Event()
    async with WebSocketManager(make_config(port, ticks + instruments)) as manager:
        manager.order_listeners.append(lambda _: ended.set())
        accepted = await manager.subscribe(make_instruments(instruments))
        if not all(row.acknowledged for row in accepted):
            raise RuntimeError("not every instrument was acknowledged")
        report(ready=True)
        await asyncio.to_thread(await_go)
        span = CpuSpan()
        await asyncio.to_thread(start_ticks, port)
        await asyncio.wait_for(ended.wait(), DEADLINE_S)
        report(**span.result(manager.quotes.tick_count))
        await asyncio.to_thread(wait_for_end)


def make_config(port: int, rows: int) -> Config:
    """One broker at the source. The bound of the store is the default, or what holds every tick."""
    address = f"127.0.0.1:{port}"
    broker = {
        "type": "simulated",
        "dialect": "shoonya_legacy",
        "rest_base": f"http://{address}",
        "websocket_url": f"ws://{address}/",
        "masters_base": f"http://{address}",
        "user_id": "BENCH01",
        "password": "benchmark",
        "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "api_key": "benchmark",
    }
    return Config.model_validate(
        {"brokers": {"broker1": broker}, "ticks": {"max_rows": max(rows, DEFAULT_MAX_ROWS)}}
    )


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
    asyncio.run(run(arguments.port, arguments.ticks, arguments.instruments))


if __name__ == "__main__":
    main()
