"""What a client process and the driver say to each other; standard library only.

The client prints a line of JSON when it has imported all it needs, and one when it is connected and
subscribed; after each it waits for a line. Then it measures, prints its result as a line of JSON, and
stays alive (so that its memory can be read) until its standard input is closed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
import time
import urllib.parse
import urllib.request
from typing import Any

__all__ = [
    "CpuSpan",
    "await_go",
    "delays",
    "parse_arguments",
    "report",
    "report_imported",
    "start_ticks",
    "wait_for_end",
]

DEADLINE_S = 600.0


class CpuSpan:
    """CPU and wall time of this process from where it was made to ``result``."""

    def __init__(self) -> None:
        self._wall_s = time.perf_counter()
        self._cpu_s = time.process_time()

    def result(self, ticks: int, **more: Any) -> dict[str, Any]:
        """The finished span, ready to report."""
        cpu_s = time.process_time() - self._cpu_s
        wall_s = time.perf_counter() - self._wall_s
        return {"ticks": ticks, "cpu_seconds": cpu_s, "wall_seconds": wall_s, **more}


def parse_arguments() -> argparse.Namespace:
    """Where the source is, what it is asked for, and the kind of work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True, help="of the source")
    parser.add_argument("--websocket", required=True, help="address of its WebSocket")
    parser.add_argument("--ticks", type=int, required=True)
    parser.add_argument("--instruments", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="ticks a second; 0 is as fast as possible")
    parser.add_argument("--burst", type=int, default=0, help="ticks that are written at once, then a pause")
    parser.add_argument("--work", default="cpu")
    parser.add_argument("--gather", type=float, help="of dualbroker, in seconds; as shipped unless given")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long nothing happens")
    parser.add_argument("--stored", type=int, default=0, help="ticks that lie in the store already")
    return parser.parse_args()


def report(**values: Any) -> None:
    """Tell the driver."""
    print(json.dumps(values), flush=True)


def report_imported(*packages: str) -> None:
    """Tell the driver what is measured, in which versions, and wait for its word."""
    versions = {name: importlib.metadata.version(name) for name in packages}
    report(versions=versions | {"python": platform.python_version()})
    await_go()


def await_go() -> None:
    """Wait for the driver's word to go on."""
    sys.stdin.readline()


def wait_for_end() -> None:
    """Wait until the driver has read what it wants to know of this process after the ticks."""
    sys.stdin.read()


def start_ticks(arguments: argparse.Namespace) -> None:
    """Have the source begin."""
    query = urllib.parse.urlencode({name: getattr(arguments, name) for name in ("ticks", "rate", "burst")})
    _ask(arguments, f"/Start?{query}", method="POST")


def delays(arguments: argparse.Namespace, seen: list[tuple[int, int]]) -> dict[str, float]:
    """How late ticks could be seen, in ms, from the moment that they were written to the socket.

    Parameters
    ----------
    seen
        How many ticks could be seen when (monotonic ns), in order: the clock is one for all processes.
    """
    sent = json.loads(_ask(arguments, "/Sent"))
    late_ms = []
    place = 0
    for tick in range(arguments.ticks):
        while sent[place][0] <= tick:
            place += 1
        late_ms.append(sent[place][1])
    place = 0
    for tick in range(arguments.ticks):
        while seen[place][0] <= tick:
            place += 1
        late_ms[tick] = (seen[place][1] - late_ms[tick]) / 1e6
    late_ms.sort()
    return {
        "p50_ms": late_ms[len(late_ms) // 2],
        "p99_ms": late_ms[min(len(late_ms) - 1, len(late_ms) * 99 // 100)],
        "max_ms": late_ms[-1],
    }


def _ask(arguments: argparse.Namespace, path: str, method: str = "GET") -> bytes:
    data = b"" if method == "POST" else None
    request = urllib.request.Request(f"http://127.0.0.1:{arguments.port}{path}", data=data, method=method)
    # No proxy of the environment has any business on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30.0) as answer:
        content: bytes = answer.read()
        return content
