"""The Noren brokers held to what every broker must do, on the simulator in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren.oauth import exchange_code
from dualbroker.brokers.session.login import login_id
from dualbroker.chaos.shared import shared_work
from dualbroker.chaos.virtual_time import VirtualTimeLoop
from dualbroker.simulator.answers import WRONG_PASSWORD, Refusal
from dualbroker.simulator.faults.faults import Strike
from dualbroker.simulator.trading.accounts import Account
from dualbroker.storage.tokens import SessionTokens
from dualbroker.testing import CHECKS, Check, Stand, eventually, name_of, run_check
from dualbroker.transport.base import Transport
from tests.brokers.test_acceptance import NIFTY, RELIANCE, Maker, flattrade, shoonya, simulated
from tests.sections import noren
from tests.simulated import World


class NorenStand(Stand):
    """A simulated broker, reached as a maker says."""

    keys = (NIFTY, RELIANCE)

    def __init__(self, maker: Maker) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        self.world = World(loop, orders_per_minute=60.0)
        self.server = self.world.simulation.brokers[0]
        self.account = self.server.accounts[0]
        self.clock = self.world.clock
        self.transport = cast(Transport, self.world.transport)
        self.kind, self.config = maker(self.world)
        self.section: Mapping[str, Any] = {
            key: value if not hasattr(value, "get_secret_value") else value.get_secret_value()
            for key, value in self.config.model_dump(exclude_none=True).items()
        }

    @property
    def needs_person(self) -> bool:
        return self.config.type != "simulated" and self.config.password is None

    def secrets(self) -> Collection[str]:
        account = self.account
        tokens = [session.token for session in self.server.sessions if session.token]
        return [account.password, account.totp_secret, account.api_key, account.oauth_secret, *tokens]

    async def log_in_as_person(self, context: BrokerContext) -> None:
        if not self.needs_person or context.state_directory is None:
            return
        dialect = self.kind(self.config, context).dialect
        now_ns = self.world.clock.now_ns()
        saved = await exchange_code(
            noren(self.config), dialect, self.account.oauth_code, self.transport, now_ns
        )
        SessionTokens(context.state_directory).save(login_id(self.config), saved)

    async def stop(self) -> None:
        await self.world.transport.aclose()

    async def bring_quote(self, key: object) -> None:
        await asyncio.sleep(0.1)  # the market moves by itself

    async def bring_order(self) -> None:
        before = len(self.order_ids())
        await eventually(lambda: len(self.order_ids()) > before, "an order of the simulator's actor")

    def close_sockets(self) -> None:
        self.world.drop("broker1")

    def evict(self) -> None:
        self.world.drop("broker1", 1000, "")

    def send_garbage(self) -> None:
        self.server.strike(Strike(action="garbage"))

    def end_sessions(self) -> None:
        self.server.expire_tokens()
        self.world.drop("broker1")

    def refuse_logins(self) -> None:
        def refuse(fields: Mapping[str, str], now_ns: int) -> tuple[Account, str]:
            raise Refusal(WRONG_PASSWORD)

        self.server.logins.by_password = refuse  # type: ignore[method-assign]

    def fail_reads(self, on: bool) -> None:
        self.world.simulation.set_faults("broker1", rest_html_502=on)

    def order_ids(self) -> Collection[str]:
        orders = cast("dict[str, dict[str, Any]]", self.world.simulation.truth()["orders"])
        return set(orders["broker1"])

    def open_sockets(self) -> int:
        return len(self.server.sessions)

    def login_calls(self) -> int:
        return self.world.transport.requests.count("broker1/QuickAuth")


PASSWORD_CHECKS = {
    "a_refused_login_says_so_and_is_made_once",
    "a_login_refused_while_running_parks_the_broker",
}
"""Of brokers at which nobody logs in on a page."""
CASES = [
    pytest.param(maker, check, id=f"{maker.__name__}-{name_of(check)}")
    for maker in (simulated, shoonya, flattrade)
    for check in CHECKS
    if maker is simulated or name_of(check) not in PASSWORD_CHECKS
]


@pytest.mark.parametrize(("maker", "check"), CASES)
def test_the_contract_is_kept(maker: Maker, check: Check, tmp_path: Path) -> None:
    make: Callable[[], Stand] = partial(NorenStand, maker)
    with shared_work():
        run_check(check, make, tmp_path)
