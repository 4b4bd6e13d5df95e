"""Many seeds side by side, in processes of their own, and what they came to together."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from dualbroker.chaos.generate import generate_schedule
from dualbroker.chaos.run import Outcome, play
from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.shrink import shrink
from dualbroker.errors import DualBrokerError
from dualbroker.stores.incidents import quantile

__all__ = ["BatchResult", "Broken", "changed_seeds", "digest_lines", "run_batch", "run_schedule"]

SEEDS_AT_A_TIME = 4
SHOWN_DIGEST = 16
"""Hexadecimal digits of a run's digest that a file of them keeps."""
MOST_SHRUNK = 5
"""Failing seeds that are cut down; the others are named with their whole schedule."""


class Broken(msgspec.Struct, frozen=True):
    """One rule that one schedule broke."""

    seed: int
    rule: str
    words: str
    """The first complaint; others of the same rule in the same run say little more."""
    schedule: Schedule
    """Cut down where ``shrunk`` says so."""
    shrunk: bool = False


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What many runs came to."""

    seeds: int
    first_seed: int
    seconds: float
    processes: int
    outcomes: tuple[Outcome, ...]
    violations: tuple[Broken, ...]

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it. Gaps and detection are virtual seconds, over all runs."""
        outcomes = self.outcomes
        unplanned = [move for outcome in outcomes for move in outcome.moves if not move.planned]
        planned = [move for outcome in outcomes for move in outcome.moves if move.planned]
        gaps = [gap for move in unplanned for gap in move.gaps_s]
        detected = [m.detected_after_s for m in unplanned if m.detected_after_s is not None]
        return {
            "seeds": self.seeds,
            "first_seed": self.first_seed,
            "violations": [msgspec.to_builtins(each) for each in self.violations],
            "seconds": round(self.seconds, 2),
            "processes": self.processes,
            "failovers": len(unplanned),
            "hand_overs": len(planned),
            "gap_s": _quantiles(gaps),
            "detected_after_s": _quantiles(detected),
            "hand_over_gap_s": _quantiles([gap for move in planned for gap in move.gaps_s]),
            "virtual_hours": round(sum(outcome.virtual_s for outcome in outcomes) / 3600, 2),
            "events": sum(outcome.events for outcome in outcomes),
            "incidents": sum(outcome.incidents for outcome in outcomes),
            "ticks": sum(outcome.ticks for outcome in outcomes),
            "order_events": sum(outcome.order_events for outcome in outcomes),
        }


def run_batch(
    seeds: int,
    *,
    first_seed: int = 0,
    processes: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> BatchResult:
    """Play that many seeds.

    Parameters
    ----------
    processes
        One for each core unless given; 1 plays them here.
    on_progress
        Told the number of runs that are over, and of those that broke a rule.
    """
    started_s = time.monotonic()
    count = min(seeds, processes or os.cpu_count() or 1)
    outcomes: list[Outcome] = []
    broken = 0
    for outcome in _play_all(range(first_seed, first_seed + seeds), count):
        outcomes.append(outcome)
        broken += bool(outcome.violations)
        if on_progress is not None:
            on_progress(len(outcomes), broken)
    outcomes.sort(key=lambda outcome: outcome.seed)
    return BatchResult(
        seeds=seeds,
        first_seed=first_seed,
        seconds=time.monotonic() - started_s,
        processes=count,
        outcomes=tuple(outcomes),
        violations=tuple(_broken(outcomes, generate_schedule)),
    )


def digest_lines(result: BatchResult) -> str:
    """A line for each seed, with its run's digest: what to compare with after a change that must change
    nothing."""
    return "".join(f"{each.seed} {each.digest[:SHOWN_DIGEST]}\n" for each in result.outcomes)


def changed_seeds(result: BatchResult, lines: str) -> list[int]:
    """The seeds whose run is another one than in the lines that were kept.

    Raises
    ------
    DualBrokerError
        The lines lack a seed of the result, or are none.
    """
    kept = dict(line.split() for line in lines.splitlines() if line.count(" ") == 1)
    missing = [each.seed for each in result.outcomes if str(each.seed) not in kept]
    if missing:
        raise DualBrokerError(f"expected digests of all seeds played, found none of seed {missing[0]}")
    return [each.seed for each in result.outcomes if kept[str(each.seed)] != each.digest[:SHOWN_DIGEST]]


def run_schedule(schedule: Schedule) -> BatchResult:
    """Play one schedule as it is; nothing is cut down."""
    started_s = time.monotonic()
    outcome = play(schedule)
    return BatchResult(
        seeds=1,
        first_seed=schedule.seed,
        seconds=time.monotonic() - started_s,
        processes=1,
        outcomes=(outcome,),
        violations=tuple(Broken(schedule.seed, v.rule, v.words, schedule) for v in outcome.violations),
    )


def _play_all(seeds: range, processes: int) -> Iterator[Outcome]:
    if processes <= 1:
        yield from map(_play_seed, seeds)
        return
    # Not fork: a copy of this process would share its locks and threads, and Windows knows no fork.
    with multiprocessing.get_context("spawn").Pool(processes, initializer=_settle) as pool:
        yield from pool.imap_unordered(_play_seed, seeds, chunksize=SEEDS_AT_A_TIME)


def _settle() -> None:
    """What the imports made lives as long as the process: the garbage collector need not look at it."""
    generate_schedule(0)
    gc.collect()
    gc.freeze()


def _play_seed(seed: int) -> Outcome:
    return play(generate_schedule(seed))


def _broken(outcomes: list[Outcome], schedule_of: Callable[[int], Schedule]) -> Iterator[Broken]:
    shrunk = 0
    for outcome in outcomes:
        for rule in outcome.broken_rules:
            schedule = schedule_of(outcome.seed)
            words = next(each.words for each in outcome.violations if each.rule == rule)
            if shrunk < MOST_SHRUNK:
                shrunk += 1
                yield Broken(outcome.seed, rule, words, shrink(schedule, rule), shrunk=True)
            else:
                yield Broken(outcome.seed, rule, words, schedule)


def _quantiles(values: list[float]) -> dict[str, float | None]:
    """The median, the 99th hundredth, and the largest; None of nothing."""
    rounded = {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": max(values, default=None)}
    return {name: None if value is None else round(value, 3) for name, value in rounded.items()}
