"""The simulator as a child process: whatever happens while it starts, it is not left behind."""

from __future__ import annotations

import asyncio
import sys

import psutil
import pytest

from dualbroker.brokers import simulator_process
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.config.sections import SimulatorConfig
from dualbroker.errors import ConnectionFailedError
from tests.polling import wait_until


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def start_program(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    spawn = simulator_process._spawn
    monkeypatch.setattr(simulator_process, "_spawn", lambda command: spawn([sys.executable, "-c", program]))


def test_a_start_that_is_cancelled_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    start_program(monkeypatch, "import time; time.sleep(60)")
    before = children()

    async def cancel() -> None:
        task = asyncio.create_task(SimulatorProcess.start(SimulatorConfig(), 1))
        await asyncio.to_thread(wait_until, lambda: children() != before)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    wait_until(lambda: children() == before)


def test_one_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    start_program(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(simulator_process, "START_TIMEOUT_S", 0.2)
    before = children()
    with pytest.raises(ConnectionFailedError, match="it said nothing within"):
        asyncio.run(SimulatorProcess.start(SimulatorConfig(), 1))
    assert children() == before


def test_one_that_fails_tells_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    start_program(monkeypatch, "raise SystemExit('no market today')")
    with pytest.raises(ConnectionFailedError, match="no market today"):
        asyncio.run(SimulatorProcess.start(SimulatorConfig(), 1))
