"""What each broker does for the feed, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dualbroker.manager import WebSocketManager
from dualbroker.stores.health import BrokerState
from dualbroker.view.cards import card_rows, failover_words
from dualbroker.view.unknown import no_quotes_because
from tests.notebook.plain.states import NOW, failover_row
from tests.simulated import World, eventually, run_world

NOW_NS = int(datetime.fromisoformat(NOW).timestamp()) * 1_000_000_000

OPEN = {"open": True, "words": "market open"}
CLOSED = {"open": False, "words": "market closed, last 15:29:59 · opens Wed 09:15"}


def duties(manager: WebSocketManager, world: World) -> list[str]:
    return [row["duty"] for row in card_rows(manager, OPEN, [], world.clock.now_ns())]


def test_each_broker_says_what_it_carries_and_whether_it_could_take_over() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        assert duties(manager, world) == ["carries nothing"] * 3
        async with manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 1)
            polled = "orders only · by REST, so it can't take the quotes over"
            ready = "orders only · ready to take the quotes over"
            assert duties(manager, world) == ["quotes and orders", ready, polled]
            manager.health["broker2"].state = BrokerState.RECONNECTING
            assert duties(manager, world)[1] == "orders only · can't take the quotes over now"
            manager.health["broker2"].state = BrokerState.PARKED
            assert duties(manager, world)[1] == "carries nothing"

    run_world(story, brokers=3, subscribe=["NIFTY"], changes={"broker3": {"orders": "poll"}})


def test_once_closed_a_card_shows_what_its_broker_did_and_was() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 1)
        before = manager.health["broker1"].last_quote_ns
        assert before is not None
        rows = card_rows(manager, OPEN, [], world.clock.now_ns())
        assert [row["state_words"] for row in rows] == ["closed, was live", "closed, was live"]
        assert [row["duty"] for row in rows] == ["carried quotes and orders", "carried orders only"]
        assert [row["problems"] for row in rows] == [[], []], "said once"
        assert no_quotes_because(manager) == [], "the feed is closed, and says so"
        assert rows[0]["subscriptions"] == rows[0]["acknowledged"] == 1

    run_world(story, subscribe=["NIFTY"])


def test_after_the_close_the_broker_that_carries_quotes_says_why_none_come() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            now_ns = world.clock.now_ns()
            closed = [row["market"] for row in card_rows(manager, CLOSED, [], now_ns)]
            assert closed == ["market closed, last 15:29:59", ""]
            assert [row["market"] for row in card_rows(manager, OPEN, [], now_ns)] == ["", ""]

    run_world(story)


def test_a_failover_is_told_from_both_sides() -> None:
    row = failover_row()
    assert failover_words(row, "broker2", NOW_NS) == "took over from broker1 12:00:00, gap at most 0.180 s"
    assert failover_words(row, "broker1", NOW_NS) == "lost the quotes to broker2 12:00:00: broker1 was reset"
    assert failover_words(None, "broker1", NOW_NS) == ""


def test_a_planned_hand_over_does_not_sound_like_a_failure() -> None:
    row = failover_row(planned=True, why="asked for")
    assert failover_words(row, "broker2", NOW_NS).startswith("was handed the quotes by broker1 12:00:00, gap")
    assert failover_words(row, "broker1", NOW_NS) == "handed the quotes to broker2 12:00:00: asked for"


def test_what_is_not_done_or_not_covered_is_said() -> None:
    def words(**changes: Any) -> str:
        return failover_words(failover_row(**changes), "broker2", NOW_NS).partition(", ")[2]

    assert words(moved=1, finished=False) == "1 of 3 instruments so far"
    assert words(moved=2, uncovered_names=["NSE:A"], uncovered=1) == "gap at most 0.180 s, 1 not covered"
    assert words(moved=1) == "gap 0.180 s"
    assert words(moved=0, gap_max=None) == "no gap measured"


def test_a_failover_of_another_day_says_which() -> None:
    tomorrow_ns = NOW_NS + 86_400_000_000_000
    assert "from broker1 2 Mar 12:00:00" in failover_words(failover_row(), "broker2", tomorrow_ns)
