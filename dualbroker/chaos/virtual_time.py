"""An event loop whose time moves only when everybody waits: hours pass in milliseconds, exactly."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualClock", "VirtualTimeLoop", "run_in_virtual_time"]

T = TypeVar("T")


class _NoWaiting(selectors.SelectSelector):
    """Turns every wait into a step of virtual time. No file is ever ready, so none is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits and no timer is set: this would hang forever")
        if timeout > 0.0:
            self.now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its ``time()`` is virtual. Nothing on it may use a real socket or a thread."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    @property
    def now_ns(self) -> int:
        return round(self._virtual.now * 1_000_000_000)


class VirtualClock:
    """A ``dualbroker.clock.Clock`` that follows a virtual loop, from a given moment on."""

    def __init__(self, loop: VirtualTimeLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns

    def now_ns(self) -> int:
        return self._start_ns + self._loop.now_ns

    def follow(self, feed_time_s: int) -> None:
        """Virtual time needs no telling."""


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
