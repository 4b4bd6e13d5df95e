"""One severity per state, for dots, borders, headers, tab titles and words alike."""

from __future__ import annotations

import pytest

from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.severity import (
    SEVERITY_OF_STATE,
    Severity,
    broker_severity,
    state_words,
    verdict,
)
from dualbroker.view.state import view_state
from tests.simulated import World, eventually, run_world


def test_every_state_has_its_severity() -> None:
    assert set(SEVERITY_OF_STATE) == set(BrokerState)


@pytest.mark.parametrize(
    ("state", "problems", "severity", "words"),
    [
        (BrokerState.LIVE, [], Severity.OK, "live"),
        (BrokerState.LIVE, ["stale: no quote came"], Severity.DEGRADED, "live · degraded"),
        (BrokerState.POLLING, [], Severity.OK, "polling"),
        (BrokerState.POLLING, ["another program took the login"], Severity.DEGRADED, "polling · degraded"),
        (BrokerState.CONNECTING, ["connecting"], Severity.DEGRADED, "connecting"),
        (BrokerState.CONNECTING, ["connecting: no login yet: 502"], Severity.DOWN, "connecting · down"),
        (BrokerState.RECONNECTING, ["reconnecting: reset"], Severity.DOWN, "reconnecting"),
        (BrokerState.PARKED, ["parked: log in"], Severity.DOWN, "parked"),
        (BrokerState.CLOSED, ["closed"], Severity.OFF, "closed, was live"),
    ],
)
def test_a_broker_that_works_with_a_problem_is_degraded_and_says_so(
    state: BrokerState, problems: list[str], severity: Severity, words: str
) -> None:
    health = BrokerHealth(broker_name="b1", broker_type="shoonya", account="", simulated=False, state=state)
    if state is BrokerState.CLOSED:
        health.state = BrokerState.LIVE
        health.close()
    assert broker_severity(health.state, problems) is severity
    assert state_words(health, severity) == words


def test_the_feed_s_verdict_follows_its_brokers() -> None:
    async def story(world: World) -> None:
        manager = world.manager()
        assert verdict(manager)["severity"] == "degraded", "nothing has connected yet"
        async with manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 1)
            await eventually(lambda: verdict(manager)["severity"] == "ok")
            assert verdict(manager) == {
                "severity": "ok",
                "quotes": "ok",
                "orders": "ok",
                "words": "all well",
                "title": "dualbroker",
            }
            standby = manager.health["broker2"]
            standby.state, standby.problem = BrokerState.POLLING, "another program took the login"
            manager.routing.on_down("broker2", standby.problem)
            state = view_state(manager, world.clock.now_ns())
            assert [row["severity"] for row in state["brokers"]] == ["ok", "degraded"]
            assert state["brokers"][1]["offers"][0] == "reconnect"
            found = state["verdict"]
            assert (found["severity"], found["quotes"], found["orders"]) == ("degraded", "ok", "degraded")
            assert found["words"] == "degraded · 1 problem"
            assert found["title"] == "▲ degraded: broker2 · dualbroker"
            manager.health["broker1"].state = BrokerState.RECONNECTING
            manager.health["broker1"].problem = "no route to it"
            manager.routing.on_down("broker1", "no route to it")
            state = view_state(manager, world.clock.now_ns())
            found = state["verdict"]
            assert (found["severity"], found["quotes"], found["orders"]) == ("down", "down", "degraded"), (
                "one that is polled brings no quotes"
            )
            assert state["brokers"][0]["state_words"] == "reconnecting"
            assert state["brokers"][0]["problems"] == ["no route to it"], "the state is said once"
            for name in ("broker1", "broker2"):
                manager.health[name].state = BrokerState.RECONNECTING
            state = view_state(manager, world.clock.now_ns())
            assert state["headline"]["orders"] == "Order updates: no broker"
            assert (state["verdict"]["severity"], state["verdict"]["orders"]) == ("down", "down")
            assert state["verdict"]["title"] == "▲ down: broker1, broker2 · dualbroker"
        assert verdict(manager)["words"] == "closed"

    run_world(story, subscribe=["NIFTY"])
