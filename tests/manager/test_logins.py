from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pytest

from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.errors import ConnectionFailedError, LoginRefusedError, WireError
from dualbroker.manager.logins import log_in
from dualbroker.stores.health import BrokerHealth, BrokerState
from tests.simulated import World, run_world


def logins(
    outcomes: list[Exception | None], notes: list[str] | None = None
) -> tuple[bool, BrokerHealth, int]:
    """Whether it ended logged in, the health, and how many times it was tried."""
    told: list[str] = [] if notes is None else notes
    health = BrokerHealth(broker_name="b1", broker_type="shoonya", account="", simulated=False)
    left = list(outcomes)

    async def login() -> None:
        await asyncio.sleep(0)
        if (outcome := left.pop(0)) is not None:
            raise outcome

    context = SimpleNamespace(note=lambda name, cause, action: told.append(cause))
    broker: Any = SimpleNamespace(name="b1", health=health, login=login, context=context)
    result = run_in_virtual_time(log_in(broker, random.Random(1)))
    return result, health, len(outcomes) - len(left)


def test_an_answer_that_is_none_is_asked_for_again() -> None:
    result, _, tries = logins([WireError("expected JSON"), WireError("expected JSON"), None])
    assert (result, tries) == (True, 3)


def test_trouble_on_the_way_is_told_once_for_each_kind_of_it() -> None:
    notes: list[str] = []
    lost = [ConnectionFailedError(f"no answer, try {number}") for number in range(5)]
    logins([*lost, WireError("expected JSON"), *lost, None], notes)
    assert notes == ["no login yet: no answer, try 0", "no login yet: expected JSON"]


def test_a_login_that_never_gets_through_is_one_incident() -> None:
    async def story(world: World) -> None:
        world.transport.dead_hosts.add("broker2")
        async with world.manager() as manager:
            await asyncio.sleep(300)
            assert world.transport.requests.count("broker2/QuickAuth") > 5
            [incident] = manager.incidents.incidents_snapshot()
            assert incident.broker_name == "broker2"
            assert incident.cause == "no login yet: no answer from broker2"

    run_world(story)


def test_a_refusal_is_never_repeated() -> None:
    result, health, tries = logins([LoginRefusedError("Wrong Password"), None])
    assert (result, health.state, tries) == (False, BrokerState.PARKED, 1)


def test_an_unforeseen_failure_parks_that_broker_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    result, health, tries = logins([RuntimeError("nobody thought of this"), None])
    assert (result, health.state, tries) == (False, BrokerState.PARKED, 1)
    assert "unforeseen" in health.problem
    assert "nobody thought of this" in caplog.text
