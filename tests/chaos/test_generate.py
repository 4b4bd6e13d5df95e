from __future__ import annotations

import pytest

from dualbroker.chaos.generate import generate_schedule
from dualbroker.chaos.schedule import Fault, OneOff, UserAction, read_schedule, write_schedule
from dualbroker.errors import DualBrokerError
from dualbroker.simulator.faults.faults import Faults, as_strike, changed

SEEDS = range(300)


def test_a_seed_gives_one_schedule_and_another_seed_another() -> None:
    assert generate_schedule(7) == generate_schedule(7)
    assert generate_schedule(7) != generate_schedule(8)


def test_a_schedule_survives_being_written_down() -> None:
    for seed in SEEDS:
        schedule = generate_schedule(seed)
        assert read_schedule(write_schedule(schedule)) == schedule


def test_what_is_no_schedule_is_said_to_be_none() -> None:
    with pytest.raises(DualBrokerError, match="expected a schedule as dualbroker chaos prints it"):
        read_schedule('{"seed": 1}')


def test_every_fault_that_a_simulated_broker_knows_comes_up() -> None:
    switches: set[str] = set()
    actions: set[str] = set()
    for seed in SEEDS:
        schedule = generate_schedule(seed)
        for event in schedule.events:
            if isinstance(event, Fault):
                switches |= set(event.switches)
                changed(Faults(), event.switches)
            elif isinstance(event, OneOff):
                actions.add(event.action)
                as_strike({"action": event.action, "code": event.code, "reason": event.reason})
        for limits in schedule.limits.values():
            switches |= set(limits)
    assert switches == set(Faults.__struct_fields__)
    assert actions == {"close", "reset", "half_frame", "garbage", "oversized", "evict", "expire_tokens"}


def test_schedules_begin_at_all_moments_with_two_to_four_brokers_and_every_kind_of_user() -> None:
    schedules = [generate_schedule(seed) for seed in SEEDS]
    assert {schedule.moment for schedule in schedules} == {
        "session",
        "open",
        "close",
        "midnight",
        "tokens die",
        "day's turn",
    }
    assert {schedule.brokers for schedule in schedules} == {2, 3, 4}
    actions = {e.action for s in schedules for e in s.events if isinstance(e, UserAction)}
    assert actions == {"subscribe", "unsubscribe", "release", "set_quote_source", "reconcile"}


def test_every_fault_ends_in_time_and_faults_overlap() -> None:
    overlapping = 0
    for seed in SEEDS:
        schedule = generate_schedule(seed)
        faults = [event for event in schedule.events if isinstance(event, Fault)]
        assert all(fault.at_s + fault.lasts_s <= schedule.faults_end_s + 0.02 for fault in faults)
        overlapping += any(
            first is not second and first.at_s < second.at_s < first.at_s + first.lasts_s
            for first in faults
            for second in faults
        )
    assert overlapping > len(SEEDS) / 2
