"""The simulator's child process is started early, and imports little."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import psutil

from dualbroker.brokers import simulator_launch
from dualbroker.brokers.simulator_launch import launch_simulator
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.config.schema import Config, SimulatorConfig, demo_config


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_what_was_launched_for_a_config_is_what_its_brokers_get() -> None:
    config = demo_config(2, seed=41)
    before = children()
    launch_simulator(config)
    launch_simulator(config)
    (launched,) = children() - before

    async def start() -> SimulatorProcess:
        return await SimulatorProcess.start(config.simulator, ["broker1", "broker2"])

    simulator = asyncio.run(start())
    assert simulator.process_id == launched
    simulator.stop()
    assert simulator_launch._launched == {}
    assert children() == before


def test_a_replay_and_real_brokers_launch_nothing() -> None:
    before = children()
    replay = SimulatorConfig.model_validate({"market": "replay", "file": "day.parquet"})
    launch_simulator(demo_config(2).model_copy(update={"simulator": replay}))
    login = {"user_id": "FA0001", "client_id": "FA0001_U", "api_secret": "made-up"}
    launch_simulator(Config.model_validate({"brokers": {"mine": {"type": "shoonya", **login}}}))
    assert children() == before


def test_heavy_libraries_are_imported_only_where_they_are_used() -> None:
    program = """
import sys
import dualbroker.simulator.drivers.command
print(sorted({"pandas", "pyarrow", "rich", "typer", "pydantic", "httpx", "fastapi"} & sys.modules.keys()))
import dualbroker.feed.opening
print(sorted({"pandas", "pyarrow", "httpx", "fastapi", "plotly"} & sys.modules.keys()))
import dualbroker.feed.feed, dualbroker.manager
print(sorted({"fastapi", "plotly", "matplotlib", "ipywidgets", "exchange_calendars"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "[]", "[]", ""]
