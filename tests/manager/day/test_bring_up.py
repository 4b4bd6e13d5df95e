from __future__ import annotations

import asyncio
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.config.schema import Config
from dualbroker.errors import ConnectionFailedError, LoginRefusedError, WireError
from dualbroker.manager.day.bring_up import log_in
from dualbroker.simulator.drivers.memory import MemoryTransport
from dualbroker.storage.paths import HOME_VARIABLE
from dualbroker.stores.health import BrokerHealth, BrokerState
from tests.simulated import World, eventually, run_world


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


@pytest.mark.slow
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


def make_real(world: World) -> None:
    """Let the world's one broker be of a real kind, whose login has a lock."""
    account = MemoryTransport.section(world.simulation.brokers[0])
    section = {**account, "type": "shoonya", "dialect": "shoonya_legacy"}
    world.config = Config.model_validate({"brokers": {"broker1": section}, "journal": {"enabled": False}})
    assert not world.config.is_simulated


def test_a_login_that_another_holds_is_told_once_and_goes_on_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))

    async def story(world: World) -> None:
        make_real(world)
        loop = asyncio.get_running_loop()
        async with world.manager() as first:
            begun = loop.time()
            async with world.manager() as second:
                assert loop.time() - begun < 1.0, "nothing is waited for that a person has to end"
                health = second.health["broker1"]
                await asyncio.sleep(60)
                assert health.state is BrokerState.PARKED
                assert health.problem.count("broker1") == 0, "it is named before"
                assert health.problem.startswith("login ")
                assert "is held by another feed of this process" in health.problem
                [incident] = second.incidents.incidents_snapshot()
                assert incident.cause == health.problem
                told = [record for record in caplog.records if "is held" in record.getMessage()]
                assert len(told) == 1
                assert world.transport.requests.count("broker1/QuickAuth") == 1
                await first.brokers["broker1"].close()
                await eventually(lambda: health.state is BrokerState.LIVE)
                assert second.primary == "broker1"

    run_world(story, brokers=1, ticks_per_second=1.0)


def test_a_start_of_which_nobody_can_log_in_does_not_wait() -> None:
    async def story(world: World) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with world.manager() as manager:
            assert loop.time() - begun < 1.0
            assert {health.state for health in manager.health.values()} == {BrokerState.PARKED}

    wrong = {"password": "wrong"}
    run_world(story, changes={"broker1": wrong, "broker2": wrong}, start_timeout=30.0)


def test_a_refusal_is_never_repeated() -> None:
    result, health, tries = logins([LoginRefusedError("Wrong Password"), None])
    assert (result, health.state, tries) == (False, BrokerState.PARKED, 1)


def test_an_unforeseen_failure_parks_that_broker_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    result, health, tries = logins([RuntimeError("nobody thought of this"), None])
    assert (result, health.state, tries) == (False, BrokerState.PARKED, 1)
    assert "unforeseen" in health.problem
    assert "nobody thought of this" in caplog.text
