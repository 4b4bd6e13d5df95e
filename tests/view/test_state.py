"""What is shown, from a manager that runs in virtual time."""

from __future__ import annotations

import json
import math

import pytest

from dualbroker.model import Instrument, InstrumentKind
from dualbroker.stores.health import BrokerState
from dualbroker.view.named import named_quotes
from dualbroker.view.rows import age_s, iso_time, known, price_decimals
from dualbroker.view.state import slow_and_quick, view_changes, view_state
from tests.simulated import World, eventually, run_world


def test_the_state_is_plain_and_whole_before_anything_has_connected() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        state = view_state(manager, world.clock.now_ns())
        assert json.loads(json.dumps(state, allow_nan=False)) == state
        assert state["mode"] == "SIMULATED"
        assert state["market"] == {"open": True, "words": "market open"}
        assert state["headline"]["quotes"] == "Price/Quote updates: no broker"
        assert state["headline"]["orders"] == "Order updates: no broker"
        assert [row["state"] for row in state["brokers"]] == ["connecting", "connecting"]
        assert state["problems"] == ["broker1: connecting", "broker2: connecting"]
        unknown = [{"broker_name": name, "why": "it is connecting"} for name in ("broker1", "broker2")]
        assert (state["quotes"]["count"], state["quotes"]["no_source"]) == (0, unknown)
        assert state["instruments"]["symbol"] == []
        assert state["orders"]["rows"] == []
        assert state["orders"]["counts"] == {"broker1": 0, "broker2": 0}
        assert state["orders"]["unread"] == unknown
        assert state["traffic"]["bytes_per_second"] == {"carried": None, "naive_estimate": None}
        assert state["traffic"]["savings"]["saved_percent"] is None

    run_world(story, subscribe=["NIFTY"])


def test_a_running_manager_is_shown_broker_by_broker() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: {key[0] for key in manager.orders.states} == {"broker1", "broker2"})
            await eventually(lambda: len(manager.bandwidth.history()) >= 60)
            state = view_state(manager, world.clock.now_ns())
            assert json.loads(json.dumps(state, allow_nan=False)) == state
            assert state["problems"] == []
            assert state["headline"] == {
                "quotes": "Price/Quote updates: broker1 only",
                "orders": "Order updates: broker1, broker2",
            }
            first, second = state["brokers"]
            assert first["bytes_per_second"]["quotes"] > 0
            assert second["bytes_per_second"]["quotes"] == 0
            assert second["last_quote"] is None
            index, share = named_quotes(state)
            assert (index["bid"], index["volume"]) == (None, None)
            assert share["bid"] <= share["ask"]
            counts = state["orders"]["counts"]
            assert sum(counts.values()) == len(state["orders"]["rows"])
            history = state["traffic"]["history"]
            both = zip(history["by_broker"]["broker1"], history["by_broker"]["broker2"], strict=True)
            assert [one + two for one, two in both] == history["carried"]
            assert sum(history["naive_estimate"]) > sum(history["carried"])
            assert state["traffic"]["savings"]["saved_percent"] == 50.0

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])


def test_a_parked_broker_carries_nothing_and_its_orders_are_unknown() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        async with manager:
            await eventually(lambda: all(health.last_book_ns for health in manager.health.values()))
            parked = manager.health["broker1"]
            parked.state, parked.problem, parked.last_book_ns = BrokerState.PARKED, "broker1: log in", None
            state = view_state(manager, world.clock.now_ns())
            assert state["headline"] == {
                "quotes": "Price/Quote updates: no broker",
                "orders": "Order updates: broker2",
            }
            assert state["orders"]["unread"] == [
                {"broker_name": "broker1", "why": "it is parked"},
            ]
            assert state["quotes"]["no_source"] == [
                {"broker_name": "broker1", "why": "it is parked"},
                {"broker_name": "broker2", "why": "it carries orders only"},
            ]
            assert (state["verdict"]["severity"], state["verdict"]["quotes"]) == ("down", "down")
            alone = view_state(manager, world.clock.now_ns(), "orders")
            assert alone["orders"]["unread"][0]["why"] == "it is parked: log in", "no card stands beside it"
        ended = view_state(manager, world.clock.now_ns())
        assert [row["state"] for row in ended["brokers"]] == ["parked", "closed"]

    run_world(story, subscribe=["NIFTY"])


def test_a_polled_broker_has_no_socket_to_save() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.tick_count > 0)
            savings = view_state(manager, world.clock.now_ns())["traffic"]["savings"]
            assert savings["saved_quote_bytes"] == 0
            assert "1 brokers with a socket" in savings["how"]

    run_world(story, subscribe=["NIFTY"], changes={"broker2": {"orders": "poll"}})


