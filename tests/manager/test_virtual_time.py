"""The whole client against simulated brokers in virtual time: minutes pass in milliseconds."""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import datetime
from functools import partial

import pytest

from dualbroker.clock import IST
from dualbroker.errors import ConfigError, ConnectionFailedError, UnknownInstrumentError
from dualbroker.manager import WebSocketManager
from dualbroker.model import MessageKind, Role, UpdateSource
from dualbroker.stores.health import BrokerState
from tests.simulated import World, eventually, run_world

QUOTES, ORDERS = MessageKind.QUOTES, MessageKind.ORDERS


def order_truth(world: World) -> dict[tuple[str, str], str]:
    books = world.simulation.truth()["orders"]
    assert isinstance(books, dict)
    return {(broker, number): row["status"] for broker, book in books.items() for number, row in book.items()}


def ledger(manager: WebSocketManager) -> dict[tuple[str, str], str]:
    return {(state.broker_name, state.order_id): state.status.value for state in manager.orders.snapshot()}


def same_status(known: dict[tuple[str, str], str], truth: dict[tuple[str, str], str]) -> bool:
    return {key: word.replace("_", " ") for key, word in known.items()} == {
        key: word.replace("_", " ") for key, word in truth.items()
    }


def ticked(manager: WebSocketManager, count: int) -> bool:
    return manager.quotes.tick_count > count


def test_quotes_from_one_broker_and_orders_from_every_broker() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert manager.primary == "broker1"
            accepted = await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            assert [row.acknowledged for row in accepted] == [True] * 3
            assert {row.quote_source for row in accepted} == {"broker1"}
            await asyncio.sleep(120)
            world.simulation.stop()
            await asyncio.sleep(1)
            traffic = manager.bandwidth.totals()
            assert traffic["broker1"][QUOTES].bytes > 0
            assert traffic["broker2"][QUOTES].bytes == traffic["broker3"][QUOTES].bytes == 0
            assert all(traffic[name][ORDERS].messages > 0 for name in traffic)
            truth = order_truth(world)
            assert len(truth) > 100
            assert same_status(ledger(manager), truth)
            market = world.simulation.market
            indices, rows, brokers = manager.quotes.latest()
            assert {manager.quotes.broker_names[number] for number in brokers} == {"broker1"}
            for index, row in zip(indices, rows, strict=True):
                place = market.index_of(manager.quotes.instruments[index].key)
                assert place is not None
                assert math.isclose(row["ltp"], market.quote(place)["ltp"], abs_tol=0.005)

    run_world(story, brokers=3)


def test_every_order_event_bears_the_broker_it_came_from() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(60)
            owners = {number: broker for broker, number in order_truth(world)}
            events = manager.orders.events_snapshot()
            assert events
            assert all(owners[event.order_id] == event.broker_name for event in events)

    run_world(story)


