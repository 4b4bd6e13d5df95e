"""Reconciling by the real manager, at simulated brokers. Virtual time."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.errors import (
    ConfigError,
)
from dualbroker.manager import WebSocketManager
from dualbroker.model import UpdateSource
from dualbroker.stores.health import BrokerState
from tests.manager.test_virtual_time import ledger, order_truth, same_status
from tests.simulated import World, eventually, run_world


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
        pytest.param({"clock_skew_s": 600.0}, marks=pytest.mark.slow),
        pytest.param({"clock_skew_s": -600.0}, marks=pytest.mark.slow),
        pytest.param({"delay_s": 1.0, "burst_s": 1.5}, marks=pytest.mark.slow),
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

    run_world(story, orders_per_minute=300, step_interval_s=0.25)


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


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse", "refuse_hello"])
def test_the_books_of_a_broker_whose_socket_never_came_up_are_read_and_it_is_told_once(fault: str) -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker2", **{fault: True})
        async with world.manager() as manager:
            health = manager.health["broker2"]
            await eventually(lambda: health.last_book_ns is not None, within_s=5)
            await asyncio.sleep(400)
            assert health.state is BrokerState.RECONNECTING
            assert manager.reconcilers["broker2"].reads in range(6, 9), "once a minute"
            world.simulation.stop()
            await asyncio.sleep(61)
            assert same_status(ledger(manager), order_truth(world))
            [incident] = manager.incidents.incidents_snapshot()
            assert (incident.broker_name, incident.action) == ("broker2", "it reconnects by itself")
            world.simulation.set_faults("broker2", **{fault: False})
            await eventually(lambda: health.state is BrokerState.LIVE, within_s=900)
            assert manager.incidents.incident_count == 1

    run_world(story)


@pytest.mark.parametrize("is_evicted", [False, True])
def test_what_a_poll_brings_and_what_a_reconcile_finds_are_told_apart(is_evicted: bool) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            if is_evicted:
                world.drop("broker1", 1000)
                await eventually(lambda: manager.health["broker1"].state is BrokerState.POLLING)
            await asyncio.sleep(45)
            polled = [event for event in manager.orders.events_snapshot() if event.broker_name == "broker1"]
            assert UpdateSource.POLL in {event.update.source for event in polled}
            await asyncio.sleep(10)
            await manager.reconcile("broker1")
            found = [event for event in manager.orders.events_snapshot() if event.broker_name == "broker1"]
            assert {event.update.source for event in found[len(polled) :]} == {UpdateSource.RECONCILE}

    section = {"poll_every": 20.0, "orders": "stream" if is_evicted else "poll"}
    run_world(story, changes={"broker1": section}, orders_per_minute=600)
