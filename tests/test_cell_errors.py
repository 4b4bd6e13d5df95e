"""How errors look in a cell: the person's lines and the message."""

from __future__ import annotations

import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import dualbroker
from tests.ipython_shell import ipython_shell

MESSAGE = "no instrument 'NIFTYY' on NFO; closest: NIFTY"


@pytest.fixture(scope="module")
def feed() -> Iterator[dualbroker.Feed]:
    with dualbroker.demo() as feed:
        yield feed


@pytest.fixture
def shell(
    feed: dualbroker.Feed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[InteractiveShell]:
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        monkeypatch.setattr(sys, name, None, raising=False)
    with ipython_shell(tmp_path) as made:
        made.colors = "nocolor"
        made.user_ns["feed"] = feed
        yield made
        made.reset(new_session=False)  # type: ignore[no-untyped-call]


def shown(shell: InteractiveShell, cell: str) -> list[str]:
    """What a cell writes when it is run, line by line."""
    with capture_output() as captured:
        shell.run_cell(cell)  # type: ignore[no-untyped-call]
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.stdout).rstrip().splitlines()


@pytest.mark.parametrize(
    "call",
    ["feed.subscribe('NIFTYY')", "await feed.subscribe_async('NIFTYY')"],
    ids=["a call that waits for the feed's thread", "its twin that is awaited"],
)
def test_a_typo_shows_the_line_and_the_message(shell: InteractiveShell, call: str) -> None:
    lines = shown(shell, f"wanted = 1\n{call}")
    assert len(lines) <= 10
    assert f"----> 2 {call}" in lines
    assert any(line.startswith(f"UnknownInstrumentError: {MESSAGE}") for line in lines)
    assert not any("dualbroker/" in line for line in lines)
    assert lines[-1] == "All of the traceback: %tb Verbose"


def test_a_person_s_own_function_is_shown_too(shell: InteractiveShell) -> None:
    lines = shown(shell, "def begin():\n    feed.ticks('NIFTYY')\n\nbegin()")
    assert "----> 4 begin()" in lines
    assert "----> 2     feed.ticks('NIFTYY')" in lines


def test_an_argument_that_is_none_of_a_call_s_is_short_as_well(shell: InteractiveShell) -> None:
    lines = shown(shell, "feed.bars('NIFTY', 'soon')")
    assert len(lines) <= 8
    assert any(line.startswith("ArgumentError: expected an interval") for line in lines)


def test_all_of_it_is_shown_on_demand(shell: InteractiveShell) -> None:
    shown(shell, "feed.subscribe('NIFTYY')")
    lines = shown(shell, "%tb Verbose")
    assert any("loop_thread.py" in line for line in lines)
    assert any(line.startswith(f"UnknownInstrumentError: {MESSAGE}") for line in lines)


def test_one_that_a_person_raises_keeps_its_traceback(shell: InteractiveShell) -> None:
    lines = shown(shell, "import dualbroker\nraise dualbroker.ConfigError('mine') from KeyError('why')")
    assert "KeyError: 'why'" in lines
    assert "ConfigError: mine" in lines


def test_outside_of_ipython_the_traceback_is_python_s_own() -> None:
    program = "import dualbroker\ndualbroker.connect('/nowhere/config.yaml')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stderr.startswith("Traceback (most recent call last):")
    assert 'config/load.py", line' in ended.stderr.replace("\\", "/")
    assert "Verbose" not in ended.stderr
    error = dualbroker.ConfigError("no shell")
    assert error._render_traceback_() == traceback.format_exception(error)
