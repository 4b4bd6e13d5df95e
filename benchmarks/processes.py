"""Starts the source and the clients, each a fresh process, and reads what they report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

__all__ = ["Client", "Measurement", "child_process", "clients", "measure", "source"]

HERE = Path(__file__).parent


class Client(NamedTuple):
    """What is measured: a script, its interpreter, and which work of the script (see ``client_floor``)."""

    name: str
    script: str
    python: str = sys.executable
    work: str = ""


class Measurement(NamedTuple):
    """One run of one client."""

    ticks: int
    cpu_us_per_tick: float
    wall_us_per_tick: float
    bytes_per_tick: float
    """Growth of the process's resident memory since before it connected, per tick."""
    versions: dict[str, str]


def clients(official_python: str | None) -> list[Client]:
    """Every client there is here, the official one only if its interpreter is given."""
    found = [
        Client("dualbroker", "client_dualbroker.py"),
        Client("dualbroker, no transport", "client_floor.py", work="store"),
        Client("floor: decode", "client_floor.py", work="decode"),
        Client("floor: read and cut", "client_floor.py", work="socket"),
    ]
    if official_python is not None:
        found.insert(0, Client("official client", "client_official.py", official_python))
    return found


@contextmanager
def source(ticks: int, instruments: int, rate: float = 0.0) -> Iterator[dict[str, Any]]:
    """A running raw source; gives what it says of itself (port, sizes of its frames)."""
    options = [f"--ticks={ticks}", f"--instruments={instruments}", f"--rate={rate}"]
    with child_process([sys.executable, str(HERE / "raw_source.py"), *options]) as process:
        yield _line(process, "the raw source")


def measure(client: Client, port: int, ticks: int, instruments: int) -> Measurement:
    """One run of a client in a fresh process.

    Raises
    ------
    RuntimeError
        The client ended before its result; what it said is on standard error.
    """
    options = [f"--port={port}", f"--ticks={ticks}", f"--instruments={instruments}", f"--work={client.work}"]
    with child_process([client.python, str(HERE / client.script), *options]) as process:
        imported = _line(process, client.name)
        memory_before = psutil.Process(process.pid).memory_info().rss
        _go(process)
        _line(process, client.name)
        _go(process)
        result = _line(process, client.name)
        memory = psutil.Process(process.pid).memory_info().rss - memory_before
    counted = result["ticks"]
    return Measurement(
        counted,
        result["cpu_seconds"] / counted * 1e6,
        result["wall_seconds"] / counted * 1e6,
        memory / counted,
        imported["versions"],
    )


@contextmanager
def child_process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for its standard input and output; it ends with the block."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield process
    finally:
        # All of them end when their standard input does.
        process.communicate(timeout=30.0)


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"expected a line of JSON from {name}, found its end; see its words above")
    said: dict[str, Any] = json.loads(line)
    return said
