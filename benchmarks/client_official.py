"""The official client, NorenRestApiPy, with a callback that appends to a list.

Runs in an environment of its own, which need not have dualbroker in it. The kinds of work are ``cpu`` and
``latency``, which notes when each message came.
"""

from __future__ import annotations

import os
import sys
import threading
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

WITH_WSACCEL = "DUALBROKER_BENCH_WSACCEL"
"""Set where the client shall check UTF-8 by `wsaccel`: its best setting."""


def main() -> None:
    packages = ["NorenRestApiPy", "websocket-client"]
    if os.environ.get(WITH_WSACCEL):
        packages.append("wsaccel")
    else:
        sys.modules["wsaccel"] = None  # type: ignore[assignment]
    # Only this process needs it, and only in the environment that has it.
    from NorenRestApiPy.NorenApi import NorenApi

    arguments = parse_arguments()
    report_imported(*packages)
    base = f"127.0.0.1:{arguments.port}"
    keys = [f"{EXCHANGE}|{token}" for token in tokens(arguments.instruments)]
    rows: list[dict[str, Any]] = []
    times: list[int] = []

    def append_with_time(row: dict[str, Any]) -> None:
        rows.append(row)
        times.append(time.monotonic_ns())

    opened, ended = threading.Event(), threading.Event()
    client = NorenApi(f"http://{base}", arguments.websocket)
    client.set_session("BENCH01", "", "benchmark")
    client.start_websocket(
        subscribe_callback=append_with_time if arguments.work == "latency" else rows.append,
        order_update_callback=lambda _: ended.set(),
        socket_open_callback=opened.set,
    )
    wait(opened, "the hello was not answered")
    client.subscribe(keys)
    while len(rows) < len(keys):
        time.sleep(0.01)

    report(ready=True)
    await_go()
    span = CpuSpan()
    start_ticks(arguments)
    wait(ended, "the ticks did not end")
    result = span.result(len(rows) - len(keys))
    if arguments.work == "latency":
        result |= delays(arguments, list(enumerate(times[len(keys) :], start=1)))
    report(**result)
    wait_for_end()


def wait(event: threading.Event, problem: str) -> None:
    """Wait for an event, but not for ever."""
    if not event.wait(DEADLINE_S):
        raise TimeoutError(problem)


if __name__ == "__main__":
    main()
