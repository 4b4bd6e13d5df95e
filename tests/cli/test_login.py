"""``dualbroker login`` and ``logout`` against a broker of a few lines on a real loopback socket."""

from __future__ import annotations

import http.server
import json
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import dualbroker
from dualbroker.cli import app
from dualbroker.errors import ConfigError
from dualbroker.noren.requests import parse_body
from dualbroker.storage.locks import LoginLock
from dualbroker.storage.tokens import SavedSession, SessionTokens

NOW_NS = 1_700_000_000_000_000_000
"""Not three in the morning in India, when sessions end."""


class TinyBroker(http.server.ThreadingHTTPServer):
    """Knows one code and one token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, str | None]] = []
        self.session_is_alive = True

    @property
    def rest_base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/NorenWClientAPI"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: TinyBroker

    def do_POST(self) -> None:
        values, _ = parse_body(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.rpartition("/")[2]
        self.server.calls.append((name, self.headers.get("Authorization")))
        answer: dict[str, str] = {"stat": "Ok"}
        if name == "GenAcsTok":
            answer |= {"access_token": "the-token", "USERID": values["uid"], "actid": values["uid"]}
            if values["code"] != "good":
                answer = {"stat": "Not_Ok", "emsg": "Invalid Input : Invalid code"}
        elif not self.server.session_is_alive:
            answer = {"stat": "Not_Ok", "emsg": "Session Expired :  Invalid Session Key"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def broker() -> Iterator[TinyBroker]:
    with TinyBroker() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def config(broker: TinyBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUALBROKER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DUALBROKER_TOKENS", raising=False)
    monkeypatch.setenv("THE_SECRET", "secret-value")
    monkeypatch.setattr(webbrowser, "open", lambda page: False)
    monkeypatch.setattr(time, "time_ns", lambda: NOW_NS)
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
brokers:
  broker1:
    type: shoonya
    user_id: FA0001
    client_id: FA0001_U
    api_secret: ${{THE_SECRET}}
    redirect_url: http://127.0.0.1:0/
    rest_base: {broker.rest_base}
  broker2:
    type: shoonya
    user_id: FA0002
    password: ${{THE_SECRET}}
    totp_secret: ${{THE_SECRET}}
    api_key: ${{THE_SECRET}}
""",
        encoding="utf-8",
    )
    return path


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def saved(tmp_path: Path) -> SavedSession | None:
    return SessionTokens(tmp_path / "home" / "state").load("shoonya-FA0001", NOW_NS)


def test_a_pasted_code_logs_in_and_the_token_is_kept(config: Path, tmp_path: Path) -> None:
    result = run("login", "--config", str(config), "--no-browser", typed="https://example.com/?code=good\n")
    assert result.exit_code == 0, result.output
    assert f"Config: {config}" in result.output
    assert "/OAuthlogin/authorize/oauth?client_id=FA0001_U" in result.output
    assert "broker1: logged in as FA**01 until " in result.output
    assert "broker2: logs in by itself when it connects" in result.output
    assert "the-token" not in result.output
    assert "secret-value" not in result.output
    session = saved(tmp_path)
    assert session is not None
    assert session.token == "the-token"


def test_the_browser_brings_the_code(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dualbroker.brokers.redirect import RedirectCatcher

    opened: list[str] = []
    enter = RedirectCatcher.__enter__
    catchers: list[RedirectCatcher] = []

    def remember(catcher: RedirectCatcher) -> RedirectCatcher:
        catchers.append(enter(catcher))
        return catchers[-1]

    def browse(page: str) -> bool:
        opened.append(page)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"http://127.0.0.1:{catchers[0].port}/?code=good", timeout=10).close()
        return True

    monkeypatch.setattr(RedirectCatcher, "__enter__", remember)
    monkeypatch.setattr(webbrowser, "open", browse)
    result = run("login", "--config", str(config), "--broker", "broker1")
    assert result.exit_code == 0, result.output
    assert "client_id=FA0001_U" in opened[0]
    assert "broker2" not in result.output
    assert saved(tmp_path) is not None


def test_a_machine_without_a_browser_asks_for_the_code(config: Path, tmp_path: Path) -> None:
    result = run("login", "--config", str(config), "--broker", "broker1", typed="?code=good\n")
    assert result.exit_code == 0, result.output
    assert "no browser found here" in result.output
    assert saved(tmp_path) is not None


