"""Starts the source and the clients, each a fresh process, and reads what they report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

__all__ = ["Client", "Run", "child_process", "finish", "measure", "running", "source"]

HERE = Path(__file__).parent


class Client(NamedTuple):
    """What is measured: a script, its interpreter, and how it is to be used."""

    script: str
    python: str = sys.executable
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    tls: bool = False


class Run(NamedTuple):
    """One run of one client."""

    said: dict[str, Any]
    """What the client reported of it; ``ticks`` always."""
    grown_bytes: int
    """Growth of the process's resident memory from the first tick on."""
    versions: dict[str, str]

    @property
    def cpu_us_per_tick(self) -> float:
        return float(self.said["cpu_seconds"] / self.said["ticks"] * 1e6)


@contextmanager
def source(ticks: int, instruments: int) -> Iterator[dict[str, Any]]:
    """A running raw source; gives what it says of itself (ports, sizes of its frames)."""
    options = [f"--ticks={ticks}", f"--instruments={instruments}"]
    with child_process([sys.executable, str(HERE / "raw_source.py"), *options]) as process:
        yield _line(process, "the raw source")


def measure(client: Client, at: Mapping[str, Any], instruments: int, ticks: int = 1, **options: float) -> Run:
    """One run of a client in a fresh process.

    Parameters
    ----------
    at
        What the source said of itself.
    options
        Of ``child_protocol.parse_arguments``.

    Raises
    ------
    RuntimeError
        The client ended before its result; what it said is on standard error.
    """
    with running(client, at, instruments, ticks, **options) as begun:
        return finish(begun)


class Begun(NamedTuple):
    """A client at its work."""

    process: subprocess.Popen[str]
    script: str
    versions: dict[str, str]
    memory_bytes: int
    """Resident, when it was connected and subscribed."""


@contextmanager
def running(
    client: Client, at: Mapping[str, Any], instruments: int, ticks: int = 1, **options: float
) -> Iterator[Begun]:
    """The same, connected and let go: ``finish`` waits for what it reports. Several may work side by side."""
    address = f"wss://127.0.0.1:{at['tls']['port']}/" if client.tls else f"ws://127.0.0.1:{at['port']}/"
    words = {"port": at["port"], "websocket": address, "ticks": ticks, "instruments": instruments, **options}
    arguments = [f"--{name}={value}" for name, value in words.items()]
    environment = dict(client.environment)
    if client.tls:
        # Of OpenSSL, and of the official client's websocket-client.
        environment |= dict.fromkeys(("SSL_CERT_FILE", "WEBSOCKET_CLIENT_CA_BUNDLE"), at["tls"]["authority"])
    command = [client.python, str(HERE / client.script), *arguments, *client.options]
    with child_process(command, environment) as process:
        imported = _line(process, client.script)
        _go(process)
        _line(process, client.script)
        memory_bytes = psutil.Process(process.pid).memory_info().rss
        _go(process)
        yield Begun(process, client.script, imported["versions"], memory_bytes)


def finish(begun: Begun) -> Run:
    """What a client reports of its work."""
    said = _line(begun.process, begun.script)
    grown = psutil.Process(begun.process.pid).memory_info().rss - begun.memory_bytes
    return Run(said, grown, begun.versions)


@contextmanager
def child_process(
    command: list[str], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for its standard input and output; it ends with the block."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **(environment or {})},
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
