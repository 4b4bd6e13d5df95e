"""Sessions that end while the feed runs, and those that only a person can open. Virtual time."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import msgspec
import pytest

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren.login import NorenLoginCalls
from dualbroker.brokers.noren.rest import NorenRest
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.brokers.session.login import SessionLogin, login_id
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.clock import IST, Clock, WallClock
from dualbroker.config.load import parse_config
from dualbroker.errors import LoginNeededError, RequestRefusedError
from dualbroker.keyring_calls import KeyringCalls
from dualbroker.model import MessageKind
from dualbroker.noren.dialects import dialect
from dualbroker.storage.tokens import SavedSession, SessionTokens
from dualbroker.stores.bandwidth import Traffic
from dualbroker.stores.health import BrokerHealth
from tests.brokers.rest_only import RestOnly
from tests.sections import noren

EVENING = datetime(2026, 3, 10, 21, 0, tzinfo=IST)


class Desk:
    """One login, its tokens on disk, and the broker's answers."""

    def __init__(
        self, clock: Clock, folder: Path, config: NorenSection | None = None, /, **section: Any
    ) -> None:
        self.clock = clock
        self.server = RestOnly(lambda call: {"stat": "Ok", "susertoken": f"new{call}", "actid": "FA0001"})
        self.tokens = SessionTokens(folder, in_keyring=False)
        config = config or NorenSection.model_validate({"name": "b1", "user_id": "FA0001", **section})
        context = BrokerContext(
            transport=self.server,
            clock=self.clock,
            wall_clock=self.clock,
            random=random.Random(1),
            health=BrokerHealth(broker_name="b1", broker_type=config.type, account="", simulated=False),
            traffic={kind: Traffic() for kind in MessageKind},
            state_directory=folder,
            on_connected=lambda name: None,
        )
        row = dialect("shoonya_legacy" if config.password else config.type)
        self.config = config
        calls = NorenLoginCalls(config, row, NorenRest(row, self.server), self.server)
        self.login = SessionLogin(config, context, calls)

    def person_logs_in(self, token: str) -> None:
        session = SavedSession.until_next_morning(token, "FA0001", "FA0001", self.clock.now_ns())
        self.tokens.save(login_id(self.config), session)


OAUTH: dict[str, Any] = {"type": "shoonya", "client_id": "FA0001_U", "api_secret": "s"}
PASSWORD: dict[str, Any] = {
    "type": "shoonya",
    "password": "p",
    "totp_secret": "JBSWY3DPEHPK3PXP",
    "api_key": "k",
}


def at_desk(folder: Path, section: Mapping[str, Any], story: Callable[[Desk], Awaitable[None]]) -> None:
    async def tell() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        desk = Desk(VirtualClock(loop, int(EVENING.timestamp()) * 10**9), folder, **section)
        try:
            await story(desk)
        finally:
            desk.login.release()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(tell())


