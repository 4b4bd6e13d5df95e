"""Cuts a failing schedule down to what it takes to fail: fewer events first, then simpler ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from dualbroker.chaos.run import play
from dualbroker.chaos.schedule import ALL_BROKERS, Event, Fault, Schedule, UserAction

__all__ = ["shrink", "simpler"]

MOST_RUNS = 120
"""At a fifth of a second each."""
_SHORTEST_S = 3.0

Fails = Callable[[Schedule], bool]


def shrink(
    schedule: Schedule, rule: str, *, fails: Fails | None = None, most_runs: int = MOST_RUNS
) -> Schedule:
    """The smallest schedule found that breaks the same rule.

    Parameters
    ----------
    fails
        Whether a schedule breaks it; by playing it unless given.
    most_runs
        After so many the smallest one so far is good enough.
    """
    judge = _Counted(fails or (lambda each: rule in play(each, rules=[rule]).broken_rules), most_runs)
    smallest = msgspec.structs.replace(schedule, events=tuple(_fewer(schedule, judge)))
    progress = True
    while progress and not judge.is_spent:
        progress = False
        for candidate in simpler(smallest):
            if judge(candidate):
                smallest, progress = candidate, True
                break
    return smallest


class _Counted:
    """Asks no more often than allowed; then nothing fails any more, and shrinking ends."""

    def __init__(self, fails: Fails, most: int) -> None:
        self._fails = fails
        self._left = most

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def __call__(self, schedule: Schedule) -> bool:
        if self.is_spent:
            return False
        self._left -= 1
        return self._fails(schedule)


def _fewer(schedule: Schedule, fails: Fails) -> Sequence[Event]:
    """Delta debugging: leave out parts, half of the events first, single ones in the end."""
    events = list(schedule.events)
    parts = 2
    while events:
        size = max(1, len(events) // parts)
        for start in range(0, len(events), size):
            left = events[:start] + events[start + size :]
            if fails(msgspec.structs.replace(schedule, events=tuple(left))):
                events, parts = left, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts *= 2
    return events


def simpler(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules that are a step simpler, the largest steps first."""
    replace = msgspec.structs.replace
    if schedule.events:
        end_s = max(
            each.at_s + (each.lasts_s if isinstance(each, Fault) else 0.0) for each in schedule.events
        )
        if end_s + 1.0 < schedule.faults_end_s:
            yield replace(schedule, faults_end_s=round(end_s + 0.5, 2))
    named = {event.broker for event in schedule.events if not isinstance(event, UserAction)}
    last = f"broker{schedule.brokers}"
    pinned = schedule.settings.get("primary")
    if schedule.brokers > 1 and last not in named and pinned != last:
        others = {name: each for name, each in schedule.broker_settings.items() if name != last}
        limits = {name: each for name, each in schedule.limits.items() if name != last}
        yield replace(schedule, brokers=schedule.brokers - 1, broker_settings=others, limits=limits)
    if schedule.limits:
        yield replace(schedule, limits={})
    if schedule.rest_jitter_s:
        yield replace(schedule, rest_jitter_s=0.0)
    if len(schedule.settings.get("subscribe", [])) > 1:
        half = schedule.settings["subscribe"][: len(schedule.settings["subscribe"]) // 2]
        yield replace(schedule, settings={**schedule.settings, "subscribe": half})
    for place, event in enumerate(schedule.events):
        for other in _simpler_event(event, schedule):
            events = (*schedule.events[:place], other, *schedule.events[place + 1 :])
            yield replace(schedule, events=events)


def _simpler_event(event: Event, schedule: Schedule) -> Iterator[Event]:
    replace = msgspec.structs.replace
    if isinstance(event, UserAction):
        if len(event.names) > 1:
            yield replace(event, names=event.names[: len(event.names) // 2])
            yield replace(event, names=event.names[len(event.names) // 2 :])
        if event.depth:
            yield replace(event, depth=False)
        return
    if event.broker == ALL_BROKERS:
        for number in range(schedule.brokers):
            yield replace(event, broker=f"broker{number + 1}")
    if isinstance(event, Fault):
        if len(event.switches) > 1:
            for switch in event.switches:
                yield replace(event, switches={k: v for k, v in event.switches.items() if k != switch})
        for switch, value in event.switches.items():
            if (rounder := _rounder(value)) != value:
                yield replace(event, switches={**event.switches, switch: rounder})
        if event.lasts_s > _SHORTEST_S:
            yield replace(event, lasts_s=max(_SHORTEST_S, round(event.lasts_s / 2)))
    if event.at_s != round(event.at_s):
        yield replace(event, at_s=float(round(event.at_s)))


def _rounder(value: Any) -> Any:
    """A share becomes all, seconds become whole ones."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return 1.0 if 0 < value < 1 else float(round(value))
