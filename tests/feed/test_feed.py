"""The handle, on real sockets to the simulator in its child process."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import dualbroker
import dualbroker.feed.opening as opening_module
from dualbroker import Feed, FeedClosedError
from dualbroker.config.schema import Config, demo_config
from tests.polling import wait_until


def quiet_config(**simulator: Any) -> Config:
    """Two simulated brokers and nothing subscribed."""
    simulator = {"ticks_per_second": 1000, "orders_per_minute": 600, **simulator}
    return demo_config(2, **simulator).model_copy(update={"subscribe": []})


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    feed = dualbroker.connect(quiet_config())
    yield feed
    feed.close()


@pytest.fixture(autouse=True)
def nothing_subscribed(feed: Feed) -> Iterator[None]:
    yield
    if not feed.closed and len(feed.quotes):
        feed.unsubscribe(feed.quotes.reset_index()[["exchange", "token"]])


def test_a_cell_run_twice_finds_the_same_feed_and_reload_does_too(feed: Feed) -> None:
    assert dualbroker.connect(quiet_config()) is feed
    reloaded = importlib.reload(opening_module)
    assert reloaded.connect(quiet_config()) is feed


def test_two_configs_are_two_feeds(feed: Feed) -> None:
    other = dualbroker.connect(quiet_config(seed=99))
    try:
        assert other is not feed
        assert other.manager.simulator is not None
        child = psutil.Process(other.manager.simulator.process_id)
    finally:
        other.close()
    assert not child.is_running()
    assert not feed.closed
    with pytest.raises(FeedClosedError):
        other.subscribe("NIFTY")
    other.close()


def test_a_parked_broker_is_seen_at_once_and_carries_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALBROKER_HOME", str(tmp_path))
    path = tmp_path / "config.yaml"
    path.write_text(
        "brokers: {mine: {type: shoonya, user_id: FA0001, client_id: FA0001_U, api_secret: made-up}}\n",
        encoding="utf-8",
    )
    with pytest.warns(UserWarning, match=r"mine is parked: .*dualbroker login"):
        parked = dualbroker.connect(path)
    with parked:
        assert "Price/Quote updates: no broker · Order updates: no broker" in repr(parked)
        assert parked.orders.attrs["books_unread"] == ["mine"]


def test_run_runs_a_coroutine_also_inside_a_running_loop() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 42

    assert dualbroker.run(work()) == 42
    # In a process of its own: nest_asyncio changes a loop for good.
    code = """
    import asyncio, warnings
    import dualbroker
    async def work():
        await asyncio.sleep(0)
        return 42
    async def cell():
        return dualbroker.run(work())
    print(asyncio.run(cell()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "42"


def test_public_names_are_all_and_only_those_shown() -> None:
    assert dir(dualbroker) == sorted(dualbroker.__all__)
    for name in dualbroker.__all__:
        assert getattr(dualbroker, name) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to this process as a terminal does")
def test_an_interrupted_wait_leaves_the_feed_sound(feed: Feed) -> None:
    async def never() -> None:
        await asyncio.sleep(3600)

    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        feed._runtime.call(never())
    assert feed.subscribe("NIFTY")["acknowledged"].all()


def test_leaving_the_process_closes_sockets_and_ends_the_simulator(tmp_path: Path) -> None:
    code = """
    import dualbroker
    feed = dualbroker.demo()
    print(feed.manager.simulator.process_id, flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not psutil.pid_exists(int(done.stdout))


def test_a_killed_process_takes_its_simulator_along(tmp_path: Path) -> None:
    code = """
    import time
    import dualbroker
    feed = dualbroker.demo()
    print(feed.manager.simulator.process_id, flush=True)
    time.sleep(120)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    with process.stdout:
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
        process.wait(30)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_without_a_config_the_demo_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DUALBROKER_CONFIG", raising=False)
    with pytest.raises(dualbroker.ConfigError, match=r"dualbroker\.demo\(\)"):
        dualbroker.connect()
