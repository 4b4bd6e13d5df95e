"""What a faulty broker tells a connection, and what it does not, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.simulator.faults.faults import Strike

from ..fault_scene import INDEX_KEY, OPTION_KEY, SHARE_KEY, Scene, play


def test_a_mute_socket_answers_the_first_frame_and_pings_only() -> None:
    async def story(scene: Scene) -> None:
        scene.set(mute=True)
        await scene.connect()
        await scene.subscribe(SHARE_KEY)
        scene.websocket.send(frames.heartbeat())
        scene.websocket.ping()
        scene.place()
        await scene.tick(ltp=101.0)
        assert scene.kinds() == ["ak"]
        assert scene.websocket.last_pong_s is not None

    play(story)


def test_what_a_silent_socket_missed_comes_as_one_change_when_it_speaks_again() -> None:
    async def story(scene: Scene) -> None:
        scene.set(mute=True)
        await scene.tick(ltp=101.0, bid=100.9)
        await scene.tick(ltp=102.0)
        assert scene.heard() == []
        scene.simulation.clear_faults("all")
        await asyncio.sleep(0.1)
        (change,) = [each for each in scene.heard() if each["tk"] == "2031"]
        assert (change["t"], change["lp"], change["bp1"]) == ("tf", "102.00", "100.90")
        await scene.tick(ltp=103.0)
        assert [each["lp"] for each in scene.heard()] == ["103.00"]

    play(story)


def test_heartbeats_only_is_just_that() -> None:
    async def story(scene: Scene) -> None:
        scene.set(heartbeats_only=True)
        await scene.connect()
        await scene.subscribe(SHARE_KEY)
        scene.websocket.send(frames.heartbeat())
        scene.place()
        await scene.tick(ltp=101.0)
        assert scene.kinds() == ["ak", "ok", "hk"]

    play(story)


@pytest.mark.parametrize("depth", [False, True])
def test_silent_quotes_are_acknowledged_and_never_tick(depth: bool) -> None:
    async def story(scene: Scene) -> None:
        scene.set(quotes_silent=True)
        await scene.subscribe(OPTION_KEY, depth=depth)
        scene.place()
        await scene.tick(index=1, ltp=11.0)
        assert set(scene.kinds()) == {"dk" if depth else "tk", "ok", "om"}
        scene.set(quotes_silent=False)
        await asyncio.sleep(0.1)
        assert "11.00" in [each.get("lp") for each in scene.heard()]
        await scene.tick(index=1, ltp=12.0)
        assert [each["t"] for each in scene.heard()] == ["df" if depth else "tf"]

    play(story)


def test_only_the_first_scrips_tick_though_all_are_acknowledged() -> None:
    async def story(scene: Scene) -> None:
        scene.set(first_scrips_only=1)
        await scene.subscribe(OPTION_KEY)
        assert "tk" in scene.kinds()
        for index in range(3):
            await scene.tick(index=index, ltp=1.0 + index)
        assert [(each["e"], each["tk"]) for each in scene.heard()] == [SHARE_KEY]
        scene.websocket.send(frames.unsubscribe([SHARE_KEY], FeedType.TOUCHLINE))
        await asyncio.sleep(0.1)
        scene.heard()
        for index in range(3):
            await scene.tick(index=index, ltp=5.0 + index)
        assert [(each["e"], each["tk"]) for each in scene.heard()] == [INDEX_KEY]

    play(story)


def test_a_share_of_instruments_is_neither_acknowledged_nor_streamed() -> None:
    async def story(scene: Scene) -> None:
        scene.set(unacknowledged=1.0)
        await scene.subscribe(SHARE_KEY)
        await scene.tick(ltp=101.0)
        assert scene.kinds() == ["ok"]
        scene.set(unacknowledged=0.0)
        await scene.subscribe(SHARE_KEY)
        assert scene.kinds() == ["tk", "ok"]

    play(story)


def test_a_refused_first_frame_leaves_the_socket_open() -> None:
    async def story(scene: Scene) -> None:
        scene.set(refuse_hello=True)
        await scene.connect()
        assert [(each["t"], each["s"]) for each in scene.heard()] == [("ak", "NOT_OK")]
        assert not scene.websocket.is_closed

    play(story)


def test_a_dead_token_that_is_accepted_opens_a_socket_that_stays_mute() -> None:
    async def story(scene: Scene) -> None:
        scene.set(expired_tokens_accepted=True)
        scene.simulation.strike("broker1", Strike(action="expire_tokens"))
        reason = await scene.ended()
        assert reason.code == 1008
        await scene.connect()
        await scene.subscribe(SHARE_KEY)
        scene.set(expired_tokens_accepted=False)
        await scene.tick(ltp=101.0)
        assert [(each["t"], each["s"]) for each in scene.heard()] == [("ak", "OK")]
        assert (await scene.rest("OrderBook"))["emsg"].startswith("Session Expired")

    play(story)


def test_sockets_of_dead_tokens_fall_mute_where_that_is_the_rule() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="expire_tokens"))
        await scene.tick(ltp=101.0)
        assert scene.heard() == []
        assert not scene.websocket.is_closed

    play(story, tokens_die="mute")


def test_an_evicted_socket_is_told_goodbye() -> None:
    async def story(scene: Scene) -> None:
        scene.broker.strike(Strike(action="evict"))
        reason = await scene.ended()
        assert (reason.code, reason.reason) == (1000, "goodbye")

    play(story)


def updates(scene: Scene) -> list[tuple[str, str]]:
    return [(each["norenordno"], each["reporttype"]) for each in scene.heard() if each["t"] == "om"]


def test_order_updates_come_once_and_in_order_without_faults() -> None:
    async def story(scene: Scene) -> None:
        number = scene.place()
        await asyncio.sleep(0.2)
        assert updates(scene) == [(number, "NewAck"), (number, "PendingNew"), (number, "New")]

    play(story)


def test_order_updates_can_come_twice() -> None:
    async def story(scene: Scene) -> None:
        scene.set(duplicate_orders=1.0)
        number = scene.place()
        await asyncio.sleep(0.2)
        assert updates(scene) == [(number, kind) for kind in ("NewAck", "PendingNew", "New") for _ in "12"]

    play(story)


def test_a_lost_order_update_is_in_the_book() -> None:
    async def story(scene: Scene) -> None:
        scene.set(drop_orders=1.0)
        number = scene.place()
        await asyncio.sleep(1.0)
        assert updates(scene) == []
        assert [row["norenordno"] for row in await scene.rest("OrderBook")] == [number]

    play(story)


def test_order_updates_out_of_order_all_arrive() -> None:
    async def story(scene: Scene) -> None:
        scene.set(reorder_orders=0.4)
        placed = [scene.place() for _ in range(20)]
        await asyncio.sleep(1.0)
        expected = [(number, kind) for number in placed for kind in ("NewAck", "PendingNew", "New")]
        seen = updates(scene)
        assert seen != expected
        assert sorted(seen) == sorted(expected)

    play(story)
