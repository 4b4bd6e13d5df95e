"""What a child process says and how it ends."""

from __future__ import annotations

import logging
import sys

import pytest

from dualbroker.child_process import ChildProcess
from tests.polling import wait_until

ENDLESS = "import sys; print('late to the market', file=sys.stderr, flush=True); sys.stdin.read()"


def test_what_it_says_on_standard_error_goes_to_the_log_while_it_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "dualbroker"):
        child = ChildProcess("the simulator", [sys.executable, "-c", ENDLESS])
        wait_until(lambda: "the simulator says: late to the market" in caplog.text)
        child.stop()
        child.stop()
    assert child.last_words() == "late to the market"


def test_its_last_lines_are_kept_when_it_fails() -> None:
    program = "import sys; print('first', file=sys.stderr); raise ValueError('no market today')"
    child = ChildProcess("the simulator", [sys.executable, "-c", program])
    assert child.read_line() == b""
    words = child.last_words()
    child.stop()
    assert words.splitlines()[0] == "ValueError: no market today"
    assert "\n  first\n" in words
    assert "Traceback" in words


def test_one_that_says_nothing_is_told_by_its_exit_status() -> None:
    child = ChildProcess("the simulator", [sys.executable, "-c", "raise SystemExit(3)"])
    assert child.ask(b"are you there?\n") == b""
    assert child.last_words() == ""
    child.stop()
