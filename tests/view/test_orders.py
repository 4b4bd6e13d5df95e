"""Orders as rows, and their lives."""

from __future__ import annotations

import json

from dualbroker.view import histories, orders
from dualbroker.view.histories import history_name, order_histories
from dualbroker.view.named import named_orders
from dualbroker.view.orders import order_counts, order_keys, order_table
from dualbroker.view.rows import price_decimals
from tests.simulated import World, eventually, run_world


def test_the_newest_come_first_and_no_open_order_is_left_out() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: sum(s.status.is_final for s in manager.orders.snapshot()) >= 8)
            everything = named_orders({"orders": order_table(manager)})
            times = [row["order_time"] for row in everything]
            assert times == sorted(times, reverse=True)
            counts = order_counts(manager)
            open_orders = {row["order_id"] for row in everything if not row["final"]}
            assert len(open_orders) == sum(row["open"] for row in counts.values())
            bound, orders.ORDERS_SHOWN = orders.ORDERS_SHOWN, max(row["open"] for row in counts.values())
            try:
                few = named_orders({"orders": order_table(manager)})
            finally:
                orders.ORDERS_SHOWN = bound
            assert len(few) < len(everything)
            assert open_orders == {row["order_id"] for row in few if not row["final"]}
            assert sum(order_table(manager)["counts"].values()) == len(everything)

    run_world(story)


def test_prices_bear_the_decimals_of_their_instrument_as_far_as_it_is_known() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: len(manager.orders.states) >= 5)
            assert {row["decimals"] for row in named_orders({"orders": order_table(manager)})} == {None}
            traded = manager.orders.snapshot()[0]
            assert traded.symbol is not None
            assert traded.exchange is not None
            [accepted] = await manager.subscribe([traded.symbol], traded.exchange)
            told = named_orders({"orders": order_table(manager)})
            of_it = [row["decimals"] for row in told if row["symbol"] == traded.symbol]
            assert set(of_it) == {price_decimals(accepted.instrument)} == {2}
            assert None in {row["decimals"] for row in told}

    run_world(story, subscribe=["NIFTY"])


def test_one_brokers_orders_alone() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: {key[0] for key in manager.orders.states} == {"broker1", "broker2"})
            table = order_table(manager, "broker2")
            assert set(table["counts"]) == {"broker2"}
            assert {row[0] for row in table["rows"]} == {"broker2"}
            assert {key[0] for key in order_keys(manager, "broker2")} == {"broker2"}

    run_world(story)


def test_the_steps_of_more_orders_than_a_screen_shows_are_sent_and_stay_small() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: len(manager.orders.states) >= 50)
            keys = order_keys(manager)[:50]
            lives = order_histories(manager, keys)["orders"]
            assert set(lives) == {history_name(key) for key in keys}
            assert len(json.dumps(lives)) / len(lives) < 1_500, "bytes of an order"

    run_world(story)


def test_an_orders_life_is_told_whole_or_not_at_all() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: any(s.status == "COMPLETE" for s in manager.orders.snapshot()))
            state = next(s for s in manager.orders.snapshot() if s.status == "COMPLETE")
            told = order_histories(manager, [state.key])
            assert json.loads(json.dumps(told, allow_nan=False)) == told
            steps = [
                dict(zip(told["columns"], row, strict=True))
                for row in told["orders"][history_name(state.key)]
            ]
            assert len(steps) == state.updates
            assert steps[-1]["status"] == "COMPLETE"
            assert steps[-1]["filled_quantity"] == state.quantity
            assert {step["source"] for step in steps} <= {"stream", "reconcile"}
            assert steps[0]["what"]
            kept, histories.EVENTS_LOOKED_AT = histories.EVENTS_LOOKED_AT, 0
            try:
                manager.orders.events.append(manager.orders.events[0])
                assert order_histories(manager, [("broker1", state.trading_day, "none")])["orders"] == {}
            finally:
                histories.EVENTS_LOOKED_AT = kept

    run_world(story)
