from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from dualbroker.brokers.noren.section import NorenSection, SimulatedSection
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.cli.diagnosis import diagnose
from dualbroker.cli.findings import Finding, Verdict
from dualbroker.clock import WallClock
from dualbroker.config.schema import Config, SimulatorConfig
from dualbroker.storage.paths import HOME_VARIABLE
from tests.cli.running import run_command, run_here
from tests.sections import noren


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    process = asyncio.run(SimulatorProcess.start(SimulatorConfig(ticks_per_second=5000.0), 1))
    yield process
    process.stop()


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


def as_live(simulator: SimulatorProcess, name: str = "broker1", **changes: str) -> Config:
    """A section as a person writes it for a live account, whose addresses are the simulator's."""
    filled = simulator.login_for(0, SimulatedSection(name=name, type="simulated"), "c")
    keys = ("user_id", "password", "totp_secret", "api_key", "rest_base", "websocket_url", "masters_base")
    values = {key: getattr(filled, key) for key in keys}
    plain = {
        key: value if isinstance(value, str) else value.get_secret_value() for key, value in values.items()
    }
    return Config(
        brokers={name: NorenSection.model_validate({"name": name, "type": "shoonya", **plain, **changes})}
    )


def findings(config: Config) -> dict[str, Finding]:
    async def collect() -> list[Finding]:
        return [finding async for finding in diagnose(config, WallClock())]

    return {finding.subject: finding for finding in asyncio.run(collect())}


def failures(found: dict[str, Finding]) -> list[str]:
    return [subject for subject, finding in found.items() if finding.verdict is Verdict.FAIL]


def test_the_shipped_kind_of_config_is_well(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "brokers:\n  broker1: {type: simulated}\n  broker2: {type: simulated}\n", encoding="utf-8"
    )
    done = run_command("doctor", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("0 failed")
    assert "SIMULATED" in lines[0]
    subjects = {line[6:].partition(":")[0] for line in lines[:-1]}
    for broker in ("broker1", "broker2"):
        for what in ("name", "credentials", "reachability", "login", "order updates", "order book"):
            assert f"{broker} {what}" in subjects
    assert {"broker1 symbol masters", "broker1 first tick", "failover"} <= subjects


def test_a_broken_or_missing_config_is_one_line_and_status_2(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("brokers: {broker1: {type: nobody}}\n", encoding="utf-8")
    for path in (broken, tmp_path / "missing.yaml"):
        done = run_here("doctor", "--config", path, home=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("dualbroker: ")
        assert "Traceback" not in done.stderr


def test_an_account_that_works(simulator: SimulatorProcess) -> None:
    config = as_live(simulator)
    found = findings(config)
    assert failures(found) == []
    assert "ticks flow" in found["broker1 first tick"].words
    secret = noren(config.brokers["broker1"]).password
    assert secret is not None
    assert all(secret.get_secret_value() not in finding.words for finding in found.values())
    assert all((config.brokers["broker1"].user_id or "") not in finding.words for finding in found.values())


def test_a_refused_login_is_said_plainly_and_not_tried_again(simulator: SimulatorProcess) -> None:
    found = findings(as_live(simulator, password="wrong"))
    assert failures(found) == ["broker1 login", "quotes"]
    assert "parked" not in found["broker1 login"].words
    assert "not tried again" in found["broker1 login"].words
    assert found["broker1 reachability"].verdict is Verdict.OK


def test_a_secret_that_is_none_is_named_and_not_shown(simulator: SimulatorProcess) -> None:
    found = findings(as_live(simulator, totp_secret="123456"))
    assert failures(found) == ["broker1 credentials", "broker1 login", "quotes"]
    assert all("123456" not in finding.words for finding in found.values())


def test_a_name_that_misleads_is_pointed_out(simulator: SimulatorProcess) -> None:
    found = findings(as_live(simulator, name="flattrade"))
    assert found["flattrade name"].verdict is Verdict.WARN
    assert failures(found) == []


def test_an_oauth_broker_without_a_token_is_sent_to_login() -> None:
    login = {"user_id": "FT0001", "api_key": "key", "api_secret": "secret"}
    nowhere = {"rest_base": "http://127.0.0.1:9", "websocket_url": "ws://127.0.0.1:9"}
    section = NorenSection.model_validate({"name": "mine", "type": "flattrade", **login, **nowhere})
    found = findings(Config(brokers={"mine": section}))
    assert found["mine login"].words == "no session yet for today. Log in: dualbroker login"
    assert failures(found) == ["mine reachability", "mine login", "quotes"]


@pytest.mark.parametrize(
    "variables",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"ALL_PROXY": "socks://127.0.0.1:9"},
        {"HTTPS_PROXY": "http://user:hidden@127.0.0.1:99999"},
        {"HTTP_PROXY": "://", "ALL_PROXY": "gopher://127.0.0.1"},
        {"ALL_PROXY": "http://[::1", "NO_PROXY": "localhost,[::1]"},
        {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1,:,[,http://,,*."},
        {"HTTP_PROXY": "http://user:hidden@127.0.0.1:9", "HTTPS_PROXY": "http://user:hidden@127.0.0.1:9"},
    ],
)
def test_proxy_variables_of_any_form_are_findings_and_no_traceback(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    places = {
        f"{key}": f"{scheme}://broker.invalid/"
        for key, scheme in (("rest_base", "http"), ("websocket_url", "ws"), ("masters_base", "http"))
    }
    login = {"user_id": "FA0001", "password": "p", "totp_secret": "JBSWY3DPEHPK3PXP", "api_key": "k"}
    section = NorenSection.model_validate(
        {"name": "mine", "type": "shoonya", "dialect": "shoonya_legacy", **login, **places}
    )
    found = findings(Config(brokers={"mine": section}, start_timeout=0.5))
    assert "mine reachability" in failures(found)
    assert "prox" in found["mine reachability"].words.lower()
    assert all("hidden" not in finding.words for finding in found.values())