def test_start_up_says_who_carries_what(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe_symbol("NIFTY")
            await asyncio.sleep(30)

    with caplog.at_level(logging.DEBUG, logger="dualbroker"):
        run_world(story)
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert (logging.INFO, "Price/Quote updates: broker1 only") in said
    assert (logging.INFO, "Order updates: broker1, broker2") in said
    assert any(text.startswith("Order update from broker2: ") and " status: " in text for _, text in said)
    prices = [text for level, text in said if level == logging.DEBUG and text.startswith("Price update from")]
    assert prices
    assert all(text.startswith("Price update from broker1: NIFTY INDEX = ₹2") for text in prices)


def test_with_one_broker_the_optimisation_is_off_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert manager.health["broker1"].role is Role.PRIMARY
            await manager.subscribe_symbol("NIFTY")
            await asyncio.sleep(30)
            traffic = manager.bandwidth.totals()["broker1"]
            assert traffic[QUOTES].messages
            assert traffic[ORDERS].messages

    with caplog.at_level(logging.INFO, logger="dualbroker"):
        run_world(story, brokers=1)
    assert "the optimisation is off" in caplog.text


def test_a_refused_login_is_not_tried_again_and_the_next_broker_carries_quotes() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert manager.primary == "broker2"
            await manager.subscribe_symbol("NIFTY")
            await asyncio.sleep(300)
            assert manager.health["broker1"].state is BrokerState.PARKED
            assert "Wrong Password" in manager.health["broker1"].problem
            assert world.transport.requests.count("broker1/QuickAuth") == 1
            assert manager.health["broker1"].role is Role.NONE
            [incident] = manager.incidents.incidents_snapshot()
            assert (incident.broker_name, incident.action) == (
                "broker1",
                "it is parked until a person does something",
            )
            assert "Wrong Password" in incident.cause

    run_world(story, changes={"broker1": {"password": "not it"}})


def test_all_logins_refused_leaves_a_feed_that_says_why() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            with pytest.raises(ConnectionFailedError, match=r"broker1 is parked.*Wrong Password"):
                await manager.subscribe_symbol("NIFTY")

    run_world(story, brokers=1, changes={"broker1": {"password": "not it"}})


def test_a_late_first_broker_gets_orders_only() -> None:
    async def story(world: World) -> None:
        world.transport.delays_s["broker1"] = 30.0
        async with world.manager() as manager:
            assert manager.primary == "broker2"
            await manager.subscribe_symbol("NIFTY")
            await eventually(lambda: manager.health["broker1"].state is BrokerState.LIVE, within_s=120)
            assert manager.health["broker1"].role is Role.SECONDARY
            await asyncio.sleep(60)
            traffic = manager.bandwidth.totals()
            assert traffic["broker1"][QUOTES].messages == 0
            assert traffic["broker1"][ORDERS].messages > 0

    run_world(story, start_timeout=5.0)


def test_when_every_login_is_late_the_first_to_come_takes_up_what_the_config_wants(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(world: World) -> None:
        world.transport.delays_s.update(broker1=60.0, broker2=20.0)
        async with world.manager() as manager:
            assert manager.primary is None
            await eventually(lambda: manager.health["broker1"].state is BrokerState.LIVE, within_s=300)
            assert manager.primary == "broker2"
            await eventually(partial(ticked, manager, 5), within_s=300)
            assert ("NSE", "26000") in manager.wanted()

    with caplog.at_level(logging.INFO, logger="dualbroker"):
        run_world(story, start_timeout=5.0, subscribe=["NIFTY"])
    said = [record.getMessage() for record in caplog.records]
    assert "Price/Quote updates: broker2 only" in said
    assert "Order updates: broker1, broker2" in said


def test_a_slow_second_broker_does_not_hold_the_first_up() -> None:
    async def story(world: World) -> None:
        world.transport.delays_s["broker2"] = 3.0
        async with world.manager() as manager:
            assert manager.primary == "broker1"
            assert manager.health["broker2"].state is BrokerState.LIVE

    run_world(story, start_timeout=30.0)


def test_after_a_drop_subscriptions_come_back_and_missed_orders_are_fetched() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY"])
            await asyncio.sleep(30)
            for _ in range(3):
                ticks = manager.quotes.tick_count
                for name in ("broker1", "broker2"):
                    world.drop(name)
                await eventually(lambda: manager.health["broker1"].state is BrokerState.RECONNECTING)
                await eventually(
                    lambda: all(health.state is BrokerState.LIVE for health in manager.health.values())
                )
                await eventually(partial(ticked, manager, ticks + 20))
                await asyncio.sleep(20)
            assert manager.health["broker1"].reconnects == 3
            world.simulation.stop()
            await asyncio.sleep(1)
            assert same_status(ledger(manager), order_truth(world))
            sources = {event.update.source for event in manager.orders.events_snapshot()}
            assert sources == {UpdateSource.STREAM, UpdateSource.RECONCILE}

    run_world(story, orders_per_minute=600)


def test_a_socket_taken_by_another_program_is_not_fought_over() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            world.drop("broker2", 1000, "goodbye")
            await asyncio.sleep(120)
            health = manager.health["broker2"]
            assert health.state is BrokerState.POLLING
            assert "another program" in health.problem
            assert health.reconnects == 0

    run_world(story)


def test_the_orders_of_an_evicted_login_are_still_known_and_a_person_can_take_the_socket_back() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(20)
            world.drop("broker2", 1000, "goodbye")
            await asyncio.sleep(120)
            world.simulation.stop()
            await asyncio.sleep(10)
            assert same_status(ledger(manager), order_truth(world))
            [incident] = manager.incidents.incidents_snapshot()
            assert incident.broker_name == "broker2"
            assert (
                incident.action
                == "the login is left to the program that took it, and orders are read by REST"
            )
            with pytest.raises(ConfigError, match="found 'broker9'"):
                await manager.reconnect("broker9")
            await manager.reconnect("broker2")
            await eventually(lambda: manager.health["broker2"].state is BrokerState.LIVE)
            assert manager.health["broker2"].problem == ""

    run_world(story)


def test_an_evicted_login_whose_session_ends_is_parked_and_that_is_an_incident_of_its_own() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(20)
            world.drop("broker2", 1000, "goodbye")
            await eventually(lambda: manager.health["broker2"].state is BrokerState.POLLING)
            world.simulation.brokers[1].expire_tokens()
            await eventually(lambda: manager.health["broker2"].state is BrokerState.PARKED, within_s=120)
            await asyncio.sleep(60)
            evicted, unread, parked = manager.incidents.incidents_snapshot()
            assert "order book" in unread.cause
            assert (
                evicted.action == "the login is left to the program that took it, and orders are read by REST"
            )
            assert parked.broker_name == "broker2"
            assert parked.action == "it is parked until a person does something"
            assert "session has ended" in parked.cause

    run_world(story)


def test_a_dead_token_is_renewed_once_and_never_used_in_a_loop() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            broker = world.simulation.brokers[0]
            broker.logins.end(broker.sessions[0].token)
            world.drop("broker1")
            await eventually(lambda: manager.health["broker1"].state is BrokerState.RECONNECTING)
            await eventually(lambda: manager.health["broker1"].state is BrokerState.LIVE)
            assert world.transport.requests.count("broker1/QuickAuth") == 2

    run_world(story)


def test_a_polled_broker_opens_no_socket_and_carries_no_quotes() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert manager.primary == "broker2"
            await asyncio.sleep(60)
            assert manager.health["broker1"].state is BrokerState.POLLING
            assert world.simulation.brokers[0].sessions == []
            world.simulation.stop()
            await asyncio.sleep(5)
            assert same_status(ledger(manager), order_truth(world))

    run_world(story, changes={"broker1": {"orders": "poll"}})


def test_one_holder_never_silences_another() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY"], holder="one")
            await manager.subscribe(["NIFTY"], holder="two")
            await manager.unsubscribe(["NIFTY"], holder="one")
            ticks = manager.quotes.tick_count
            await eventually(lambda: manager.quotes.tick_count > ticks)
            await manager.release("two")
            await asyncio.sleep(1)
            ticks = manager.quotes.tick_count
            await asyncio.sleep(60)
            assert manager.quotes.tick_count == ticks

    run_world(story)


def test_depth_is_five_levels_and_ends_with_its_holder() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NSE:RELIANCE"], holder="quotes")
            await manager.subscribe(["NSE:RELIANCE"], depth=True, holder="depth")
            await asyncio.sleep(30)
            index = manager.quotes.index_of(("NSE", "2885"))
            assert index is not None
            latest = manager.quotes.depth(index)
            assert latest is not None
            bids, asks = latest[1]
            prices = [level.price for level in bids]
            assert len(prices) == 5
            assert prices == sorted(prices, key=lambda price: -(price or 0))
            assert asks[0].price is not None
            assert prices[0] is not None
            assert asks[0].price > prices[0]
            await manager.release("depth")
            seen_at = latest[0]
            ticks = manager.quotes.tick_count
            await eventually(lambda: manager.quotes.tick_count > ticks + 3)
            later = manager.quotes.depth(index)
            assert later is not None
            assert later[0] - seen_at < 31 * 1_000_000_000

    run_world(story, step_interval_s=0.1)


def test_a_name_that_is_none_subscribes_nothing_of_its_call() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            with pytest.raises(UnknownInstrumentError, match="RELIANCE"):
                await manager.subscribe(["NIFTY", "NSE:RELIANCEE"])
            assert manager.wanted() == {}

    run_world(story)


def test_config_subscriptions_start_with_the_feed_and_one_bad_name_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            wanted = manager.wanted()
            assert ("NSE", "26000") in wanted
            assert sum(exchange == "NFO" for exchange, _ in wanted) == 2 * 5

    run_world(story, subscribe=["NO SUCH NAME", "NIFTY", {"underlying": "NIFTY", "strikes": 2}])
    assert "NO SUCH NAME" in caplog.text


def test_config_subscriptions_wait_for_the_symbol_master() -> None:
    async def story(world: World) -> None:
        world.transport.dead_hosts.add("masters")
        async with world.manager() as manager:
            await asyncio.sleep(30)
            assert manager.wanted() == {}
            world.transport.dead_hosts.clear()
            await eventually(lambda: ("NSE", "26000") in manager.wanted(), within_s=90)

    run_world(story, subscribe=["NIFTY"])


def test_the_same_seed_gives_the_same_day() -> None:
    async def story(world: World) -> tuple[list[float], list[str]]:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY"])
            await asyncio.sleep(60)
            rows, _, _ = manager.quotes.rows_of(0)
            return rows["ltp"].tolist(), [event.order_id for event in manager.orders.events_snapshot()]

    assert run_world(story, seed=5) == run_world(story, seed=5)
    assert run_world(story, seed=5) != run_world(story, seed=6)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2028, 2, 29, 23, 59, 30, tzinfo=IST),
        datetime(2026, 12, 31, 23, 59, 30, tzinfo=IST),
        datetime(2026, 11, 22, 4, 0, tzinfo=IST),
        datetime(2026, 12, 29, 15, 29, 30, tzinfo=IST),
        datetime(2027, 3, 2, 0, 0, tzinfo=IST),
    ],
    ids=[
        "leap day at midnight",
        "new year",
        "a Sunday night",
        "monthly expiry at the close",
        "weekly expiry",
    ],
)
def test_the_main_job_runs_at_any_hour_of_any_day(start: datetime) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            options = await manager.options_around("NIFTY", strikes=2)
            assert len(options) == 10
            assert all(option.expiry is not None and option.expiry >= start.date() for option in options)
            assert all(row.acknowledged for row in await manager.subscribe(["NIFTY", *options]))
            await asyncio.sleep(90)
            world.simulation.stop()
            await asyncio.sleep(1)
            assert manager.quotes.tick_count > 10
            assert same_status(ledger(manager), order_truth(world))

    run_world(story, start=start)
