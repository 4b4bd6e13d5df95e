"""Faults over the in-memory transport, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.errors import ConnectionFailedError, DualBrokerError
from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.requests import encode_body
from dualbroker.simulator.faults import NO_FAULTS, Faults, Strike, as_strike, changed
from dualbroker.simulator.garbage import GARBAGE
from dualbroker.simulator.memory import MASTERS_BASE, MemoryTransport
from dualbroker.simulator.memory_websocket import MemoryCloseReason, MemoryWebSocket
from dualbroker.simulator.orders import OrderTerms
from dualbroker.simulator.simulation import Simulation

from .broker_client import ask, log_in, order_fields
from .still_market import OPTION, SHARE, StillMarket

SHARE_KEY, OPTION_KEY, INDEX_KEY = ("NSE", "2031"), ("NFO", "2031"), ("NSE", "26000")


class Scene:
    """A broker over a market that stands still, and an open connection that was accepted."""

    def __init__(self, **settings: Any) -> None:
        self.market = StillMarket()
        self.simulation = Simulation(self.market, ["broker1", "broker2"], **settings)
        self.broker = self.simulation.brokers[0]
        self.transport = MemoryTransport(self.simulation)
        self.rest_base, self.url = self.transport.addresses("broker1")
        self.token = log_in(self.broker)
        self.uid = self.broker.accounts[0].uid
        self.raw: list[bytes] = []
        self.websocket: MemoryWebSocket

    def on_read(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        self.raw += messages

    def set(self, **changes: Any) -> None:
        self.simulation.set_faults("broker1", **changes)

    async def connect(self, token: str | None = None, *, open_timeout_s: float = 10.0) -> None:
        self.websocket = await self.transport.open_websocket(
            self.url, self.on_read, open_timeout_s=open_timeout_s
        )
        self.websocket.send(
            frames.hello("a", user_id=self.uid, account_id=self.uid, token=token or self.token)
        )
        await asyncio.sleep(0.1)

    async def subscribe(self, *keys: tuple[str, str], depth: bool = False) -> None:
        feed_type = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        self.websocket.send(frames.subscribe(list(keys), feed_type))
        self.websocket.send(frames.subscribe_orders(self.uid))
        await asyncio.sleep(0.1)

    def heard(self) -> list[dict[str, Any]]:
        """What came since the last look."""
        messages, self.raw = self.raw, []
        return [json.loads(message) for message in messages]

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.heard()]

    async def tick(self, index: int = 0, **changes: float) -> None:
        self.market.change(index, **changes)
        await asyncio.sleep(0.2)

    def place(self) -> str:
        return str(ask(self.broker, "PlaceOrder", self.token, actid=self.uid, **order_fields())["norenordno"])

    async def rest(self, name: str, timeout_s: float = 10.0, **fields: str) -> Any:
        body = encode_body({"uid": self.uid, **fields}, jkey=self.token)
        answer = await self.transport.request("POST", self.rest_base + name, body=body, timeout_s=timeout_s)
        return json.loads(answer.body)

    async def ended(self, within_s: float = 5.0) -> MemoryCloseReason:
        async with asyncio.timeout(within_s):
            return await self.websocket.wait_closed()


def play(story: Callable[[Scene], Awaitable[None]], **settings: Any) -> None:
    async def tell() -> None:
        scene = Scene(**settings)
        await scene.connect()
        await scene.subscribe(SHARE_KEY, INDEX_KEY)
        assert scene.kinds() == ["ak", "tk", "tk", "ok"]
        try:
            await story(scene)
        finally:
            await scene.transport.aclose()

    run_in_virtual_time(tell())


# Links


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


# What a connection is told


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


# Orders


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


# REST


def test_a_gateway_s_html_takes_the_place_of_every_answer() -> None:
    async def story(scene: Scene) -> None:
        scene.set(rest_html_502=True)
        answer = await scene.transport.request("POST", scene.rest_base + "OrderBook")
        assert (answer.status, b"502 Bad Gateway" in answer.body) == (502, True)

    play(story)


def test_rest_that_hangs_is_given_up_by_the_client() -> None:
    async def story(scene: Scene) -> None:
        scene.set(rest_hangs=True)
        started_s = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionFailedError, match="within 7 s"):
            await scene.rest("OrderBook", timeout_s=7.0)
        assert asyncio.get_running_loop().time() - started_s == pytest.approx(7.0, abs=0.1)

    play(story)


def test_calls_beyond_the_limit_are_refused_until_the_next_minute() -> None:
    async def story(scene: Scene) -> None:
        scene.set(rate_limit_per_minute=2)
        answers = [await scene.rest("Limits") for _ in range(4)]
        assert [answer["stat"] for answer in answers] == ["Ok", "Ok", "Not_Ok", "Not_Ok"]
        assert "Order Recieved 3 in a current minute exceeds Limit 2" in answers[2]["emsg"]
        await asyncio.sleep(60)
        assert (await scene.rest("Limits"))["stat"] == "Ok"

    play(story)


def test_a_wrong_quote_is_complete_and_of_another_instrument() -> None:
    async def story(scene: Scene) -> None:
        scene.set(wrong_quotes=1.0)
        answer = await scene.rest("GetQuotes", exch="NSE", token="2031")
        assert (answer["stat"], answer["exch"], answer["token"]) == ("Ok", "NSE", "26000")
        other = await scene.rest("GetQuotes", exch="NSE", token="26000")
        assert (other["stat"], other["token"]) == ("Ok", "2031")

    play(story)


def test_books_can_say_no_data_although_there_are_orders() -> None:
    async def story(scene: Scene) -> None:
        scene.place()
        scene.set(no_data=True)
        for book in ("OrderBook", "TradeBook", "PositionBook"):
            assert (await scene.rest(book))["emsg"] == 'Error Occurred : 5 "no data"'
        assert (await scene.rest("Limits"))["stat"] == "Ok"

    play(story)


def test_a_skewed_clock_shows_in_all_of_the_broker_s_own_times() -> None:
    async def story(scene: Scene) -> None:
        scene.market.quotes[0]["feed_time"] = scene.market.now_ns() // 1_000_000_000
        scene.set(clock_skew_s=-90.0)
        true_s = scene.market.now_ns() // 1_000_000_000
        scene.websocket.send(frames.heartbeat())
        await scene.tick(ltp=101.0, feed_time=float(true_s))
        scene.place()
        await asyncio.sleep(0.2)
        heard = {each["t"]: each for each in scene.heard()}
        assert int(heard["tf"]["ft"]) == true_s - 90
        assert abs(int(heard["hk"]["hk"]) - (true_s - 90)) <= 1
        assert abs(int(heard["om"]["tm"]) - (true_s - 90)) <= 1
        (row,) = await scene.rest("OrderBook")
        assert row["norentm"] == heard["om"]["norentm"]
        assert abs(int(row["ordenttm"]) - (true_s - 90)) <= 1

    play(story)


def test_what_a_broker_lacks_is_in_none_of_its_answers() -> None:
    async def story(scene: Scene) -> None:
        scene.set(lacks=frozenset({OPTION.symbol}))
        await scene.subscribe(OPTION_KEY)
        assert scene.kinds() == ["ok"]
        assert (await scene.rest("GetQuotes", exch="NFO", token="2031"))["stat"] == "Not_Ok"
        assert (await scene.rest("SearchScrip", exch="NFO", stext="NIFTY"))["stat"] == "Not_Ok"
        order = order_fields(exch="NFO", tsym=OPTION.symbol, qty="75")
        assert ask(scene.broker, "PlaceOrder", scene.token, actid=scene.uid, **order)["stat"] == "Not_Ok"

        async def master(folder: str) -> int:
            url = f"{MASTERS_BASE}{folder}/NFO_symbols.txt.zip"
            return (await scene.transport.request("GET", url)).status

        assert [await master(folder) for folder in ("", "/broker1", "/broker2")] == [200, 404, 200]

    play(story)


# Switches


def test_switches_are_checked_and_named_when_wrong() -> None:
    simulation = Simulation(StillMarket(), ["broker1"])
    for switches in ({"mutee": True}, {"delay_s": "long"}, {"drop_orders": 1.5}, {"delay_s": -1.0}):
        with pytest.raises(DualBrokerError, match="expected switches out of refuse, black_hole"):
            simulation.set_faults("all", mute=True, **switches)
    with pytest.raises(DualBrokerError, match="expected one of broker1, all, found 'broker9'"):
        simulation.set_faults("broker9", mute=True)
    with pytest.raises(DualBrokerError, match="expected action"):
        as_strike({"action": "kick"})
    assert simulation.faults() == {"broker1": NO_FAULTS}


def test_what_is_not_named_stays_as_it_is() -> None:
    faults = changed(Faults(mute=True), {"delay_s": 1, "lacks": ["A"]})
    assert faults == Faults(mute=True, delay_s=1.0, lacks=frozenset({"A"}))
    assert changed(faults, {}) == faults


def test_all_means_every_broker_and_the_object_stays_the_same() -> None:
    simulation = Simulation(StillMarket(), ["broker1", "broker2"])
    held = [broker.faults for broker in simulation.brokers]
    simulation.set_faults("all", mute=True)
    assert [each.mute for each in held] == [True, True]
    simulation.clear_faults("broker2")
    assert [each.mute for each in held] == [True, False]


def test_the_same_seed_loses_the_same_updates() -> None:
    def lost(seed: int) -> list[bytes]:
        simulation = Simulation(StillMarket(), ["broker1"], seed=seed)
        broker = simulation.brokers[0]
        simulation.set_faults("broker1", drop_orders=0.5, reorder_orders=0.3, duplicate_orders=0.3)
        session = broker.open_session()
        uid = broker.accounts[0].uid
        session.receive(frames.hello("c", user_id=uid, account_id=uid, token=log_in(broker)))
        session.receive(frames.subscribe_orders(uid))
        session.take()
        trading = broker.trading[uid]
        terms = OrderTerms(
            instrument=SHARE,
            index=0,
            side="B",
            quantity=1,
            price=90.0,
            trigger_price=0.0,
            price_type="LMT",
            product="I",
        )
        for _ in range(30):
            trading.place(terms)
        return [frame[-80:] for frame in session.take()]

    assert lost(1) == lost(1) != lost(2)
