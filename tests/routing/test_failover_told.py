"""Each change of the quote source is told, also where those who were to take over fail. Virtual time."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from dualbroker.manager import WebSocketManager
from dualbroker.simulator.faults.faults import Strike
from dualbroker.stores.incidents import Failover
from tests.manager.carrying import carried_by, ticks_after
from tests.simulated import World, eventually, run_world

INDEX, SHARE = ("NSE", "26000"), ("NSE", "2885")


def brokers_of(failover: Failover) -> tuple[str, str]:
    return failover.from_broker, failover.to_broker


def kill(world: World, name: str) -> None:
    world.simulation.set_faults(name, refuse=True)
    world.simulation.strike(name, Strike(action="reset"))


async def begun(world: World, manager: WebSocketManager) -> None:
    """Quotes flow, and whoever takes them over from broker1 will not have brought any when it is killed."""
    await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
    await asyncio.sleep(5)
    for name in list(manager.brokers)[1:]:
        world.simulation.set_faults(name, mute=True)


def test_when_the_one_that_takes_over_dies_before_it_did_the_next_one_is_told_with_the_whole_gap() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await begun(world, manager)
            world.simulation.clear_faults("broker3")
            kill(world, "broker1")
            await asyncio.sleep(2)
            kill(world, "broker2")
            await eventually(partial(carried_by, manager, "broker3"), within_s=1.0)
            first, second = manager.incidents.failovers_snapshot()
            assert brokers_of(first) == ("broker1", "broker2")
            assert first.finished
            assert not first.gaps_s
            assert set(first.uncovered) == {"NSE:NIFTY INDEX", "NSE:RELIANCE-EQ"}
            assert brokers_of(second) == ("broker2", "broker3")
            assert second.detected_after_s is None, "it never brought a quote"
            assert second.why.startswith("broker2: ")
            await eventually(lambda: second.finished, within_s=0.2)
            assert set(second.gaps_s) == {INDEX, SHARE}
            assert all(2.0 < gap_s < 4.0 for gap_s in second.gaps_s.values()), "since broker1's last quote"
            assert any("go to broker3" in each.action for each in manager.incidents.incidents_snapshot())

    run_world(story, brokers=3)


@pytest.mark.parametrize("returns", ["broker1", "broker2"])
def test_when_all_are_down_whoever_returns_is_told_with_the_whole_gap(returns: str) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await begun(world, manager)
            kill(world, "broker1")
            await asyncio.sleep(1)
            kill(world, "broker2")
            await asyncio.sleep(30)
            [first] = manager.incidents.failovers_snapshot()
            assert not first.finished, "nobody has taken over yet"
            count = manager.quotes.tick_count
            world.simulation.clear_faults(returns)
            await eventually(partial(ticks_after, manager, count + 5), within_s=60)
            assert carried_by(manager, returns)
            told = manager.incidents.failovers_snapshot()
            if returns == "broker2":
                assert [brokers_of(each) for each in told] == [("broker1", "broker2")]
            else:
                assert [brokers_of(each) for each in told] == [("broker1", "broker2"), ("broker2", "broker1")]
                assert len(first.uncovered) == 2
            assert all(each.finished for each in told)
            assert not told[-1].uncovered
            assert all(30 < gap_s < 75 for gap_s in told[-1].gaps_s.values())
            assert len(told[-1].gaps_s) == 2

    run_world(story)


def test_when_the_one_that_takes_over_refuses_it_is_told_of_the_one_that_does_not() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(5)
            world.simulation.set_faults("broker2", unacknowledged=1.0)
            kill(world, "broker1")
            await eventually(partial(carried_by, manager, "broker3"), within_s=10.0)
            first, second = manager.incidents.failovers_snapshot()
            assert (brokers_of(first), brokers_of(second)) == (("broker1", "broker2"), ("broker2", "broker3"))
            assert len(first.uncovered) == len(second.gaps_s) == 2
            assert second.why == "broker2 does not stream them"
            await eventually(lambda: first.finished and second.finished, within_s=0.2)

    run_world(story, brokers=3)


def test_what_no_broker_streams_any_more_is_told_once_however_often_it_is_tried() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(5)
            for name in ("broker2", "broker3"):
                world.simulation.set_faults(name, unacknowledged=1.0)
            kill(world, "broker1")
            await asyncio.sleep(1800)
            [failover] = manager.incidents.failovers_snapshot()
            assert brokers_of(failover) == ("broker1", "broker2")
            assert failover.finished
            assert len(failover.uncovered) == 2
            world.simulation.clear_faults("broker2")
            await eventually(partial(carried_by, manager, "broker2"), within_s=1800)
            assert not failover.uncovered, "late, and yet"
            assert all(gap_s > 1800 for gap_s in failover.gaps_s.values())
            await asyncio.sleep(1)
            assert len(manager.incidents.failovers_snapshot()) == 1

    run_world(story, brokers=3, orders_per_minute=0.0, step_interval_s=0.5)
