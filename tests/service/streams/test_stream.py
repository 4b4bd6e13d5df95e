"""The streams of ``/ws`` in JSON, and what a client that misbehaves gets; in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dualbroker.service.streams import clients
from dualbroker.service.streams.client import MOST_REFUSED
from dualbroker.service.streams.hub import hub_of
from dualbroker.view.patches import applied
from tests.service.streams.stream_socket import StreamSocket
from tests.service.world import Served, served
from tests.simulated import World, eventually, run_world

GRACE_S = 5.0

Story = Callable[[Served, World], Awaitable[None]]


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "GRACE_S", GRACE_S)


def play(story: Story, **settings: Any) -> None:
    """Tell a story over a service that works."""

    async def told(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            await story(service, world)

    run_world(told, **settings)


def test_the_view_is_first_all_of_it_then_what_changed() -> None:
    async def story(service: Served, world: World) -> None:
        page = StreamSocket(service)
        await page.say({"streams": {"view": {}}})
        assert (await page.next())["hello"]["protocol"] == 1
        whole = (await page.next())["view"]
        assert {"mode", "time", "headline", "brokers", "quotes", "orders", "traffic"} <= set(whole)
        assert whole["headline"]["quotes"] == "Price/Quote updates: broker1 only"
        change = await page.until("view")
        assert "time" in change
        assert "mode" not in change
        await page.leave()

    play(story, subscribe=["NIFTY"])


def test_patches_make_the_same_view_of_what_is_shown_already_as_sending_it_anew() -> None:
    async def follow(page: StreamSocket, states: dict[str, Any]) -> int:
        """Takes the states up by their time; returns how many patches there were."""
        shown: dict[str, Any] = {}
        patched = 0
        for _ in range(40):
            message = await page.next()
            shown = {**shown, **message["view"]}
            for name, change in message.get("view_patch", {}).items():
                assert name not in message["view"]
                shown[name] = applied(shown[name], change)
                patched += 1
            states[shown["time"]] = {**shown, "clients": None}
        return patched

    async def story(service: Served, world: World) -> None:
        patches, whole = StreamSocket(service), StreamSocket(service)
        for page, wish in ((patches, {"patches": True}), (whole, {})):
            await page.say({"streams": {"view": {"hz": 4, **wish}}})
            assert "hello" in await page.next()
        states: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        counts = await asyncio.gather(follow(patches, states[0]), follow(whole, states[1]))
        assert counts[0] > 40
        assert counts[1] == 0
        common = states[0].keys() & states[1].keys()
        assert len(common) > 10
        for time in common:
            assert states[0][time] == states[1][time]
        await patches.leave()
        await whole.leave()

    play(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])


def test_silence_is_broken_so_that_the_page_knows_that_we_live() -> None:
    async def story(service: Served, world: World) -> None:
        await service.manager.stop()
        page = StreamSocket(service)
        await page.say({"streams": {"view": {}}})
        await page.until("view")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert set(await page.until("view")) == {"time"}
        assert 2.0 <= loop.time() - begun <= 2.5
        await page.leave()

    play(story)


def test_ticks_come_each_once_in_order_and_from_where_they_were_asked() -> None:
    async def story(service: Served, world: World) -> None:
        store = service.manager.quotes
        socket = StreamSocket(service)
        await socket.say({"streams": {"ticks": {"after": 0}}})
        rows = 0
        while rows < 200:
            ticks = await socket.until("ticks")
            assert ticks["first"] == rows
            rows += len(ticks["rows"])
        row = dict(zip(ticks["columns"], ticks["rows"][-1], strict=True))
        assert row["broker_name"] == "broker1"
        assert row["receive_time"].endswith("+05:30")
        await socket.leave()
        again = StreamSocket(service)
        run = hub_of(service.app.state).run
        await again.say({"streams": {"ticks": {"after": 150}}, "run": run})
        assert (await again.until("ticks"))["first"] == 150
        fresh = StreamSocket(service)
        await fresh.say({"streams": {"ticks": {}}})
        first = store.total_rows
        assert (await fresh.until("ticks"))["first"] >= first
        await again.leave()
        await fresh.leave()

    play(story, subscribe=["NIFTY", "BANKNIFTY"])


def test_the_latest_quotes_come_at_most_so_often_and_the_last_one_always() -> None:
    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        await socket.say({"streams": {"latest": {"hz": 2, "symbols": ["NIFTY INDEX"]}}})
        loop = asyncio.get_running_loop()
        times = []
        for _ in range(4):
            [row] = await socket.until("latest")
            assert row["symbol"] == "NIFTY INDEX"
            times.append(loop.time())
        assert min(b - a for a, b in itertools.pairwise(times)) >= 0.5
        await service.manager.release("config")
        await asyncio.sleep(2)
        known = service.manager.quotes.index_of(("NSE", "26000"))
        assert known is not None
        seen = row
        while True:
            try:
                [seen] = await asyncio.wait_for(socket.until("latest"), 3)
            except TimeoutError:
                break
        _, rows, _ = service.manager.quotes.latest()
        assert seen["ltp"] == rows["ltp"][known]
        await socket.leave()

    play(story, subscribe=["NIFTY", "BANKNIFTY"])


def test_orders_come_in_order_and_after_the_one_that_the_client_names() -> None:
    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        await socket.say({"streams": {"orders": {"after": 0}}})
        hello = await socket.until("hello")
        seen: list[int] = []
        while len(seen) < 10:
            seen += [row["sequence"] for row in await socket.until("orders")]
        assert seen == list(range(1, len(seen) + 1))
        await socket.leave()
        again = StreamSocket(service)
        await again.say({"streams": {"orders": {"after": seen[-1], "identity": hello["identity"]}}})
        rows = await again.until("orders")
        assert rows[0]["sequence"] == seen[-1] + 1
        assert {"broker_name", "order_id", "status", "receive_time"} <= set(rows[0])
        other = StreamSocket(service)
        await other.say({"streams": {"orders": {"after": seen[-1], "identity": "another"}}})
        assert (await other.until("orders"))[0]["sequence"] == 1
        await again.leave()
        await other.leave()

    play(story, orders_per_minute=600)


def test_brokers_bandwidth_incidents_and_subscriptions_come_on_change() -> None:
    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        await socket.say({"streams": {"brokers": {}, "bandwidth": {}, "incidents": {}, "subscriptions": {}}})
        got: dict[str, Any] = {}
        while not {"brokers", "bandwidth", "incidents", "subscriptions"} <= set(got):
            got |= await socket.next()
        assert got["brokers"]["primary"] == "broker1"
        assert [row["broker_name"] for row in got["brokers"]["rows"]] == ["broker1", "broker2"]
        assert got["subscriptions"][0]["symbol"] == "NIFTY INDEX"
        assert {row["kind"] for row in got["bandwidth"]["seconds"]} == {"quotes", "orders", "control"}
        world.drop("broker1")
        told = await socket.until("incidents")
        while not told["failovers"] or not told["failovers"][0]["finished"]:
            told = await socket.until("incidents")
        assert told["failovers"][0]["to_broker"] == "broker2"
        await socket.leave()

    play(story, subscribe=["NIFTY"])


def test_calls_are_answered_after_what_they_brought_about() -> None:
    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        await socket.say({"streams": {"subscriptions": {}, "ticks": {"after": 0}}})
        await socket.say({"id": 7, "call": "subscribe", "arguments": {"names": ["NIFTY"], "exchange": "NSE"}})
        got: dict[str, Any] = {}
        while "answer" not in got:
            got |= await socket.next()
        assert got["answer"]["id"] == 7
        assert got["answer"]["result"][0]["acknowledged"] is True
        assert got["subscriptions"][0]["symbol"] == "NIFTY INDEX"
        ticks = got["ticks"]
        assert ticks["rows"][0][ticks["columns"].index("symbol")] == "NIFTY INDEX"
        await socket.say({"id": 8, "call": "search", "arguments": {"words": "bank nifty", "limit": 3}})
        assert len((await socket.until("answer"))["result"]) == 3
        await socket.say({"id": 9, "call": "set_quote_source", "arguments": {"name": "broker2"}})
        assert (await socket.until("answer"))["result"]["to_broker"] == "broker2"
        await socket.leave()

    play(story)


def test_a_call_that_fails_says_why_by_class_and_words() -> None:
    failing: list[tuple[str, dict[str, Any], str, str]] = [
        ("subscribe", {"names": ["NIFTTY"], "exchange": "NSE"}, "UnknownInstrumentError", "no instrument"),
        ("set_quote_source", {"name": "broker9"}, "ConfigError", "found 'broker9'"),
        ("options_around", {"underlying": "NIFTY", "strikes": -1}, "ArgumentError", "0 strikes or more"),
        ("place_order", {}, "RequestRefusedError", "expected one of subscribe"),
        ("subscribe", {"names": "NIFTY"}, "RequestRefusedError", "subscribe: expected `array`"),
        ("subscribe", {"names": [], "holder": "x" * 100}, "RequestRefusedError", "length <= 80"),
        ("search", {"words": "x", "colour": "red"}, "RequestRefusedError", "unknown field `colour`"),
    ]

    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        await socket.say({"streams": {"brokers": {}}})
        for number, (call, arguments, kind, words) in enumerate(failing):
            await socket.say({"id": number, "call": call, "arguments": arguments})
            answer = await socket.until("answer")
            assert answer["id"] == number
            assert answer["error"]["type"] == kind
            assert words in answer["error"]["message"]
        await socket.leave()

    play(story)


def test_a_first_message_that_chooses_nothing_is_told_so_and_closed() -> None:
    nonsense = [
        "",
        "{",
        "[]",
        "{}",
        '{"streams": {}}',
        '{"streams": {"secrets": {}}}',
        '{"streams": {"latest": {"hz": 1e9}}}',
        '{"streams": {"ticks": {"after": -1}}}',
        '{"streams": {"view": {"parts": ["nothing"]}}}',
        '{"streams": {"view": {}}, "client": "../../etc"}',
        '{"goodbye": true}',
        "[" * 100_000,
    ]

    async def story(service: Served, world: World) -> None:
        for text in nonsense:
            socket = StreamSocket(service)
            await socket.say(text)
            assert (await socket.next())["error"]["type"] == "RequestRefusedError"
            assert "closed" in await socket.next()
            assert socket.close_code == 1008
            await socket.served
        assert not hub_of(service.app.state).registry.attached()

    play(story)


def test_who_says_nothing_is_closed() -> None:
    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        assert "no streams were chosen" in (await socket.next())["closed"]
        await socket.served

    play(story)


def test_who_sends_nonsense_or_too_much_is_warned_and_then_closed() -> None:
    async def story(service: Served, world: World) -> None:
        socket = StreamSocket(service)
        await socket.say({"streams": {"brokers": {}}})
        for number in range(400):
            await socket.say({"id": number, "call": "known_instruments", "arguments": {"keys": []}})
        refused = 0
        while "closed" not in (message := await socket.next()):
            refused += message.get("error", {}).get("type") == "RateLimitedError"
        assert refused >= MOST_REFUSED
        assert "too fast" in message["closed"]
        registry = hub_of(service.app.state).registry
        assert registry.closes.total() == 1
        assert registry.totals()["refused"] > MOST_REFUSED

    play(story)


def test_a_client_lets_go_of_its_own_when_it_dies_and_of_nobody_elses() -> None:
    async def story(service: Served, world: World) -> None:
        manager = service.manager
        first, second = StreamSocket(service), StreamSocket(service)
        names = {"names": ["NIFTY", "BANKNIFTY"], "exchange": "NSE"}
        for socket, arguments in ((first, names), (second, {**names, "names": ["NIFTY"]})):
            await socket.say({"streams": {"subscriptions": {}}})
            await socket.say({"id": 1, "call": "subscribe", "arguments": arguments})
            await socket.until("answer")
        await first.leave()
        await asyncio.sleep(GRACE_S - 1)
        assert len(manager.wanted()) == 2
        await eventually(lambda: list(manager.wanted()) == [("NSE", "26000")], 10)
        await second.say({"goodbye": True})
        await eventually(lambda: not manager.wanted(), 2)

    play(story)


def test_a_page_that_was_closed_is_not_expected_back() -> None:
    async def story(service: Served, world: World) -> None:
        registry = hub_of(service.app.state).registry
        page, named, holding = (StreamSocket(service) for _ in range(3))
        await page.say({"streams": {"view": {}}})
        await named.say({"streams": {"subscriptions": {}}, "client": "ab" * 16})
        await holding.say({"streams": {"subscriptions": {}}})
        await holding.say(
            {"id": 1, "call": "subscribe", "arguments": {"names": ["NIFTY"], "exchange": "NSE"}}
        )
        await holding.until("answer")
        await page.until("view")
        await named.until("hello")
        for socket, expected in ((page, 0), (named, 1), (holding, 2)):
            await socket.leave()
            assert registry.summary()["expected_back"] == expected
        await eventually(lambda: registry.waiting_to_return() == 0, GRACE_S + 5)

    play(story)


def test_a_client_that_comes_back_in_time_keeps_what_it_held() -> None:
    async def story(service: Served, world: World) -> None:
        manager, name = service.manager, "ab" * 16
        for _ in range(2):
            socket = StreamSocket(service)
            await socket.say({"streams": {"subscriptions": {}}, "client": name})
            await socket.until("hello")
            if not manager.wanted():
                arguments = {"names": ["NIFTY"], "exchange": "NSE"}
                await socket.say({"id": 1, "call": "subscribe", "arguments": arguments})
                await socket.until("answer")
            await asyncio.sleep(GRACE_S + 1)
            assert manager.routing.machine.holders.of(("NSE", "26000")) == {f"client-{name[:12]}"}
            await socket.leave()
        await eventually(lambda: not manager.wanted(), GRACE_S + 5)

    play(story)
