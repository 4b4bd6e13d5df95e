"""What a client of real sockets observes of each fault; the expected side was measured at real servers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidMessage, PayloadTooBig

from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.drivers.server import SimulatorServer
from dualbroker.simulator.faults.faults import NO_FAULTS, Strike
from dualbroker.simulator.simulation import Simulation

from ..still_market import StillMarket
from .test_server import log_in, until

PING_S = 0.3
"""Interval, and time-out, of the client's pings; its close time-out too."""
SLACK_S = 60.0
"""For a machine that is busy."""


class Scene:
    """A served broker over a market that stands still, and an open connection to it."""

    def __init__(self, simulation: Simulation, description: dict[str, Any], client: ClientConnection) -> None:
        self.simulation = simulation
        self.broker: SimulatedBroker = simulation.brokers[0]
        self.description = description
        self.client = client
        self.masters_base = ""

    def tick(self, price: float) -> None:
        market = self.simulation.market
        assert isinstance(market, StillMarket)
        market.change(0, ltp=price)

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(SLACK_S):
            return dict(json.loads(await self.client.recv()))

    async def open(self, open_timeout_s: float = SLACK_S) -> ClientConnection:
        return await connect(
            self.description["websocket_url"],
            compression=None,
            proxy=None,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=PING_S,
            open_timeout=open_timeout_s,
        )

    async def ends_with(self, kind: type[Exception]) -> Any:
        """The exception with which the connection ends, whatever is read before."""
        with pytest.raises(kind) as ended:
            await self._read_on()
        return ended.value

    async def _read_on(self) -> None:
        async with asyncio.timeout(SLACK_S):
            while True:
                await self.client.recv()


@asynccontextmanager
async def a_scene() -> AsyncIterator[Scene]:
    async with SimulatorServer(Simulation(StillMarket(), ["broker1"])) as server:
        (description,) = server.description()["brokers"]
        token = await log_in(description)
        scene = Scene(server.simulation, description, None)  # type: ignore[arg-type]
        scene.masters_base = server.description()["masters_base"]
        scene.client = await scene.open()
        uid = description["uid"]
        await scene.client.send(frames.hello("a", user_id=uid, account_id=uid, token=token))
        assert (await scene.hear())["s"] == "OK"
        await scene.client.send(frames.subscribe([("NSE", "2031")], FeedType.TOUCHLINE))
        assert (await scene.hear())["t"] == "tk"
        yield scene
        await scene.client.close()


def play(story: Callable[[Scene], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with a_scene() as scene:
            await story(scene)

    asyncio.run(tell())


def test_a_refused_websocket_is_broken_off_before_it_is_answered() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.faults.refuse = True
        with pytest.raises((InvalidMessage, ConnectionError)):
            await scene.open()
        scene.tick(101.0)
        assert (await scene.hear())["lp"] == "101.00"
        scene.broker.faults.refuse = False
        await (await scene.open()).close()

    play(story)


def test_a_reset_link_ends_without_a_close_frame_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="reset"))
        error = await scene.ends_with(ConnectionClosedError)
        assert error.rcvd is None
        assert isinstance(error.__cause__, ConnectionResetError)
        await until(lambda: not scene.broker.sessions)

    play(story)


@pytest.mark.parametrize(("code", "kind"), [(1000, ConnectionClosedOK), (1001, ConnectionClosedOK)])
def test_a_broker_that_says_goodbye_is_heard(code: int, kind: type[Exception]) -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="close", code=code))
        error = await scene.ends_with(kind)
        assert error.rcvd.code == code
        assert error.rcvd.reason == ("goodbye" if code == 1000 else "")

    play(story)


@pytest.mark.parametrize("code", [1008, 1011, 1012, 1013, 4001])
def test_a_close_with_an_error_s_code_is_heard_with_its_reason(code: int) -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="close", code=code, reason="maintenance"))
        error = await scene.ends_with(ConnectionClosedError)
        assert (error.rcvd.code, error.rcvd.reason) == (code, "maintenance")

    play(story)