def test_what_is_no_code_never_reaches_the_broker(config: Path, broker: TinyBroker) -> None:
    result = run("login", "--config", str(config), "--broker", "broker1", "--no-browser", typed="garbage\n")
    assert result.exit_code == 1
    assert "broker1: failed: expected the code, or the address with code= in it" in result.output
    assert "no browser found" not in result.output
    assert broker.calls == []


def test_the_version_is_shown() -> None:
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"dualbroker {dualbroker.__version__}\n")


def test_a_wrong_code_is_one_line_and_nothing_is_kept(config: Path, tmp_path: Path) -> None:
    result = run("login", "--config", str(config), "--no-browser", typed="?code=wrong\n")
    assert result.exit_code == 1
    assert "broker1: failed: " in result.output
    assert "Invalid code" in result.output
    assert "broker2: logs in by itself" in result.output
    assert saved(tmp_path) is None


def test_logout_ends_the_session_and_forgets_it(config: Path, broker: TinyBroker, tmp_path: Path) -> None:
    run("login", "--config", str(config), "--no-browser", typed="?code=good\n")
    result = run("logout", "--config", str(config))
    assert result.exit_code == 0, result.output
    assert "broker1: logged out" in result.output
    assert "broker2: no session is kept" in result.output
    assert broker.calls[-1] == ("Logout", "Bearer the-token")
    assert saved(tmp_path) is None


def test_logout_of_an_ended_session_forgets_it(config: Path, broker: TinyBroker, tmp_path: Path) -> None:
    run("login", "--config", str(config), "--no-browser", typed="?code=good\n")
    broker.session_is_alive = False
    result = run("logout", "--config", str(config))
    assert "broker1: its session had ended already" in result.output
    assert saved(tmp_path) is None


def test_logout_keeps_the_token_when_the_broker_is_out_of_reach(config: Path, tmp_path: Path) -> None:
    run("login", "--config", str(config), "--no-browser", typed="?code=good\n")
    text = config.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "rest_base" in line)
    config.write_text(text.replace(line, "    rest_base: http://127.0.0.1:9/"), encoding="utf-8")
    result = run("logout", "--config", str(config))
    assert result.exit_code == 1
    assert "broker1: failed: no answer from 127.0.0.1:9" in result.output
    assert saved(tmp_path) is not None


def test_logout_names_the_process_that_loses_its_session(config: Path, tmp_path: Path) -> None:
    run("login", "--config", str(config), "--no-browser", typed="?code=good\n")
    with LoginLock("shoonya-FA0001", tmp_path / "home" / "state"):
        result = run("logout", "--config", str(config))
    assert "a running process loses its session: login FA**01 is held" in result.output
    assert saved(tmp_path) is None


def test_simulated_brokers_need_no_login(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("brokers: {b: {type: simulated}}", encoding="utf-8")
    assert "b: simulated, needs no login" in run("login", "--config", str(path)).output
    assert "b: keeps no session here" in run("logout", "--config", str(path)).output


@pytest.mark.parametrize("command", ["login", "logout"])
def test_what_is_wrong_with_the_config_is_an_error_of_its_own(
    command: str, config: Path, tmp_path: Path
) -> None:
    missing = run(command, "--config", str(tmp_path / "no.yaml"))
    assert isinstance(missing.exception, ConfigError)
    unknown = run(command, "--config", str(config), "--broker", "broker9")
    assert str(unknown.exception) == "--broker: expected one of broker1, broker2, found 'broker9'"


def test_a_given_token_needs_no_login_and_is_not_logged_out(
    broker: TinyBroker, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "token.txt").write_text("of-the-bot\n", encoding="utf-8")
    config.write_text(
        f"brokers: {{b1: {{type: shoonya, user_id: FA0001, token: '${{file:token.txt}}', "
        f"rest_base: {broker.rest_base}}}}}\n",
        encoding="utf-8",
    )
    for command, words in (("login", "needs no login here"), ("logout", "it is not ended")):
        result = run(command, "--config", str(config))
        assert result.exit_code == 0, result.output
        assert words in result.output
        assert "of-the-bot" not in result.output
    assert broker.calls == []
    assert saved(tmp_path) is None
