"""What has an order is streamed: with the order, over new ones, and for its own holder only."""

from __future__ import annotations

import logging

import pytest

from dualbroker.manager import WebSocketManager, order_follower
from dualbroker.model import OrderStatus, OrderUpdate, UpdateSource
from dualbroker.remote import RemoteManager
from tests.remote.world import Network, attached
from tests.service.world import served
from tests.simulated import World, eventually, run_world


def symbols(manager: WebSocketManager, holder: str) -> set[str]:
    store = manager.quotes
    indices = map(store.index_of, manager.routing.machine.holders.held_by(holder))
    return {store.instruments[index].qualified_name for index in indices if index is not None}


def ordered(manager: WebSocketManager | RemoteManager) -> set[str]:
    return {f"{state.exchange}:{state.symbol}" for state in manager.orders.snapshot()}


def order(manager: WebSocketManager, symbol: str, number: str = "1") -> OrderUpdate:
    """An order at the second broker, of its newest trading day."""
    return OrderUpdate(
        broker_name="broker2",
        trading_day=max(state.trading_day for state in manager.orders.snapshot()),
        order_id=f"mine-{number}",
        receive_time_ns=manager.clock.now_ns(),
        source=UpdateSource.STREAM,
        exchange="NSE",
        symbol=symbol,
        status=OrderStatus.OPEN,
    )


def test_what_has_an_order_is_streamed_and_so_is_what_gets_one() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: len(ordered(manager)) >= 2)
            accepted = await manager.subscribe_orders()
            assert {row.instrument.qualified_name for row in accepted} >= {min(ordered(manager))}
            assert all(row.acknowledged for row in accepted)
            before = ordered(manager)
            await eventually(lambda: ordered(manager) > before)
            await eventually(lambda: symbols(manager, "user orders") == ordered(manager), 10)
            assert await manager.subscribe_orders() != [], "asked for again it is the same"

    run_world(story, orders_per_minute=120)


def test_letting_go_of_it_leaves_what_others_hold() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: bool(ordered(manager)))
            [first, *_] = await manager.subscribe_orders()
            await manager.subscribe([first.instrument])
            await manager.unsubscribe_orders()
            assert symbols(manager, "user orders") == set()
            assert manager.wanted() == {first.instrument.key: manager.wanted()[first.instrument.key]}
            await manager.unsubscribe_orders()
            before = len(ordered(manager))
            await eventually(lambda: len(ordered(manager)) > before)
            assert symbols(manager, "user orders") == set()

    run_world(story, orders_per_minute=120)


def test_the_config_can_ask_for_it() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: len(ordered(manager)) >= 2)
            await eventually(lambda: symbols(manager, "config orders") == ordered(manager), 10)
            before = ordered(manager)
            await eventually(lambda: ordered(manager) > before)
            await eventually(lambda: symbols(manager, "config orders") == ordered(manager), 10)
            await manager._from_config.renew()
            assert symbols(manager, "config orders") >= before, (
                "a new day asks for it again, and changes nothing"
            )
            assert "NSE:TCS-EQ" in symbols(manager, "config")

    run_world(story, orders_per_minute=120, subscribe=["NSE:TCS-EQ", "orders"])


def test_a_manager_ends_at_any_moment_of_following() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: bool(ordered(manager)))
            before = ordered(manager)
            await eventually(lambda: ordered(manager) > before)
            # The answer is under way; the end may come with it.
            await eventually(lambda: symbols(manager, "config orders") == ordered(manager), 10)

    for seed in range(1, 5):
        run_world(story, orders_per_minute=30, seed=seed, subscribe=["orders"])


def test_an_order_of_an_unknown_instrument_is_told_once_and_keeps_no_other_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: bool(ordered(manager)))
            manager._on_order(order(manager, "NO-SUCH-EQ"))
            with caplog.at_level(logging.WARNING):
                await manager.subscribe_orders()
                manager._on_order(order(manager, "NO-SUCH-EQ", "2"))
                manager._on_order(order(manager, "TCS-EQ", "3"))
                await eventually(lambda: "NSE:TCS-EQ" in symbols(manager, "user orders"), 10)
            assert caplog.text.count("an order's instrument is not subscribed") == 1
            assert symbols(manager, "user orders") >= ordered(manager) - {"NSE:NO-SUCH-EQ"} - {""}

    run_world(story, orders_per_minute=120)


def test_no_more_than_so_many_are_followed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(order_follower, "MOST_FOLLOWED", 2)

    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: len(ordered(manager)) > 3)
            with caplog.at_level(logging.WARNING):
                assert len(await manager.subscribe_orders()) == 2
            before = len(ordered(manager))
            await eventually(lambda: len(ordered(manager)) > before)
            assert len(symbols(manager, "user orders")) == 2
            assert caplog.text.count("orders touch more than 2 instruments") == 1

    run_world(story, orders_per_minute=240)


def test_a_client_of_a_service_has_its_own() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            network = Network(service)
            async with attached(network) as client:
                await eventually(lambda: bool(ordered(client)))
                assert await client.subscribe_orders()
                before = ordered(client)
                await eventually(lambda: ordered(client) > before)
                held = {f"client-{client._client[:12]}/user orders"}
                holders = service.manager.routing.machine.holders
                await eventually(lambda: len(client.wanted()) == len(ordered(client)), 10)
                assert {name for key in client.wanted() for name in holders.of(key)} == held
                await client.unsubscribe_orders()
                await eventually(lambda: client.wanted() == {})

    run_world(story, orders_per_minute=60)


def test_it_is_had_over_rest() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            await eventually(lambda: bool(ordered(service.manager)))
            answer = await service.client.post("/api/subscriptions/orders")
            assert answer.status_code == 200, answer.text
            accepted = {f"{row['exchange']}:{row['symbol']}" for row in answer.json()["accepted"]}
            assert accepted
            rows = (await service.get("/api/subscriptions"))["subscriptions"]
            assert {tuple(row["holders"]) for row in rows} == {("rest orders",)}
            released = await service.client.delete("/api/subscriptions/orders")
            assert set(released.json()["released"]) >= accepted
            assert (await service.get("/api/subscriptions"))["subscriptions"] == []

    run_world(story, orders_per_minute=60)
