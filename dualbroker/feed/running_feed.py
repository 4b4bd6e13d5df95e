"""What every part of a feed stands on: its source on a thread of its own, and the way across to it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self, TypeVar

import pandas as pd

from dualbroker.config.schema import Config
from dualbroker.errors import FeedClosedError
from dualbroker.feed.callbacks import OrderCallbacks, QuoteCallbacks
from dualbroker.feed.columns import ZONE
from dualbroker.feed.loop_thread import LoopThread
from dualbroker.feed.names import SymbolNames
from dualbroker.forking import BoundToProcess
from dualbroker.manager.source import FeedSource

__all__ = ["RunningFeed"]

T = TypeVar("T")

STOP_TIMEOUT_S = 10.0


class RunningFeed(BoundToProcess):
    """Runs the source of all that is shown, calls it from any thread, and ends it.

    Parameters
    ----------
    make_source
        Makes what runs the brokers, or what is attached to whoever does.
    on_closed
        Called with the feed once it is closed.
    """

    def __init__(
        self, make_source: Callable[[], FeedSource], *, on_closed: Callable[[Any], None] | None = None
    ) -> None:
        self._on_closed = on_closed
        self._manager = make_source()
        self._quote_callbacks = QuoteCallbacks(self._manager)
        self._order_callbacks = OrderCallbacks()
        self._manager.order_listeners.append(self._order_callbacks.put)
        self._closing = threading.Lock()
        self._closed = False
        self._names = SymbolNames(self._manager)
        self._thread = LoopThread("dualbroker-feed")
        try:
            self._thread.call(self._manager.start())
        except BaseException:
            self.close()
            raise

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        self._require_open(work)
        return self._thread.call(work)

    def _call_async(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        self._require_open(work)
        return self._thread.call_async(work)

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine, such as one of ``feed.manager``, on the feed's own loop; does not wait.

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

    def _stamp(self, table: pd.DataFrame, **more: object) -> pd.DataFrame:
        as_of_ns = self._manager.as_of_ns()
        # Text, for a frame's attrs go into the files that it is saved to.
        table.attrs["as_of"] = pd.Timestamp(as_of_ns, tz="UTC").tz_convert(ZONE).isoformat()
        table.attrs["mode"] = self.mode
        table.attrs.update(more)
        return table

    # What runs

    @property
    def config(self) -> Config:
        """The config it was made from.

        Raises
        ------
        ConfigError
            It is the feed of a running service, whose config stays there.
        """
        return self._manager.config

    @property
    def manager(self) -> FeedSource:
        """The async core, which lives on the feed's own loop: a ``WebSocketManager``, unless the brokers
        are run by a service elsewhere."""
        return self._manager

    @property
    def mode(self) -> str:
        """``SIMULATED`` when prices and orders come from the simulator, else ``LIVE``."""
        return "SIMULATED" if self._manager.is_simulated else "LIVE"

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None before one has logged in."""
        return self._manager.primary

    @property
    def closed(self) -> bool:
        """True also in a forked child of the process that it runs in: there nothing can be read of it."""
        return self.is_of_another_process or self._closed

    # The end

    def close(self) -> None:
        """Close all sockets and end the feed's thread; safe to call twice. Broker sessions live on.

        In a forked child it does nothing: the feed is the parent's.
        """
        if self.is_of_another_process:
            return
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._quote_callbacks.close()
        self._order_callbacks.close()
        try:
            if self._thread.is_running:
                self._thread.submit(self._stop()).result(STOP_TIMEOUT_S)
        finally:
            self._thread.stop()
            if self._on_closed is not None:
                self._on_closed(self)

    async def _stop(self) -> None:
        """End what runs on the feed's loop."""
        await self._manager.stop()

    def _release_copies(self) -> None:
        thread = vars(self).get("_thread")  # not of one that is still being made
        if thread is not None:
            thread.release_copies()

    async def close_async(self) -> None:
        """The async twin of :meth:`close`."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
