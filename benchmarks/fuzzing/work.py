"""Feeds a target one input after another, times each, and makes what fails small."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from .targets import Target

__all__ = ["CPU_BOUND_S", "Failure", "Tally", "fail_kind", "input_of", "run_inputs", "smallest"]

CPU_BOUND_S = 2.0
"""CPU seconds that one input may cost; beyond that it is a failure."""

_SMALLER_TRIES = 400
_MOST_FAILURES = 50


class Failure(msgspec.Struct):
    """An input that the product did not stand."""

    target: str
    index: int
    kind: str
    """The type and place of the error: one entry for each, however many inputs hit it."""
    message: str
    reproducer: str
    """The smallest input found, as Python writes bytes."""
    times: int = 1


class Tally(msgspec.Struct):
    """What became of a number of inputs."""

    inputs: int = 0
    outcomes: dict[str, int] = {}
    slowest_s: float = 0.0
    """CPU seconds."""
    slowest_index: int = -1
    failures: list[Failure] = []

    def add(self, other: Tally) -> None:
        """Take in what became of others."""
        self.inputs += other.inputs
        for outcome, count in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest_index = other.slowest_s, other.slowest_index
        for failure in other.failures:
            self.note(failure)

    def note(self, failure: Failure) -> None:
        """Count a failure; one of a kind that is known adds to it."""
        for known in self.failures:
            if known.kind == failure.kind:
                known.times += failure.times
                return
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(failure)


def input_of(target: Target, seed: int, index: int) -> bytes:
    """The input of that number; always the same."""
    return target.make(random.Random(f"{seed}/{target.name}/{index}"))


def run_inputs(
    target: Target,
    seed: int,
    start: int,
    stop: int,
    announce: Callable[[int], None] = lambda _index: None,
) -> Tally:
    """Make and judge the inputs of these numbers.

    Parameters
    ----------
    announce
        Told each number before its input is read, so that a watcher knows which one hangs.
    """
    tally = Tally()
    for index in range(start, stop):
        announce(index)
        data = input_of(target, seed, index)
        began_s = time.process_time()
        kind, message = _judge(target, data)
        took_s = time.process_time() - began_s
        tally.inputs += 1
        if took_s > tally.slowest_s:
            tally.slowest_s, tally.slowest_index = took_s, index
        if kind is None:
            tally.outcomes[message] = tally.outcomes.get(message, 0) + 1
            if took_s > CPU_BOUND_S:
                tally.note(Failure(target.name, index, "too slow", f"{took_s:.1f} s", repr(data)))
            continue
        tally.outcomes["failed"] = tally.outcomes.get("failed", 0) + 1
        if all(known.kind != kind for known in tally.failures):
            data = smallest(data, partial(_fails_so, target, kind))
        tally.note(Failure(target.name, index, kind, message[:500], repr(data)[:5_000]))
    return tally


def _judge(target: Target, data: bytes) -> tuple[str | None, str]:
    """The kind of failure and its words; without one, None and the outcome."""
    try:
        return None, target.check(data)
    except Exception as error:
        return fail_kind(error), f"{type(error).__name__}: {error}"


def _fails_so(target: Target, kind: str, data: bytes) -> bool:
    return _judge(target, data)[0] == kind


def fail_kind(error: Exception) -> str:
    """The error's type and the innermost lines of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in frames
        if "site-packages" not in frame.filename
    ]
    return " ".join((type(error).__name__, *ours[-3:]))


def smallest(data: bytes, still_fails: Callable[[bytes], bool]) -> bytes:
    """Leave out whatever the failure does not need: halves first, then ever smaller pieces."""
    size = max(1, len(data) // 2)
    tries = 0
    while True:
        start, shrunk = 0, False
        while start < len(data) and tries < _SMALLER_TRIES:
            tried = data[:start] + data[start + size :]
            tries += 1
            if still_fails(tried):
                data, shrunk = tried, True
            else:
                start += size
        if tries >= _SMALLER_TRIES or (size == 1 and not shrunk):
            return data
        size = max(1, size // 2) if not shrunk or size > 1 else 1
