"""Faults of links over the in-memory transport, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.noren import frames
from dualbroker.simulator.drivers.link import GARBAGE
from dualbroker.simulator.faults.faults import Strike

from ..fault_scene import Scene, play


def test_a_refused_websocket_fails_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.set(refuse=True)
        with pytest.raises(ConnectionFailedError, match="refused"):
            await scene.connect()
        await scene.tick(ltp=101.0)
        assert scene.kinds() == ["tf"]

    play(story)


def test_nothing_passes_a_black_hole_and_all_of_it_passes_afterwards_in_order() -> None:
    async def story(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        scene.set(black_hole=True)
        await scene.tick(ltp=101.0)
        scene.websocket.send(frames.heartbeat())
        scene.websocket.ping()
        await scene.tick(ltp=102.0)
        assert (scene.heard(), scene.websocket.last_pong_s) == ([], None)
        with pytest.raises(ConnectionFailedError, match="within 3 s"):
            await scene.rest("OrderBook", timeout_s=3.0)
        started_s = loop.time()
        with pytest.raises(ConnectionFailedError, match="timed out"):
            await scene.connect(open_timeout_s=4.0)
        assert loop.time() - started_s == pytest.approx(4.0, abs=0.3)
        scene.simulation.clear_faults("broker1")
        await asyncio.sleep(0.2)
        heard = scene.heard()
        assert [each["lp"] for each in heard if each["t"] == "tf"] == ["101.00", "102.00"]
        assert [each["t"] for each in heard].count("hk") == 1
        assert scene.websocket.last_pong_s is not None

    play(story)


def test_closing_into_a_black_hole_takes_two_seconds_and_then_is_done() -> None:
    async def story(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        scene.set(black_hole=True)
        started_s = loop.time()
        await scene.websocket.close()
        assert loop.time() - started_s == pytest.approx(2.0)
        assert scene.websocket.is_closed
        assert scene.broker.sessions == []

    play(story)


def test_a_ping_is_answered_after_the_way_there_and_back() -> None:
    async def story(scene: Scene) -> None:
        scene.websocket.ping()
        await asyncio.sleep(0.1)
        assert scene.websocket.last_pong_s is not None
        assert scene.websocket.round_trip_s == pytest.approx(0.002)
        scene.set(delay_s=3.0)
        scene.websocket.ping()
        await asyncio.sleep(3.5)
        assert scene.websocket.round_trip_s == pytest.approx(3.002)

    play(story)


def test_an_abort_ends_without_a_code() -> None:
    async def story(scene: Scene) -> None:
        scene.websocket.abort()
        reason = await scene.ended()
        assert (reason.code, reason.clean) == (None, False)
        assert scene.broker.sessions == []

    play(story)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(1000, (1000, "goodbye", True)), (1011, (1011, "", False)), (4001, (4001, "", False))],
)
def test_a_close_is_heard_with_its_code(code: int, expected: tuple[int, str, bool]) -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.strike("broker1", Strike(action="close", code=code))
        reason = await scene.ended()
        assert (reason.code, reason.reason, reason.clean) == expected

    play(story)


@pytest.mark.parametrize(
    ("strike", "words"),
    [
        (Strike(action="reset"), "without a closing handshake"),
        (Strike(action="oversized"), "1009"),
        (Strike(action="close", code=1006), "1002"),
    ],
)
def test_a_link_that_breaks_ends_without_a_code(strike: Strike, words: str) -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.strike("broker1", strike)
        reason = await scene.ended()
        assert (reason.code, reason.clean) == (None, False)
        assert words in reason.reason

    play(story)


def test_after_half_a_frame_nothing_comes_until_the_client_gives_up() -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.strike("broker1", Strike(action="half_frame"))
        await asyncio.sleep(0.1)
        scene.websocket.ping()
        scene.websocket.send(frames.heartbeat())
        await scene.tick(ltp=101.0)
        assert (scene.heard(), scene.websocket.last_pong_s) == ([], None)
        scene.websocket.abort()
        assert (await scene.ended()).code is None

    play(story)


def test_a_link_with_half_a_frame_on_it_can_still_break() -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.strike("broker1", Strike(action="half_frame"))
        scene.simulation.strike("broker1", Strike(action="close"))
        assert (await scene.ended()).code is None

    play(story)


def test_garbage_arrives_as_messages_that_mean_nothing() -> None:
    async def story(scene: Scene) -> None:
        scene.simulation.strike("broker1", Strike(action="garbage"))
        await asyncio.sleep(0.1)
        assert tuple(scene.raw) == GARBAGE
        scene.raw.clear()
        await scene.tick(ltp=101.0)
        assert scene.kinds() == ["tf"]

    play(story)


def test_slow_delivery_is_late_and_nothing_overtakes_when_it_is_over() -> None:
    async def story(scene: Scene) -> None:
        scene.set(delay_s=2.0)
        await scene.tick(ltp=101.0)
        scene.set(delay_s=0.0)
        await scene.tick(ltp=102.0)
        assert scene.heard() == []
        await asyncio.sleep(2.0)
        assert [each["lp"] for each in scene.heard()] == ["101.00", "102.00"]

    play(story)


def test_bursts_are_so_many_seconds_apart() -> None:
    async def story(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        moments: set[float] = set()
        on_read = scene.websocket._on_read

        def note(messages: Sequence[bytes], wire_bytes: int) -> None:
            moments.add(round(loop.time(), 3))
            on_read(messages, wire_bytes)

        scene.websocket._on_read = note
        scene.set(burst_s=5.0)
        for step in range(60):
            await scene.tick(ltp=100.0 + step)
        await asyncio.sleep(6)
        assert len(scene.heard()) == 60
        assert sorted(moments) == [5.0, 10.0, 15.0]

    play(story)
