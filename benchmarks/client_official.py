"""The official client, NorenRestApiPy, with a callback that appends to a list.

Runs in an environment of its own, which need not have dualbroker in it.
"""

from __future__ import annotations

import threading
import time
from typing import Any

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


def main() -> None:
    # Only this process needs it, and only in the environment that has it.
    from NorenRestApiPy.NorenApi import NorenApi

    arguments = parse_arguments()
    report_imported("NorenRestApiPy", "websocket-client")
    base = f"127.0.0.1:{arguments.port}"
    keys = [f"{EXCHANGE}|{token}" for token in tokens(arguments.instruments)]
    rows: list[dict[str, Any]] = []
    opened, ended = threading.Event(), threading.Event()
    client = NorenApi(f"http://{base}", f"ws://{base}/")
    client.set_session("BENCH01", "", "benchmark")
    client.start_websocket(
        subscribe_callback=rows.append,
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
    start_ticks(arguments.port)
    wait(ended, "the ticks did not end")
    report(**span.result(len(rows) - len(keys)))
    wait_for_end()


def wait(event: threading.Event, problem: str) -> None:
    """Wait for an event, but not for ever."""
    if not event.wait(DEADLINE_S):
        raise TimeoutError(problem)


if __name__ == "__main__":
    main()