def test_a_close_frame_without_a_code_is_a_clean_end() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="close", code=1005))
        assert (await scene.ends_with(ConnectionClosedOK)).rcvd.code == 1005

    play(story)


def test_a_code_that_must_not_be_sent_is_a_protocol_error() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="close", code=1006))
        assert (await scene.ends_with(ConnectionClosedError)).sent.code == 1002

    play(story)


def test_an_oversized_message_makes_the_client_give_up() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="oversized"))
        error = await scene.ends_with(ConnectionClosedError)
        assert error.sent.code == 1009
        assert isinstance(error.__cause__, PayloadTooBig)

    play(story)


def test_garbage_is_delivered_as_text_and_the_link_goes_on() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="garbage"))
        async with asyncio.timeout(SLACK_S):
            assert await scene.client.recv() == ""
            assert await scene.client.recv() == "not JSON at all"
        scene.tick(102.0)
        async with asyncio.timeout(SLACK_S):
            while '"lp":"102.00"' not in str(await scene.client.recv()):
                pass

    play(story)


def test_half_a_frame_swallows_the_pongs_that_would_follow() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="half_frame"))
        scene.tick(103.0)
        error = await scene.ends_with(ConnectionClosedError)
        assert (error.rcvd, error.sent.code) == (None, 1011)

    play(story)


def test_a_black_hole_is_noticed_by_missing_pongs_only() -> None:
    async def story(scene: Scene) -> None:
        started_s = time.monotonic()
        scene.simulation.set_faults("broker1", black_hole=True)
        scene.tick(104.0)
        error = await scene.ends_with(ConnectionClosedError)
        assert (error.rcvd, error.sent.code) == (None, 1011)
        assert time.monotonic() - started_s >= PING_S
        with pytest.raises(TimeoutError):
            await scene.open(open_timeout_s=0.3)
        await until(lambda: not scene.broker.sessions)

    play(story)


def test_what_a_short_black_hole_held_back_comes_in_order_when_it_is_over() -> None:
    async def story(scene: Scene) -> None:
        scene.client.ping_timeout = None
        scene.simulation.set_faults("broker1", black_hole=True)
        produced = scene.simulation.ticks_produced
        for step, price in enumerate((105.0, 106.0, 107.0), start=1):
            scene.tick(price)
            await until(lambda: scene.simulation.ticks_produced == produced + step)  # noqa: B023
        await scene.client.send(frames.heartbeat())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await scene.client.recv()
        scene.simulation.clear_faults("broker1")
        heard = [await scene.hear() for _ in range(4)]
        assert [message["lp"] for message in heard if message["t"] == "tf"] == ["105.00", "106.00", "107.00"]
        assert [message["t"] for message in heard].count("hk") == 1

    play(story)


def test_a_slow_link_delays_messages_and_pongs_alike() -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.set_faults("broker1", delay_s=0.2)
        started_s = time.monotonic()
        scene.tick(108.0)
        assert (await scene.hear())["lp"] == "108.00"
        assert time.monotonic() - started_s >= 0.2
        async with asyncio.timeout(SLACK_S):
            assert await (await scene.client.ping()) >= 0.2

    play(story)


def test_bursts_bring_what_was_held_back_together() -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.set_faults("broker1", burst_s=0.25)
        arrivals_s: list[float] = []

        async def listen() -> None:
            while len(arrivals_s) < 30:
                await scene.client.recv()
                arrivals_s.append(time.monotonic())

        async with asyncio.timeout(SLACK_S), asyncio.TaskGroup() as group:
            group.create_task(listen())
            for price in range(200, 230):
                scene.tick(float(price))
                await asyncio.sleep(0.02)
        gaps = [later - earlier for earlier, later in pairwise(arrivals_s)]
        bursts = 1 + sum(gap > 0.05 for gap in gaps)
        assert 2 <= bursts <= 2 + (arrivals_s[-1] - arrivals_s[0]) / 0.25

    play(story)


