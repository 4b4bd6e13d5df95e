"""Positions as rows of a view."""

from __future__ import annotations

import json

import pytest

from dualbroker.view import desk
from dualbroker.view.desk import desk_state
from dualbroker.view.named import named_positions
from tests.simulated import World, eventually, run_world


def test_positions_show_what_the_desk_has_with_their_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: len(manager.desk.positions()) > 3 and not manager.desk.unread())
            state = desk_state(manager)
            assert json.loads(json.dumps(state)) == state
            rows, lines = named_positions({"desk": state}), manager.desk.positions()
            assert [row["symbol"] for row in rows] == [line.held.symbol for line in lines]
            assert [row["total"] for row in rows] == [line.mark.total for line in lines]
            assert state["count"] == len(lines)
            held = {
                (stop.broker_name, stop.symbol): stop.state
                for stop in manager.desk.stops()
                if stop.position_quantity and stop.order_id is None
            }
            assert held
            for row in rows:
                if (row["broker_name"], row["symbol"]) in held:
                    assert "no stop seen" in row["stop"]
                    assert not row["is_covered"]
            brokers = {each["name"]: each["total"] for each in state["profit"]}
            assert brokers["all"] == pytest.approx(sum(v for name, v in brokers.items() if name != "all"))
            monkeypatch.setattr(desk, "POSITIONS_SHOWN", 2)
            few = desk_state(manager)
            assert (len(few["rows"]), few["count"]) == (2, len(lines))

    run_world(story)


def test_an_account_whose_book_is_unknown_is_named_and_never_flat() -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker2", desk_reads_fail=1.0)
        async with world.manager() as manager:
            await eventually(lambda: "broker2" in manager.desk.unread() and len(manager.desk.unread()) == 1)
            state = desk_state(manager)
            assert [row["broker_name"] for row in state["unread"]] == ["broker2"]
            assert state["unread"][0]["why"]
            sums = {each["name"]: each["complete"] for each in state["profit"]}
            assert sums["broker2"] is sums["all"] is False

    run_world(story)
