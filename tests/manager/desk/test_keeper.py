"""The desk over whole managers: read on connect, kept exact, unknown when a read fails."""

from __future__ import annotations

import asyncio
from datetime import datetime, time

import pytest

from dualbroker.clock import IST
from dualbroker.desk.desk import Desk
from dualbroker.manager import WebSocketManager
from dualbroker.market_hours import Corrections, MarketHours
from tests.simulated import World, eventually, run_world

HOURS = MarketHours(by_exchange={"MCX": Corrections(hours=((time(9), time(17)),))})
"""MCX, too, is shut in the evening."""


def broker_book(world: World, name: str) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the broker's own position book, by symbol and product."""
    broker = next(each for each in world.simulation.brokers if each.name == name)
    (account,) = broker.trading.values()
    rows = account.positions.rows("", account.desk.open.values())
    return {(row["tsym"], row["prd"]): row for row in rows}


def quantities(desk: Desk, name: str) -> dict[tuple[str, str], float | None]:
    held = [each for each in desk.held() if each.broker_name == name]
    return {(each.symbol, each.product): each.quantity for each in held}


def of_broker(world: World, name: str) -> dict[tuple[str, str], float]:
    return {key: float(row["netqty"]) for key, row in broker_book(world, name).items()}


async def trade_for_a_minute(world: World) -> None:
    """The day's trading, before those look who look; nobody trades after it."""
    async with world.manager():
        await asyncio.sleep(30)
    world.simulation.stop()


def test_in_the_evening_two_logins_show_the_day_as_the_brokers_have_it_within_a_minute() -> None:
    async def story(world: World) -> None:
        await trade_for_a_minute(world)
        assert not HOURS.any_open(("NSE", "NFO", "MCX"), world.clock.now_ns())
        async with world.manager() as manager:
            started = world.clock.now_ns()
            await eventually(
                lambda: (
                    not manager.desk.unread()
                    and all(account.limits.is_known for account in manager.desk_books.accounts.values())
                ),
                within_s=60,
            )
            assert world.clock.now_ns() - started < 60 * 10**9
            for broker in world.simulation.brokers:
                _assert_equal_to_broker(world, manager, broker.name)

    run_world(
        story,
        orders_per_minute=300.0,
        start=datetime(2026, 3, 10, 19, 59, 30, tzinfo=IST),
        market_hours=HOURS,
    )


def _assert_equal_to_broker(world: World, manager: WebSocketManager, name: str) -> None:
    broker = next(each for each in world.simulation.brokers if each.name == name)
    (account,) = broker.trading.values()
    book = broker_book(world, name)
    assert quantities(manager.desk, name) == of_broker(world, name)
    assert len(book) >= 3
    for line in manager.desk.check():
        if line.held.broker_name != name:
            continue
        row = book[line.held.symbol, line.held.product]
        assert line.found.explained is True, line.found
        assert line.found.ours_realised == pytest.approx(float(row["rpnl"]), abs=1.0)
    orders = {
        state.order_id: state.filled_quantity or 0
        for state in manager.orders.snapshot()
        if state.broker_name == name
    }
    assert orders == {number: order.last.filled_quantity for number, order in account.desk.orders.items()}
    fills = [fill for fill in manager.desk.trades() if fill.broker_name == name]
    theirs = [fill for order in account.desk.orders.values() for fill in order.fills]
    assert len(fills) == len(theirs)
    assert sum(fill.quantity or 0 for fill in fills) == sum(fill.quantity for fill in theirs)
    profit = next(each for each in manager.desk.profit() if each.name == name)
    own = account.limits()
    assert profit.complete
    assert profit.realised == pytest.approx(float(own["rpnl"]), abs=5.0)
    (limits,) = [line for line in manager.desk.limits() if line.broker_name == name]
    assert limits.limits is not None
    assert f"{limits.limits.margin_used:.2f}" == own["marginused"]


def test_between_reads_positions_are_kept_by_the_fills_of_the_stream() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: not manager.desk.unread())
            world.simulation.set_faults("all", desk_reads_fail=1.0)
            await asyncio.sleep(20)
            world.simulation.stop()
            await asyncio.sleep(3)
            for name in ("broker1", "broker2"):
                found = quantities(manager.desk, name)
                assert {key: quantity for key, quantity in found.items() if quantity} == {
                    key: quantity for key, quantity in of_broker(world, name).items() if quantity
                }
                assert "Server Timeout" in manager.desk.unread()[name]

    run_world(story, orders_per_minute=300.0)


def test_the_last_tick_of_what_is_streamed_no_longer_marks_nothing() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: bool(manager.desk.positions()))
            held = manager.desk.held()[0]
            name = f"{held.exchange}:{held.symbol}"
            await manager.subscribe([name])
            await eventually(lambda: manager.desk.mark_of(held.exchange, held.symbol) is not None)
            await manager.unsubscribe([name])
            await asyncio.sleep(1)
            assert manager.desk.mark_of(held.exchange, held.symbol) is None
            assert {line.mark.ltp_from for line in manager.desk.positions()} <= {"broker's read", ""}

    run_world(story, orders_per_minute=60.0, desk={"subscribe": False})


