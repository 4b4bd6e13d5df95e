"""Keeps a log from growing as fast as whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable

from dualbroker.figures import number

__all__ = ["LogLimit"]


class LogLimit:
    """Lets one line through per interval and counts what it held back.

    Parameters
    ----------
    every_s
        Seconds between two lines.
    now_s
        A clock that never runs back.
    """

    def __init__(self, every_s: float = 10.0, now_s: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._now_s = now_s
        self._next_s = float("-inf")
        self._held_back = 0

    def let_through(self) -> str | None:
        """None: hold this line back. Else what to end it with: nothing, or how many were held back."""
        now_s = self._now_s()
        if now_s < self._next_s:
            self._held_back += 1
            return None
        self._next_s = now_s + self._every_s
        held_back, self._held_back = self._held_back, 0
        return f" (and {number(held_back)} more like it in between)" if held_back else ""
