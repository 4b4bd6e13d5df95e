"""``dualbroker serve`` and the start script: the real thing, in processes of their own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from dualbroker.errors import DualBrokerError
from dualbroker.service.server import address_of, listen
from tests.cli.running import run_command
from tests.cli.serving import DEADLINE_S, run_to_end, serving
from tests.polling import wait_until


def assert_one_line(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.splitlines()
    for word in words:
        assert word in line


def test_a_port_in_use_is_one_line_and_status_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_to_end("--port", str(port), folder=Path(__file__).parents[2])
    assert_one_line(result, f"port {port} on 127.0.0.1 is in use", "--port")


def test_a_missing_file_is_one_line_and_status_2(tmp_path: Path) -> None:
    result = run_to_end("--config", str(tmp_path / "none.yaml"), folder=tmp_path)
    assert_one_line(result, "none.yaml", "no such file")


def test_no_config_at_all_is_one_line_and_status_2(tmp_path: Path) -> None:
    assert_one_line(run_to_end(folder=tmp_path), "config.yaml", "--config")


def test_a_bad_config_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "brokers:\n  broker1:\n    type: simulated\n    enabled: 'yess'\n", encoding="utf-8"
    )
    assert_one_line(run_to_end(folder=tmp_path), "brokers.broker1.enabled: expected true or false", "'yess'")


def test_a_host_that_is_not_ours_is_one_line_and_status_2(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("brokers: {broker1: {type: simulated}}\n", encoding="utf-8")
    assert_one_line(run_to_end("--host", "192.0.2.1", folder=tmp_path), "192.0.2.1")


def test_a_log_file_that_cannot_be_written_is_one_line_and_status_2(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("brokers: {broker1: {type: simulated}}\nlog: {file: none/x.log}\n", encoding="utf-8")
    assert_one_line(run_to_end(folder=tmp_path), "log.file")


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full, a disk that is full"
)
def test_a_log_file_on_a_full_disk_is_one_line_and_one_incident() -> None:
    with serving("--log-file", "/dev/full") as service:
        service.wait_until_it_works()
        wait_until(lambda: httpx.get(f"{service.address}/api/incidents").json()["incidents"] != [])
        incidents = httpx.get(f"{service.address}/api/incidents").json()["incidents"]
        service.process.terminate()
        _, err = service.process.communicate(timeout=DEADLINE_S)
    (incident,) = incidents
    assert incident["cause"] == "the log file /dev/full can't be written: No space left on device"
    (line,) = err.splitlines()
    assert incident["cause"] in line


@pytest.mark.skipif(sys.platform != "linux", reason="where a home is looked for differs by system")
def test_without_a_home_folder_the_variable_to_set_is_named(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "brokers: {mine: {type: shoonya, user_id: FA0001, client_id: FA0001_U, api_secret: made-up}}\n",
        encoding="utf-8",
    )
    program = """
