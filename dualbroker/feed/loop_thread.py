"""An event loop on a thread of its own, and the bridge to it from any other thread.

A cell that runs for a minute starves no socket of its heartbeat, and "event loop is already running"
cannot occur, for nobody else's loop is used.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from dualbroker.errors import FeedClosedError, WrongThreadError

__all__ = ["LoopThread"]

T = TypeVar("T")

INTERRUPT_CHECK_S = 0.2
"""On Windows a wait without a time limit can't be interrupted."""


class LoopThread:
    """Runs coroutines on its own loop. Ends with :meth:`stop`; never keeps the interpreter alive."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine on the loop."""
        if not self.is_running:
            work.close()
            raise FeedClosedError("the feed is closed; dualbroker.connect() opens a new one")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result. Ctrl-C cancels it and leaves the loop sound.

        Raises
        ------
        WrongThreadError
            Called on the loop's own thread, where waiting would never end.
        FeedClosedError
            The loop has ended.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise WrongThreadError(
                "a sync call on the feed's own thread would wait for itself; use its async twin there"
            )
        future = self.submit(work)
        try:
            while not concurrent.futures.wait([future], timeout=INTERRUPT_CHECK_S).done:
                if not self.is_running:
                    raise FeedClosedError("the feed was closed during the call")
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def call_async(self, work: Coroutine[Any, Any, T]) -> T:
        """The same from a coroutine on any loop; cancelling it cancels the work."""
        if threading.current_thread() is self._thread:
            return await work
        return await asyncio.wrap_future(self.submit(work))

    def release_copies(self) -> None:
        """In a forked child: close its copies of the loop's sockets, so that they end with the parent's.

        Only the numbers are closed. The loop's own ``close`` would take them out of the poll that the child
        shares with its parent.
        """
        selector = getattr(self._loop, "_selector", None)  # not on every kind of loop
        if selector is not None:
            for descriptor in [*selector.get_map()]:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            selector_itself = getattr(selector, "fileno", None)
            if selector_itself is not None:
                os.close(selector_itself())

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the loop and its thread."""
        if self.is_running:
            self._loop.call_soon_threadsafe(self._loop.stop)
            if threading.current_thread() is not self._thread:
                self._thread.join(timeout_s)
