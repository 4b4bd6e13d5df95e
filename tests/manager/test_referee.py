"""Brokers compared by the real manager, in virtual time: what it finds, what it costs, and whom it asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from dualbroker.errors import ArgumentError, ConnectionFailedError, RequestRefusedError
from dualbroker.frames.savings import estimate_savings
from dualbroker.manager import WebSocketManager, referee
from dualbroker.model import MessageKind
from dualbroker.stores.quotes import QuoteStore
from tests.simulated import World, eventually, run_world

SHARES = ["NSE:RELIANCE-EQ", "NSE:TCS-EQ", "NSE:HDFCBANK-EQ", "NSE:INFY-EQ"]


def play(story: Callable[[World, WebSocketManager], Awaitable[None]], **settings: Any) -> None:
    async def tell(world: World) -> None:
        async with world.manager() as manager:
            await story(world, manager)

    given = {"subscribe": SHARES, "ticks_per_second": 400.0, "orders_per_minute": 0.0}
    run_world(tell, **(given | settings))


def probe_bytes(manager: WebSocketManager) -> int:
    return sum(kinds[MessageKind.PROBE].bytes for kinds in manager.bandwidth.totals().values())


def quote_bytes(manager: WebSocketManager) -> int:
    return sum(kinds[MessageKind.QUOTES].bytes for kinds in manager.bandwidth.totals().values())


def brokers_of_rows(store: QuoteStore) -> set[str]:
    return {
        store.broker_names[number]
        for block, start, stop in store.rows_since(0)
        for number in np.unique(np.frombuffer(block.brokers, np.uint8)[start:stop])
    }


def test_nobody_but_the_primary_is_asked_for_quotes_unless_told() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        await asyncio.sleep(10)
        assert manager.health["broker2"].subscriptions == 0
        assert probe_bytes(manager) == 0
        with pytest.raises(RequestRefusedError, match="no brokers were compared yet"):
            await manager.comparison()

    play(story)


def test_a_late_and_coarse_broker_is_found_out_and_nothing_else_changes() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        world.simulation.set_faults("broker2", conflate_s=1.0, delay_s=0.3)
        await asyncio.sleep(20)
        await manager.begin_comparison(120)
        with pytest.raises(RequestRefusedError, match="under way"):
            await manager.begin_comparison(60)
        await asyncio.sleep(121)
        own, other = await manager.comparison()
        assert (own.broker_name, own.reference, own.figures.lag) == ("broker1", "broker1", 0.0)
        # Half a second of conflation, and the delay.
        assert other.figures.lag == pytest.approx(0.8, abs=max(0.08, 3 * other.figures.lag_error))
        assert other.figures.instruments == len(SHARES)
        assert other.figures.resolution < 0.8 < own.figures.resolution
        assert other.figures.stalls == own.figures.stalls == 0
        health = manager.health["broker2"]
        assert (health.last_quote_ns, health.unexpected_quotes, health.role.value) == (None, 0, "orders only")
        assert manager.quotes.stray_count == 0
        assert brokers_of_rows(manager.quotes) == {"broker1"}
        await eventually(lambda: health.subscriptions == 0)
        assert probe_bytes(manager) > 0
        estimate = estimate_savings(manager.bandwidth.totals(), 2)
        assert estimate.saved_quote_bytes == quote_bytes(manager) - probe_bytes(manager)

    play(story, step_interval_s=0.02, ticks_per_second=200.0)


def test_a_stall_and_a_lossy_broker_are_told_apart() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        world.simulation.set_faults("broker3", skip_quotes=0.5)
        await manager.begin_comparison(180)
        await asyncio.sleep(60)
        world.simulation.set_faults("broker2", quotes_silent=True)
        await asyncio.sleep(40)
        world.simulation.set_faults("broker2", quotes_silent=False)
        await asyncio.sleep(81)
        found = {each.broker_name: each.figures for each in await manager.comparison()}
        assert found["broker2"].stalls == 1
        assert found["broker2"].stalled == pytest.approx(40, abs=3)
        assert found["broker3"].stalls == 0
        # Some levels are told by more than one update.
        assert 0.5 < found["broker3"].resolution < 0.7 < found["broker2"].resolution

    play(story, brokers=3)


def test_a_source_that_is_killed_with_every_instrument_sampled_is_replaced_as_ever() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        await asyncio.sleep(10)
        await manager.begin_comparison(120)
        await asyncio.sleep(10)
        assert manager.routing.machine.probes.of("broker2") == set(manager.wanted())
        world.simulation.set_faults("broker1", refuse=True)
        world.drop("broker1")
        await eventually(lambda: set(manager.quotes.sources()) == {"broker2"}, 5)
        (failover,) = manager.incidents.failovers_snapshot()
        await eventually(lambda: manager.incidents.failovers_snapshot()[0].gap_quantile(1.0) is not None)
        assert failover.instruments == len(SHARES)
        longest = manager.incidents.failovers_snapshot()[0].gap_quantile(1.0)
        assert longest is not None
        assert longest < 2
        assert manager.routing.machine.uncovered() == []
        assert manager.quotes.stray_count == 0
        # Each took over with a full quote, so all that is shown is known.
        for index in range(len(SHARES)):
            assert manager.quotes.volume(index) is not None
        world.simulation.set_faults("broker1", refuse=False)
        await eventually(lambda: manager.routing.machine.probes.of("broker1") == set(manager.wanted()), 30)

    play(story, primary="auto")


def test_all_day_the_sample_changes_and_keeps_to_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referee, "STRETCH_S", 60.0)
    sampled: set[Any] = set()

    async def story(world: World, manager: WebSocketManager) -> None:
        for _ in range(30):
            await asyncio.sleep(10)
            sampled.update(manager.routing.machine.probes.of("broker2"))
            assert probe_bytes(manager) <= 0.055 * quote_bytes(manager)
        assert len(sampled) > 3
        assert probe_bytes(manager) > 0.005 * quote_bytes(manager)
        _, other = await manager.comparison()
        assert other.figures.instruments > 1
        assert abs(other.figures.lag) <= max(0.02, 3 * other.figures.lag_error)

    around = {"underlying": "NIFTY", "expiry": 0, "strikes": 10}
    budget = {"budget_percent": 5}
    play(story, subscribe=[*SHARES, around], referee=budget, ticks_per_second=200.0)


def test_another_day_is_compared_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referee, "STRETCH_S", 20.0)

    async def story(world: World, manager: WebSocketManager) -> None:
        await asyncio.sleep(60)
        before = (await manager.comparison())[0].begun_ns
        await asyncio.sleep(60)
        assert (await manager.comparison())[0].begun_ns == before
        turned_ns = world.clock.now_ns()
        monkeypatch.setattr(referee, "market_day", lambda time_ns: time_ns >= turned_ns)
        await asyncio.sleep(60)
        assert (await manager.comparison())[0].begun_ns >= turned_ns

    play(story, referee={"budget_percent": 50})


def test_of_two_comparisons_that_are_asked_for_at_once_one_is_refused() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        asked = (manager.begin_comparison(20), manager.begin_comparison(20))
        first, second = await asyncio.gather(*asked, return_exceptions=True)
        assert first is None
        assert isinstance(second, RequestRefusedError)
        assert "under way" in str(second)

    play(story)


def test_nothing_is_sampled_where_one_instrument_is_over_the_budget() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        for _ in range(4):
            await asyncio.sleep(20)
            assert manager.routing.machine.probes.of("broker2") == set()
        assert probe_bytes(manager) == 0

    play(story, referee={})


def test_what_can_not_be_compared_is_refused_in_words() -> None:
    async def story(world: World, manager: WebSocketManager) -> None:
        with pytest.raises(ArgumentError, match="1 to 3600, found 0"):
            await manager.begin_comparison(0)
        with pytest.raises(RequestRefusedError, match="found 0 subscribed"):
            await manager.begin_comparison(60)
        world.simulation.set_faults("broker2", refuse=True)
        world.drop("broker2")
        await eventually(lambda: not manager.serves("broker2"))
        with pytest.raises(ConnectionFailedError, match="found broker1"):
            await manager.begin_comparison(60)

    play(story, subscribe=[])
