"""Books against stream in virtual time: what was missed is found, and what merely crossed is not blamed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.clock import ist
from dualbroker.errors import (
    ConfigError,
    ConnectionFailedError,
    RequestRefusedError,
    RetryableBrokerError,
    SessionExpiredError,
    WireError,
)
from dualbroker.manager import WebSocketManager
from dualbroker.manager.comparison import MOST_HISTORIES
from dualbroker.model import OrderStatus, UpdateSource
from dualbroker.stores.health import BrokerState
from tests.manager.desk import Desk, at_desk, resting_then_filled
from tests.manager.test_virtual_time import ledger, order_truth, same_status
from tests.simulated import World, eventually, run_world
from tests.stores.order_lives import KEY

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


def test_a_dead_session_is_told_once_per_connection() -> None:
    async def story(desk: Desk) -> None:
        desk.orders_say = desk.trades_say = SessionExpiredError("Session Expired")
        await asyncio.sleep(120)
        assert desk.expired == ["Session Expired"]
        task = desk.connect()
        await asyncio.sleep(10)
        assert len(desk.expired) == 2
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


def test_a_listener_that_fails_does_not_end_the_reconciling(caplog: pytest.LogCaptureFixture) -> None:
    async def story(desk: Desk) -> None:
        def fail(event: object) -> None:
            raise RuntimeError("a listener's fault")

        desk.reconciler._comparison._take = fail
        await asyncio.sleep(130)
        assert len(desk.reads_s) >= 3

    at_desk(resting_then_filled(30), story)
    assert "a listener's fault" in caplog.text


# The real manager, brokers and simulator


def incidents(manager: WebSocketManager) -> list[str]:
    return [incident.cause for incident in manager.incidents.incidents_snapshot()]


def test_a_stream_that_loses_orders_is_connected_anew_and_no_order_is_lost() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(10)
            world.simulation.set_faults("broker2", drop_orders=1.0)
            await eventually(lambda: manager.health["broker2"].reconnects == 1, within_s=75)
            assert any("the stream never brought it" in cause for cause in incidents(manager))
            world.simulation.clear_faults("broker2")
            await asyncio.sleep(60)
            assert manager.health["broker2"].reconnects == 1
            assert manager.health["broker1"].reconnects == 0
            world.simulation.stop()
            await manager.reconcile()
            assert same_status(ledger(manager), order_truth(world))

    run_world(story, orders_per_minute=60)


@pytest.mark.parametrize(
    "faults",
    [
        {"duplicate_orders": 0.5, "reorder_orders": 0.3},
        {"clock_skew_s": 600.0},
        {"clock_skew_s": -600.0},
        {"delay_s": 1.0, "burst_s": 1.5},
    ],
)
def test_a_stream_that_only_stutters_raises_no_false_alarm(faults: dict[str, float]) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(30)
            world.simulation.set_faults("all", **faults)
            await asyncio.sleep(300)
            world.simulation.clear_faults("all")
            await asyncio.sleep(90)
            assert not [cause for cause in incidents(manager) if "order" in cause]
            world.simulation.stop()
            await manager.reconcile()
            assert same_status(ledger(manager), order_truth(world))

    run_world(story, orders_per_minute=300)


def test_a_polled_brokers_trade_book_is_read_now_and_then() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(130)
            assert world.transport.requests.count("broker1/TradeBook") >= 3
            world.simulation.stop()
            await asyncio.sleep(5)
            await manager.reconcile("broker1")
            filled = [state for state in manager.orders.snapshot() if state.broker_name == "broker1"]
            assert any(state.fills for state in filled)
            for state in filled:
                counted = sum(quantity for quantity, _ in state.fills.values())
                assert counted == (state.filled_quantity or 0.0)

    run_world(story, changes={"broker1": {"orders": "poll"}})


def test_the_fills_of_a_polled_order_are_known_soon_after_the_poll_that_showed_them() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(75)
            world.simulation.stop()
            await asyncio.sleep(3 + 2)
            polled = [state for state in manager.orders.snapshot() if state.broker_name == "broker1"]
            assert any(state.fills for state in polled)
            for state in polled:
                assert sum(quantity for quantity, _ in state.fills.values()) == (state.filled_quantity or 0.0)

    run_world(story, changes={"broker1": {"orders": "poll", "poll_every": 3.0}}, orders_per_minute=300)


def test_a_reconcile_on_request_says_what_it_found_at_each_broker() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(20)
            world.simulation.set_faults("broker2", rest_html_502=True)
            first, second = await manager.reconcile()
            assert (first.broker_name, first.read, first.problem) == ("broker1", True, "")
            assert first.orders
            assert (second.read, second.orders, second.fills) == (False, None, None)
            assert "502" in second.problem
            with pytest.raises(ConfigError, match="expected one of broker1, broker2, found 'broker9'"):
                await manager.reconcile("broker9")

    run_world(story)


def test_a_parked_brokers_books_are_not_asked_for() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert manager.health["broker1"].state is BrokerState.PARKED
            (result,) = await manager.reconcile("broker1")
            assert not result.read
            assert "Wrong Password" in result.problem
            assert "broker1/OrderBook" not in world.transport.requests

    run_world(story, changes={"broker1": {"password": "not it"}})


def test_a_session_that_rest_calls_dead_is_renewed() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(10)
            broker = world.simulation.brokers[1]
            broker.logins.end(broker.sessions[0].token)
            await eventually(lambda: world.transport.requests.count("broker2/QuickAuth") == 2, within_s=75)
            await eventually(lambda: manager.health["broker2"].state is BrokerState.LIVE)
            (result,) = await manager.reconcile("broker2")
            assert result.read

    run_world(story)


def test_no_data_by_error_takes_no_order_away() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(30)
            world.simulation.set_faults("broker1", no_data=True)
            await asyncio.sleep(130)
            assert "no data" in manager.health["broker1"].book_problem
            before = ledger(manager)
            assert any(state.doubt for state in manager.orders.snapshot())
            world.simulation.clear_faults("broker1")
            await asyncio.sleep(70)
            assert before.keys() <= ledger(manager).keys()
            assert not any(state.doubt for state in manager.orders.snapshot())
            assert manager.health["broker1"].book_problem == ""

    run_world(story)
