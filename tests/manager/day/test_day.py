"""The night and the next morning, in virtual time: dead tokens, new masters, expired contracts."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dualbroker.brokers.noren.simulated import SimulatedBroker
from dualbroker.clock import IST
from dualbroker.manager.day.day import DayTurn
from dualbroker.market_hours import MarketHours
from dualbroker.simulator.market.synthetic import SyntheticMarket
from dualbroker.stores.health import BrokerState
from tests.simulated import World, eventually, run_world, synthetic_market

NIGHT = datetime(2026, 3, 11, 2, 58, tzinfo=IST)
"""A Wednesday; the nearest index options of the simulated market expired on the day before."""
EVENING = datetime(2026, 3, 10, 23, 58, tzinfo=IST)
T = TypeVar("T")
SESSION = ((9 * 60 + 15) * 60 * 10**9, (15 * 60 + 30) * 60 * 10**9)


def market_of_yesterday(start: datetime = NIGHT) -> SyntheticMarket:
    day, start_ns = (NIGHT - timedelta(days=1)).date(), int(start.timestamp()) * 10**9
    return synthetic_market(day, start_ns, ticks_per_second=20, strikes=6, expiries=2)


def until(world: World, hour: int, minute: int) -> float:
    """Seconds from now to a time of that morning."""
    moment = NIGHT.replace(hour=hour, minute=minute)
    return moment.timestamp() - world.clock.now_ns() / 1e9


def run_night(
    story: Callable[[World], Awaitable[None]],
    *,
    start: datetime = NIGHT,
    orders_per_minute: float = 0.0,
    tokens_die: str = "close",
    **settings: Any,
) -> None:
    """Run a story in a market that closes, at a pace that a night can be lived through."""
    run_world(
        story,
        start=start,
        market=market_of_yesterday(start),
        market_hours=MarketHours(),
        step_interval_s=2.0,
        orders_per_minute=orders_per_minute,
        simulation={"trading_days": True, "session": SESSION, "tokens_die": tokens_die},
        **settings,
    )


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "tokens_die", ["close", pytest.param("mute", marks=SLOW), pytest.param("never", marks=SLOW)]
)
def test_the_next_morning_finds_a_feed_that_is_ready(tokens_die: str) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "NSE:RELIANCE-EQ"])
            ladder = await manager.options_around("NIFTY", strikes=2)
            await manager.subscribe(ladder)
            assert {option.expiry for option in ladder} == {ladder[0].expiry}
            await asyncio.sleep(until(world, 8, 31))
            world.transport.requests.clear()
            await asyncio.sleep(until(world, 9, 16))
            logins = [request for request in world.transport.requests if "QuickAuth" in request]
            assert not logins, "sessions were opened before the market"
            assert all(health.state is BrokerState.LIVE for health in manager.health.values())
            assert not manager.incidents.failovers_snapshot(), "a night moves nothing"
            index = manager.quotes.index_of(("NSE", "2885"))
            assert index is not None
            indices, rows, _ = manager.quotes.latest()
            newest = dict(zip(indices.tolist(), rows, strict=True))[index]
            place = world.simulation.market.index_of(("NSE", "2885"))
            assert place is not None
            assert math.isclose(newest["ltp"], world.simulation.market.quote(place)["ltp"], abs_tol=0.005)
            causes = [incident.cause for incident in manager.incidents.incidents_snapshot()]
            assert sum(cause.startswith("a new day has begun") for cause in causes) == 1
            assert not any("does not move" in cause for cause in causes), "a closed market is no fault"

    run_night(story, orders_per_minute=6.0, tokens_die=tokens_die)


@SLOW
def test_expired_contracts_are_let_go_and_named() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            days = sorted({item.expiry for item in world.simulation.market.instruments if item.expiry})
            ladder = await manager.options_around("NIFTY", expiry=days[0], strikes=1)
            await manager.subscribe(ladder)
            await manager.subscribe(["NIFTY"])
            await asyncio.sleep(until(world, 9, 0))
            assert list(manager.wanted()) == [("NSE", "26000")]
            [cause] = [
                incident.cause
                for incident in manager.incidents.incidents_snapshot()
                if incident.cause.startswith("a new day")
            ]
            assert "expired: NFO:" in cause
            await eventually(lambda: manager.primary is not None)

    run_night(story, start=EVENING)


@pytest.mark.slow
def test_the_brokers_that_stand_by_know_todays_keys_after_the_turn() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NSE:RELIANCE-EQ"])
            keys = manager.routing.machine.keys
            await asyncio.sleep(until(world, 8, 29))
            yesterdays = ("NSE", "yesterday")
            keys.learn("broker2", ("NSE", "2885"), yesterdays)
            await asyncio.sleep(until(world, 8, 35))
            assert keys.is_known("broker2", ("NSE", "2885"))
            assert keys.at("broker2", ("NSE", "2885")) == ("NSE", "2885")

    run_night(story, changes={"broker2": {"masters_base": "http://masters.simulated//other.simulated"}})


async def at_once(work: Callable[..., T], *arguments: Any) -> T:
    """Virtual time knows no threads."""
    return work(*arguments)


@pytest.mark.slow
def test_a_master_of_yesterday_is_told_as_such_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    monkeypatch.setattr(SimulatedBroker, "master_source", property(lambda self: "kept"))

    async def story(world: World) -> None:
        manager = world.manager()
        manager.masters._cache_directory = tmp_path
        async with manager:
            await manager.subscribe(["NSE:RELIANCE-EQ"])
            world.transport.dead_hosts.add("masters")
            await asyncio.sleep(until(world, 8, 40))
            [told] = [each for each in manager.incidents.incidents_snapshot() if "new day" in each.cause]
            assert "no symbol master of NSE of today" in told.action
            assert "2026-03-10" in told.action
            assert "symbol masters, too" not in told.action
            downloads = world.transport.requests.count("masters/NSE_symbols.txt.zip")
            await manager.resolve(["NSE:TCS"], "NSE")
            assert world.transport.requests.count("masters/NSE_symbols.txt.zip") == downloads
            world.transport.dead_hosts.clear()
            await asyncio.sleep(400)
            causes = [each.cause for each in manager.incidents.incidents_snapshot()]
            assert "today's symbol master of NSE is there" in causes
            assert not manager.masters.older
            assert world.transport.requests.count("masters/NSE_symbols.txt.zip") > downloads

    run_night(story)


@pytest.mark.slow
def test_a_turn_that_fails_in_an_unforeseen_way_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = DayTurn.turn
    tries = 0

    async def fail_at_first(self: DayTurn) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise ZeroDivisionError("nobody thought of this")
        await turn(self)

    async def story(world: World) -> None:
        monkeypatch.setattr(DayTurn, "turn", fail_at_first)
        async with world.manager() as manager:
            await asyncio.sleep(until(world, 8, 45))
            causes = [incident.cause for incident in manager.incidents.incidents_snapshot()]
            unforeseen = "the new day could not be made ready, in an unforeseen way: ZeroDivisionError"
            assert causes.count(unforeseen) == 2
            assert sum(cause.startswith("a new day has begun") for cause in causes) == 1
            assert tries == 3

    run_night(story, orders_per_minute=6.0)
