"""An event loop whose time moves only when everybody waits: hours pass in milliseconds, exactly."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack, cast

__all__ = ["VirtualClock", "VirtualTimeLoop", "run_in_virtual_time"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


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


class _TimerInTurn(asyncio.TimerHandle):
    """Of timers of the same moment, those set first come first: on a virtual clock many share one, and
    asyncio's own heap would let what was sent later overtake what was sent before it."""

    __slots__ = ("_at_s", "_turn")

    def __init__(
        self,
        turn: int,
        when: float,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        super().__init__(when, callback, arguments, loop, context)
        self._at_s = when
        self._turn = turn

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, _TimerInTurn):
            return NotImplemented
        mine, its = self._at_s, other._at_s
        return self._turn < other._turn if mine == its else mine < its


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its ``time()`` is virtual. Nothing on it may use a real socket or a thread."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        self._timers_set = 0
        super().__init__(self._virtual)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Work at once, on this thread: while a real one worked, virtual time would run away, or stand still
        where no timer is set."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        self._timers_set += 1
        timer: Any = _TimerInTurn(self._timers_set, when, callback, args, self, context)
        # The loop's own names: what it does itself, but for the kind of timer.
        heapq.heappush(cast(Any, self)._scheduled, timer)
        timer._scheduled = True
        return cast(asyncio.TimerHandle, timer)

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
