"""Quotes keep coming when their source fails, and every instrument has exactly one source. Virtual time."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.clock import IST
from dualbroker.errors import ConfigError, ConnectionFailedError
from dualbroker.model import Role
from dualbroker.simulator.faults.faults import Strike
from dualbroker.simulator.market.market import MarketTick
from dualbroker.stores.health import BrokerState
from tests.manager.carrying import all_streamed_by, carried_by, streaming, ticks_after
from tests.simulated import World, eventually, run_world
from tests.simulator.still_market import OPTION, SHARE, StillMarket

LIVENESS = {"quotes_silent_after": 2.0, "probe_every": 1.0}


@pytest.mark.parametrize(
    "blow",
    [
        Strike(action="close", code=1011),
        Strike(action="close", code=1001),
        Strike(action="close", code=1000),
        Strike(action="reset"),
        Strike(action="garbage"),
    ],
    ids=lambda blow: f"{blow.action}-{blow.code}",
)
def test_a_lost_source_is_replaced_at_once_by_the_broker_that_stands_by(blow: Strike) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(30)
            world.simulation.strike("broker1", blow)
            if blow.action == "garbage":
                await asyncio.sleep(5)
                assert carried_by(manager, "broker1"), "what can't be read ends nothing"
                return
            await eventually(partial(carried_by, manager, "broker2"), within_s=1.0)
            assert manager.primary == "broker2"
            assert manager.health["broker2"].role is Role.PRIMARY
            await eventually(partial(ticks_after, manager, manager.quotes.tick_count + 10), within_s=30)
            [failover] = manager.incidents.failovers_snapshot()
            assert (failover.from_broker, failover.to_broker) == ("broker1", "broker2")
            assert failover.finished
            assert not failover.planned
            assert len(failover.gaps_s) == 3
            assert max(failover.gaps_s.values()) < 1.5
            await asyncio.sleep(60)
            assert carried_by(manager, "broker2"), "nobody swings back without a reason"
            assert all_streamed_by(world, manager, "broker2")

    run_world(story)


@pytest.mark.parametrize("fault", ["mute", "heartbeats_only", "quotes_silent", "black_hole"])
def test_a_source_that_is_connected_and_brings_nothing_is_replaced(fault: str) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(30)
            world.simulation.set_faults("broker1", **{fault: True})
            await eventually(partial(carried_by, manager, "broker2"), within_s=12.0)
            [failover] = manager.incidents.failovers_snapshot()
            # Said while the old source is still gone, not when something happens next.
            await eventually(lambda: failover.finished, within_s=0.2)
            assert failover.detected_after_s is not None
            assert 1.9 < failover.detected_after_s < 10.0
            world.simulation.clear_faults("broker1")
            await eventually(lambda: manager.health["broker1"].state is BrokerState.LIVE, within_s=60)
            await asyncio.sleep(5)
            assert all_streamed_by(world, manager, "broker2")
            assert any(
                incident.broker_name == "broker1" for incident in manager.incidents.incidents_snapshot()
            )

    run_world(story, liveness=LIVENESS)


def test_a_market_that_stands_still_moves_no_quotes() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(10)
            world.simulation.stop()
            await asyncio.sleep(19 * 60)
            assert manager.primary == "broker1"
            assert not manager.incidents.failovers_snapshot()
            [incident] = manager.incidents.incidents_snapshot()
            assert "the market does not move" in incident.cause
            quotes_asked = sum("GetQuotes" in request for request in world.transport.requests)
            assert quotes_asked < 200, "asked less and less often"

    run_world(story, liveness=LIVENESS, orders_per_minute=0.0)


def test_a_single_broker_that_is_mute_is_reconnected() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(10)
            world.simulation.set_faults("broker1", quotes_silent=True)
            await asyncio.sleep(20)
            world.simulation.clear_faults("broker1")
            await eventually(partial(ticks_after, manager, manager.quotes.tick_count + 5), within_s=60)
            assert manager.health["broker1"].reconnects > 0

    run_world(story, brokers=1, liveness=LIVENESS)


def test_a_planned_move_streams_on_the_new_source_before_it_leaves_the_old_one() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(10)
            failover = await manager.set_quote_source("broker2")
            assert failover is not None
            assert failover.planned
            assert failover.finished
            assert not failover.uncovered
            assert carried_by(manager, "broker2")
            await asyncio.sleep(1)
            assert all_streamed_by(world, manager, "broker2")
            assert await manager.set_quote_source("broker2") is None
            with pytest.raises(ConfigError, match="found 'broker7'"):
                await manager.set_quote_source("broker7")
            world.simulation.set_faults("broker1", refuse=True)
            world.simulation.strike("broker1", Strike(action="reset"))
            await asyncio.sleep(1)
            with pytest.raises(ConnectionFailedError, match="broker1 can't carry quotes now: reconnecting"):
                await manager.set_quote_source("broker1")

    run_world(story)


@pytest.mark.slow
def test_quotes_return_to_the_preferred_broker_once_it_is_steady_and_later_each_time() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert manager.primary == "broker2", "pinned, though not the first in the file"
            await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
            waits = []
            for _ in range(3):
                world.simulation.strike("broker2", Strike(action="reset"))
                await eventually(partial(carried_by, manager, "broker1"), within_s=2.0)
                since = asyncio.get_running_loop().time()
                await eventually(partial(carried_by, manager, "broker2"), within_s=600.0)
                waits.append(asyncio.get_running_loop().time() - since)
            assert 55 < waits[0] < 75
            assert waits[1] > 1.5 * waits[0]
            assert waits[2] > 1.5 * waits[1]

    run_world(story, primary="broker2")


def test_what_a_broker_does_not_acknowledge_another_one_streams() -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker1", unacknowledged=0.5)
        async with world.manager() as manager:
            options = await manager.options_around("NIFTY", strikes=10)
            await manager.subscribe(options)
            await asyncio.sleep(20)
            sources = {manager.quotes.source(index): 0 for index in range(len(manager.quotes.instruments))}
            assert set(sources) == {"broker1", "broker2"}
            assert manager.health["broker2"].role is Role.SOME_QUOTES
            assert not manager.routing.machine.uncovered()
            assert all(len(streaming(world, key)) == 1 for key in manager.wanted())
            [incident] = [
                each for each in manager.incidents.incidents_snapshot() if "acknowledged" in each.cause
            ]
            assert incident.broker_name == "broker1"
            assert "go to broker2" in incident.action

    run_world(story)


@pytest.mark.slow
def test_what_a_broker_leaves_silent_after_its_first_hundred_another_one_streams_and_keeps() -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker1", first_scrips_only=10)
        async with world.manager() as manager:
            await manager.subscribe(await manager.options_around("NIFTY", strikes=10))
            await eventually(lambda: manager.health["broker2"].role is Role.SOME_QUOTES, within_s=400)
            await asyncio.sleep(10)
            kept = manager.routing.machine.moves.streamed_by("broker1")
            assert 8 <= len(kept) <= 10, "those of its first ten that trade"
            assert all(len(streaming(world, key)) == 1 for key in manager.wanted())
            moves = len(manager.incidents.failovers_snapshot())
            await asyncio.sleep(20 * 60)
            # Such a broker would acknowledge them again, and freeze them again.
            assert manager.routing.machine.moves.streamed_by("broker1") == kept
            assert len(manager.incidents.failovers_snapshot()) == moves

    run_world(story, liveness={"instrument_silent_after": 20.0}, ticks_per_second=200.0)


@pytest.mark.slow
def test_warm_instruments_that_fail_over_onto_such_a_broker_go_on_to_the_next_at_once() -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker2", first_scrips_only=10)
        async with world.manager() as manager:
            await manager.subscribe(await manager.options_around("NIFTY", strikes=10))
            await asyncio.sleep(120)
            world.simulation.set_faults("broker1", refuse=True)
            world.simulation.strike("broker1", Strike(action="reset"))
            moves = manager.routing.machine.moves
            await eventually(lambda: len(moves.streamed_by("broker3")) >= 30, within_s=120)
            await asyncio.sleep(10 * 60)
            assert len(moves.streamed_by("broker2")) <= 12
            assert set(manager.wanted()) == {
                key for name in ("broker2", "broker3") for key in moves.streamed_by(name)
            }

    run_world(story, brokers=3, liveness={"instrument_silent_after": 20.0})


def test_what_a_broker_does_not_know_stays_where_it_is_and_is_named() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE-EQ"])
            world.simulation.set_faults("broker2", lacks=frozenset({"RELIANCE-EQ"}))
            failover = await manager.set_quote_source("broker2")
            assert failover is not None
            assert failover.uncovered == ("NSE:RELIANCE-EQ",)
            await asyncio.sleep(10)
            assert manager.routing.machine.moves.target_of(("NSE", "2885")) == "broker1"
            assert manager.routing.machine.moves.target_of(("NSE", "26000")) == "broker2"

    run_world(story)


def test_an_unsubscribe_during_a_failover_leaves_nothing_behind() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(2)
            world.simulation.strike("broker1", Strike(action="reset"))
            await manager.unsubscribe(["NIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(120)
            assert not streaming(world, ("NSE", "26000"))
            assert not streaming(world, ("NSE", "2885"))
            assert manager.health["broker2"].role is not Role.SOME_QUOTES

    run_world(story)


def test_a_failover_whose_target_dies_too_ends_with_whoever_comes_back() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(5)
            world.simulation.set_faults("all", refuse=True)
            world.simulation.strike("all", Strike(action="reset"))
            await asyncio.sleep(30)
            count = manager.quotes.tick_count
            world.simulation.clear_faults("broker2")
            await eventually(partial(ticks_after, manager, count + 5), within_s=60)
            assert carried_by(manager, "broker2")

    run_world(story)


class NumberedMarket(StillMarket):
    """Numbers its ticks in the volume, which no broker and no client knows to be a number."""

    def __init__(self, start_ns: int) -> None:
        super().__init__()
        self.time_ns = start_ns
        self.number = int(self.quotes[0]["volume"])

    def advance(self, elapsed_ns: int) -> list[MarketTick]:
        for _ in range(5):
            self.number += 1
            for index in (0, 1):
                self.change(index, volume=float(self.number), ltp=100.0 + self.number % 7)
        return super().advance(elapsed_ns)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.2, 7.0), min_size=1, max_size=6), st.integers(2, 4))
def test_a_planned_move_loses_no_tick_and_counts_none_twice(pauses_s: list[float], brokers: int) -> None:
    start = datetime(2026, 3, 10, 10, 0, tzinfo=IST)

    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe([SHARE, OPTION])
            for turn, pause_s in enumerate(pauses_s, start=1):
                await asyncio.sleep(pause_s)
                failover = await manager.set_quote_source(f"broker{turn % brokers + 1}")
                assert failover is not None
                assert failover.finished
            await asyncio.sleep(1)
            for instrument in (SHARE, OPTION):
                index = manager.quotes.index_of(instrument.key)
                assert index is not None
                rows, sources, snapshots = manager.quotes.rows_of(index)
                numbers = rows["volume"].astype(int).tolist()
                ticked = [number for number, full in zip(numbers, snapshots, strict=True) if not full]
                seen = [number for number, full in zip(numbers, snapshots, strict=True) if full]
                assert len(seen) == len(pauses_s) + 1, "a full quote with each move"
                assert ticked == list(range(numbers[0] + 1, numbers[-1] + 1)), "each number once, in order"
                assert len(set(sources.tolist())) == min(brokers, len(pauses_s) + 1)

    market = NumberedMarket(int(start.timestamp()) * 1_000_000_000)
    run_world(story, brokers=brokers, market=market, start=start, orders_per_minute=0.0)
