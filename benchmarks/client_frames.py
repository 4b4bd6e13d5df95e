"""How long frames take on a full store, as a notebook asks for them, and how long that holds up ticks."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from child_protocol import await_go, parse_arguments, report, report_imported, wait_for_end
from client_dualbroker import make_config, make_instruments
from filling import fill

import dualbroker

ASKED = 30
"""Times that each frame is asked for."""
SLEEP_S = 0.0005


class HeldUp:
    """How late a thread that sleeps for a moment over and over wakes up: so late a tick may be taken."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> HeldUp:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.is_set():
            began_s = time.perf_counter()
            time.sleep(SLEEP_S)
            self.longest_s = max(self.longest_s, time.perf_counter() - began_s - SLEEP_S)


def timed(make: Callable[[], Any]) -> dict[str, float]:
    """Milliseconds that a frame takes, its rows, and for how long it held up another thread."""
    milliseconds = []
    rows = 0
    with HeldUp() as held_up:
        for _ in range(ASKED):
            began_s = time.perf_counter()
            frame = make()
            milliseconds.append((time.perf_counter() - began_s) * 1000)
            rows += len(frame)
    milliseconds.sort()
    return {
        "p50_ms": milliseconds[len(milliseconds) // 2],
        "max_ms": milliseconds[-1],
        "rows": rows / ASKED,
        "held_up_ms": held_up.longest_s * 1000,
    }


def main() -> None:
    arguments = parse_arguments()
    report_imported("dualbroker", "pandas", "numpy")
    instruments = make_instruments(arguments.instruments)
    config = make_config(arguments, arguments.stored + arguments.instruments)
    with dualbroker.connect(config) as feed:
        feed.subscribe(instruments)
        report(ready=True)
        await_go()
        fill(feed.manager.quotes, instruments, arguments.stored)
        chosen = random.Random(1)
        report(
            ticks=feed.manager.quotes.tick_count,
            frames={
                "feed.ticks(symbol)": timed(lambda: feed.ticks(chosen.choice(instruments).symbol)),
                "feed.quotes": timed(lambda: feed.quotes),
            },
        )
        wait_for_end()


if __name__ == "__main__":
    main()
