"""What order book, trade book and histories say, also where they contradict each other. Virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from dualbroker.clock import ist
from dualbroker.errors import (
    RequestRefusedError,
)
from dualbroker.manager.reconcile.comparison import MOST_HISTORIES
from dualbroker.model import OrderStatus
from tests.manager.reconcile.desk import Desk, at_desk, resting_then_filled

NEVER = resting_then_filled(100_000)


def test_no_data_while_orders_are_known_is_a_contradiction_and_then_a_doubt() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        desk.orders_say, desk.trades_say = [], []
        await desk.reconciler.reconcile_now()
        assert 'it answers "no data", but 1 orders of today are known' in desk.health.book_problem
        assert desk.state.doubt == "", "once may be an error"
        await asyncio.sleep(120)
        assert "says that there are no orders" in desk.state.doubt
        assert desk.state.status is OrderStatus.OPEN, "a status is not invented"
        desk.orders_say = desk.trades_say = None
        await asyncio.sleep(60)
        assert (desk.state.doubt, desk.health.book_problem) == ("", "")

    at_desk(NEVER, story)


def test_an_empty_book_before_the_first_order_is_an_empty_book() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        assert desk.ledger.states == {}
        assert desk.health.book_problem == ""
        result = await desk.reconciler.reconcile_now()
        assert (result.read, result.orders, result.fills) == (True, 0, 0)

    later = [msgspec.structs.replace(moment, at_ms=moment.at_ms + 3_600_000) for moment in NEVER]
    at_desk(later, story)


def test_an_order_that_the_book_no_longer_names_is_in_doubt_and_one_of_an_earlier_day_is_not() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        row = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)[0]
        yesterday = msgspec.structs.replace(row, trading_day=row.trading_day - timedelta(days=1))
        desk.ledger.apply(yesterday)
        desk.orders_say = [msgspec.structs.replace(row, order_id="26011500000002")]
        await asyncio.sleep(60)
        assert desk.state.doubt.startswith("not in broker1's order book of ")
        assert desk.ledger.states[yesterday.key].doubt == ""
        desk.orders_say = [*desk.orders_say, row]
        await asyncio.sleep(60)
        assert desk.state.doubt == ""

    at_desk(NEVER, story)


def test_an_after_market_order_of_yesterday_is_named_by_the_book_of_its_market_s_day_or_in_doubt() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        row = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)[0]
        day = row.trading_day - timedelta(days=1)
        sent = msgspec.structs.replace(
            row, order_id="26011400000007", trading_day=day, status=OrderStatus.PENDING, amo=True
        )
        desk.ledger.apply(sent)
        desk.orders_say = [row]
        await asyncio.sleep(60)
        assert desk.ledger.states[sent.key].doubt.startswith("not in broker1's order book of ")
        filled = msgspec.structs.replace(sent, status=OrderStatus.COMPLETE, filled_quantity=row.quantity)
        desk.orders_say, desk.trades_say = [row, filled], []
        await asyncio.sleep(60)
        assert desk.ledger.states[sent.key].status is OrderStatus.COMPLETE
        assert desk.ledger.states[sent.key].doubt == ""
        await asyncio.sleep(300)
        # Its fills are judged as those of today's orders are.
        assert "its trade book 0" in desk.ledger.states[sent.key].doubt
        assert [key for key in desk.ledger.states if key[2] == sent.order_id] == [sent.key]

    at_desk(NEVER, story)


def test_just_before_midnight_an_empty_book_may_be_that_of_the_next_day() -> None:
    async def story(desk: Desk) -> None:
        now = ist(desk.clock.now_ns())
        before_midnight = now.replace(hour=23, minute=50, second=0)
        await asyncio.sleep((before_midnight - now).total_seconds())
        desk.orders_say, desk.trades_say = [], []
        result = await desk.reconciler.reconcile_now()
        assert result.read
        await asyncio.sleep(1_200)
        assert desk.state.doubt == ""
        assert desk.health.book_problem == ""

    at_desk(NEVER, story)


def test_a_broker_without_histories_is_reconciled_all_the_same() -> None:
    async def story(desk: Desk) -> None:
        desk.histories_say = RequestRefusedError("this type of broker has no order history here")
        await asyncio.sleep(110)
        assert desk.state.status is OrderStatus.COMPLETE
        assert desk.histories == 1
        assert desk.state.filled_quantity == 100.0

    at_desk(resting_then_filled(30), story)


def test_only_so_many_histories_are_fetched_at_once() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        row = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)[0]
        many = [msgspec.structs.replace(row, order_id=f"260115{number:08d}") for number in range(2, 200)]
        desk.orders_say = [row, *many]
        result = await desk.reconciler.reconcile_now()
        assert result.histories == desk.histories == MOST_HISTORIES
        assert result.changes == len(many)
        assert len(desk.ledger.states) == len(many) + 1

    at_desk(NEVER, story)


def test_fills_that_the_order_book_does_not_have_yet_are_not_shown_before_it_has() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        stale_row = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)
        await asyncio.sleep(40)
        desk.orders_say = stale_row
        result = await desk.reconciler.reconcile_now()
        assert result.fills == 2
        assert (desk.state.filled_quantity or 0.0, desk.state.fills, desk.state.doubt) == (0.0, {}, "")
        desk.orders_say = None
        await asyncio.sleep(5)
        assert (desk.state.filled_quantity, set(desk.state.fills)) == (100.0, {"1", "2"})

    at_desk(resting_then_filled(30), story)


def test_an_order_book_that_lags_behind_the_trade_book_is_read_once_more_at_once() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        lagging = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)
        await asyncio.sleep(40)
        reads = len(desk.reads_s)
        desk.orders_say_once = lagging
        await desk.reconciler.reconcile_now()
        assert len(desk.reads_s) == reads + 2
        assert (desk.state.filled_quantity, set(desk.state.fills)) == (100.0, {"1", "2"})

    at_desk(resting_then_filled(30), story)


def test_books_that_go_on_disagreeing_put_the_order_in_doubt_and_the_fills_are_believed() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        desk.orders_say = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)
        await asyncio.sleep(100)
        assert desk.state.filled_quantity == 100.0
        assert "has 0 filled, its trade book 100" in desk.state.doubt
        assert all(event.status is not OrderStatus.COMPLETE for event in desk.events), "no status is invented"
        desk.orders_say = None
        await asyncio.sleep(60)
        assert (desk.state.doubt, desk.state.status) == ("", OrderStatus.COMPLETE)

    at_desk(resting_then_filled(30), story)
