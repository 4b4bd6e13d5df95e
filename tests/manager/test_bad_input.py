"""The whole client at the mercy of brokers that send rubbish, in virtual time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.manager import WebSocketManager
from dualbroker.simulator.drivers.memory import MemoryResponse
from dualbroker.stores.health import BrokerState
from tests.simulated import World, eventually, run_world

OnRead = Callable[[Sequence[bytes], int], None]

RUBBISH: tuple[bytes, ...] = (
    b"",
    b"\x00" * 100,
    b"\xef\xbb\xbf" + b'{"t":"tf","e":"NSE","tk":"26000","lp":"1"}',
    b'{"t":"tf","e":"NSE","tk":"26000","lp":"1"}\x00',
    '{"t":"tf","e":"NSE","tk":"26000","lp":"1"}'.encode("utf-16"),
    b"[" * 500_000,
    b'{"a":' * 200_000,
    b'{"t":"tf","e":"NSE","tk":"26000","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'["t","tf"]',
    b'{"t":["tf"],"e":"NSE","tk":"26000","lp":"1"}',
    b'{"t":"tf","e":["NSE"],"tk":"26000","lp":"1"}',
    b'{"t":"tf","e":"NSE","tk":{"26000":1},"lp":"1"}',
    b'{"t":"tf","e":"NSE","tk":true,"lp":"1"}',
    b'{"t":"tf","e":"\\ud800","tk":"26000","lp":"1"}',
    b'{"t":"tf","e":"XXX","tk":"26000","lp":"1"}',
    b'{"t":"tf","e":"nse","tk":"26000","lp":"1"}',
    b'{"t":"tf","e":"NSE","tk":"26000 ","lp":"1"}',
    b'{"t":"tf","e":"NSE","tk":"26000","lp":"1","tk":"26001"}',
    b'{"t":"tf","e":"NSE","tk":"026000","lp":"1"}',
    b'{"t":"tk","e":"NSE","tk":"' + b"9" * 1_000_000 + b'","lp":"1"}',
    b'{"t":"om"}',
    b'{"t":"om","status":"COMPLETE","qty":"50"}',
    b'{"t":"om","norenordno":[26030200000061]}',
    b'{"t":"om","norenordno":"' + b"7" * 1_000_000 + b'"}',
    b'{"t":"om","norenordno":Infinity}',
    b'{"t":"uk","k":7}',
    b'{"t":"zz","x":NaN}',
    b'{"t":"hk","hk":"253402300799"}',
    b'{"t":"ms","' + b"x" * 1_000_000 + b'":1}',
)

NUMBERS: tuple[bytes, ...] = (
    b'"nan"',
    b'"-1"',
    b'"1e300"',
    b'"inf"',
    b"-5",
    b"1e999",
    b'"1_0"',
    b"[1]",
    b"true",
)


class Lines:
    """What each broker's socket hands its reads to, so that a test can speak for the broker."""

    def __init__(self, world: World) -> None:
        self.on_read: dict[str, OnRead] = {}
        open_websocket = world.transport.open_websocket

        async def listen_in(url: str, on_read: OnRead, **more: Any) -> Any:
            self.on_read[url.split("/")[2].removesuffix(".simulated")] = on_read
            return await open_websocket(url, on_read, **more)

        world.transport.open_websocket = listen_in  # type: ignore[method-assign]

    def say(self, broker: str, *messages: bytes) -> None:
        self.on_read[broker](messages, sum(map(len, messages)))


def last_price(manager: WebSocketManager, key: tuple[str, str]) -> float:
    index = manager.quotes.index_of(key)
    assert index is not None
    indices, rows, _ = manager.quotes.latest()
    return float(rows["ltp"][indices.tolist().index(index)])


def test_no_message_ends_a_connection_or_reaches_another_instrument() -> None:
    async def story(world: World) -> None:
        lines = Lines(world)
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY"])
            await asyncio.sleep(30)
            world.simulation.stop()
            await asyncio.sleep(1)
            price, other = (last_price(manager, ("NSE", token)) for token in ("26000", "26009"))
            orders, ticks = len(manager.orders.states), manager.quotes.tick_count
            for broker in ("broker1", "broker2"):
                for message in RUBBISH:
                    lines.say(broker, message)
                lines.say(broker, *RUBBISH)
            assert (len(manager.orders.states), manager.quotes.tick_count) == (orders, ticks)
            assert last_price(manager, ("NSE", "26000")) == price
            assert last_price(manager, ("NSE", "26009")) == other
            for broker in ("broker1", "broker2"):
                health = manager.health[broker]
                assert (health.state, health.reconnects) == (BrokerState.LIVE, 0)
                assert health.unreadable_messages > len(RUBBISH)
            lines.say("broker1", *RUBBISH, b'{"t":"tf","e":"NSE","tk":"26000","lp":"123.45"}', *RUBBISH)
            assert last_price(manager, ("NSE", "26000")) == 123.45
            lines.say("broker2", *RUBBISH, b'{"t":"om","norenordno":26030200000061,"qty":"50"}', *RUBBISH)
            assert len(manager.orders.states) == orders + 1

    run_world(story)


