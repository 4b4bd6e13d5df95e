"""What a service is that runs for days: it ends when it is told to, is small, and its log has a bound."""

from __future__ import annotations

import contextlib
import logging
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from dualbroker.cli import log_output
from dualbroker.config.sections import LogConfig
from tests.polling import wait_until

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from service_process import Service, simulated_brokers, write_config  # noqa: E402

MOST_MEMORY_BYTES = 200_000_000
NAMES_ITS_MODULES = """
import atexit, pathlib, sys
atexit.register(lambda: pathlib.Path({path!r}).write_text("\\n".join(sys.modules), encoding="utf-8"))
"""
NEVER_STOPS = """
import asyncio
from dualbroker.manager import WebSocketManager
async def stop(self):
    await asyncio.sleep(3_600)
WebSocketManager.stop = stop
"""


@contextlib.contextmanager
def running(config: Path, *arguments: str, prelude: str = "") -> Iterator[Service]:
    service = Service(config, *arguments, prelude=prelude)
    try:
        wait_until(lambda: bool(service.address) or service.process.poll() is not None, 60)
        yield service
    finally:
        service.kill()


@pytest.mark.slow
def test_with_2000_instruments_it_is_small_and_ends_in_time_whoever_is_attached(tmp_path: Path) -> None:
    chains = [
        {"underlying": name, "expiry": expiry, "strikes": 170}
        for name, expiry in (("NIFTY", 0), ("NIFTY", 1), ("BANKNIFTY", 0))
    ]
    options = ("--hold", "--strikes=170", "--expiries=2", "--orders-per-minute=0")
    modules, log = tmp_path / "modules.txt", tmp_path / "service.log"
    with simulated_brokers(*options) as greeting:
        config = write_config(
            tmp_path, greeting, subscribe=chains, journal={"path": str(tmp_path / "o.sqlite")}
        )
        prelude = NAMES_ITS_MODULES.format(path=str(modules))
        with running(config, "--log-file", str(log), prelude=prelude) as service:
            wait_until(lambda: _instruments(service) >= 2_000, 60)
            memory = psutil.Process(service.process.pid).memory_info().rss
            assert memory < MOST_MEMORY_BYTES, f"{memory / 1e6:.0f} MB"
            address = service.address.replace("http:", "ws:") + "/ws"
            with contextlib.ExitStack() as clients:
                reads = clients.enter_context(connect(address))
                reads.send('{"view": {}, "orders": {"after": 0}}')
                assert reads.recv(timeout=20)
                for _ in range(3):
                    # These never read: neither what they asked for nor the farewell.
                    clients.enter_context(_raw_client(service.address))
                    clients.enter_context(connect(address)).send('{"ticks": {"after": 0}}')
                base = f"{greeting['masters_base']}/simulator/faults/broker2"
                httpx.post(base, json={"black_hole": True}).raise_for_status()
                service.stop()
            assert service.process.returncode == 0, service.said
            assert "Ended: every socket is closed." in service.said
    heavy = {"plotly", "ipywidgets", "anywidget", "matplotlib", "IPython"}
    assert not heavy & set(modules.read_text(encoding="utf-8").split())
    assert "Price/Quote updates: broker1 only" in log.read_text(encoding="utf-8")
    assert not (tmp_path / "o.sqlite-wal").exists(), "everything is in the one file"
    with contextlib.closing(sqlite3.connect(tmp_path / "o.sqlite")) as journal:
        assert journal.execute("SELECT value FROM facts WHERE name = 'closed'").fetchone() == (1,)


def _instruments(service: Service) -> int:
    return len(service.get("/api/quotes")["quotes"])


def _raw_client(address: str) -> socket.socket:
    """One that begins a request and says no more."""
    host, port = address.removeprefix("http://").rsplit(":", 1)
    client = socket.create_connection((host, int(port)))
    client.sendall(b"GET /api/quotes HTTP/1.1\r\n")
    return client


@contextlib.contextmanager
def _silent_broker() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for each in taken:
            each.close()


@pytest.mark.slow
@pytest.mark.parametrize("prelude", ["", NEVER_STOPS], ids=["mid-login", "something that never ends"])
def test_it_ends_in_time_in_the_middle_of_a_login_and_whatever_hangs(tmp_path: Path, prelude: str) -> None:
    with _silent_broker() as where:
        broker = {
            "name": "broker1",
            "rest_base": f"http://{where}",
            "websocket_url": f"ws://{where}",
            **dict.fromkeys(("uid", "vendor_code", "password", "api_key", "client_id", "oauth_secret"), "x"),
            "totp_secret": "JBSWY3DPEHPK3PXP",
        }
        config = write_config(tmp_path, {"brokers": [broker], "masters_base": f"http://{where}"})
        with running(config, prelude=prelude) as service:
            health = f"{service.address}/health"
            wait_until(lambda: _status(health) == 503)
            service.stop(ctrl_c=True)
            assert service.process.returncode == 0, service.said
            ended = "Ended: every socket is closed." in service.said
            assert ended == (not prelude)
            assert ("ended by force" in service.said) == bool(prelude)


def _status(address: str) -> int:
    try:
        return httpx.get(address, timeout=10).status_code
    except httpx.TransportError:
        return 0


def test_a_log_file_is_begun_anew_at_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_output, "LARGEST_FILE_BYTES", 1_000)
    names = ("dualbroker", "uvicorn.error")
    before = {name: list(logging.getLogger(name).handlers) for name in names}
    try:
        log_output.use_log_config(LogConfig(level="INFO"), tmp_path / "x.log")
        for number in range(200):
            logging.getLogger("dualbroker").info("line %d", number)
    finally:
        for name in names:
            for handler in logging.getLogger(name).handlers[:]:
                if handler not in before[name]:
                    logging.getLogger(name).removeHandler(handler)
                    handler.close()
        logging.getLogger("dualbroker").setLevel(logging.NOTSET)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["x.log", *(f"x.log.{number}" for number in range(1, 6))]
    assert all(file.stat().st_size <= 1_000 for file in tmp_path.iterdir())
    assert "line 199" in (tmp_path / "x.log").read_text(encoding="utf-8")