import os, pwd, sys
for name in ("HOME", "DUALBROKER_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
    os.environ.pop(name, None)
def nobody(*_): raise KeyError("no such user")
pwd.getpwuid = nobody
from dualbroker.cli import main
sys.argv = ["dualbroker", "serve", "--port", "0"]
main()
"""
    assert_one_line(
        run_command(home=tmp_path, program=("-c", program)), "the variable DUALBROKER_HOME (or XDG_"
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.yaml"]


@pytest.mark.parametrize("where", [pytest.param("__init__", marks=pytest.mark.slow), "start"])
def test_brokers_that_fail_to_start_in_a_way_nobody_foresaw_are_one_line_and_status_2(
    where: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("brokers: {broker1: {type: simulated}}\n", encoding="utf-8")
    program = f"""
import sys
from dualbroker.manager import WebSocketManager
def fail(*_, **__): raise RuntimeError("nobody thought of this")
WebSocketManager.{where} = fail
from dualbroker.cli import main
sys.argv = ["dualbroker", "serve", "--port", "0"]
main()
"""
    done = run_command(home=tmp_path, program=("-c", program))
    assert_one_line(done, "the brokers can't be started", "RuntimeError: nobody thought of this")
    assert "Traceback" not in done.stdout


def test_a_simulator_that_does_not_start_is_one_line_and_status_2(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "brokers: {broker1: {type: simulated}}\nsimulator: {market: replay, file: none.parquet}\n",
        encoding="utf-8",
    )
    assert_one_line(run_to_end("--port", "0", folder=tmp_path), "none.parquet")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that ends a process in order")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_it_serves_and_ends_in_order(number: signal.Signals) -> None:
    with serving() as service:
        said = "\n".join(service.said)
        assert "config.yaml" in said
        assert "SIMULATED" in said
        service.wait_until_it_works()
        quotes = httpx.get(f"{service.address}/api/quotes").json()
        assert quotes["mode"] == "SIMULATED"
        assert {row["broker_name"] for row in quotes["quotes"]} == {"broker1"}
        (simulator,) = psutil.Process(service.process.pid).children()
        service.process.send_signal(number)
        out, err = service.process.communicate(timeout=DEADLINE_S)
        assert service.process.returncode == 0, err
        assert err == ""
        assert "Price/Quote updates: broker1 only" in out
        assert "Order updates: broker1, broker2" in out
        assert out.rstrip().endswith("Ended: every socket is closed.")
        simulator.wait(timeout=10)
        with pytest.raises(httpx.ConnectError):
            httpx.get(service.address)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that ends a process in order")
def test_it_can_be_ended_while_it_is_still_starting() -> None:
    with serving() as service:
        deadline = time.monotonic() + DEADLINE_S
        while not _answers(service.address):
            assert time.monotonic() < deadline
        service.process.send_signal(signal.SIGTERM)
        _, err = service.process.communicate(timeout=DEADLINE_S)
        assert (service.process.returncode, err) == (0, "")


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code in (200, 503)
    except httpx.TransportError:
        return False


def test_a_service_that_others_can_reach_demands_a_token_that_is_shown_once() -> None:
    with serving("--host", "0.0.0.0") as service:
        assert service.process.stdout is not None
        line = next(line for line in service.process.stdout if line.startswith("Login:"))
        link = line.removeprefix("Login:").strip()
        token = link.partition("/?token=")[2]
        assert len(token) >= 32
        assert httpx.get(f"{service.address}/health").status_code == 401
        bearer = {"authorization": f"Bearer {token}"}
        assert httpx.get(f"{service.address}/api/brokers", headers=bearer).status_code == 200
        with httpx.Client(follow_redirects=True) as browser:
            page = browser.get(link)
            assert (page.status_code, str(page.url)) == (200, f"{service.address}/")
            assert browser.get(f"{service.address}/static/page.js").status_code == 200
        service.process.terminate()
        out, err = service.process.communicate(timeout=DEADLINE_S)
        assert token not in out + err, "once is enough"


@pytest.mark.slow
def test_names_that_are_allowed_are_answered_and_no_other() -> None:
    with serving("--allow-host", "desk.example") as service:
        for host, expected in (("desk.example", 200), ("other.example", 403)):
            answer = httpx.get(f"{service.address}/", headers={"host": host})
            assert answer.status_code == expected


@pytest.mark.slow
def test_a_chosen_token_is_demanded_on_this_machine_too_and_never_shown() -> None:
    token = "chosen-by-a-person-1234"
    with serving(DUALBROKER_TOKEN=token) as service:
        assert httpx.get(f"{service.address}/").status_code == 401
        bearer = {"authorization": f"Bearer {token}"}
        assert httpx.get(f"{service.address}/api/brokers", headers=bearer).status_code == 200
        service.process.terminate()
        out, err = service.process.communicate(timeout=DEADLINE_S)
        assert token not in "".join(service.said) + out + err


@pytest.mark.slow
def test_a_token_that_is_too_short_is_one_line_and_status_2() -> None:
    result = run_to_end(folder=Path(__file__).parents[2], DUALBROKER_TOKEN="short")
    assert_one_line(result, "DUALBROKER_TOKEN: expected", "found 5")
    assert "short" not in result.stderr.replace("shorter", "")


def test_listening_on_any_free_port_and_on_a_name_that_is_none() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(DualBrokerError, match="is in use"):
            listen("127.0.0.1", port)
    with pytest.raises(DualBrokerError, match="expected a name or an address of this machine"):
        listen("no such host", 0)
