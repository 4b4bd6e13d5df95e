"""Faulty answers to REST calls, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.noren import frames
from dualbroker.simulator.drivers.memory import MASTERS_BASE

from ..broker_client import ask, order_fields
from ..fault_scene import OPTION_KEY, Scene, play
from ..still_market import OPTION


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


def test_the_desk_s_books_can_fail_and_orders_are_read_on() -> None:
    async def story(scene: Scene) -> None:
        scene.place()
        scene.set(desk_reads_fail=1.0)
        for book in ("PositionBook", "Holdings", "Limits"):
            assert "Server Timeout" in (await scene.rest(book))["emsg"]
        assert await scene.rest("OrderBook")
        scene.set(desk_reads_fail=0.0)
        assert (await scene.rest("Limits"))["stat"] == "Ok"

    play(story)


def test_position_rows_can_lose_their_name() -> None:
    async def story(scene: Scene) -> None:
        scene.place(prc="101.00")
        await asyncio.sleep(30)
        whole = await scene.rest("PositionBook")
        scene.set(garbled_positions=1.0)
        garbled = await scene.rest("PositionBook")
        assert [row["netqty"] for row in garbled] == [row["netqty"] for row in whole]
        assert {row["tsym"] for row in garbled} == {""}

    play(story)


def test_a_position_s_last_price_can_be_stale_and_its_profit_with_it() -> None:
    async def story(scene: Scene) -> None:
        scene.place(prc="101.00")
        await asyncio.sleep(30)
        scene.set(stale_positions=True)
        first = (await scene.rest("PositionBook"))[0]
        price = float(first["lp"])
        scene.market.change(0, ltp=price + 5)
        later = (await scene.rest("PositionBook"))[0]
        assert (later["lp"], later["urmtom"]) == (first["lp"], first["urmtom"])
        scene.set(stale_positions=False)
        fresh = (await scene.rest("PositionBook"))[0]
        assert float(fresh["lp"]) == price + 5
        assert fresh["urmtom"] != first["urmtom"]

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
