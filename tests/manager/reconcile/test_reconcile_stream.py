"""Books against stream in virtual time: what was missed is found, and what merely crossed is not blamed."""

from __future__ import annotations

import asyncio

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.model import OrderStatus, UpdateSource
from tests.manager.reconcile.desk import Desk, at_desk, resting_then_filled
from tests.stores.order_lives import KEY

NEVER = resting_then_filled(100_000)


def test_what_the_stream_lost_is_found_with_its_steps_and_the_stream_counts_as_stale() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        desk.stream_says(1)
        await asyncio.sleep(110)
        assert desk.state.status is OrderStatus.COMPLETE
        assert set(desk.state.fills) == {"1", "2"}
        found = [event for event in desk.events if event.update.source is UpdateSource.RECONCILE][1:]
        assert [(event.status, event.filled_quantity) for event in found] == [
            (OrderStatus.OPEN, 40.0),
            (OrderStatus.COMPLETE, 100.0),
            (OrderStatus.COMPLETE, 100.0),
            (OrderStatus.COMPLETE, 100.0),
        ], "two steps, then the ids of their two fills"
        assert len(desk.stale) == 1
        assert any("is COMPLETE by the order book" in note for note in desk.notes)

    at_desk(resting_then_filled(30), story)


def test_what_the_book_shows_first_and_the_stream_says_within_the_grace_is_nobodys_fault() -> None:
    async def story(desk: Desk) -> None:
        desk.stream_says(1)
        await asyncio.sleep(65.0)
        assert desk.state.status is OrderStatus.COMPLETE, "the book has shown it"
        for number in (2, 3):
            desk.stream_says(number)
        await asyncio.sleep(60)
        assert desk.stale == desk.notes == []

    at_desk(resting_then_filled(62.5), story)


def test_an_order_that_the_stream_never_brought_is_found_and_named() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(70)
        assert desk.state.status is OrderStatus.OPEN
        assert desk.notes[0] == (
            f"broker1: order {KEY[2]} was found by the order book, the stream never brought it"
        )
        assert len(desk.stale) == 1

    late = [msgspec.structs.replace(moment, at_ms=moment.at_ms + 90_000) for moment in NEVER]
    at_desk(late, story)


def test_what_happened_before_the_connection_is_not_the_streams_fault() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(200)
        assert desk.state.status is OrderStatus.COMPLETE
        assert desk.stale == desk.notes == []

    at_desk(resting_then_filled(-10), story)


@settings(max_examples=60, deadline=None)
@given(
    happens_s=st.floats(3.5, 130.0),
    late_s=st.floats(0.0, 2.9),
    order=st.permutations((2, 3)),
    latency_s=st.sampled_from((0.001, 0.2, 1.0)),
)
def test_a_stream_that_is_late_by_less_than_the_grace_is_never_blamed(
    happens_s: float, late_s: float, order: list[int], latency_s: float
) -> None:
    async def story(desk: Desk) -> None:
        desk.latency_s = latency_s
        desk.stream_says(1)
        await asyncio.sleep(happens_s + late_s)
        for number in order:
            desk.stream_says(number)
        await asyncio.sleep(200)
        assert desk.state.status is OrderStatus.COMPLETE
        assert desk.stale == desk.notes == []
        assert desk.ledger.states[KEY].fills == {"1": (40.0, 50.0), "2": (60.0, 50.0)}

    at_desk(resting_then_filled(happens_s), story)


@settings(max_examples=40, deadline=None)
@given(happens_s=st.floats(10.0, 55.0), arrives=st.sampled_from(((), (2,))))
def test_a_stream_that_loses_the_end_of_an_order_is_blamed_within_a_reconcile_and_the_grace(
    happens_s: float, arrives: tuple[int, ...]
) -> None:
    async def story(desk: Desk) -> None:
        desk.stream_says(1)
        await asyncio.sleep(happens_s + 0.1)
        for number in arrives:
            desk.stream_says(number)
        await asyncio.sleep(63 + 4 - desk.loop.time())
        assert desk.state.status is OrderStatus.COMPLETE
        assert len(desk.stale) == 1

    at_desk(resting_then_filled(happens_s), story)


def test_a_new_connection_begins_with_a_clean_slate_and_ends_the_run_before_it() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(61)
        first = [task for task in asyncio.all_tasks() if "Reconciler.run" in repr(task)]
        second = desk.connect()
        await asyncio.sleep(1)
        assert [task.done() for task in first] == [True]
        await asyncio.sleep(200)
        assert desk.stale == [], "what happened in between is nobody's fault"
        assert desk.state.status is OrderStatus.COMPLETE
        second.cancel()

    at_desk(resting_then_filled(60.5), story)


def test_a_stream_that_goes_on_losing_orders_is_connected_anew_ever_more_seldom() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        (row,) = desk.life.book(desk.now_ms, desk.now_ms, desk.now_ms)
        desk.orders_say = [row]
        tasks: list[asyncio.Task[None]] = []
        for number in range(2, 242):
            await asyncio.sleep(30)
            desk.orders_say = [
                *desk.orders_say,
                msgspec.structs.replace(row, order_id=f"260115{number:08d}"),
            ]
            if len(desk.stale) > len(tasks):
                tasks.append(desk.connect())
        assert len(desk.stale) == 11, "in two hours: at once, then after 1, 2, 4, 8 minutes and each quarter"
        await asyncio.sleep(4 * 900)
        assert len(desk.ledger.states) == 241, "the books were read all the same"
        for number in (242, 243):
            desk.orders_say = [
                *desk.orders_say,
                msgspec.structs.replace(row, order_id=f"260115{number:08d}"),
            ]
            await asyncio.sleep(70)
            tasks.append(desk.connect())
            await asyncio.sleep(10)
        assert len(desk.stale) == 13, (
            "after an hour of which nothing was lost a new connection may help again"
        )
        for task in tasks:
            task.cancel()

    at_desk(NEVER, story)
