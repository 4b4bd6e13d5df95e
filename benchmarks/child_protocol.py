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
import urllib.request
from typing import Any

__all__ = [
    "CpuSpan",
    "await_go",
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
    """Port of the source, number of ticks and of instruments, and for some the kind of work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ticks", type=int, required=True)
    parser.add_argument("--instruments", type=int, required=True)
    parser.add_argument("--work", default="")
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


def start_ticks(port: int) -> None:
    """Have the source begin."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/Start", data=b"", method="POST")
    # No proxy of the environment has any business on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10.0) as answer:
        answer.read()
