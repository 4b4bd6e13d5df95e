"""Orders by REST against a broker that misbehaves, in virtual time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dualbroker.brokers.base import Broker
from dualbroker.brokers.polling import OrderPoll
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.errors import ConnectionFailedError, RetryableBrokerError, SessionExpiredError
from dualbroker.model import OrderUpdate
from dualbroker.stores.health import BrokerHealth, BrokerState
from tests.simulated import World, run_world


def poll(answers: list[Exception | None], seconds: float = 300) -> tuple[BrokerHealth, list[bool], int]:
    """Health, renewals and polls after that time; the last answer is given for ever."""
    health = BrokerHealth(broker_name="b1", broker_type="shoonya", account="", simulated=False)
    renewals: list[bool] = []
    polls = 0

    async def order_book() -> list[OrderUpdate]:
        nonlocal polls
        answer = answers[min(polls, len(answers) - 1)]
        polls += 1
        if answer is not None:
            raise answer
        return []

    async def open_session(*, renew: bool) -> None:
        renewals.append(renew)

    async def live() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        chance = SimpleNamespace(uniform=lambda low, high: high)
        context = SimpleNamespace(
            random=chance, clock=VirtualClock(loop, 10**18), on_connected=lambda name: None
        )
        broker: Any = SimpleNamespace(name="b1", health=health, context=context, order_book=order_book)
        task = asyncio.create_task(OrderPoll(cast(Broker, broker), 3.0, open_session, lambda u: None).run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(live())
    return health, renewals, polls


def test_one_ended_session_is_one_login_however_long_the_network_fails_after_it() -> None:
    health, renewals, polls = poll([SessionExpiredError("dead"), ConnectionFailedError("no network")])
    assert renewals == [True]
    assert polls < 15
    assert health.state is BrokerState.RECONNECTING
    assert health.book_problem == "no network"


def test_a_fresh_session_that_is_refused_parks_the_broker() -> None:
    health, renewals, polls = poll([SessionExpiredError("dead")])
    assert (health.state, renewals, polls) == (BrokerState.PARKED, [True], 2)


def test_an_unforeseen_failure_does_not_end_the_polling(caplog: pytest.LogCaptureFixture) -> None:
    health, _, _ = poll([RuntimeError("nobody thought of this"), RetryableBrokerError("502"), None])
    assert health.state is BrokerState.POLLING
    assert (health.problem, health.book_problem) == ("", "")
    assert "nobody thought of this" in caplog.text


def test_a_start_returns_once_the_first_book_is_there() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert {health.state for health in manager.health.values()} == {BrokerState.POLLING}
            assert all(health.last_book_ns for health in manager.health.values())

    run_world(story, changes={"broker1": {"orders": "poll"}, "broker2": {"orders": "poll"}})


def test_a_poll_that_succeeds_takes_no_other_word_about_the_book_back() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(10)
            world.simulation.set_faults("broker1", no_data=True)
            await manager.reconcile("broker1")
            await asyncio.sleep(1)
            assert "orders of today are known" in manager.health["broker1"].book_problem

    run_world(story, changes={"broker1": {"orders": "poll", "poll_every": 1.0}}, orders_per_minute=600)