def test_a_failed_read_leaves_the_rows_and_says_since_when_they_are_old() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(15)
            await eventually(lambda: not manager.desk.unread())
            before = len(manager.desk.held())
            assert before
            world.simulation.stop()
            world.simulation.set_faults("broker1", desk_reads_fail=1.0)
            now_ns = world.clock.now_ns()
            await eventually(lambda: "broker1" in manager.desk.unread(), within_s=70)
            assert len(manager.desk.held()) == before
            book = manager.desk_books.accounts["broker1"].positions
            assert book.old_since_ns is not None
            assert book.old_since_ns >= now_ns
            assert not next(each for each in manager.desk.profit() if each.name == "all").complete
            causes = [incident.cause for incident in manager.incidents.incidents]
            assert sum("its positions could not be read" in cause for cause in causes) == 1
            world.simulation.set_faults("broker1", desk_reads_fail=0.0)
            await eventually(lambda: not manager.desk.unread(), within_s=70)

    run_world(story, orders_per_minute=300.0)


def test_rows_that_are_lost_on_the_way_stay_and_the_book_is_in_doubt() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(20)
            await eventually(lambda: not manager.desk.unread())
            world.simulation.stop()
            await asyncio.sleep(70)
            before = quantities(manager.desk, "broker1")
            world.simulation.set_faults("broker1", garbled_positions=0.5)
            await asyncio.sleep(65)
            assert quantities(manager.desk, "broker1") == before
            assert "no longer names" in manager.desk.unread()["broker1"]
            world.simulation.set_faults("broker1", no_data=True, garbled_positions=0.0)
            await asyncio.sleep(65)
            assert quantities(manager.desk, "broker1") == before
            assert manager.desk.unread()["broker1"]

    run_world(story, orders_per_minute=300.0)


def test_an_account_without_a_socket_has_its_positions_too_and_a_lost_one_is_unknown() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(20)
            world.simulation.stop()
            await asyncio.sleep(10)
            assert quantities(manager.desk, "broker2") == of_broker(world, "broker2")
            assert manager.desk.unread() == {}
            world.simulation.set_faults("broker1", refuse=True)
            world.drop("broker1")
            await asyncio.sleep(1)
            assert "broker1" in manager.desk.unread()
            assert all(each.doubt for each in manager.desk.held() if each.broker_name == "broker1")

    run_world(story, orders_per_minute=300.0, changes={"broker2": {"orders": "poll"}})


def test_what_is_held_is_streamed_under_a_holder_of_its_own_unless_that_is_turned_off() -> None:
    async def story(world: World) -> None:
        on = world.config.desk.subscribe is True
        async with world.manager() as manager:
            await asyncio.sleep(20)
            world.simulation.stop()
            await asyncio.sleep(5)
            held = {f"{exchange}:{symbol}" for exchange, symbol in manager.desk.wanted()}
            assert held
            streamed = {
                manager.quotes.instruments[i].qualified_name for i in range(len(manager.quotes.instruments))
            }
            assert (held <= streamed) is on
            assert bool(manager.wanted()) is on
            if on:
                marks = {
                    line.mark.ltp_from for line in manager.desk.positions() if line.held.exposed_quantity
                }
                assert marks == {"stream"}

    for settings in ({"desk": {"subscribe": True}}, {}):
        run_world(story, orders_per_minute=120.0, **settings)


def test_order_events_lead_to_one_read_in_two_seconds_and_the_curve_has_a_point_a_second() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(10)
            before = world.transport.requests.count("broker1/PositionBook")
            curve = manager.desk_books.curve_count
            await asyncio.sleep(20)
            reads = world.transport.requests.count("broker1/PositionBook") - before
            assert 5 <= reads <= 11
            assert 38 <= manager.desk_books.curve_count - curve <= 42
            limits = world.transport.requests.count("broker1/Limits")
            assert limits <= 5

    run_world(story, orders_per_minute=600.0)


def test_too_many_calls_make_the_desk_slower_and_are_an_incident_of_their_own() -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker1", rate_limit_per_minute=6)
        async with world.manager() as manager:
            await asyncio.sleep(100)
            causes = [incident.cause for incident in manager.incidents.incidents]
            assert any("too many calls of this login" in cause for cause in causes)

    run_world(story, orders_per_minute=120.0)


def test_a_desk_that_is_turned_off_asks_for_nothing() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(10)
            asked = {request.split("/")[1] for request in world.transport.requests}
            assert not asked & {"PositionBook", "Holdings", "Limits"}
            assert set(manager.desk.unread()) == {"broker1", "broker2"}
            assert manager.wanted() == {}

    run_world(story, desk={"read": False})