def test_a_login_that_needs_a_person_goes_on_once_the_person_has_logged_in(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        with pytest.raises(LoginNeededError, match="dualbroker login"):
            await desk.login.open(renew=False)
        waiting = asyncio.create_task(desk.login.wait_for_saved_session())
        await asyncio.sleep(300)
        assert not waiting.done()
        desk.person_logs_in("today")
        await asyncio.sleep(15)
        assert waiting.done()
        assert (await desk.login.open(renew=False)).token == "today"

    at_desk(tmp_path, OAUTH, story)


def test_a_token_that_died_is_never_taken_up_again_and_a_new_one_is_not_thrown_away(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.person_logs_in("first")
        assert (await desk.login.open(renew=False)).token == "first"
        with pytest.raises(LoginNeededError):
            await desk.login.open(renew=True)
        desk.person_logs_in("first")
        with pytest.raises(LoginNeededError):
            await desk.login.open(renew=False)
        desk.person_logs_in("second")
        assert (await desk.login.open(renew=True)).token == "second"

    at_desk(tmp_path, OAUTH, story)


def test_yesterdays_session_is_not_even_tried(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        first = await desk.login.open(renew=False)
        assert not desk.login.is_of_yesterday()
        assert (await desk.login.open(renew=False)) is first
        await asyncio.sleep(timedelta(hours=6, minutes=1).total_seconds())
        assert desk.login.is_of_yesterday()
        second = await desk.login.open(renew=False)
        assert second.token != first.token
        assert [each.path for each in desk.server.requests].count("QuickAuth") == 2
        assert not desk.login.is_of_yesterday()

    at_desk(tmp_path, PASSWORD, story)


def test_a_keyring_that_hangs_holds_up_nobody_else_and_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unlocked = threading.Event()

    def get_password(service: str, name: str) -> str | None:
        unlocked.wait()
        return saved.decode() if saved else None

    saved = b""
    store = SimpleNamespace(get_password=get_password)
    monkeypatch.setattr(keyring, "get_keyring", lambda: store)
    monkeypatch.setattr("dualbroker.brokers.session.login.LOGIN_CHECK_S", 0.01)

    async def story() -> None:
        nonlocal saved
        desk = Desk(WallClock(), tmp_path, **OAUTH)
        desk.login._tokens = SessionTokens(
            tmp_path, in_keyring=True, keyring_calls=KeyringCalls(timeout_s=0.5)
        )
        opening = asyncio.create_task(desk.login.open(renew=False))
        turns = 0
        while not opening.done():  # a call on the loop would leave it none of these turns
            turns += 1
            await asyncio.sleep(0.001)
        assert turns > 3
        with pytest.raises(LoginNeededError, match=r"within 0\.5 s; unlock it.*dualbroker login"):
            await opening
        waiting = asyncio.create_task(desk.login.wait_for_saved_session())
        while not saved:
            await asyncio.sleep(0.1)
            assert not waiting.done()
            session = SavedSession.until_next_morning("today", "FA0001", "FA0001", desk.clock.now_ns())
            saved = msgspec.json.encode(session)
        unlocked.set()
        await waiting
        assert (await desk.login.open(renew=False)).token == "today"
        desk.login.release()

    try:
        asyncio.run(story())
    finally:
        unlocked.set()
    assert caplog.text.count("did not answer within") == 1


class TokenFile:
    """What the user's own bot writes each morning."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, token: str) -> None:
        self.path.write_text(f"{token}\n", encoding="utf-8")

    def desk(self, folder: Path, **section: Any) -> Desk:
        values = {"type": "flattrade", "user_id": "FA0001", "token": f"${{file:{self.path}}}", **section}
        config = parse_config(json.dumps({"brokers": {"b1": values}}), environment={}).brokers["b1"]
        return Desk(WallClock(), folder, noren(config))


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenFile:
    monkeypatch.setattr("dualbroker.brokers.session.login.LOGIN_CHECK_S", 0.01)
    file = TokenFile(tmp_path / "token.txt")
    file.write("first")
    return file


def test_a_given_token_is_used_in_place_of_a_login_and_read_again_when_it_is_refused(
    bot: TokenFile, tmp_path: Path
) -> None:
    async def story() -> None:
        desk = bot.desk(tmp_path / "state", password="p", totp_secret="JBSWY3DPEHPK3PXP", api_key="k")
        assert not desk.login.opens_by_itself
        assert (await desk.login.open(renew=False)).token == "first"
        bot.write("second")
        assert (await desk.login.open(renew=False)).token == "first"
        assert (await desk.login.open(renew=True)).token == "second"
        with pytest.raises(LoginNeededError, match="does not take the config's token; it goes on by itself"):
            await desk.login.open(renew=True)
        waiting = asyncio.create_task(desk.login.wait_for_saved_session())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        bot.write("third")
        await waiting
        assert (await desk.login.open(renew=True)).token == "third"
        assert {each.path for each in desk.server.requests} == {"UserDetails"}
        desk.login.release()

    asyncio.run(story())
    kept = [file for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert all(b"third" not in file.read_bytes() for file in kept)


def test_a_given_token_is_never_logged_out(bot: TokenFile, tmp_path: Path) -> None:
    async def story() -> None:
        desk = bot.desk(tmp_path / "state")
        await desk.login.open(renew=False)
        with pytest.raises(RequestRefusedError, match="another program's"):
            await desk.login.logout()
        assert "Logout" not in {each.path for each in desk.server.requests}
        desk.login.release()

    asyncio.run(story())


def test_a_given_token_that_is_none_or_gone_is_waited_for_in_words(
    bot: TokenFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        desk = bot.desk(tmp_path / "state")
        bot.write("two words")
        with pytest.raises(LoginNeededError, match=r"expected a token and nothing else.*goes on by itself"):
            await desk.login.open(renew=False)
        bot.path.unlink()
        with pytest.raises(LoginNeededError, match="no such file; it goes on by itself"):
            await desk.login.open(renew=False)
        waiting = asyncio.create_task(desk.login.wait_for_saved_session())
        await asyncio.sleep(0.1)
        bot.write("today")
        await waiting
        assert (await desk.login.open(renew=False)).token == "today"
        desk.login.release()

    asyncio.run(story())
    assert "two words" not in caplog.text
    assert caplog.text.count("no such file") == 1
