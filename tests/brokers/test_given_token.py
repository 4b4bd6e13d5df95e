"""A token that another program obtained: used in place of a login, through nights. Virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from dualbroker.brokers.noren.broker import NorenBroker
from dualbroker.brokers.noren.oauth import exchange_code
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.config.secrets import SecretSources, SecretText
from dualbroker.stores.health import BrokerState
from tests.brokers.test_acceptance import Bench, Maker, flattrade, play, shoonya
from tests.simulated import World, eventually


def given(maker: Maker, file: Path, orders: str) -> Maker:
    """The same broker with ``token: ${file:…}``, as a config that was read has it."""

    def make(world: World) -> tuple[type[NorenBroker], NorenSection]:
        kind, section = maker(world)
        section = section.model_copy(update={"token": SecretStr("as it was at the start"), "orders": orders})
        section._read_token = SecretText("brokers.broker1.token", f"${{file:{file}}}", SecretSources({}))
        return kind, section

    return make


def write(file: Path, token: str) -> None:
    file.write_text(f"{token}\n", encoding="utf-8")


async def bot_logs_in(bench: Bench, file: Path) -> str:
    account = bench.world.simulation.brokers[0].accounts[0]
    session = await exchange_code(
        bench.config, bench.dialect, account.oauth_code, bench.context.transport, bench.world.clock.now_ns()
    )
    write(file, session.token)
    bench.world.transport.requests.clear()
    return session.token


@pytest.mark.parametrize("orders", ["poll", "stream"])
@pytest.mark.parametrize("maker", [shoonya, flattrade])
def test_a_token_of_the_users_bot_is_followed_from_day_to_day_and_never_ended(
    maker: Maker, orders: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, state = tmp_path / "token.txt", tmp_path / "state"
    up = BrokerState.POLLING if orders == "poll" else BrokerState.LIVE

    async def at_once(act: Callable[[], object]) -> object:
        return act()  # a thread knows no virtual time

    async def story(bench: Bench) -> None:
        requests = bench.world.transport.requests
        tokens = [await bot_logs_in(bench, file)]
        await bench.broker.login()
        await bench.broker.start_websocket(bench.orders.append)
        for _ in range(2):
            assert bench.health.state is up
            bench.world.simulation.brokers[0].expire_tokens()
            bench.world.drop("broker1", 1006, "")
            await eventually(lambda: bench.health.state is BrokerState.PARKED)
            assert "it goes on by itself once the config's token is a new one" in bench.health.problem
            requests.clear()
            await asyncio.sleep(60)
            assert requests == [], "a token that died is not tried again"
            tokens.append(await bot_logs_in(bench, file))
            await eventually(lambda: bench.health.state is up, within_s=15)
            assert bench.health.problem == ""
            assert not {name.rpartition("/")[2] for name in requests} & {"QuickAuth", "GenAcsTok", "Logout"}
        kept = b"".join(each.read_bytes() for each in state.rglob("*") if each.is_file())
        assert not any(token.encode() in kept for token in tokens)

    monkeypatch.setattr("dualbroker.brokers.session.login.off_loop", at_once)
    play(given(maker, file, orders), state, story)
