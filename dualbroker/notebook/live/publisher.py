"""The one thread that writes a feed's widgets: steadily, a few times a second, also while a cell blocks."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import TypeVar

from dualbroker.errors import ArgumentError, FeedClosedError
from dualbroker.feed.runtime import Runtime
from dualbroker.forking import call_in_child, never_finalize
from dualbroker.notebook.live.kernel import watch_cells
from dualbroker.notebook.live.live_view import LiveView

__all__ = ["FASTEST", "SLOWEST", "UPDATES_PER_SECOND", "Publisher", "close_all_views", "publisher_of"]

logger = logging.getLogger("dualbroker")

UPDATES_PER_SECOND = 4.0
SLOWEST, FASTEST = 0.1, 10.0
"""A browser is busy drawing beyond that, and a notebook server drops what is beyond a thousand messages."""
MOST_VIEWS = 24
"""Of one feed; another closes the oldest."""
JOIN_TIMEOUT_S = 5.0

View = TypeVar("View", bound=LiveView)

# Kept over importlib.reload: a reloaded module must find the views that live.
_publishers: dict[Runtime, Publisher] = globals().get("_publishers", {})
_opening: threading.Lock = globals().get("_opening", threading.Lock())


class Publisher:
    """Writes all live views of one feed. Its thread lives while there are any and the feed is open."""

    def __init__(self, feed: Runtime) -> None:
        self._feed = feed
        self._views: dict[Hashable, LiveView] = {}
        self._waiting: list[Callable[[], None]] = []
        self._changing = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.updates_per_second = UPDATES_PER_SECOND

    @property
    def views(self) -> list[LiveView]:
        """Those that live, the oldest first."""
        return [view for view in list(self._views.values()) if not view.closed]

    def set_rate(self, updates_per_second: float) -> None:
        """How often all views of the feed are written.

        Raises
        ------
        ValueError
            Not between one in ten seconds and ten a second.
        """
        if not SLOWEST <= updates_per_second <= FASTEST:
            raise ArgumentError(
                f"updates_per_second: expected {SLOWEST:g} to {FASTEST:g}, found {updates_per_second!r}"
            )
        self.updates_per_second = float(updates_per_second)
        self._wake.set()

    def open(self, key: Hashable, make: Callable[[], View]) -> View:
        """The view of that key that lives, else a new one: a cell that is run again makes no second one."""
        if self._feed.closed:
            raise FeedClosedError("the feed is closed; dualbroker.connect() opens a new one")
        watch_cells()
        with self._changing:
            known = self._views.get(key)
            if known is not None and not known.closed:
                # Where the stop button came between the two, the thread was not started yet.
                self._start()
                return known  # type: ignore[return-value]
            view = make()
            try:
                view.publish()
                self._views[key] = view
                self._start()
            except BaseException:
                # The stop button: nobody would hold the view, nor close its widgets.
                self._views.pop(key, None)
                view.close()
                raise
        for oldest in self.views[:-MOST_VIEWS]:
            oldest.close()
        return view

    def soon(self, work: Callable[[], None]) -> None:
        """Have something done on the publisher's thread, before its next round."""
        with self._changing:
            self._waiting.append(work)
            self._start()
        self._wake.set()

    def close(self) -> None:
        """Leave a snapshot in the place of every view."""
        for view in self.views:
            view.close()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_TIMEOUT_S)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="dualbroker-publisher", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        due_s = time.monotonic()
        while self._go_on():
            self._do_waiting()
            if time.monotonic() >= due_s:
                for view in self.views:
                    view.publish()
                # From now, not from when it was due: a machine that was asleep has nothing to catch up.
                due_s = max(due_s + 1 / self.updates_per_second, time.monotonic())
            self._wake.wait(max(0.0, min(due_s - time.monotonic(), 1 / self.updates_per_second)))
            self._wake.clear()

    def _go_on(self) -> bool:
        if self._feed.closed:
            for view in self.views:
                view.close()
        with self._changing:
            self._views = {key: view for key, view in self._views.items() if not view.closed}
            if self._views or self._waiting:
                return True
            self._thread = None
        if self._feed.closed:
            _publishers.pop(self._feed, None)
        return False

    def _do_waiting(self) -> None:
        with self._changing:
            waiting, self._waiting = self._waiting, []
        for work in waiting:
            try:
                work()
            except Exception:
                logger.exception("a control could not be updated; the feed is not touched by that")


def publisher_of(feed: Runtime) -> Publisher:
    """The publisher of a feed, one for as long as the feed lives."""
    with _opening:
        for known in [each for each in _publishers if each.closed]:
            _publishers.pop(known).close()
        return _publishers.setdefault(feed, Publisher(feed))


def _leave_to_parent() -> None:
    """In a forked child: the views are the parent's, and a lock that was held would never be given back."""
    global _publishers, _opening
    never_finalize(_publishers)
    _publishers, _opening = {}, threading.Lock()


call_in_child(_leave_to_parent)


@atexit.register
def close_all_views() -> None:
    """Leave snapshots in the place of all views; also done when the kernel ends."""
    for publisher in list(_publishers.values()):
        publisher.close()
