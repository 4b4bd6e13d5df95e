"""What is wrong, in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from dualbroker.manager.source import FeedSource
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.problems import feed_problems
from tests.simulated import World, eventually, run_world


def health(name: str = "broker1", **changes: Any) -> BrokerHealth:
    fields = {
        "broker_type": "simulated",
        "account": "FA**01",
        "simulated": True,
        "state": BrokerState.LIVE,
        "role": Role.PRIMARY,
    }
    return BrokerHealth(broker_name=name, **{**fields, **changes})


def problems(
    *brokers: BrokerHealth, primary: str | None = "broker1", stale: dict[str, str] | None = None
) -> list[str]:
    manager = SimpleNamespace(
        all_health=lambda: list(brokers),
        primary=primary,
        why_stale=lambda name: (stale or {}).get(name, ""),
        wanted=dict,
        arrangement=0,
        streaming_brokers=list,
        quotes=QuoteStore(),
    )
    return feed_problems(cast(FeedSource, manager))


def test_all_is_well() -> None:
    assert problems(health(), health("broker2", role=Role.SECONDARY)) == []
    assert problems(health(), health("broker2", role=Role.SECONDARY, state=BrokerState.POLLING)) == []


def test_each_broker_says_what_is_wrong_with_it() -> None:
    parked = health("broker2", state=BrokerState.PARKED, problem="login refused; fix it in config.yaml")
    assert problems(health(), parked) == ["broker2: parked: login refused; fix it in config.yaml"]
    (book,) = problems(health(book_problem="timed out"))
    assert "orders may be missing: timed out" in book
    (waiting,) = problems(health(subscriptions=3, acknowledged=1))
    assert waiting.startswith("broker1: 2 of 3 instruments have no quote yet")


def test_nobody_carries_quotes() -> None:
    polling = health(role=Role.SECONDARY, state=BrokerState.POLLING)
    assert problems(polling, primary=None) == ["no broker carries quotes yet"]


def test_a_closed_feed_says_that_it_is_closed_and_that_nothing_begins_again() -> None:
    closed = [health(name, state=BrokerState.CLOSED) for name in ("broker1", "broker2")]
    assert problems(*closed) == ["the feed is closed; what is shown is its last state"]
    assert len(problems(closed[0], health("broker2"))) == 1, "one that is closed by itself is told of as such"


def test_connected_and_mute_is_not_well() -> None:
    words = "no quote came for 5.0 s while the market moves"
    assert problems(health(), stale={"broker1": words}) == [f"broker1: stale: {words}"]


def test_instruments_that_nobody_streams_are_named_and_the_rest_counted() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        async with manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 4)
            assert feed_problems(manager) == []
            world.simulation.set_faults("broker1", refuse=True)
            world.drop("broker1")
            await eventually(lambda: manager.health["broker1"].state is BrokerState.RECONNECTING)
            down, unserved = feed_problems(manager)
            assert down.startswith("broker1: reconnecting")
            assert unserved.startswith(
                "no broker streams NSE:NIFTY INDEX, NSE:RELIANCE-EQ, NSE:TCS-EQ and 1 more;"
            )
            world.simulation.clear_faults("all")
            await eventually(lambda: feed_problems(manager) == [])

    run_world(story, brokers=1, subscribe=["NIFTY", "NSE:RELIANCE-EQ", "NSE:TCS-EQ", "NSE:INFY-EQ"])


def test_a_standby_that_takes_over_leaves_only_the_failed_broker_s_problem() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        async with manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 1)
            world.simulation.set_faults("broker1", refuse=True)
            world.drop("broker1")
            await eventually(lambda: manager.primary == "broker2")
            await eventually(lambda: len(feed_problems(manager)) == 1)
            assert feed_problems(manager)[0].startswith("broker1: reconnecting")

    run_world(story, subscribe=["NIFTY"])


def test_a_pause_of_the_whole_market_is_no_fault() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        async with manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 2)
            world.simulation.stop()
            await eventually(lambda: manager.incidents.incident_count > 0, within_s=120.0)
            assert "the market does not move" in manager.incidents.incidents[-1].cause
            assert feed_problems(manager) == []

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])
