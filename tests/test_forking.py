"""A forked child of a process with a feed: it finds no stale price, and takes nothing from its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dualbroker
from dualbroker.forking import BoundToProcess

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run_program(program: str, *arguments: str) -> dict[str, Any]:
    """In a process of its own, for a fork copies whatever the tests have running."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:This process:DeprecationWarning",
            "-c",
            program,
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


USED_IN_A_CHILD = """
import asyncio, json, multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
import dualbroker
from dualbroker import FeedClosedError

feed = dualbroker.demo()
chain = feed.chain("NIFTY", strikes=2)
view = feed.cards()
manager = feed.manager

USES = {
    "quotes": lambda: feed.quotes, "ticks": lambda: feed.ticks("NIFTY"), "orders": lambda: feed.orders,
    "brokers": lambda: feed.brokers, "incidents": lambda: feed.incidents, "savings": lambda: feed.savings(),
    "subscribe": lambda: feed.subscribe("NIFTY"), "search": lambda: feed.search("nifty"),
    "subscribe_async": lambda: feed.subscribe_async("NIFTY"),
    "on_quote": lambda: feed.on_quote(print), "on_order": lambda: feed.on_order(print),
    "monitor": lambda: feed.monitor(), "chart": lambda: feed.chart("NIFTY"), "primary": lambda: feed.primary,
    "simulator": lambda: feed.simulator, "manager": lambda: feed.manager,
    "kept manager": lambda: manager.quotes,
    "chain": lambda: chain.frame, "view": lambda: repr(view), "view closed": lambda: view.close(),
}

def use_all():
    found = {}
    for name, use in USES.items():
        try:
            found[name] = repr(use())
        except FeedClosedError as error:
            found[name] = str(error)
    found["closed"] = feed.closed and chain.closed
    found["repr"] = repr(feed)
    feed.close()
    with feed:
        pass
    return found

def new_feed():
    with dualbroker.demo() as new:
        return [new is feed, len(new.quotes), os.getpid() == new._made_in]

def ticks_go_on():
    before, deadline = manager.quotes.tick_count, time.monotonic() + 20
    while manager.quotes.tick_count <= before and time.monotonic() < deadline:
        time.sleep(0.02)
    return manager.quotes.tick_count > before

context = multiprocessing.get_context("fork")
with ProcessPoolExecutor(1, mp_context=context) as pool:
    used, opened = pool.submit(use_all).result(120), pool.submit(new_feed).result(120)

def leave():
    # By the end of the interpreter: exit handlers and finalizers run, unlike in multiprocessing's children.
    child = os.fork()
    if child == 0:
        sys.exit(0)
    return os.waitpid(child, 0)[1]

left = leave()
states = feed.brokers["state"].tolist()
print(json.dumps({
    "parent": os.getpid(), "used": used, "opened": opened, "left": left,
    "ticks": ticks_go_on(), "states": states,
    "subscribed": bool(feed.subscribe("BANKNIFTY")["acknowledged"].all()), "view": repr(view) != "",
    "lost": feed.incidents["cause"].tolist(),
}))
feed.close()
"""


def test_in_a_forked_child_every_use_is_an_error_in_words_and_a_new_feed_can_be_opened() -> None:
    found = run_program(USED_IN_A_CHILD)
    used = found["used"]
    assert used.pop("closed") is True
    assert "forked child" in used.pop("repr")
    for name, words in used.items():
        assert f"this feed runs in process {found['parent']}" in words, name
        assert "demo() opens a new feed here" in words, name
    assert found["opened"] == [False, 29, True]
    # The parent goes on, and nothing of it was ended.
    assert (found["left"], found["ticks"], found["subscribed"], found["view"]) == (0, True, True, True)
    assert found["states"] == ["live", "live"]
    assert found["lost"] == []


HELD_BY_THE_PARENT = """
import gc, json, os, subprocess, sys
from datetime import date
from pathlib import Path
from dualbroker.child_process import ChildProcess
from dualbroker.errors import LoginHeldError
from dualbroker.storage.journal import Journal, JournalRow, read_days
from dualbroker.storage.locks import LoginLock

folder = Path(sys.argv[1])
day = date(2026, 11, 30)
lock = LoginLock("shoonya-FA0001", folder)
lock.acquire()
journal = Journal(folder / "orders.sqlite")
journal.open()
journal.append([JournalRow(1, day, "broker1", 7, b"one")])
child_process = ChildProcess("the child", [sys.executable, "-c", "import sys; sys.stdin.read()"])

def who_holds():
    try:
        with LoginLock("shoonya-FA0001", folder):
            return "nobody"
    except LoginHeldError as error:
        return str(error)

read_end, write_end = os.pipe()
child = os.fork()
if child == 0:
    os.write(write_end, who_holds().encode())
    gc.collect()
    sys.exit(0)
status = os.waitpid(child, 0)[1]
in_child = os.read(read_end, 65536).decode()
other = f"import sys; sys.argv = ['', {str(folder)!r}]\\n"
other += "from pathlib import Path\\nfrom dualbroker.errors import LoginHeldError\\n"
other += "from dualbroker.storage.locks import LoginLock\\n"
other += "try:\\n LoginLock('shoonya-FA0001', Path(sys.argv[1])).acquire(); print('nobody')\\n"
other += "except LoginHeldError as error: print(error)\\n"
elsewhere = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True).stdout

lingering = os.fork()
if lingering == 0:
    os.close(write_end)
    os.read(read_end, 1)  # until the parent closes the other end
    os._exit(0)
journal.append([JournalRow(2, day, "broker1", 7, b"two")])
rows = [row.content.decode() for row in read_days(journal.path, day, day)]
child_process.stop()  # a copy of its standard input in the lingering child would keep it alive
ended = child_process._process.returncode
journal.close()
lock.release()
after = who_holds()
os.close(write_end)
os.waitpid(lingering, 0)
print(json.dumps({"pid": os.getpid(), "status": status, "in_child": in_child, "elsewhere": elsewhere,
                  "rows": rows,
                  "ended": ended, "after": after}))
"""


def test_locks_journal_and_children_of_the_parent_outlive_a_forked_child(tmp_path: Path) -> None:
    found = run_program(HELD_BY_THE_PARENT, str(tmp_path))
    assert found["status"] == 0
    assert f"held by process {found['pid']}" in found["in_child"]
    assert f"held by process {found['pid']}" in found["elsewhere"]
    assert found["rows"] == ["one", "two"]
    assert found["ended"] == 0
    assert found["after"] == "nobody"


def test_in_its_own_process_an_error_inside_a_property_is_told_as_it_is() -> None:
    class Bound(BoundToProcess):
        @property
        def broken(self) -> int:
            raise AttributeError("the reason")

    with pytest.raises(AttributeError, match="the reason"):
        _ = Bound().broken
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        Bound().missing  # type: ignore[attr-defined]  # noqa: B018
    assert not Bound().is_of_another_process
    assert issubclass(dualbroker.Feed, BoundToProcess)
