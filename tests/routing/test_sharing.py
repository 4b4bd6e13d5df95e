"""Brokers that share the quotes, on a simulated market. Virtual time."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import partial

import pytest

from dualbroker.errors import RequestRefusedError
from dualbroker.manager import WebSocketManager
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.routing.sharing import group_of, nearest_to_the_money
from tests.manager.carrying import streaming
from tests.routing.test_caps import carried, has_come_to
from tests.simulated import World, eventually, run_world

SHARES = [
    f"NSE:{name}"
    for name in ("RELIANCE", "TCS", "HDFCBANK", "INFY", "ICICIBANK", "SBIN", "ITC", "AXISBANK", "LT")
]


def option(strike: float, token: str, expiry: date = date(2026, 12, 29)) -> Instrument:
    return Instrument(
        exchange="NFO",
        token=token,
        symbol=f"N{token}",
        name="NIFTY",
        kind=InstrumentKind.OPTION,
        expiry=expiry,
        strike=strike,
    )


def test_an_underlyings_expiry_is_one_group_and_a_share_is_its_own() -> None:
    this, next_one = option(100, "1"), option(100, "2", date(2027, 1, 26))
    share = Instrument(exchange="NSE", token="1", symbol="S", name="NIFTY", kind=InstrumentKind.EQUITY)
    assert group_of(this) == group_of(option(200, "3"))
    assert len({group_of(this), group_of(next_one), group_of(share)}) == 3


def test_nearest_to_the_money_is_by_the_underlyings_price_or_by_the_middle_strike() -> None:
    options = [option(strike, str(strike)) for strike in (100.0, 110.0, 120.0, 130.0, 140.0)]
    by_price = nearest_to_the_money(options, lambda name: 139.0 if name == "NIFTY" else None)
    assert [each.strike for each in by_price] == [140.0, 130.0, 120.0, 110.0, 100.0]
    assert nearest_to_the_money(options, lambda name: None)[0].strike == 120.0


def one_source_each(world: World, manager: WebSocketManager) -> bool:
    return all(len(streaming(world, key)) == 1 for key in manager.wanted())


def test_brokers_share_the_quotes_and_a_dead_ones_share_goes_to_all_others() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(SHARES)
            options = await manager.options_around("NIFTY", strikes=2)
            await manager.subscribe(options)
            await eventually(lambda: sum(carried(manager).values()) == 9 + len(options))
            assert "nobody" not in carried(manager)
            sources = {manager.source_of(each.key) for each in options}
            assert len(sources) == 1, "an expiry stays together"
            before = {key: manager.source_of(key) for key in manager.wanted()}
            assert {manager.why_source(each.key) for each in options} == {
                "the least loaded broker that takes it"
            }
            [dead] = sources
            assert dead is not None
            world.simulation.set_faults(dead, refuse=True)
            world.drop(dead)
            await eventually(lambda: dead not in carried(manager) and "nobody" not in carried(manager))
            after = {key: manager.source_of(key) for key in manager.wanted()}
            assert all(after[key] == name for key, name in before.items() if name != dead)
            assert len({manager.source_of(each.key) for each in options}) == 1
            assert one_source_each(world, manager)
            with pytest.raises(RequestRefusedError, match="shared out over all brokers"):
                await manager.set_quote_source("broker2")

    run_world(story, brokers=3, quotes="balanced", orders_per_minute=0.0)


def test_a_broker_that_is_back_is_given_its_share_slowly_and_without_a_gap() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(SHARES)
            await eventually(partial(has_come_to, manager, {"broker1": 3, "broker2": 3, "broker3": 3}))
            world.drop("broker3")
            await eventually(lambda: carried(manager).get("broker3", 0) == 0)
            await asyncio.sleep(60)
            at_once = carried(manager)
            assert at_once.get("broker3", 0) == 0, "a difference has to hold first"
            moments: list[float] = []
            loop = asyncio.get_running_loop()
            while len(moments) < 2:
                count = carried(manager).get("broker3", 0)
                if count > len(moments):
                    moments.append(loop.time())
                assert "nobody" not in carried(manager)
                await asyncio.sleep(1)
            assert moments[1] - moments[0] >= 58, "one of nine is more than 5 % a minute already"
            await eventually(partial(has_come_to, manager, {"broker1": 3, "broker2": 3, "broker3": 3}), 400)
            planned = [each for each in manager.incidents.failovers_snapshot() if each.planned]
            assert {each.to_broker for each in planned} == {"broker3"}
            assert {each.why for each in planned} == {"the quotes are shared out more evenly"}
            await asyncio.sleep(300)
            assert carried(manager) == {"broker1": 3, "broker2": 3, "broker3": 3}, "and then it is left alone"

    run_world(
        story, brokers=3, quotes="balanced", orders_per_minute=0.0, ticks_per_second=10.0, step_interval_s=0.5
    )


def test_what_has_an_open_order_is_asked_for_first_when_its_broker_dies() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(SHARES)
            machine = manager.routing.machine
            keys = list(machine.moves.streamed_by("broker1"))
            assert keys, "broker1 carries all"
            last = keys[-1]
            machine._at_stake = lambda: {last}
            commands = machine.broker_down(
                "broker1", "reset", manager.health["broker1"].state, manager.routing.now()
            )
            [asked] = [each for each in commands if type(each).__name__ == "Subscribe"]
            assert asked.keys[0] == last  # type: ignore[union-attr]

    run_world(story, orders_per_minute=0.0)
