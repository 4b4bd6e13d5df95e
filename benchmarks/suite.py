"""What the benchmark suite measures, in which order, and what becomes of the figures. See README.md.

Variants are measured in turn, round by round, so that a busy minute of the machine falls on all of them. A
ratio is taken within each round, and its median given.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from processes import Client, Run, finish, measure, running, source
from report import machine, spread

__all__ = ["FULL", "HOW_TO_INSTALL", "QUICK", "Figures", "Sizes", "run"]

HOW_TO_INSTALL = (
    "the official client is not installed: python -m venv official, then official/bin/pip install "
    'NorenRestApiPy==0.0.22 "websocket-client>=1.9" requests pandas pyyaml wsaccel, '
    "and give --official official/bin/python"
)
NO_WSACCEL = "wsaccel is not installed beside the official client: its row with that is left out"
NO_TLS = 'trustme is not installed, so rows over TLS are left out: pip install "dualbroker[test]" brings it'

Figures = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured."""

    instruments: int = 1_000
    ticks: int
    """At saturation."""
    rounds: int
    rates: tuple[int, ...] = (1_000, 10_000)
    rate_seconds: float
    rate_rounds: int
    burst: int = 2_000
    bursts: int
    idle_instruments: tuple[int, ...] = (100, 1_000, 10_000)
    idle_seconds: float
    frame_ticks: int
    frame_instruments: int = 10_000
    growth_instruments: tuple[int, ...] = (100, 1_000, 10_000)
    growth_stored: tuple[int, ...]
    growth_ticks: int
    growth_rounds: int
    starts: int


QUICK = Sizes(
    ticks=60_000,
    rounds=3,
    rate_seconds=2.5,
    rate_rounds=2,
    bursts=10,
    idle_seconds=12.0,
    frame_ticks=1_000_000,
    growth_stored=(10_000, 1_000_000),
    growth_ticks=60_000,
    growth_rounds=1,
    starts=2,
)
FULL = Sizes(
    ticks=500_000,
    rounds=7,
    rate_seconds=10.0,
    rate_rounds=5,
    bursts=50,
    idle_seconds=60.0,
    frame_ticks=10_000_000,
    growth_stored=(10_000, 1_000_000, 10_000_000),
    growth_ticks=300_000,
    growth_rounds=5,
    starts=5,
)


def run(sizes: Sizes, official: str | None, say: Say) -> Figures:
    """All of it.

    Parameters
    ----------
    official
        An interpreter that has the official client; None looks for it beside this one.
    say
        Told what is being measured.

    Returns
    -------
    dict
        ``saturation``, ``rates``, ``latency``, ``burst``, ``memory``, ``frames``, ``growth``, ``idle``,
        ``start``, and ``method``: on what and how it was measured, and what was left out and why.
    """
    left_out: list[str] = []
    if official is None and importlib.util.find_spec("NorenRestApiPy") is not None:
        official = sys.executable
    if official is None:
        left_out.append(HOW_TO_INSTALL)
    elif not _has(official, "wsaccel"):
        left_out.append(NO_WSACCEL)
    most = max(sizes.ticks, sizes.bursts * sizes.burst, *(_ticks_at(rate, sizes) for rate in sizes.rates))
    say("the source builds its frames")
    with source(most, sizes.instruments) as at:
        if at["tls"] is None:
            left_out.append(NO_TLS)
        variants = _variants(
            official, with_wsaccel=NO_WSACCEL not in left_out, with_tls=at["tls"] is not None
        )
        saturation, runs = _saturation(variants, at, sizes, say)
        result: Figures = {
            "saturation": saturation,
            "rates": {str(rate): _at_rate(variants, at, rate, sizes, say) for rate in sizes.rates},
            "latency": {
                str(rate): _delays(variants, at, sizes, say, f"latency at {rate:,}/s", rate=rate)
                for rate in sizes.rates
            },
            "burst": _delays(variants, at, sizes, say, f"bursts of {sizes.burst:,}", burst=sizes.burst),
            "memory": _memory(runs),
            "frames": _frames(at, sizes, say),
        }
    result["growth"] = _growth(sizes, say)
    result["idle"] = _idle(sizes, say)
    result["start"] = _starts(sizes, say)
    versions = {name: version for each in runs.values() for name, version in each[0].versions.items()}
    result["method"] = {
        "machine": machine(),
        "versions": versions,
        "sizes": asdict(sizes),
        "frame_bytes": at["frame_bytes"],
        "left_out": left_out,
    }
    return result