def test_a_mute_broker_answers_pings_and_nothing_else() -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.set_faults("broker1", mute=True)
        await scene.client.send(frames.heartbeat())
        scene.tick(109.0)
        async with asyncio.timeout(SLACK_S):
            await (await scene.client.ping())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4 * PING_S):
                await scene.client.recv()
        assert scene.client.close_code is None

    play(story)


def test_an_evicted_connection_is_told_goodbye() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="evict"))
        error = await scene.ends_with(ConnectionClosedOK)
        assert (error.rcvd.code, error.rcvd.reason) == (1000, "goodbye")

    play(story)


def test_rest_hangs_until_the_client_gives_up() -> None:
    async def story(scene: Scene) -> None:
        url = scene.description["rest_base"] + "OrderBook"
        async with httpx.AsyncClient(timeout=0.3) as client:
            scene.broker.faults.rest_hangs = True
            with pytest.raises(httpx.ReadTimeout):
                await client.post(url, content=b"jData={}")
            scene.broker.faults.rest_hangs = False
            scene.broker.faults.black_hole = True
            with pytest.raises(httpx.ReadTimeout):
                await client.post(url, content=b"jData={}")

    play(story)


def test_a_gateway_s_html_takes_the_place_of_an_answer() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.faults.rest_html_502 = True
        async with httpx.AsyncClient() as client:
            answer = await client.post(scene.description["rest_base"] + "OrderBook", content=b"jData={}")
        assert answer.status_code == 502
        assert answer.headers["content-type"].startswith("text/html")
        assert b"502 Bad Gateway" in answer.content

    play(story)


def test_a_server_with_every_connection_obstructed_still_stops() -> None:
    async def scenario() -> None:
        async with a_scene() as scene:
            scene.simulation.set_faults("broker1", black_hole=True, rest_hangs=True)
            opening = asyncio.create_task(scene.open())
            async with httpx.AsyncClient() as client:
                asking = asyncio.create_task(client.post(scene.description["rest_base"] + "OrderBook"))
                await asyncio.sleep(0.2)
        for task in (opening, asking):
            task.cancel()
        await asyncio.gather(opening, asking, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scenario(), SLACK_S))


def test_faults_and_blows_are_steered_over_http() -> None:
    async def story(scene: Scene) -> None:
        base = f"{scene.masters_base}/simulator"
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{base}/faults/broker1", json={"mute": True, "lacks": ["A", "A"]})
            assert answer.json()["broker1"]["mute"] is True
            assert answer.json()["broker1"]["lacks"] == ["A"]
            assert scene.broker.faults.mute
            assert (await client.post(f"{base}/faults/all", json={})).json() == answer.json()
            assert (await client.get(f"{base}/faults")).json() == answer.json()
            await client.delete(f"{base}/faults/all")
            assert scene.broker.faults == NO_FAULTS
            blow = await client.post(f"{base}/strike/all", json={"action": "close", "code": 4001})
            assert blow.status_code == 200
            assert (await scene.ends_with(ConnectionClosedError)).rcvd.code == 4001

    play(story)


def test_nonsense_over_http_is_refused_with_what_would_be_right() -> None:
    async def story(scene: Scene) -> None:
        base = f"{scene.masters_base}/simulator"
        async with httpx.AsyncClient() as client:

            async def words(path: str, content: bytes) -> str:
                answer = await client.post(f"{base}/{path}", content=content)
                assert answer.status_code == 400
                return answer.text

            assert "unknown field `mutee`" in await words("faults/broker1", b'{"mutee": true}')
            assert "expected one of broker1, all" in await words("faults/broker9", b"{}")
            assert "expected a JSON object" in await words("faults/broker1", b"[1]")
            assert "expected action" in await words("strike/broker1", b'{"action": "kick"}')
            assert (await client.put(f"{base}/faults/broker1")).status_code == 405
            assert (await client.delete(f"{base}/strike/broker1")).status_code == 405
            assert (await client.post(f"{base}/strike/")).status_code == 404
        assert scene.broker.faults == NO_FAULTS

    play(story)
