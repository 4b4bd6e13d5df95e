"""What a feed stands on: its source on a thread of its own, and the way across to it."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pandas as pd

from dualbroker.errors import FeedClosedError
from dualbroker.feed.callbacks import OrderCallbacks, QuoteCallbacks
from dualbroker.feed.loop_thread import LoopThread
from dualbroker.forking import BoundToProcess
from dualbroker.frames.columns import ZONE
from dualbroker.manager.source import FeedSource

__all__ = ["Runtime"]

T = TypeVar("T")

STOP_TIMEOUT_S = 10.0


class Runtime(BoundToProcess):
    """Runs the source of all that is shown, calls it from any thread, and ends it.

    Parameters
    ----------
    make_source
        Makes what runs the brokers, or what is attached to it.
    """

    def __init__(self, make_source: Callable[[], FeedSource]) -> None:
        self.manager = make_source()
        """The async core, which lives on the loop of this."""
        self.quote_callbacks = QuoteCallbacks(self.manager)
        self.order_callbacks = OrderCallbacks()
        self.manager.order_listeners.append(self.order_callbacks.put)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = LoopThread("dualbroker-feed")
        try:
            self._thread.call(self.manager.start())
        except BaseException:
            self.close()
            raise

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the feed's own loop and wait for its result."""
        self._require_open(work)
        return self._thread.call(work)

    def call_async(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """The same from a coroutine on any loop."""
        self._require_open(work)
        return self._thread.call_async(work)

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine on the feed's own loop; does not wait.

        Raises
        ------
        FeedClosedError
            The feed is closed.
        """
        self._require_open(work)
        return self._thread.submit(work)

    def _require_open(self, work: Coroutine[Any, Any, Any]) -> None:
        if self.closed:
            work.close()
            if self.is_of_another_process:
                raise FeedClosedError(self._words_elsewhere())
            raise FeedClosedError("the feed is closed; dualbroker.connect() opens a new one")

    def stamp(self, table: pd.DataFrame, **more: object) -> pd.DataFrame:
        """Write into a frame's ``attrs`` of when it is, whether it is SIMULATED, and what else is given."""
        as_of_ns = self.manager.as_of_ns()
        # Text, for a frame's attrs go into the files that it is saved to.
        table.attrs["as_of"] = pd.Timestamp(as_of_ns, tz="UTC").tz_convert(ZONE).isoformat()
        table.attrs["mode"] = self.mode
        table.attrs.update(more)
        return table

    @property
    def mode(self) -> str:
        """``SIMULATED`` when prices and orders come from the simulator, else ``LIVE``."""
        return "SIMULATED" if self.manager.is_simulated else "LIVE"

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None before one has logged in."""
        return self.manager.primary

    @property
    def closed(self) -> bool:
        """True also in a forked child of the process that it runs in: there nothing can be read of it."""
        return self.is_of_another_process or self._closed

    def close(self, before: Callable[[], Awaitable[None]] | None = None) -> None:
        """Close all sockets and end the thread; safe to call twice. Broker sessions live on.

        In a forked child it does nothing: the feed is the parent's.

        Parameters
        ----------
        before
            Awaited on the feed's loop before its source is stopped.
        """
        if self.is_of_another_process:
            return
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self.quote_callbacks.close()
        self.order_callbacks.close()
        try:
            if self._thread.is_running:
                self._thread.submit(self._stop(before)).result(STOP_TIMEOUT_S)
        finally:
            self._thread.stop()

    async def _stop(self, before: Callable[[], Awaitable[None]] | None) -> None:
        if before is not None:
            await before()
        await self.manager.stop()

    def _release_copies(self) -> None:
        thread = vars(self).get("_thread")  # not of one that is still being made
        if thread is not None:
            thread.release_copies()
