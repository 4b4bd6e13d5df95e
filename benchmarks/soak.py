"""A service over a long time: 2,000 ticks a second, and five clients that come and go.

Simulated brokers, the service and this program are processes of their own. Each client takes other streams
each time, in one of the two forms, holds an instrument of its own, and leaves politely, in the middle of a
message, or after having read nothing for a while. After a warm-up the memory must stay what it is, and once
everybody has left there must be as many tasks, threads and sockets as before anybody came.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
from service_process import Service, end_with, simulated_brokers, wait_until, write_config
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

import dualbroker
from dualbroker.errors import ConnectionFailedError

COUNTS_TASKS = """
import asyncio, collections, json, os, pathlib
from dualbroker.manager import WebSocketManager
_start, _path = WebSocketManager.start, pathlib.Path({path!r})
async def _count():
    loop, late = asyncio.get_running_loop(), collections.deque([0.0], maxlen=100_000)
    while True:
        for _ in range(20):
            due = loop.time() + 0.05
            await asyncio.sleep(0.05)
            late.append(loop.time() - due)
        names = collections.Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())
        draft = _path.with_suffix(".draft")
        ordered = sorted(late)
        lag = [ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99, 1.0)]
        draft.write_text(json.dumps(dict(tasks=names, lag=lag)))
        os.replace(draft, _path)
async def _counted(self):
    self._background.spawn(_count())
    await _start(self)
WebSocketManager.start = _counted
"""
SAMPLE_EVERY_S = 2.0
SETTLES_WITHIN_S = 60.0
"""A client that does not read is given time before it is cut off, and its instruments are held a while."""
MOST_GROWTH = 0.05
"""Of the memory, from the first quarter after the warm-up to the last."""
MOST_ROWS = 131_072
"""Ticks that are kept: two blocks, so that the store is full before the warm-up is over."""
CHAINS = [
    {"underlying": name, "expiry": expiry, "strikes": 60}
    for name, expiry in (("NIFTY", 0), ("NIFTY", 1), ("BANKNIFTY", 0))
]


OF_THE_MARKET = 0.354
"""The share of the simulated market's ticks that is of those chains."""
ATTACH_WITHIN_S = 120.0
"""Also on a machine that is busy with other work; how late the service's loop was is told."""
MOST_NEW_THREADS = 6
"""Of the pool for what waits: they come as they are needed, and stay."""
MOST_IDLE_SOCKETS = 20
"""Idle connections to the brokers' REST that its client keeps at most; the next call releases them."""
ONE_FEED = threading.Lock()
"""A process has one feed of an address, so the one that closes it closes it for all."""


