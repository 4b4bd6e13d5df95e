"""Receive times and times of day, whatever happens to the system's clock."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.clock import SystemClock
from dualbroker.manager import WebSocketManager
from tests.simulated import World, run_world

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
START_NS = 1_800_000_000 * SECOND_NS


class System:
    """A machine's two clocks."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wall_ns = START_NS
        self.monotonic_ns = 77 * SECOND_NS
        patch.setattr(time, "time_ns", lambda: self.wall_ns)
        patch.setattr(time, "monotonic_ns", lambda: self.monotonic_ns)

    def run(self, duration_ns: int) -> None:
        self.wall_ns += duration_ns
        self.monotonic_ns += duration_ns


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


def test_after_a_sleep_receive_times_are_of_now(system: System) -> None:
    clock = SystemClock()
    system.run(SECOND_NS)
    assert clock.now_ns() == START_NS + SECOND_NS
    system.wall_ns += 8 * HOUR_NS
    assert clock.catch_up() == 8 * 3600.0
    assert clock.now_ns() == system.wall_ns
    assert clock.catch_up() == 0.0, "it is told once"
    system.run(SECOND_NS)
    assert clock.now_ns() == system.wall_ns


def test_a_clock_that_is_set_back_moves_no_receive_time_and_stops_none(system: System) -> None:
    clock = SystemClock()
    before_ns = clock.now_ns()
    system.wall_ns -= 5 * HOUR_NS
    assert clock.catch_up() == -5 * 3600.0
    assert clock.now_ns() == before_ns
    system.run(SECOND_NS)
    assert clock.catch_up() == 0.0, "it is told once"
    assert clock.now_ns() == before_ns + SECOND_NS
    system.wall_ns += 6 * HOUR_NS
    assert clock.catch_up() == 6 * 3600.0
    assert clock.now_ns() == system.wall_ns


def test_small_steps_move_nothing_until_they_add_up_to_more_than_a_second(system: System) -> None:
    clock = SystemClock()
    for expected_s in (0.0, 0.0, 1.2):
        system.wall_ns += SECOND_NS * 2 // 5
        assert clock.catch_up() == pytest.approx(expected_s)
    assert clock.now_ns() == system.wall_ns


@given(
    st.lists(st.tuples(st.integers(0, 10 * SECOND_NS), st.integers(-9 * HOUR_NS, 9 * HOUR_NS), st.booleans()))
)
def test_receive_times_never_go_back(happenings: list[tuple[int, int, bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        system = System(patch)
        clock = SystemClock()
        last_ns = clock.now_ns()
        for runs_ns, step_ns, looks in happenings:
            system.run(runs_ns)
            system.wall_ns += step_ns
            if looks:
                clock.catch_up()
            assert clock.now_ns() >= last_ns + runs_ns
            last_ns = clock.now_ns()


def test_a_running_feed_follows_a_clock_that_goes_ahead_and_says_so(system: System) -> None:
    async def story(world: World) -> None:
        system.wall_ns = start_ns = world.clock.now_ns()
        async with WebSocketManager(world.config, transport=cast(Any, world.transport)) as manager:
            await asyncio.sleep(3)
            assert manager.wall_clock.now_ns() == manager.clock.now_ns() == start_ns
            system.wall_ns += 8 * HOUR_NS
            assert manager.wall_clock.now_ns() == system.wall_ns, "the time of day is the system's at once"
            await asyncio.sleep(1.5)
            assert manager.clock.now_ns() == system.wall_ns
            system.wall_ns -= HOUR_NS
            await asyncio.sleep(1.5)
            assert manager.wall_clock.now_ns() == system.wall_ns
            assert manager.clock.now_ns() == system.wall_ns + HOUR_NS
            causes = [each.cause for each in manager.incidents.incidents_snapshot()]
            assert [cause for cause in causes if "clock" in cause] == [
                "the system's clock has gone ahead by 28,800 s",
                "the system's clock has been set back by 3,600 s",
            ]

    run_world(story)
