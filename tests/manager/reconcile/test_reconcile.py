"""When the books are read, and what becomes of a read that fails. Virtual time."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.errors import (
    ConnectionFailedError,
    RetryableBrokerError,
    SessionExpiredError,
    WireError,
)
from dualbroker.stores.health import BrokerState
from tests.manager.reconcile.desk import Desk, at_desk, resting_then_filled

NEVER = resting_then_filled(100_000)


def test_the_books_are_read_at_once_then_when_the_stream_is_steady_then_every_so_often() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(200)
        assert desk.reads_s == pytest.approx([0.0, 3.0, 63.0, 123.0, 183.0], abs=0.5)

    at_desk(NEVER, story)


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionFailedError("no answer"),
        RetryableBrokerError("HTML"),
        WireError("expected rows, found an empty array"),
        RuntimeError("nobody thought of this"),
    ],
)
def test_a_failed_read_changes_nothing_says_why_and_is_tried_again_soon(failure: Exception) -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        before = desk.state
        desk.orders_say = failure
        await asyncio.sleep(60)
        assert str(failure) in desk.health.book_problem
        assert desk.state is before
        await asyncio.sleep(10)
        assert len([moment for moment in desk.reads_s if moment >= 60]) >= 4, "not only after a minute"
        desk.orders_say = None
        await asyncio.sleep(60)
        assert desk.health.book_problem == ""
        assert len([note for note in desk.notes if str(failure) in note]) == 1, (
            "one incident, not one per try"
        )

    at_desk(NEVER, story)


def test_a_dead_session_is_told_at_once_and_then_ever_more_seldom_whatever_connects() -> None:
    async def story(desk: Desk) -> None:
        desk.orders_say = desk.trades_say = SessionExpiredError("Session Expired")
        await asyncio.sleep(25)
        assert desk.expired == ["Session Expired"]
        task = desk.connect()
        await asyncio.sleep(3)
        assert len(desk.expired) == 1, "each time it is told somebody logs in, which may connect it anew"
        await asyncio.sleep(3600)
        assert 5 <= len(desk.expired) <= 9
        desk.orders_say = desk.trades_say = None
        await asyncio.sleep(1200)
        told = len(desk.expired)
        desk.orders_say = desk.trades_say = SessionExpiredError("Session Expired")
        await asyncio.sleep(120)
        assert len(desk.expired) in (told + 1, told + 2), "a session that was good since is told at once"
        task.cancel()

    at_desk(NEVER, story)


def test_a_broker_that_is_parked_is_left_alone() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        desk.health.state = BrokerState.PARKED
        await asyncio.sleep(200)
        assert len(desk.reads_s) == 2
        assert not [task for task in asyncio.all_tasks() if "Reconciler.run" in repr(task)]

    at_desk(NEVER, story)


def test_who_asks_while_a_reconcile_is_under_way_gets_its_answer() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        reads = len(desk.reads_s)
        first, second = await asyncio.gather(desk.reconciler.reconcile_now(), desk.reconciler.reconcile_now())
        assert first is second
        assert len(desk.reads_s) == reads + 1

    at_desk(NEVER, story)


def test_a_reconcile_that_is_given_up_leaves_the_next_asker_one_of_its_own() -> None:
    async def story(desk: Desk) -> None:
        await asyncio.sleep(10)
        desk.latency_s = 5.0
        first = asyncio.create_task(desk.reconciler.reconcile_now())
        second = asyncio.create_task(desk.reconciler.reconcile_now())
        await asyncio.sleep(1)
        first.cancel()
        assert (await second).read

    at_desk(NEVER, story)


def test_a_listener_that_fails_does_not_end_the_reconciling(caplog: pytest.LogCaptureFixture) -> None:
    async def story(desk: Desk) -> None:
        def fail(event: object) -> None:
            raise RuntimeError("a listener's fault")

        desk.reconciler._comparison._take = fail
        await asyncio.sleep(130)
        assert len(desk.reads_s) >= 3

    at_desk(resting_then_filled(30), story)
    assert "a listener's fault" in caplog.text
