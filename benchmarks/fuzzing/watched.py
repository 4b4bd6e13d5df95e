"""Worker processes that are watched: one that hangs or dies costs one input, and is a finding."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from .targets import Target, all_targets
from .work import Failure, Tally, input_of, run_inputs

__all__ = ["HANG_S", "Chunk", "MakeTargets", "chunks", "run_watched"]

HANG_S = 30.0
"""Wall-clock seconds after which an input counts as one that hangs."""

_CHUNK_INPUTS = 1_000

Chunk = tuple[str, int, int]
"""A target, and the first number of its inputs and the one past the last."""

MakeTargets = Callable[[Path], Mapping[str, Target]]
"""Made again in each process, so it has to be a function of a module."""


def chunks(numbers: dict[str, int]) -> Iterator[Chunk]:
    """All inputs in pieces, the targets in turn."""
    start = 0
    while any(start < count for count in numbers.values()):
        for name, count in numbers.items():
            if start < count:
                yield name, start, min(count, start + _CHUNK_INPUTS)
        start += _CHUNK_INPUTS


def _work(connection: Connection, make: MakeTargets, seed: int, room: Path, place: Any, began_s: Any) -> None:
    """A worker's life: chunks in, tallies out, until there is nothing more."""
    targets = make(room)

    def announce(index: int) -> None:
        place.value = index
        began_s.value = time.monotonic()

    while (chunk := connection.recv()) is not None:
        name, start, stop = chunk
        connection.send(run_inputs(targets[name], seed, start, stop, announce))
        began_s.value = 0.0
    connection.close()


class _Worker:
    def __init__(self, make: MakeTargets, seed: int, room: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._place = context.Value("q", 0, lock=False)
        self._began_s = context.Value("d", 0.0, lock=False)
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, make, seed, room, self._place, self._began_s), daemon=True
        )
        self._process.start()
        theirs.close()
        self.chunk: Chunk | None = None

    def give(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self._place.value, self._began_s.value = chunk[1], 0.0
        self.connection.send(chunk)

    @property
    def index(self) -> int:
        """Of the input it is at."""
        return int(self._place.value)

    @property
    def at_it_s(self) -> float:
        """Wall-clock seconds since it began with that input; 0 between two chunks."""
        began_s = float(self._began_s.value)
        return time.monotonic() - began_s if self.chunk and began_s else 0.0

    def end(self) -> None:
        """Let it go: at its own pace when it is idle, at once when it is not."""
        if self.chunk is None and self._process.is_alive():
            self.connection.send(None)
            self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def run_watched(
    work: Iterator[Chunk],
    seed: int,
    processes: int,
    room: Path,
    tell: Callable[[str, Tally], None],
    *,
    make: MakeTargets = all_targets,
    hang_s: float = HANG_S,
) -> None:
    """Run all chunks in that many processes, and tell each result as it comes.

    ``room`` is an empty folder for their files.
    """
    waiting = deque(work)
    targets = make(room)
    workers = [_Worker(make, seed, room) for _ in range(processes)]
    try:
        while waiting or any(worker.chunk for worker in workers):
            for worker in workers:
                if worker.chunk is None and waiting:
                    worker.give(waiting.popleft())
            ready = wait([worker.connection for worker in workers if worker.chunk], timeout=min(1.0, hang_s))
            for place, worker in enumerate(workers):
                if worker.chunk is None:
                    continue
                name, start, stop = worker.chunk
                lost = "the process died" if worker.connection in ready else None
                if worker.connection in ready:
                    try:
                        tell(name, worker.connection.recv())
                        worker.chunk = None
                        continue
                    except (EOFError, OSError):
                        pass
                elif worker.at_it_s > hang_s:
                    lost = f"hangs: no end after {hang_s:g} s"
                if lost is None:
                    continue
                index = worker.index
                data = input_of(targets[name], seed, index)
                failure = Failure(name, index, lost, lost, repr(data)[:5_000])
                tell(name, Tally(inputs=1, outcomes={"failed": 1}, failures=[failure]))
                waiting.extend(
                    part for part in ((name, start, index), (name, index + 1, stop)) if part[1] < part[2]
                )
                worker.end()
                workers[place] = _Worker(make, seed, room)
    finally:
        for worker in workers:
            worker.end()