class Sample(NamedTuple):
    """The service's process at one moment."""

    second: float
    memory_bytes: int
    threads: int
    files: int
    """Sockets and files that are open; handles on Windows."""
    tasks: int
    clients: int
    """Sockets of the service's own port but for the one that listens."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--ticks", type=float, default=2_000, help="a second")
    parser.add_argument("--clients", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        result = run(arguments, Path(folder))
    end_with(result, as_json=arguments.json)


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    options = ("--strikes=60", "--expiries=2", f"--ticks-per-second={arguments.ticks / OF_THE_MARKET:.0f}")
    tasks = folder / "tasks.json"
    with simulated_brokers(*options, f"--seed={arguments.seed}") as greeting:
        config = write_config(
            folder,
            greeting,
            subscribe=CHAINS,
            ticks={"max_rows": MOST_ROWS},
            journal={"path": str(folder / "orders.sqlite")},
        )
        service = Service(config, prelude=COUNTS_TASKS.format(path=str(tasks)))
        try:
            service.wait_until_it_works()
            return soak(service, arguments, tasks)
        finally:
            service.kill()


def soak(service: Service, arguments: argparse.Namespace, tasks: Path) -> dict[str, Any]:
    process = psutil.Process(service.process.pid)
    duration_s = arguments.minutes * 60
    samples: list[Sample] = []
    started = time.monotonic()
    time.sleep(min(10.0, duration_s / 10))
    before = sample(process, tasks, started)
    cpu_before, row_before, row_time = process.cpu_times(), row_number(service), time.monotonic()

    ended = threading.Event()
    clients = [
        Client(service.address, random.Random(arguments.seed * 100 + number), ended, duration_s)
        for number in range(arguments.clients)
    ]
    for client in clients:
        client.start()
    while time.monotonic() - started < duration_s and service.process.poll() is None:
        time.sleep(SAMPLE_EVERY_S)
        samples.append(sample(process, tasks, started))
        if not arguments.json and len(samples) % 30 == 0:
            print(f"{samples[-1].second:6.0f} s  {samples[-1]}", file=sys.stderr)
    rows = row_number(service) - row_before
    seconds = time.monotonic() - row_time
    cpu = process.cpu_times()
    ended.set()
    for client in clients:
        client.join(60)
    visits: Counter[str] = sum((client.visits for client in clients), Counter())
    problems = [problem for client in clients for problem in client.problems]
    problems += not_flat(samples)

    after = before

    def is_as_before() -> bool:
        nonlocal after
        after = sample(process, tasks, started)
        left = (
            after.clients or after.tasks > before.tasks or after.threads > before.threads + MOST_NEW_THREADS
        )
        return not left and after.files <= before.files + MOST_IDLE_SOCKETS

    with contextlib.suppress(RuntimeError):
        wait_until(is_as_before, "what it was", SETTLES_WITHIN_S)
    if not is_as_before():
        problems.append(f"left behind: before {before}, after {after}, tasks {tasks.read_text('utf-8')}")
    quarter = max(1, len(warm(samples)) // 4)
    memory = [each.memory_bytes / 1e6 for each in warm(samples)]
    return {
        "minutes": round(seconds / 60, 1),
        "ticks a second, stored": round(rows / seconds),
        "visits": dict(visits),
        "messages read": sum(client.messages for client in clients),
        "MB before anybody came": round(before.memory_bytes / 1e6, 1),
        "MB, first quarter once warm": round(statistics.median(memory[:quarter]), 1),
        "MB, last quarter": round(statistics.median(memory[-quarter:]), 1),
        "MB, highest": round(max(memory), 1),
        "CPU, % of a core": round(
            100 * (cpu.user + cpu.system - cpu_before.user - cpu_before.system) / seconds, 1
        ),
        "tasks before, most, after": [before.tasks, max(each.tasks for each in samples), after.tasks],
        "files before, most, after": [before.files, max(each.files for each in samples), after.files],
        "client sockets, most, after": [max(each.clients for each in samples), after.clients],
        "threads before, most, after": [before.threads, max(each.threads for each in samples), after.threads],
        "loop late, ms, p50, p99, most": [
            round(late * 1e3, 1) for late in json.loads(tasks.read_text("utf-8"))["lag"]
        ],
        "seconds to end": round(service.stop(), 1),
        "problems": problems,
    }


def sample(process: psutil.Process, tasks: Path, started: float) -> Sample:
    count = sum(json.loads(tasks.read_text("utf-8"))["tasks"].values())
    files: int = getattr(process, "num_handles" if sys.platform == "win32" else "num_fds")()
    second = time.monotonic() - started
    connections = process.net_connections("tcp")
    listening = {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    clients = sum(each.laddr.port in listening and each.status != psutil.CONN_LISTEN for each in connections)
    return Sample(round(second, 1), process.memory_info().rss, process.num_threads(), files, count, clients)


def row_number(service: Service) -> int:
    """How many ticks the service has stored."""
    with connect(_stream(service.address), open_timeout=ATTACH_WITHIN_S) as client:
        client.send(json.dumps({"streams": {"ticks": {}}}))
        first: int = json.loads(client.recv(timeout=ATTACH_WITHIN_S))["hello"]["first_row"]
    return first


def warm(samples: list[Sample]) -> list[Sample]:
    """Those of after the warm-up."""
    return samples[len(samples) // 4 :]


def not_flat(samples: list[Sample]) -> list[str]:
    memory = [each.memory_bytes for each in warm(samples)]
    quarter = max(1, len(memory) // 4)
    first, last = statistics.median(memory[:quarter]), statistics.median(memory[-quarter:])
    if last > first * (1 + MOST_GROWTH):
        return [f"the memory grew from {first / 1e6:.0f} to {last / 1e6:.0f} MB once it was warm"]
    return []


def _stream(address: str) -> str:
    return address.replace("http:", "ws:") + "/ws"


class Client(threading.Thread):
    """Comes and goes until it is told to end."""

    def __init__(
        self, address: str, chance: random.Random, ended: threading.Event, duration_s: float
    ) -> None:
        super().__init__(daemon=True)
        self._address = address
        self._chance = chance
        self._ended = ended
        self._longest_s = min(60.0, duration_s / 5)
        self.visits: Counter[str] = Counter()
        self.messages = 0
        self.problems: list[str] = []

    def run(self) -> None:
        kinds: dict[str, Callable[[float], None]] = {
            "page": self._page,
            "every tick": self._every_tick,
            "JSON": self._json,
            "reads nothing": self._reads_nothing,
            "feed": self._feed,
        }
        while not self._ended.wait(self._chance.uniform(0.0, 2.0)):
            kind = self._chance.choice(list(kinds))
            if kind == "feed" and not ONE_FEED.acquire(blocking=False):
                continue
            outcome = kind
            try:
                kinds[kind](time.monotonic() + self._chance.uniform(1.0, self._longest_s))
            except ConnectionFailedError:
                outcome = f"{kind}, not attached within its own time"
            except Exception as error:
                self.problems.append(f"{kind}: {type(error).__name__}: {error}"[:300])
                return
            finally:
                if kind == "feed":
                    ONE_FEED.release()
            self.visits[outcome] += 1

    def _page(self, until_s: float) -> None:
        with connect(_stream(self._address), open_timeout=ATTACH_WITHIN_S) as client:
            client.send(json.dumps({"streams": {"view": {}}}))
            self._read(client, until_s)

    def _every_tick(self, until_s: float) -> None:
        with connect(_stream(self._address), open_timeout=ATTACH_WITHIN_S, max_size=None) as client:
            client.send(msgspec.msgpack.encode({"streams": {"ticks": {"after": 0}, "orders": {"after": 0}}}))
            self._read(client, until_s)

    def _json(self, until_s: float) -> None:
        wishes = {"latest": {"hz": 4}, "orders": {"after": 0}, "brokers": {}, "bandwidth": {}}
        with connect(_stream(self._address), open_timeout=ATTACH_WITHIN_S, max_size=None) as client:
            client.send(json.dumps({"streams": wishes}))
            self._read(client, until_s)
            # No goodbye: the cable is pulled.
            client.socket.close()

    def _reads_nothing(self, until_s: float) -> None:
        with connect(
            _stream(self._address),
            open_timeout=ATTACH_WITHIN_S,
            max_queue=1,
            max_size=None,
            ping_interval=None,
        ) as client:
            client.send(json.dumps({"streams": {"ticks": {"after": 0}}}))
            self._ended.wait(max(0.0, until_s - time.monotonic()))
            client.socket.close()

    def _feed(self, until_s: float) -> None:
        with dualbroker.connect(self._address) as feed:
            found = feed.search("NIFTY", exchange="NFO", limit=50)
            feed.subscribe(found.iloc[[self._chance.randrange(len(found))]])
            while time.monotonic() < until_s and not self._ended.wait(1.0):
                self.messages += len(feed.quotes)

    def _read(self, client: ClientConnection, until_s: float) -> None:
        while (left_s := until_s - time.monotonic()) > 0 and not self._ended.is_set():
            try:
                client.recv(timeout=min(left_s, 1.0))
            except TimeoutError:
                continue
            except ConnectionClosed as closed:
                self.problems.append(f"a client that reads was closed: {closed}")
                return
            self.messages += 1


if __name__ == "__main__":
    main()
