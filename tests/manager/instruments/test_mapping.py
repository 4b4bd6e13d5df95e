"""The same instrument at another broker, whose symbol master spells and numbers it in its own way."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any, cast

import msgspec
import pytest

from dualbroker.clock import SystemClock
from dualbroker.instruments import Instruments
from dualbroker.instruments.master import parse_master
from dualbroker.manager.instruments.mapping import LOOKED_UP_AT_ONCE, InstrumentMapping, find_same
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.routing.keys import KeysAtBrokers
from tests.simulated import World, run_world

OPTION = Instrument(
    exchange="NFO",
    token="43210",
    symbol="NIFTY29DEC26C26000",
    name="NIFTY",
    kind=InstrumentKind.OPTION,
    expiry=date(2026, 12, 29),
    strike=26000.0,
    option_type="CE",
)
FUTURE = Instrument(
    exchange="NFO",
    token="43000",
    symbol="NIFTY29DEC26F",
    name="NIFTY",
    kind=InstrumentKind.FUTURE,
    expiry=date(2026, 12, 29),
)
SHARE = Instrument(
    exchange="NSE", token="2885", symbol="RELIANCE-EQ", name="RELIANCE", kind=InstrumentKind.EQUITY
)

DERIVATIVES = b"""Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype
999,65,NIFTY,NIFTY29DEC26C26000,OPTIDX,29-DEC-2026,26000,CE
43210,65,NIFTY,NIFTY29DEC26P26000,OPTIDX,29-DEC-2026,26000,PE
888,65,NIFTY,NIFTY29DEC26F,FUTIDX,29-DEC-2026,0,XX
"""
SHARES = b"""Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype
2885,1,OTHER,OTHER-EQ,EQ,,,
7777,1,RELIANCE,RELIANCE-EQ,EQ,,,
"""


@pytest.fixture(scope="module")
def there() -> Instruments:
    found = Instruments()
    for content, exchange in ((DERIVATIVES, "NFO"), (SHARES, "NSE")):
        found.add(parse_master(exchange, content))
    return found


def test_a_derivative_is_joined_on_what_it_is_and_not_on_its_token(there: Instruments) -> None:
    same = find_same(there, OPTION)
    assert same is not None
    assert same.key == ("NFO", "999"), "the token 43210 is the put there"
    future = find_same(there, FUTURE)
    assert future is not None
    assert future.key == ("NFO", "888")


def test_a_share_is_joined_on_its_symbol_where_the_token_is_another_ones(there: Instruments) -> None:
    same = find_same(there, SHARE)
    assert same is not None
    assert same.key == ("NSE", "7777")


def test_what_the_other_master_lacks_has_no_key_there(there: Instruments) -> None:
    for lacking in (
        Instrument(**{**{f: getattr(OPTION, f) for f in OPTION.__struct_fields__}, "strike": 27000.0}),
        Instrument(exchange="NSE", token="1", symbol="TCS-EQ", name="TCS", kind=InstrumentKind.EQUITY),
    ):
        assert find_same(there, lacking) is None


class MastersAtHand:
    """Masters that were loaded long ago."""

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments

    def another(self) -> MastersAtHand:
        return self

    async def load(self, broker: Any, exchange: str) -> None:
        """Nothing is left to do, and so nothing to wait for."""


class Standby:
    def __init__(self, name: str) -> None:
        self.name = name

    def master_urls(self, exchange: str) -> list[str]:
        return [f"http://{self.name}/{exchange}"]


def test_while_thousands_of_instruments_are_looked_up_the_feed_goes_on(there: Instruments) -> None:
    many = [msgspec.structs.replace(OPTION, token=str(number)) for number in range(400)]
    keys = KeysAtBrokers()
    mapping = InstrumentMapping(cast(Any, MastersAtHand(there)), SystemClock(), keys)
    turns = 0

    async def the_feed() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def story() -> None:
        feed = asyncio.create_task(the_feed())
        standby = cast(Any, Standby("broker2"))
        await mapping.prepare(cast(Any, Standby("broker1")), standby, many)
        feed.cancel()
        assert {keys.at("broker2", each.key) for each in many} == {("NFO", "999")}

    asyncio.run(story())
    assert turns >= len(many) // LOOKED_UP_AT_ONCE - 1


DEAD = {"broker2": {"masters_base": "http://dead.simulated"}}
TIMEOUT_S = 10.0


def kill_masters(world: World) -> None:
    """Each download of broker2's masters takes its whole time and fails."""
    world.transport.delays_s["dead"] = TIMEOUT_S
    world.transport.dead_hosts.add("dead")


def asked_for(world: World) -> list[str]:
    """The exchanges of the masters that broker2's host was asked for."""
    found = [request for request in world.transport.requests if request.startswith("dead/")]
    return [request.removeprefix("dead/").removesuffix("_symbols.txt.zip") for request in found]


def test_a_master_that_cannot_be_had_is_asked_for_once_whatever_waits_for_it() -> None:
    async def story(world: World) -> None:
        kill_masters(world)
        loop = asyncio.get_running_loop()
        async with world.manager() as manager:
            await manager.subscribe(await manager.options_around("NIFTY", strikes=10))
            await manager.subscribe(["NSE:RELIANCE", "NSE:TCS"])
            await asyncio.sleep(1)
            await manager.subscribe(["NSE:INFY", "NSE:SBIN"])
            begun_s = loop.time()
            await manager.set_quote_source("broker2")
            assert loop.time() - begun_s < 2 * TIMEOUT_S + 5.0
            assert manager.primary == "broker2"
            await asyncio.sleep(30)
            assert sorted(asked_for(world)) == ["NFO", "NSE"]

    run_world(story, changes=DEAD)


def test_a_master_that_was_not_to_be_had_is_asked_for_again_a_minute_later() -> None:
    async def story(world: World) -> None:
        kill_masters(world)
        async with world.manager() as manager:
            await manager.subscribe(["NSE:RELIANCE"])
            await asyncio.sleep(80)
            await manager.subscribe(["NSE:TCS"])
            await asyncio.sleep(30)
            assert asked_for(world) == ["NSE", "NSE"]

    run_world(story, changes=DEAD)


def test_a_hand_over_waits_for_the_masters_of_nobody_but_its_target() -> None:
    async def story(world: World) -> None:
        kill_masters(world)
        loop = asyncio.get_running_loop()
        async with world.manager() as manager:
            await manager.subscribe(["NSE:RELIANCE"])
            begun_s = loop.time()
            await manager.set_quote_source("broker3")
            assert loop.time() - begun_s < TIMEOUT_S / 2

    run_world(story, changes=DEAD, brokers=3)
