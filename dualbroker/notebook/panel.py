"""A feed as one live widget: broker cards, quotes, orders per broker.

One background thread writes the widgets, twice a second and only what changed, so it goes on while a
cell blocks and stays far below what a notebook server lets through.
"""

from __future__ import annotations

import atexit
import logging
import threading
import uuid
from typing import Any

import ipywidgets
from IPython.display import display, update_display

from dualbroker.errors import FeedClosedError
from dualbroker.feed import Feed
from dualbroker.notebook.drawing import (
    STYLE,
    cards_html,
    headline_html,
    orders_html,
    plain_text,
    problem_html,
    quotes_html,
    snapshot_html,
)
from dualbroker.notebook.history import failovers_html, incidents_html
from dualbroker.view.named import with_named_rows
from dualbroker.view.state import view_state

__all__ = ["Panel", "open_panel"]

logger = logging.getLogger("dualbroker")

UPDATE_INTERVAL_S = 0.5
JOIN_TIMEOUT_S = 5.0
TABLE_HEIGHT = "420px"

# Kept over importlib.reload: a reloaded module must find the panels that run.
_panels: dict[Feed, Panel] = globals().get("_panels", {})
_opening: threading.Lock = globals().get("_opening", threading.Lock())


class Panel:
    """What :meth:`Feed.panel` gives: put it last in a cell, or pass it to ``display``.

    It ends with its feed, by :meth:`close`, or when a newer panel of the same feed is opened. What is
    then left in the notebook is a plain table of its last state, which any viewer shows.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._headline = ipywidgets.HTML()
        self._cards = ipywidgets.HTML()
        self._quotes = ipywidgets.HTML()
        self._orders: dict[str | None, ipywidgets.HTML] = {
            name: ipywidgets.HTML() for name in (None, *(b.name for b in feed.config.enabled_brokers))
        }
        self._incidents = ipywidgets.HTML()
        self._failovers = ipywidgets.HTML()
        self.widget = self._arranged()
        """The widget itself, to be placed in a layout of one's own."""
        self._display_id = f"dualbroker-{uuid.uuid4().hex}"
        self._displayed = False
        self._failure = ""
        self._ending = threading.Event()
        self._publish()
        self._thread = threading.Thread(target=self._run, name="dualbroker-panel", daemon=True)
        self._thread.start()

    def _arranged(self) -> ipywidgets.VBox:
        # The tabs are the browser's to change, so the thread never writes to them, only to what is in them.
        tabs = {name or "all orders": widget for name, widget in self._orders.items()}
        tabs |= {"incidents": self._incidents, "failovers": self._failovers}
        tables = ipywidgets.Tab(children=[_scrolling(widget) for widget in tabs.values()], titles=list(tabs))
        style = ipywidgets.HTML(STYLE)
        return ipywidgets.VBox([style, self._headline, self._cards, _scrolling(self._quotes), tables])

    @property
    def closed(self) -> bool:
        return self._ending.is_set()

    def close(self) -> None:
        """Stop updating and leave a plain snapshot in the widget's place; safe to call twice."""
        self._ending.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_TIMEOUT_S)

    def _run(self) -> None:
        while not self._ending.wait(UPDATE_INTERVAL_S) and not self._feed.closed:
            self._publish()
        self._end()

    def _end(self) -> None:
        self._ending.set()
        if _panels.get(self._feed) is self:
            del _panels[self._feed]
        try:
            if self._displayed:
                cold = self._cold()
                update_display(cold, raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]
            for widget in _with_children(self.widget):
                widget.close()
        except Exception:
            logger.exception("the panel could not leave its snapshot; the feed is not touched by that")

    def _publish(self) -> None:
        """Write what changed. A failure is said in the panel, and once in the log; then it tries again."""
        try:
            for widget, html in self._drawn(self._state()):
                if widget.value != html:
                    widget.value = html
            self._failure = ""
        except Exception as error:
            if repr(error) != self._failure:
                self._failure = repr(error)
                self._headline.value = problem_html(f"not updated, what is shown is old: {error!r}")
                logger.exception("the panel could not be updated; it tries again")

    def _state(self) -> dict[str, Any]:
        manager = self._feed.manager
        return with_named_rows(view_state(manager, manager.clock.now_ns()))

    def _drawn(self, state: dict[str, Any]) -> list[tuple[ipywidgets.HTML, str]]:
        return [
            (self._headline, headline_html(state)),
            (self._cards, cards_html(state)),
            (self._quotes, quotes_html(state)),
            *((widget, orders_html(state, name)) for name, widget in self._orders.items()),
            (self._incidents, incidents_html(state)),
            (self._failovers, failovers_html(state)),
        ]

    def _cold(self) -> dict[str, str]:
        state = self._state()
        return {"text/plain": plain_text(state), "text/html": snapshot_html(state)}

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The live widget where there is one, with a table and a text for whoever reads it cold."""
        if self.closed:
            return self._cold()
        return {**self.widget._repr_mimebundle_(**options), **self._cold()}

    def _ipython_display_(self) -> None:
        self._displayed = True
        bundle = self._repr_mimebundle_()
        display(bundle, raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return plain_text(self._state())


def open_panel(feed: Feed) -> Panel:
    """A new panel of a feed; one that is open is closed first, so that a feed never has two.

    Raises
    ------
    FeedClosedError
        The feed was closed.
    """
    if feed.closed:
        raise FeedClosedError("the feed is closed; dualbroker.connect() opens a new one")
    with _opening:
        older = _panels.get(feed)
        if older is not None:
            older.close()
        panel = _panels[feed] = Panel(feed)
        return panel


@atexit.register
def _close_all() -> None:
    for panel in list(_panels.values()):
        panel.close()


def _scrolling(widget: ipywidgets.Widget) -> ipywidgets.Box:
    # Never a flex item that may shrink: its rows would be drawn over each other.
    widget.layout.flex = "0 0 auto"
    return ipywidgets.VBox([widget], layout={"max_height": TABLE_HEIGHT, "overflow": "auto"})


def _with_children(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    return [widget, *(found for child in getattr(widget, "children", ()) for found in _with_children(child))]
