"""What the benchmark suite measures, in which order, and what becomes of the figures. See README.md.

Variants are measured in turn, round by round, so that a busy minute of the machine falls on all of them. A
ratio is taken within each round, and its median given.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from processes import Client, Run, finish, measure, running, source
from report import machine, spread

__all__ = ["FULL", "HOW_TO_INSTALL", "PARTS", "QUICK", "Figures", "Sizes", "run"]

HOW_TO_INSTALL = (
    "the official client is not installed: python -m venv official, then official/bin/pip install "
    'NorenRestApiPy==0.0.22 "websocket-client>=1.9" requests pandas pyyaml wsaccel, '
    "and give --official official/bin/python"
)
NO_WSACCEL = "wsaccel is not installed beside the official client: its row with that is left out"
NO_TLS = 'trustme is not installed, so rows over TLS are left out: pip install "dualbroker[test]" brings it'

PARTS = ("saturation", "rates", "latency", "burst", "memory", "frames", "growth", "idle", "start")
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


def run(sizes: Sizes, official: str | None, say: Say, parts: Collection[str] = PARTS) -> Figures:
    """All of it, or these parts.

    Parameters
    ----------
    official
        An interpreter that has the official client; None looks for it beside this one.
    say
        Told what is being measured.

    Returns
    -------
    dict
        By part, and ``method``: on what and how it was measured, and what was left out and why.
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
        taken = _Suite(
            sizes,
            at,
            _variants(official, with_wsaccel=NO_WSACCEL not in left_out, with_tls=at["tls"] is not None),
            say,
        )
        result: Figures = {part: getattr(taken, part)() for part in PARTS if part in parts}
    result["method"] = {
        "machine": machine(),
        "versions": taken.versions,
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


class _Suite:
    """One measurement of everything; each part is a method that returns its figures."""

    def __init__(self, sizes: Sizes, at: Figures, variants: Mapping[str, Client], say: Say) -> None:
        self._sizes = sizes
        self._at = at
        self._variants = variants
        self._say = say
        self._saturated: dict[str, list[Run]] = {}
        self.versions: dict[str, str] = {}

    def saturation(self) -> Figures:
        """As fast as the socket takes ticks; each read is full then, and there is nothing to gather."""
        if not self._saturated:
            chosen = self._without("dualbroker_no_gather")
            ticks, rounds = self._sizes.ticks, self._sizes.rounds
            self._saturated = self._rounds(chosen, rounds, "saturation", ticks=ticks)
        return _cpu(self._saturated)

    def rates(self) -> Figures:
        """Each tick when it is due."""
        return {str(rate): self._at_rate(rate) for rate in self._sizes.rates}

    def _at_rate(self, rate: int) -> Figures:
        chosen = self._without(*NEED_NO_SOCKET)
        ticks = _ticks_at(rate, self._sizes)
        return _cpu(self._rounds(chosen, self._sizes.rate_rounds, f"{rate:,}/s", ticks=ticks, rate=rate))

    def latency(self) -> Figures:
        """From the write to the socket to a row that can be read, or to the official client's callback."""
        names = ("official", "dualbroker", "dualbroker_no_gather")
        return {
            str(rate): self._delays(f"latency at {rate:,}/s", names, _ticks_at(rate, self._sizes), rate=rate)
            for rate in self._sizes.rates
        }

    def burst(self) -> Figures:
        """The same where many are written at once."""
        burst = self._sizes.burst
        names = ("official", "dualbroker")
        return self._delays(f"bursts of {burst:,}", names, self._sizes.bursts * burst, burst=burst)

    def _delays(self, words: str, names: Collection[str], ticks: int, **options: float) -> Figures:
        clients = {
            name: client._replace(options=(*client.options, "--work=latency"))
            for name, client in self._variants.items()
            if name in names
        }
        return {
            name: {key: run.said[key] for key in ("p50_ms", "p99_ms", "max_ms")}
            for name, (run,) in self._rounds(clients, 1, words, ticks=ticks, **options).items()
        }

    def memory(self) -> Figures:
        """Per tick that is kept: what the process grew by while they came, at saturation."""
        self.saturation()
        found: Figures = {}
        for name in KEEP_TICKS:
            if name in self._saturated:
                values = [run.grown_bytes / run.said["ticks"] for run in self._saturated[name]]
                found[name] = {
                    "bytes_per_tick": statistics.median(values),
                    "spread": spread(values)._asdict(),
                }
        return found

    def frames(self) -> Figures:
        """On a full store."""
        stored = self._sizes.frame_ticks
        self._say(f"frames of {stored:,} stored ticks")
        run = measure(Client("client_frames.py"), self._at, self._sizes.frame_instruments, stored=stored)
        return {"stored_ticks": run.said["ticks"], **run.said["frames"]}

    def growth(self) -> Figures:
        """CPU per tick: all of it with more instruments, without the transport with more ticks stored."""
        sizes = self._sizes
        with ExitStack() as stack:
            sources = {
                count: stack.enter_context(source(sizes.growth_ticks, count))
                for count in sizes.growth_instruments
            }
            by_instruments: dict[str, list[Run]] = {str(count): [] for count in sources}
            for _ in range(sizes.growth_rounds):
                for count, at in sources.items():
                    self._say(f"growth: {count:,} instruments")
                    run = measure(Client("client_dualbroker.py"), at, count, sizes.growth_ticks)
                    by_instruments[str(count)].append(run)
        by_stored: dict[str, list[Run]] = {str(stored): [] for stored in sizes.growth_stored}
        store = Client("client_floor.py", options=("--work=store",))
        for _ in range(sizes.growth_rounds):
            for stored in sizes.growth_stored:
                self._say(f"growth: {stored:,} ticks stored")
                run = measure(store, self._at, sizes.instruments, sizes.growth_ticks, stored=stored)
                by_stored[str(stored)].append(run)
        return {"instruments": _cpu(by_instruments), "stored_ticks": _cpu(by_stored)}

    def idle(self) -> Figures:
        """Side by side: each does next to nothing, and CPU is counted by process."""
        client = Client("client_dualbroker.py", options=("--work=idle",))
        with ExitStack() as stack:
            begun = {}
            for count in self._sizes.idle_instruments:
                self._say(f"idle: {count:,} instruments")
                at = stack.enter_context(source(1, count))
                idle = running(client, at, count, seconds=self._sizes.idle_seconds)
                begun[count] = stack.enter_context(idle)
            runs = {count: finish(each) for count, each in begun.items()}
        return {
            "cpu_percent": {
                str(count): 100 * run.said["cpu_seconds"] / run.said["wall_seconds"]
                for count, run in runs.items()
            }
        }

    def start(self) -> Figures:
        """What a new notebook waits for."""
        runs = []
        with source(1, 10) as at:
            for number in range(self._sizes.starts):
                self._say(f"start {number + 1} of {self._sizes.starts}")
                runs.append(measure(Client("client_first.py"), at, 10).said)
        return {
            what: {key: statistics.median(said[what][key] for said in runs) for key in ("wall_s", "cpu_s")}
            for what in ("import", "import, connect, first frame")
        }

    def _without(self, *names: str) -> dict[str, Client]:
        return {name: each for name, each in self._variants.items() if name not in names}

    def _rounds(
        self, clients: Mapping[str, Client], rounds: int, words: str, *, ticks: int, **options: float
    ) -> dict[str, list[Run]]:
        """Every client once a round, in turn."""
        runs: dict[str, list[Run]] = {name: [] for name in clients}
        for number in range(rounds):
            for name, client in clients.items():
                self._say(f"{words}, round {number + 1} of {rounds}: {name}")
                run = measure(client, self._at, self._sizes.instruments, ticks, **options)
                if run.said["ticks"] != ticks:
                    raise RuntimeError(f"{name}: expected {ticks} ticks, found {run.said['ticks']}")
                runs[name].append(run)
                self.versions |= run.versions
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
