"""What brokers that speak Noren do beyond the contract (`test_contract`): books, sessions, secrets."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.brokers.noren.broker import NorenBroker
from dualbroker.brokers.noren.flattrade import FlattradeBroker
from dualbroker.brokers.noren.oauth import exchange_code
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.brokers.noren.shoonya import ShoonyaBroker
from dualbroker.brokers.noren.simulated import SimulatedBroker
from dualbroker.errors import LoginHeldError, LoginRefusedError, SessionExpiredError
from dualbroker.model import OrderUpdate, QuoteBatch, UpdateSource
from dualbroker.storage.tokens import SessionTokens
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.transport.base import Transport
from tests.sections import noren
from tests.simulated import World, run_world

NIFTY = ("NSE", "26000")
RELIANCE = ("NSE", "2885")


def oauth_section(world: World, broker_type: str, **more: Any) -> NorenSection:
    account = world.simulation.brokers[0].accounts[0]
    simulated = noren(world.config.brokers["broker1"])
    keys = {
        "type": broker_type,
        "name": "broker1",
        "user_id": account.uid,
        "client_id": account.client_id,
        "api_key": account.api_key,
        "api_secret": account.oauth_secret,
        "rest_base": simulated.rest_base,
        "websocket_url": simulated.websocket_url,
        "masters_base": simulated.masters_base,
        **more,
    }
    return NorenSection.model_validate(keys)


def simulated(world: World) -> tuple[type[NorenBroker], NorenSection]:
    return SimulatedBroker, noren(world.config.brokers["broker1"])


def shoonya(world: World) -> tuple[type[NorenBroker], NorenSection]:
    return ShoonyaBroker, oauth_section(world, "shoonya")


def shoonya_by_password(world: World) -> tuple[type[NorenBroker], NorenSection]:
    account = world.simulation.brokers[0].accounts[0]
    section = oauth_section(world, "shoonya", password=account.password, totp_secret=account.totp_secret)
    return ShoonyaBroker, section.model_copy(update={"client_id": None, "api_secret": None})


def flattrade(world: World) -> tuple[type[NorenBroker], NorenSection]:
    return FlattradeBroker, oauth_section(world, "flattrade")


MAKERS = [simulated, shoonya, shoonya_by_password, flattrade]
Maker = Callable[[World], tuple[type[NorenBroker], NorenSection]]


class Bench:
    """One broker under test, and what it brought."""

    def __init__(self, world: World, maker: Maker, directory: Path | None) -> None:
        kind, self.config = maker(world)
        self.world = world
        self.quotes: list[QuoteBatch] = []
        self.orders: list[OrderUpdate] = []
        self.health = BrokerHealth(
            broker_name="broker1", broker_type=kind.__name__, account="", simulated=True
        )
        self.traffic = BandwidthStore().add_broker("broker1")
        self.context = BrokerContext(
            transport=cast(Transport, world.transport),
            clock=world.clock,
            wall_clock=world.clock,
            random=random.Random(1),
            health=self.health,
            traffic=self.traffic,
            state_directory=directory,
            on_connected=lambda name: None,
        )
        self.broker: Broker = kind(self.config, self.context)
        self.dialect = kind(self.config, self.context).dialect

    async def get_ready(self) -> None:
        """What a person does each morning: log in through the browser, where that is the way."""
        if self.dialect.login == "password_totp" or self.context.state_directory is None:
            return
        account = self.world.simulation.brokers[0].accounts[0]
        saved = await exchange_code(
            self.config, self.dialect, account.oauth_code, self.context.transport, self.world.clock.now_ns()
        )
        name = f"{self.config.type}-{self.config.user_id}"
        SessionTokens(self.context.state_directory).save(name, saved)

    async def start(self, *, quotes: bool) -> None:
        await self.get_ready()
        await self.broker.login()
        await self.broker.start_websocket(self.orders.append, self.quotes.append if quotes else None)


def play(
    maker: Maker, directory: Path | None, story: Callable[[Bench], Awaitable[None]], **settings: Any
) -> None:
    async def tell(world: World) -> None:
        bench = Bench(world, maker, directory)
        try:
            await story(bench)
        finally:
            await bench.broker.close()

    run_world(tell, **settings)


every_type = pytest.mark.parametrize("maker", MAKERS)


@every_type
def test_books_equal_the_brokers_own(maker: Maker, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        assert await bench.broker.order_book() == [], "no data is an empty book"
        await asyncio.sleep(60)
        bench.world.simulation.stop()
        truth = cast(dict[str, Any], bench.world.simulation.truth()["orders"])["broker1"]
        book = await bench.broker.order_book()
        assert {update.order_id for update in book} == set(truth)
        filled = {update.order_id: update.filled_quantity or 0 for update in book}
        fills: dict[str, float] = {}
        for row in await bench.broker.trade_book():
            fills[row.order_id] = fills.get(row.order_id, 0) + (row.quantity or 0)
        assert fills
        assert fills == {number: quantity for number, quantity in filled.items() if quantity}
        net: dict[str, float] = {}
        for update in book:
            sign = 1 if update.side == "BUY" else -1
            net[update.symbol or ""] = net.get(update.symbol or "", 0) + sign * (update.filled_quantity or 0)
        positions: dict[str, float] = {}
        for position in await bench.broker.position_book():
            positions[position.symbol] = positions.get(position.symbol, 0) + (position.net_quantity or 0)
        assert positions == {symbol: net[symbol] for symbol in positions}
        (account,) = bench.world.simulation.brokers[0].trading.values()
        held = {each.listings[0].symbol: each.quantity for each in account.holdings.held()}
        used = sum(int(str(row["usedqty"])) for row in account.holdings.rows(account.positions.held()))
        owned = await bench.broker.holdings()
        assert {each.listings[0][2] for each in owned} == set(held)
        assert sum(each.quantity or 0 for each in owned) == sum(held.values()) - used
        limits = await bench.broker.limits()
        assert f"{limits.cash:.2f}" == account.limits()["cash"]
        assert f"{limits.margin_used:.2f}" == account.limits()["marginused"]

    play(maker, tmp_path, story, orders_per_minute=600)


@every_type
def test_closing_leaves_the_session_alone(maker: Maker, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        server = bench.world.simulation.brokers[0]
        token = server.sessions[0].token
        await bench.broker.close()
        await asyncio.sleep(1)
        assert server.sessions == []
        assert server.logins.account_of(token) is not None
        assert not any(request.endswith("/Logout") for request in bench.world.transport.requests)

    play(maker, tmp_path, story)


@every_type
def test_logout_ends_the_session_and_forgets_the_token(maker: Maker, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        token = bench.world.simulation.brokers[0].sessions[0].token
        await bench.broker.logout()
        assert bench.world.simulation.brokers[0].logins.account_of(token) is None
        with pytest.raises(SessionExpiredError):
            await bench.broker.order_book()

    play(maker, tmp_path, story)


@every_type
def test_nothing_that_is_printed_shows_a_secret(
    maker: Maker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=True)
        account = bench.world.simulation.brokers[0].accounts[0]
        token = bench.world.simulation.brokers[0].sessions[0].token
        shown = "\n".join(
            repr(thing) for thing in (bench.broker, bench.config, bench.health, vars(bench.broker))
        )
        for secret in (account.password, account.totp_secret, account.api_key, account.oauth_secret, token):
            assert secret not in shown
            assert secret not in caplog.text

    with caplog.at_level("DEBUG"):
        play(maker, tmp_path, story)


@every_type
def test_the_steps_of_an_order_oldest_first(maker: Maker, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        await asyncio.sleep(60)
        bench.world.simulation.stop()
        (trading,) = bench.world.simulation.brokers[0].trading.values()
        order = max(trading.desk.orders.values(), key=lambda each: len(each.events))
        asked_ns = bench.world.clock.now_ns()
        steps = await bench.broker.order_history(order.number)
        assert [(step.status, step.report_type) for step in steps] == [
            (event.status, event.report_type) for event in order.events
        ]
        assert {step.order_id for step in steps} == {order.number}
        assert {step.as_of_ns for step in steps} == {asked_ns}
        assert {step.source for step in steps} == {UpdateSource.RECONCILE}
        assert await bench.broker.order_history("26031099999999") == [], "no such order is no failed read"

    play(maker, tmp_path, story, orders_per_minute=600)


@pytest.mark.parametrize("maker", [shoonya, flattrade])
def test_without_todays_session_a_browser_login_is_asked_for(maker: Maker, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(LoginRefusedError, match="dualbroker login"):
            await bench.broker.login()
        assert bench.world.transport.requests == []

    play(maker, tmp_path, story)


@pytest.mark.parametrize("maker", [shoonya, shoonya_by_password, flattrade])
def test_a_saved_session_is_taken_up_without_a_new_login(maker: Maker, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        await bench.broker.close()
        again = Bench(bench.world, maker, tmp_path)
        bench.world.transport.requests.clear()
        await again.broker.login()
        assert bench.world.transport.requests == ["broker1/UserDetails"]
        await again.broker.close()

    play(maker, tmp_path, story)


def test_yesterdays_token_is_found_out_before_any_socket_is_opened(tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        await bench.broker.close()
        server = bench.world.simulation.brokers[0]
        for token in [session.token for session in server.sessions] or [_saved_token(bench)]:
            server.logins.end(token)
        again = Bench(bench.world, shoonya, tmp_path)
        with pytest.raises(LoginRefusedError, match="dualbroker login"):
            await again.broker.login()
        assert server.sessions == []

    play(shoonya, tmp_path, story)


def _saved_token(bench: Bench) -> str:
    assert bench.context.state_directory is not None
    saved = SessionTokens(bench.context.state_directory).load(
        f"{bench.config.type}-{bench.config.user_id}", bench.world.clock.now_ns()
    )
    assert saved is not None
    return saved.token


@pytest.mark.parametrize("maker", [shoonya, flattrade])
def test_a_session_that_only_a_person_can_renew_is_told_once_with_what_to_do(
    maker: Maker, tmp_path: Path
) -> None:
    async def story(bench: Bench) -> None:
        notes: list[tuple[str, ...]] = []
        context = dataclasses.replace(bench.context, note=lambda *words: notes.append(words))
        bench.broker = type(bench.broker)(bench.config, context)
        await bench.start(quotes=False)
        for _ in range(3):
            bench.broker.renew_session("Session Expired")
            await asyncio.sleep(60)
        assert notes == [("broker1", "Session Expired", "log in again: dualbroker login")]

    play(maker, tmp_path, story)


def test_one_login_has_one_holder(tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.start(quotes=False)
        second = Bench(bench.world, shoonya_by_password, tmp_path)
        with pytest.raises(LoginHeldError):
            await second.broker.login()
        await bench.broker.close()
        await second.broker.login()
        await second.broker.close()

    play(shoonya_by_password, tmp_path, story)


def test_a_refused_login_says_why_and_is_made_once(tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        config = bench.config.model_copy(update={"vendor_code": "nobody"})
        context = dataclasses.replace(bench.context, state_directory=None)
        with pytest.raises(LoginRefusedError):
            await ShoonyaBroker(config, context).login()
        assert bench.world.transport.requests == ["broker1/QuickAuth"]

    play(shoonya_by_password, tmp_path, story)
