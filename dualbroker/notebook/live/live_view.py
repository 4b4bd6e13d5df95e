"""What is live in a notebook: a widget that the publisher writes, and a snapshot that needs no kernel."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Any, Self

from dualbroker.extras import needs_extra
from dualbroker.forking import BoundToProcess
from dualbroker.notebook.live.kernel import cell_is_running, in_kernel

with needs_extra("notebook"):
    import ipywidgets
    from IPython.display import display, update_display

__all__ = ["LiveView"]

logger = logging.getLogger("dualbroker")

PICTURE_WIDTH = 760
"""As shown, in the reader's pixels."""
UNSEEN_AFTER_S = 30.0
"""The browser says every 10 s that somebody looks; three times unheard, nobody does."""
UNSEEN_INTERVAL_S = 5.0
UNSEEN_SHARE = 0.1
"""A view that nobody looks at is written every 5 s, then at growing intervals: a tenth of the time unseen.

A notebook's server keeps all that is written for a tab that was closed, without bound. So it keeps some
eighty updates of a whole day.
"""


class LiveView(BoundToProcess):
    """A live view of a feed: put it last in a cell, or pass it to ``display``.

    It ends with its feed, with the kernel, by :meth:`close` or :meth:`freeze`. What is then left in the
    notebook is a plain snapshot of its last state, which any viewer shows.
    """

    what = "view"
    """Its name, for a person."""

    def __init__(self) -> None:
        self._display_id = f"dualbroker-{uuid.uuid4().hex}"
        self._displayed = False
        self._writing = threading.Lock()
        self._closed = False
        self._last: dict[str, Any] | None = None
        self._failure = ""
        self._seen_s = time.monotonic()
        self._was_unseen = False
        self._written_s = 0.0

    # What each kind of view brings

    @property
    def widget(self) -> ipywidgets.Widget:
        """The widget itself, to be placed in a layout of one's own."""
        raise NotImplementedError

    def _write(self) -> None:
        """Write what changed; on the publisher's thread, once before it begins."""
        raise NotImplementedError

    def _write_failure(self, words: str) -> None:
        """Say in the widget that what is shown is old; empty words take that back."""
        raise NotImplementedError

    def show(self, name: str) -> None:
        """Bring an instrument's row (``NSE:RELIANCE-EQ``) into sight, where there is one."""

    def _write_whole(self) -> None:
        """Somebody looks again: write also what was left out meanwhile."""

    def _snapshot(self) -> dict[str, Any]:
        """The current state for a reader without a kernel, by mimetype."""
        raise NotImplementedError

    # Its life

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Stop updating, and leave a plain snapshot in the place of what is shown; safe to call twice."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            self._leave_snapshot()

    def freeze(self) -> Self:
        """The same as :meth:`close`, and the snapshot itself: put last in a cell, it is what is shown."""
        self.close()
        return self

    def _leave_snapshot(self) -> None:
        try:
            self._last = self._snapshot()
            if self._displayed:
                update_display(  # type: ignore[no-untyped-call]
                    self._last, metadata=_metadata(self._last), raw=True, display_id=self._display_id
                )
            for widget in _with_children(self.widget):
                widget.close()
        except Exception:
            logger.exception(
                "the %s could not leave its snapshot; the feed is not touched by that", self.what
            )

    # What the publisher calls

    def heard(self, message: dict[str, Any]) -> None:
        """The browser said that somebody looks."""
        if message.get("kind") == "seen":
            self._seen_s = time.monotonic()

    def _is_unseen(self) -> bool:
        """Whether nobody looks, as far as can be told: while a cell runs the browser can't be heard."""
        if cell_is_running():
            # After it the browser gets some time to be heard again.
            self._seen_s = max(self._seen_s, time.monotonic() - UNSEEN_AFTER_S / 2)
            return False
        return time.monotonic() - self._seen_s > UNSEEN_AFTER_S

    def _written_lately(self) -> bool:
        """As long as it has been unseen, that is."""
        now_s = time.monotonic()
        interval_s = max(UNSEEN_INTERVAL_S, UNSEEN_SHARE * (now_s - self._seen_s))
        return now_s - self._written_s < interval_s

    def publish(self) -> None:
        """Write what changed. A failure is said in the widget, and once in the log; then it tries again."""
        unseen = self._is_unseen()
        if unseen and self._written_lately():
            return
        with self._writing:
            if self._closed:
                return
            self._written_s = time.monotonic()
            try:
                if self._was_unseen and not unseen:
                    self._write_whole()
                self._was_unseen = unseen
                self._write()
                if self._failure:
                    self._failure = ""
                    self._write_failure("")
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        if repr(error) == self._failure:
            return
        self._failure = repr(error)
        logger.exception("the %s could not be updated; it tries again", self.what)
        try:
            self._write_failure(f"Not updated, what is shown is old: {error!r}")
        except Exception:
            logger.exception("the %s could not say so", self.what)

    # How it shows itself

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget where there is one, with a snapshot that needs no kernel; and its metadata."""
        still = self._still()
        if self._closed:
            return still, _metadata(still)
        live = self.widget._repr_mimebundle_(**options)
        return {**(live[0] if isinstance(live, tuple) else live), **still}, _metadata(still)

    def _still(self) -> dict[str, Any]:
        return self._last if self._closed and self._last is not None else self._snapshot()

    def _ipython_display_(self) -> None:
        if not in_kernel():
            print(self)
            return
        self._displayed = self._displayed or not self._closed
        bundle, metadata = self._repr_mimebundle_()
        display(  # type: ignore[no-untyped-call]
            bundle, metadata=metadata, raw=True, display_id=self._display_id
        )

    def __repr__(self) -> str:
        return str(self._still()["text/plain"])


def _metadata(bundle: dict[str, Any]) -> dict[str, Any]:
    """Pictures are drawn finer than they are to be shown."""
    return {"image/png": {"width": PICTURE_WIDTH}} if "image/png" in bundle else {}


def _with_children(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    return [widget, *(found for child in getattr(widget, "children", ()) for found in _with_children(child))]