def _has(python: str, module: str) -> bool:
    words = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", words], check=False).returncode == 0


def _ticks_at(rate: int, sizes: Sizes) -> int:
    return round(rate * sizes.rate_seconds)


def _variants(official: str | None, *, with_wsaccel: bool, with_tls: bool) -> dict[str, Client]:
    """By the names that the figures have."""
    ours = Client("client_dualbroker.py")
    found: dict[str, Client] = {}
    if official is not None:
        theirs = Client("client_official.py", official)
        found["official"] = theirs
        if with_wsaccel:
            found["official_wsaccel"] = theirs._replace(environment={"DUALBROKER_BENCH_WSACCEL": "1"})
        if with_tls:
            found["official_tls"] = theirs._replace(tls=True)
    found["dualbroker"] = ours
    if with_tls:
        found["dualbroker_tls"] = ours._replace(tls=True)
    found["dualbroker_no_gather"] = ours._replace(options=("--gather=0",))
    found["dualbroker_no_transport"] = Client("client_floor.py", options=("--work=store",))
    found["floor_decode"] = Client("client_floor.py", options=("--work=decode",))
    found["floor_read_and_cut"] = Client("client_floor.py", options=("--work=socket",))
    return found


NEED_NO_SOCKET = ("dualbroker_no_transport", "floor_decode")
KEEP_TICKS = ("official", "dualbroker")


def _saturation(
    variants: Mapping[str, Client], at: Figures, sizes: Sizes, say: Say
) -> tuple[Figures, dict[str, list[Run]]]:
    # Where each read is full anyway there is nothing to gather.
    chosen = {name: each for name, each in variants.items() if name != "dualbroker_no_gather"}
    runs = _rounds(chosen, at, sizes.rounds, say, "saturation", sizes, ticks=sizes.ticks)
    return _cpu(runs), runs


def _at_rate(variants: Mapping[str, Client], at: Figures, rate: int, sizes: Sizes, say: Say) -> Figures:
    chosen = {name: each for name, each in variants.items() if name not in NEED_NO_SOCKET}
    ticks = _ticks_at(rate, sizes)
    return _cpu(_rounds(chosen, at, sizes.rate_rounds, say, f"{rate:,}/s", sizes, ticks=ticks, rate=rate))


def _rounds(
    clients: Mapping[str, Client],
    at: Figures,
    rounds: int,
    say: Say,
    words: str,
    sizes: Sizes,
    **options: Any,
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in clients}
    for number in range(rounds):
        for name, client in clients.items():
            say(f"{words}, round {number + 1} of {rounds}: {name}")
            taken = measure(client, at, sizes.instruments, **options)
            if taken.said["ticks"] != options["ticks"]:
                raise RuntimeError(f"{name}: expected {options['ticks']} ticks, found {taken.said['ticks']}")
            runs[name].append(taken)
    return runs


def _cpu(runs: Mapping[str, Sequence[Run]]) -> Figures:
    """CPU of each, and how many times that the official client took in the same round."""
    found: Figures = {}
    for name, each in runs.items():
        values = [run.cpu_us_per_tick for run in each]
        found[name] = {"cpu_us_per_tick": statistics.median(values), "spread": spread(values)._asdict()}
        if "official" in runs:
            pairs = zip(runs["official"], each, strict=True)
            found[name]["of_official"] = statistics.median(
                ours.cpu_us_per_tick / theirs.cpu_us_per_tick for theirs, ours in pairs
            )
    return found


