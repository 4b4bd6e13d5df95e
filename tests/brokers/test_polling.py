"""Orders by REST against a broker that misbehaves, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dualbroker.brokers.base import Broker
from dualbroker.brokers.noren.broker import NorenBroker
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.brokers.session.polling import OrderPoll
from dualbroker.brokers.session.standing import Standing
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.errors import ConnectionFailedError, RetryableBrokerError, SessionExpiredError
from dualbroker.model import OrderUpdate
from dualbroker.simulator.answers import WRONG_PASSWORD, Refusal
from dualbroker.simulator.trading.accounts import Account
from dualbroker.stores.health import BrokerHealth, BrokerState
from tests.brokers.test_acceptance import Bench, Maker, flattrade, play, shoonya, shoonya_by_password
from tests.simulated import World, eventually, run_world


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

    async def open_session(renew: bool) -> None:
        renewals.append(renew)

    async def live() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        chance = SimpleNamespace(uniform=lambda low, high: high)
        context: Any = SimpleNamespace(
            random=chance,
            clock=VirtualClock(loop, 10**18),
            health=health,
            on_connected=lambda name: None,
            on_down=lambda name, why: None,
        )
        broker: Any = SimpleNamespace(name="b1", health=health, context=context, order_book=order_book)
        standing = Standing("b1", context)
        polling = OrderPoll(cast(Broker, broker), standing, 3.0, open_session, lambda update: None)
        task = asyncio.create_task(polling.run())
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


def polled(maker: Maker) -> Maker:
    def make(world: World) -> tuple[type[NorenBroker], NorenSection]:
        kind, section = maker(world)
        return kind, section.model_copy(update={"orders": "poll"})

    return make


@pytest.mark.parametrize("maker", [shoonya, flattrade])
def test_a_session_that_only_a_person_can_open_is_waited_for_each_night_anew(
    maker: Maker, tmp_path: Path
) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        server, requests = bench.world.simulation.brokers[0], bench.world.transport.requests
        for _ in range(2):
            server.expire_tokens()
            await eventually(lambda: bench.health.state is BrokerState.PARKED)
            assert "dualbroker login" in bench.health.problem
            requests.clear()
            await asyncio.sleep(60)
            assert requests == [], "a broker that no session opens is not asked"
            read = len(bench.orders)
            await bench.get_ready()
            await eventually(lambda: bench.health.state is BrokerState.POLLING, within_s=15)
            assert bench.health.problem == ""
            assert len(bench.orders) > read
        assert server.sessions == []

    play(polled(maker), tmp_path, story)


def test_a_poll_that_a_refused_login_has_ended_is_begun_anew_only_by_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fields: Mapping[str, str], now_ns: int) -> tuple[Account, str]:
        raise Refusal(WRONG_PASSWORD)

    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        server, requests = bench.world.simulation.brokers[0], bench.world.transport.requests
        with monkeypatch.context() as patch:
            patch.setattr(server.logins, "by_password", refuse)
            server.expire_tokens()
            await eventually(lambda: bench.health.state is BrokerState.PARKED)
            await asyncio.sleep(60)
        assert requests.count("broker1/QuickAuth") == 2
        bench.broker.reconnect("asked for by a person")
        await eventually(lambda: bench.health.state is BrokerState.POLLING)
        assert requests.count("broker1/QuickAuth") == 3
        polls = requests.count("broker1/OrderBook")
        bench.broker.reconnect("asked for by a person")
        await asyncio.sleep(30)
        assert requests.count("broker1/OrderBook") == polls + 10, "one poll, not two side by side"

    play(polled(shoonya_by_password), tmp_path, story)


def test_a_poll_that_succeeds_takes_no_other_word_about_the_book_back() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(10)
            world.simulation.set_faults("broker1", no_data=True)
            await manager.reconcile("broker1")
            await asyncio.sleep(1)
            assert "orders of today are known" in manager.health["broker1"].book_problem

    run_world(story, changes={"broker1": {"orders": "poll", "poll_every": 1.0}}, orders_per_minute=600)


@pytest.mark.parametrize("maker", [shoonya, flattrade])
def test_an_evicted_login_takes_its_socket_again_once_a_person_has_logged_in_for_a_new_day(
    maker: Maker, tmp_path: Path
) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        server = bench.world.simulation.brokers[0]
        for _ in range(2):
            bench.world.drop("broker1", 1000, "")
            await eventually(lambda: bench.health.state is BrokerState.POLLING)
            assert server.sessions == []
            server.expire_tokens()
            await eventually(lambda: bench.health.state is BrokerState.PARKED)
            await asyncio.sleep(60)
            assert bench.health.state is BrokerState.PARKED
            await bench.get_ready()
            await eventually(lambda: bench.health.state is BrokerState.LIVE, within_s=15)
            assert (bench.health.problem, len(server.sessions)) == ("", 1)
            bench.orders.clear()
            await eventually(lambda: len(bench.orders) > 0)

    play(maker, tmp_path, story, orders_per_minute=240)