def test_changes_are_the_keys_that_differ_and_the_time() -> None:
    old = {"time": "1", "mode": "LIVE", "quotes": {"count": 1}}
    assert view_changes({}, old) == old
    assert view_changes(old, {**old, "time": "2"}) == {}
    assert view_changes(old, {**old, "time": "2", "quotes": {"count": 2}}) == {
        "time": "2",
        "quotes": {"count": 2},
    }


def test_a_part_has_the_keys_that_it_needs_and_an_unknown_one_is_named() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            now_ns = world.clock.now_ns()
            always = {"mode", "time", "market"}
            assert set(view_state(manager, now_ns, "quotes")) == always | {"instruments", "quotes"}
            assert set(view_state(manager, now_ns, ["orders"])) == always | {"orders", "histories"}
            assert set(view_state(manager, now_ns, "chain")) == always
            slow, quick = slow_and_quick(view_state(manager, now_ns))
            assert {"instruments", "orders", "traffic"} <= set(slow)
            assert {"time", "quotes", "brokers"} <= set(quick)
            assert not set(slow) & set(quick)
            with pytest.raises(ValueError, match=r"expected monitor or one of cards, quotes, .* found 'all'"):
                view_state(manager, now_ns, "all")

    run_world(story)


def test_unknown_stays_unknown_and_zero_stays_zero() -> None:
    assert known(math.nan) is None
    assert known(math.inf) is None
    assert known(None) is None
    assert known(0.0) == 0.0
    assert iso_time(None) is None
    assert age_s(None, 1) is None
    assert age_s(5_000_000_000, 1_000_000_000) == 0.0, "an age is never below nothing"


def test_moments_are_indian_with_their_offset() -> None:
    assert iso_time(1_700_000_000_123_000_000) == "2023-11-15T03:43:20.123+05:30"


def test_decimals_follow_the_tick_size() -> None:
    def decimals(tick_size: float | None) -> int:
        return price_decimals(
            Instrument(
                exchange="CDS",
                token="1",
                symbol="X",
                name="X",
                kind=InstrumentKind.FUTURE,
                tick_size=tick_size,
            )
        )

    assert [decimals(tick) for tick in (None, 1.0, 0.05, 0.0025)] == [2, 2, 2, 4]


def test_while_the_one_source_is_down_nobody_is_said_to_bring_quotes() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 1)
            world.simulation.set_faults("broker1", refuse=True)
            world.drop("broker1")
            await eventually(lambda: manager.health["broker1"].state is BrokerState.RECONNECTING)
            state = view_state(manager, world.clock.now_ns())
            assert state["headline"]["quotes"] == "Price/Quote updates: no broker"
            assert state["quotes"]["no_source"][0]["why"].startswith("it is reconnecting")
            assert state["brokers"][0]["duty"] == "quotes and orders, once it is back"
            assert state["incidents"]["count"] == 1
            assert state["failovers"] == {"rows": [], "count": 0}

    run_world(story, brokers=1, subscribe=["NIFTY"])


def test_after_a_failover_the_new_source_is_named_and_both_cards_tell_it() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 2)
            world.drop("broker1")
            await eventually(lambda: [each.finished for each in manager.incidents.failovers] == [True])
            state = view_state(manager, world.clock.now_ns())
            assert json.loads(json.dumps(state, allow_nan=False)) == state
            assert state["headline"]["quotes"] == "Price/Quote updates: broker2 only"
            first, second = (row["failover"] for row in state["brokers"])
            assert first.startswith("lost the quotes to broker2 ")
            assert second.startswith("took over from broker1 ")
            assert "gap" in second
            (row,) = state["failovers"]["rows"]
            assert (row["moved"], row["uncovered"], row["uncovered_names"]) == (2, 0, [])
            assert state["incidents"]["rows"][0]["broker_name"] == "broker1"

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])


def test_instruments_that_another_broker_streams_are_counted_in_the_headline() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 2)
            key = next(iter(manager.wanted()))
            routing = manager.routing
            routing.carry_out(routing.machine.refused("broker1", [key], "leaves it silent", routing.now()))
            await eventually(lambda: manager.routing.machine.moves.streamed_by("broker2") == [key])
            state = view_state(manager, world.clock.now_ns())
            assert state["headline"]["quotes"] == "Price/Quote updates: broker1, broker2 for 1 instrument"
            assert state["brokers"][1]["duty"] == "orders, and quotes of 1 instrument"

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])