def _delays(
    variants: Mapping[str, Client],
    at: Figures,
    sizes: Sizes,
    say: Say,
    words: str,
    *,
    rate: int = 0,
    burst: int = 0,
) -> Figures:
    """From the write to the socket to a row that can be read, or to the official client's callback."""
    chosen = ("official", "dualbroker") if burst else ("official", "dualbroker", "dualbroker_no_gather")
    clients = {
        name: client._replace(options=(*client.options, "--work=latency"))
        for name, client in variants.items()
        if name in chosen
    }
    ticks = sizes.bursts * burst if burst else _ticks_at(rate, sizes)
    runs = _rounds(clients, at, 1, say, words, sizes, ticks=ticks, rate=rate, burst=burst)
    return {
        name: {key: each[0].said[key] for key in ("p50_ms", "p99_ms", "max_ms")}
        for name, each in runs.items()
    }


def _memory(runs: Mapping[str, Sequence[Run]]) -> Figures:
    """Per tick that is kept: what the process grew by while they came."""
    found: Figures = {}
    for name in KEEP_TICKS:
        if name in runs:
            values = [run.grown_bytes / run.said["ticks"] for run in runs[name]]
            found[name] = {"bytes_per_tick": statistics.median(values), "spread": spread(values)._asdict()}
    return found


def _frames(at: Figures, sizes: Sizes, say: Say) -> Figures:
    say(f"frames of {sizes.frame_ticks:,} stored ticks")
    taken = measure(Client("client_frames.py"), at, sizes.frame_instruments, stored=sizes.frame_ticks)
    return {"stored_ticks": taken.said["ticks"], **taken.said["frames"]}


def _growth(sizes: Sizes, say: Say) -> Figures:
    """CPU per tick, with more instruments (all of it), and with more ticks stored (without the transport)."""
    by_instruments: dict[str, list[Run]] = {}
    with ExitStack() as stack:
        sources = {
            count: stack.enter_context(source(sizes.growth_ticks, count))
            for count in sizes.growth_instruments
        }
        for _ in range(sizes.growth_rounds):
            for count, at in sources.items():
                say(f"growth: {count:,} instruments")
                taken = measure(Client("client_dualbroker.py"), at, count, sizes.growth_ticks)
                by_instruments.setdefault(str(count), []).append(taken)
        by_stored: dict[str, list[Run]] = {}
        store = Client("client_floor.py", options=("--work=store",))
        at = next(iter(sources.values()))
        for _ in range(sizes.growth_rounds):
            for stored in sizes.growth_stored:
                say(f"growth: {stored:,} ticks stored")
                taken = measure(store, at, sizes.instruments, sizes.growth_ticks, stored=stored)
                by_stored.setdefault(str(stored), []).append(taken)
    return {"instruments": _cpu(by_instruments), "stored_ticks": _cpu(by_stored)}


def _idle(sizes: Sizes, say: Say) -> Figures:
    """Side by side: each does next to nothing, and CPU is counted by process."""
    client = Client("client_dualbroker.py", options=("--work=idle",))
    with ExitStack() as stack:
        processes = {}
        for count in sizes.idle_instruments:
            say(f"idle: {count:,} instruments")
            at = stack.enter_context(source(1, count))
            processes[count] = stack.enter_context(running(client, at, count, seconds=sizes.idle_seconds))
        runs = {count: finish(process, client) for count, process in processes.items()}
    return {
        "cpu_percent": {
            str(count): 100 * run.said["cpu_seconds"] / run.said["wall_seconds"]
            for count, run in runs.items()
        }
    }


def _starts(sizes: Sizes, say: Say) -> Figures:
    with source(1, 10) as at:
        runs = []
        for number in range(sizes.starts):
            say(f"start {number + 1} of {sizes.starts}")
            runs.append(measure(Client("client_first.py"), at, 10).said)
    return {
        what: {key: statistics.median(said[what][key] for said in runs) for key in ("wall_s", "cpu_s")}
        for what in ("import", "import, connect, first frame")
    }
