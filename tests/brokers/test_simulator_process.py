"""The simulator as a child process: whatever happens while it starts, it is not left behind."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import zipfile

import psutil
import pytest

from dualbroker.brokers import simulator_launch, simulator_process
from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.config.sections import SimulatorConfig
from dualbroker.errors import ConnectionFailedError, DualBrokerError
from dualbroker.transport.network import NetworkTransport
from tests.polling import wait_until


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def start_program(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(simulator_launch, "command_for", lambda *_: [sys.executable, "-c", program])


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


def test_faults_are_set_cleared_and_dealt_by_the_names_that_brokers_have_here() -> None:
    async def scenario() -> None:
        config = SimulatorConfig.model_validate(
            {"faults": {"all": {"delay_s": 0.5}, "mine": {"delay_s": 0.2, "lacks": ["RELIANCE-EQ"]}}}
        )
        simulator = await SimulatorProcess.start(config, ["mine", "yours"])
        try:

            async def faults(name: str) -> dict[str, object]:
                async with simulator._surface() as surface:
                    return (await surface.faults())[simulator._name(name)]

            assert (await faults("mine"))["delay_s"] == 0.2
            assert (await faults("yours"))["delay_s"] == 0.5
            await simulator.set_faults("yours", mute=True)
            assert ((await faults("yours"))["mute"], (await faults("mine"))["mute"]) == (True, False)
            await simulator.clear_faults("yours")
            assert (await faults("yours"))["delay_s"] == 0.0
            await simulator.strike("all", "close", code=1012)
            with pytest.raises(DualBrokerError, match="unknown field `mutee`"):
                await simulator.set_faults("mine", mutee=True)
            with pytest.raises(DualBrokerError, match="expected one of broker1, broker2, all"):
                await simulator.clear_faults("nobody")
            section = simulator.login_for(0, SimulatedSection(name="mine", type="simulated"), "a")
            transport = NetworkTransport()
            masters = [
                (await transport.request("GET", f"{base}/NSE_symbols.txt.zip")).body
                for base in (section.masters_base, simulator.masters_base)
            ]
            await transport.aclose()
            lists = [
                zipfile.ZipFile(io.BytesIO(body)).read("NSE_symbols.txt").decode("utf-8") for body in masters
            ]
            assert ["RELIANCE-EQ" in text for text in lists] == [False, True]
        finally:
            simulator.stop()

    asyncio.run(scenario())


def test_faults_that_are_none_keep_the_simulator_from_starting() -> None:
    command = [sys.executable, "-m", "dualbroker", "simulate", "--faults", '{"broker1": {"mutee": true}}']
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "unknown field `mutee`" in ended.stderr