def test_a_number_that_none_can_be_leaves_the_price_as_it_was() -> None:
    async def story(world: World) -> None:
        lines = Lines(world)
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY"])
            await asyncio.sleep(30)
            world.simulation.stop()
            await asyncio.sleep(1)
            price = last_price(manager, ("NSE", "26000"))
            for number in NUMBERS:
                lines.say("broker1", b'{"t":"tf","e":"NSE","tk":"26000","lp":' + number + b"}")
                assert last_price(manager, ("NSE", "26000")) == price
            lines.say("broker1", b'{"t":"tk","e":"NSE","tk":"26000","lp":"NA","v":"7"}')
            assert math.isnan(last_price(manager, ("NSE", "26000")))

    run_world(story)


@pytest.mark.parametrize(
    "fields",
    [
        b'"norentm":"23:59:59 31-12-9999"',
        b'"norentm":"00:00:00 01-01-0001","fltm":"x"',
        b'"norentm":"25:61:61 32-13-2026"',
        b'"ordenttm":"-1","tm":"-1","ntm":"-1"',
        b'"ordenttm":"253402300799","tm":"9223372036854775807","ntm":"999999999999"',
        b'"ordenttm":1e300,"tm":1e300',
    ],
)
def test_an_order_of_an_impossible_time_is_one_of_today(fields: bytes) -> None:
    async def story(world: World) -> None:
        lines = Lines(world)
        async with world.manager() as manager:
            await asyncio.sleep(5)
            lines.say("broker1", b'{"t":"om","norenordno":"X1","qty":"50",' + fields + b"}")
            (state,) = (state for state in manager.orders.snapshot() if state.order_id == "X1")
            assert state.trading_day.isoformat() == "2026-03-10"
            assert (state.order_time_ns, state.exchange_time_ns, state.last_event_ns) == (None, None, None)

    run_world(story)


@pytest.mark.slow
def test_a_flood_of_orders_keeps_no_tick_waiting_and_their_events_are_bounded() -> None:
    async def story(world: World) -> None:
        lines = Lines(world)
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY"])
            await asyncio.sleep(5)
            known = len(manager.orders.states)
            reason = b"x" * 1_000_000
            started_s = time.process_time()
            for start in range(0, 100_000, 1_000):
                lines.say(
                    "broker2",
                    *(
                        b'{"t":"om","norenordno":"F%06d","status":"OPEN"}' % n
                        for n in range(start, start + 1_000)
                    ),
                )
            lines.say("broker2", b'{"t":"om","norenordno":"F000000","rejreason":"' + reason + b'"}')
            assert time.process_time() - started_s < 30
            assert len(manager.orders.states) == known + 100_000
            assert len(manager.orders.events_snapshot()) == 1_000
            assert manager.orders.dropped_events > 99_000
            assert max(len(state.reject_reason or "") for state in manager.orders.snapshot()) < 1_000
            before = manager.quotes.tick_count
            await eventually(lambda: manager.quotes.tick_count > before)
            assert manager.health["broker2"].state is BrokerState.LIVE

    run_world(story, order_events={"max_rows": 1_000})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, b"<html><h1>502 Bad Gateway</h1></html>"),
        (200, b"<!DOCTYPE html><html>maintenance</html>"),
        (200, b""),
        (200, b"\xff\xfe\x00"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"stat":"Ok"}'),
        (200, b"[" * 100_000),
        (200, b'[{"stat":"Ok","norenordno":{}},null]'),
        (200, b'{"stat":"Not_Ok","emsg":' + b"[" * 950 + b"]" * 950 + b"}"),
        (429, b"slow down"),
        (500, b'{"stat":"Not_Ok","emsg":"Error Occurred : 5 \\"no data\\""}'),
    ],
)
def test_an_order_book_that_cant_be_read_is_never_an_empty_one(status: int, body: bytes) -> None:
    async def story(world: World) -> None:
        request = world.transport.request
        is_bad = False

        async def answer(method: str, url: str, **more: Any) -> MemoryResponse:
            found = await request(method, url, **more)
            return MemoryResponse(status, body) if is_bad and url.endswith("OrderBook") else found

        world.transport.request = answer  # type: ignore[method-assign]
        async with world.manager() as manager:
            await asyncio.sleep(30)
            world.simulation.stop()
            await asyncio.sleep(61)
            known = {state.key: state.status for state in manager.orders.snapshot()}
            assert known
            is_bad = True
            health = manager.health["broker2"]
            await eventually(lambda: bool(health.book_problem), within_s=130)
            assert {state.key: state.status for state in manager.orders.snapshot()} == known
            assert health.state is BrokerState.LIVE
            is_bad = False
            await eventually(lambda: not health.book_problem, within_s=130)

    run_world(story)


@pytest.mark.parametrize("body", [b"", b"<html>", b"PK\x03\x04junk", b"Exchange,Token\n", b"\x00" * 1_000])
def test_a_symbol_master_that_is_none_is_said_and_no_instrument_is_made_up(body: bytes) -> None:
    async def story(world: World) -> None:
        request = world.transport.request

        async def answer(method: str, url: str, **more: Any) -> MemoryResponse:
            found = await request(method, url, **more)
            return MemoryResponse(200, body) if "symbols" in url else found

        world.transport.request = answer  # type: ignore[method-assign]
        async with world.manager() as manager:
            with pytest.raises(ConnectionFailedError, match="symbol master"):
                await manager.subscribe(["NIFTY"])
            assert manager.health["broker1"].state is BrokerState.LIVE

    run_world(story)
