"""Waiting in tests: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["wait_until"]


def wait_until(condition: Callable[[], bool], within_s: float = 90.0) -> None:
    """Return as soon as a condition holds; fail when it does not within that time.

    The time is for a machine that is busy with other things, and says nothing about the code under test.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {within_s:.0f} s"
        time.sleep(0.02)
