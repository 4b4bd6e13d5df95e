"""A service and the simulated brokers that it serves, each a process of its own.

The brokers outlive the service, as real ones do, so that it can be killed and started again.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import httpx

__all__ = ["Service", "end_with", "simulated_brokers", "wait_until", "write_config"]

START_DEADLINE_S = 60.0
_LOGIN = ("rest_base", "websocket_url", "vendor_code", "password", "totp_secret", "api_key", "client_id")


def wait_until(condition: Callable[[], bool], what: str, within_s: float = START_DEADLINE_S) -> None:
    """Return as soon as a condition holds; a RuntimeError when it does not within that time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not happen within {within_s:.0f} s")
        time.sleep(0.02)


def end_with(result: dict[str, Any], *, as_json: bool) -> NoReturn:
    """Print what was found and end the program, with 1 where ``problems`` are among it."""
    if as_json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:32} {value}")
    raise SystemExit(1 if result["problems"] else 0)


@contextmanager
def simulated_brokers(*options: str) -> Iterator[dict[str, Any]]:
    """A running ``dualbroker simulate``; gives what it greets with. Ends with the block."""
    command = [sys.executable, "-m", "dualbroker", "simulate", "--json", "--until-stdin-closes", *options]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated brokers did not start; see their words above")
        yield json.loads(line)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def write_config(folder: Path, greeting: dict[str, Any], **sections: Any) -> Path:
    """A config.yaml (JSON is YAML too) whose brokers are those of a greeting."""
    brokers = {
        broker["name"]: {
            "type": "simulated",
            "user_id": broker["uid"],
            "api_secret": broker["oauth_secret"],
            "masters_base": f"{greeting['masters_base']}/{broker['name']}",
            **{key: broker[key] for key in _LOGIN},
        }
        for broker in greeting["brokers"]
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps({"brokers": brokers, **sections}), encoding="utf-8")
    return path


class Service:
    """``dualbroker serve`` on a free port.

    Parameters
    ----------
    arguments
        More of the command line.
    prelude
        Python that its process runs first.
    """

    def __init__(self, config: Path, *arguments: str, prelude: str = "") -> None:
        program = f"{prelude}\nfrom dualbroker.cli import main\nmain()"
        flags: dict[str, Any] = {}
        if sys.platform == "win32":
            # So that it, and not we, can be told to end with CTRL_BREAK.
            flags["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
        self._output = (config.parent / "service.out").open("ab")
        self._said_before = (config.parent / "service.out").stat().st_size
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, "serve", "--port", "0", "--config", str(config), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
            **flags,
        )
        self._path = config.parent / "service.out"

    @property
    def said(self) -> str:
        """What it has printed since it was started."""
        return self._path.read_bytes()[self._said_before :].decode("utf-8", "replace")

    @property
    def address(self) -> str:
        """Where it serves; empty before it has said so."""
        found = re.search(r"^Page: +(http://\S+)", self.said, re.MULTILINE)
        return found[1] if found else ""

    def wait_until_it_works(self) -> None:
        """Until ``/health`` is content."""
        self._wait(lambda: bool(self.address), "an address")
        self._wait(self._is_well, "a healthy service")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        def holds() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service has ended ({self.process.returncode}): {self.said}")
            return condition()

        wait_until(holds, what)

    def _is_well(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health", timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:
        """The JSON of an answer."""
        return httpx.get(f"{self.address}{path}", timeout=60).raise_for_status().json()

    def stop(self, *, ctrl_c: bool = False) -> float:
        """Tell it to end, as Ctrl-C or the system does; the seconds that it took to."""
        if sys.platform == "win32":
            number = signal.CTRL_BREAK_EVENT
        else:
            number = signal.SIGINT if ctrl_c else signal.SIGTERM
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=60)
        return time.monotonic() - started

    def kill(self) -> None:
        """End it as a crash does: SIGKILL, or TerminateProcess on Windows. Safe to call twice."""
        self.process.kill()
        self.process.wait()
        self._output.close()
