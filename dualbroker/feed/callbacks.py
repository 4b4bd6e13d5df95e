"""Users' callbacks, each kind on a thread of its own: a slow one delays nobody but itself.

Quotes are read from the store behind a cursor, so a callback that lags costs no memory: past a bound
the latest quote of each instrument wins, and what was passed over is counted. Orders wait in a queue
and are never passed over. Coroutines are awaited one after the other, on a loop of that thread.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from dualbroker.errors import CallbackError
from dualbroker.log_limit import LogLimit
from dualbroker.manager.source import FeedSource
from dualbroker.model import QUOTE_FIELDS, Quote
from dualbroker.stores.orders import OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.stores.tick_blocks import TickBlock

__all__ = ["OrderCallbacks", "QuoteCallbacks"]

logger = logging.getLogger("dualbroker")

Message = TypeVar("Message")

MOST_ROWS_BEHIND = 20_000


class _Callbacks(Generic[Message]):
    """A list of functions and the daemon thread that calls them; started with the first function."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._functions: list[Callable[[Message], object]] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failed_log = LogLimit()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Runs the callbacks' coroutines; made when the first one comes."""
        self._task: asyncio.Task[object] | None = None

    def add(self, function: Callable[[Message], object]) -> None:
        _require_callback(function)
        self._functions = [*self._functions, function]
        if self._thread is None:
            self._start()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def remove(self, function: Callable[[Message], object]) -> bool:
        """Whether it was there."""
        before = len(self._functions)
        self._functions = [known for known in self._functions if known != function]
        return len(self._functions) < before

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    def wake(self) -> None:
        """Say that there is something new."""
        self._wake.set()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wake.wait()
                self._wake.clear()
                self._deliver()
        finally:
            if self._loop is not None:
                self._loop.close()

    def _call(self, message: Message) -> None:
        for function in self._functions:
            try:
                result = function(message)
                if inspect.isawaitable(result):
                    self._wait_for(result)
            except Exception:
                if (held_back := self._failed_log.let_through()) is not None:
                    logger.exception("a callback of %s failed; the feed goes on%s", self._name, held_back)

    def _wait_for(self, work: Awaitable[object]) -> None:
        """Run a callback's coroutine to its end; the end of the feed cancels it."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()

        async def awaited() -> object:
            return await work

        self._task = self._loop.create_task(awaited())
        if self._closing:
            self._task.cancel()
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            if not self._closing:
                raise CallbackError("the callback was cancelled by itself") from None
        finally:
            self._task = None

    def _start(self) -> None:
        """Note where to begin."""

    def _deliver(self) -> None:
        raise NotImplementedError


def _require_callback(function: object) -> None:
    """Refuse what could never be called back, before anybody waits for it.

    Raises
    ------
    CallbackError
        It is no function, can't be called with one argument, or is a generator, whose body a call never runs.
    """
    if not callable(function):
        raise CallbackError(f"expected a function to call, found {type(function).__name__}")
    called = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    name = getattr(function, "__name__", type(function).__name__)
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise CallbackError(f"expected a function or a coroutine function, found the generator {name}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # one of C that does not say what it takes
    try:
        signature.bind(None)
    except TypeError as error:
        raise CallbackError(
            f"expected a function of one argument, def {name}(message), found {name}{signature}: {error}"
        ) from None


class QuoteCallbacks(_Callbacks[Quote]):
    """Calls with each tick as a full quote."""

    def __init__(self, source: FeedSource) -> None:
        super().__init__("dualbroker-quotes")
        self._source = source
        self._store = source.quotes
        self._next_row = 0
        self.passed_over = 0
        """Ticks that no callback saw, because the callbacks were slower than the feed."""

    def _start(self) -> None:
        self._store = self._source.quotes
        self._next_row = self._store.total_rows

    def _deliver(self) -> None:
        if self._source.quotes is not self._store:
            # The source has started over; what it had before is nothing new.
            self._store = self._source.quotes
            self._next_row = self._store.first_row
        behind = self._store.total_rows - self._next_row
        if behind > MOST_ROWS_BEHIND or self._next_row < self._store.first_row:
            self._catch_up()
            return
        for block, start, stop in self._store.rows_since(self._next_row):
            self._next_row = block.first + stop
            for place in range(start, stop):
                if self._closing:
                    return
                self._call(_quote(self._store, block, place))

    def _catch_up(self) -> None:
        """Skip to now, with the newest quote of each instrument that ticked meanwhile."""
        newest: dict[int, tuple[TickBlock, int]] = {}
        seen = 0
        first = self._next_row
        for block, start, stop in self._store.rows_since(first):
            for place, index in enumerate(block.instruments[start:stop], start):
                newest[index] = (block, place)
                seen += 1
            self._next_row = block.first + stop
        self.passed_over += (self._next_row - first) - len(newest)
        for block, place in newest.values():
            if self._closing:
                return
            self._call(_quote(self._store, block, place))


def _quote(store: QuoteStore, block: TickBlock, place: int) -> Quote:
    receive_time, feed_time, *fields = block.row(place)
    return Quote(
        instrument=store.instruments[block.instruments[place]],
        broker_name=store.broker_names[block.brokers[place]],
        receive_time_ns=int(receive_time),
        feed_time_s=feed_time,
        **dict(zip(QUOTE_FIELDS, fields, strict=True)),
    )


class OrderCallbacks(_Callbacks[OrderEvent]):
    """Calls with each order event, in order, none left out."""

    def __init__(self) -> None:
        super().__init__("dualbroker-orders")
        self._queue: deque[OrderEvent] = deque()

    def put(self, event: OrderEvent) -> None:
        """Queue an event, if anybody listens."""
        if self._functions:
            self._queue.append(event)
            self.wake()

    def _deliver(self) -> None:
        while self._queue and not self._closing:
            self._call(self._queue.popleft())
