from __future__ import annotations

import pytest

from dualbroker.chaos.generate import generate_schedule
from dualbroker.chaos.run import play
from dualbroker.chaos.schedule import Fault, Schedule
from dualbroker.chaos.shrink import shrink
from tests.chaos.mutations import MUTATIONS


def switches(schedule: Schedule) -> list[set[str]]:
    return [set(event.switches) for event in schedule.events if isinstance(event, Fault)]


def test_two_events_that_fail_together_are_all_that_is_left() -> None:
    schedule = next(
        schedule
        for schedule in map(generate_schedule, range(2000))
        if {"mute"} in switches(schedule) and {"rest_hangs"} in switches(schedule)
    )
    assert len(schedule.events) > 5

    def fails(candidate: Schedule) -> bool:
        return {"mute"} in switches(candidate) and {"rest_hangs"} in switches(candidate)

    smallest = shrink(schedule, "any", fails=fails, most_runs=500)
    assert sorted(map(sorted, switches(smallest))) == [["mute"], ["rest_hangs"]]
    assert len(smallest.events) == 2
    assert all(isinstance(event, Fault) and event.lasts_s <= 3.0 for event in smallest.events)
    assert smallest.faults_end_s < schedule.faults_end_s


def test_a_schedule_that_fails_whatever_happens_loses_all_its_events() -> None:
    assert shrink(generate_schedule(3), "any", fails=lambda schedule: True).events == ()


def test_shrinking_ends_when_it_has_taken_long_enough() -> None:
    runs = 0

    def fails(schedule: Schedule) -> bool:
        nonlocal runs
        runs += 1
        return len(schedule.events) > 3

    shrink(generate_schedule(3), "any", fails=fails, most_runs=10)
    assert runs == 10


@pytest.mark.slow
def test_what_is_left_of_a_real_failure_still_fails_by_the_same_rule() -> None:
    with MUTATIONS["leave_the_old_source_subscribed"].breakage():
        seed = next(s for s in range(60) if "one source" in play(generate_schedule(s)).broken_rules)
        smallest = shrink(generate_schedule(seed), "one source", most_runs=40)
        assert "one source" in play(smallest).broken_rules
    assert len(smallest.events) < len(generate_schedule(seed).events)
