"""The handle a person holds: sync calls from any cell and thread, an async twin for each that waits."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from dualbroker.feed.chaining import ChainingFeed
from dualbroker.feed.failing_over import FailingOverFeed
from dualbroker.feed.reading import ReadingFeed
from dualbroker.feed.subscribing import SubscribingFeed
from dualbroker.model import Quote, Role
from dualbroker.stores.orders import OrderEvent

if TYPE_CHECKING:
    from dualbroker.notebook.panel import Panel

__all__ = ["Feed"]


class Feed(SubscribingFeed, ReadingFeed, FailingOverFeed, ChainingFeed):
    """A running feed: quotes from one broker, orders from every broker.

    Made by :func:`dualbroker.connect` and :func:`dualbroker.demo`. Every frame is a fresh snapshot,
    the user's own to edit; ``attrs["as_of"]`` says of when (ISO 8601, Indian time) and
    ``attrs["mode"]`` is SIMULATED or LIVE. Methods that wait have a twin ending in ``_async``.
    """

    # Callbacks

    def on_quote(self, function: Callable[[Quote], object]) -> Callable[[Quote], object]:
        """Call a function with each tick, as a full quote, on a thread of its own.

        An exception in it is logged and harms nothing. If it is slower than the feed, the latest quote
        of each instrument wins, and ``quotes.attrs["passed_over"]`` counts the rest. Returns the function,
        so it works as a decorator.
        """
        if not self._manager.quote_listeners:
            self._manager.quote_listeners.append(self._quote_callbacks.wake)
        self._quote_callbacks.add(function)
        return function

    def on_order(self, function: Callable[[OrderEvent], object]) -> Callable[[OrderEvent], object]:
        """Call a function with each order event, in order, on a thread of its own; none is left out."""
        self._order_callbacks.add(function)
        return function

    def remove_callback(self, function: Callable[..., object]) -> bool:
        """Call a function no longer; whether it was being called."""
        quote = self._quote_callbacks.remove(function)
        order = self._order_callbacks.remove(function)
        return quote or order

    # How it shows itself

    def panel(self) -> Panel:
        """A live view for a notebook: broker cards, quotes, orders per broker, updated twice a second.

        A feed has one panel: opening another closes the first. It ends with the feed.
        """
        from dualbroker.notebook.panel import open_panel

        return open_panel(self)

    def _words(self) -> str:
        if self._closed:
            return "closed"
        health = self._manager.health
        carrying = [name for name, broker in health.items() if broker.role is not Role.NONE]
        return f"quotes from {self.primary or 'nobody'}, orders from {', '.join(carrying) or 'nobody'}"

    def __repr__(self) -> str:
        store = self._manager.quotes
        held = len(self._manager.wanted())
        return (
            f"<dualbroker feed · {self.mode} · {self._words()} · {held} instruments · "
            f"{store.tick_count} ticks · {len(self._manager.orders.states)} orders>"
        )

    def _repr_html_(self) -> str:
        shown = self.brokers[["role", "state", "problem", "last_quote", "last_order", "reconnects"]]
        origin = escape(self._manager.origin)
        return f"<p><b>{escape(repr(self).strip('<>'))}</b><br>{origin}</p>{shown.to_html()}"
