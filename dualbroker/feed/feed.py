"""The handle a person holds: sync calls from any cell and thread, an async twin for each that waits."""

from __future__ import annotations

from collections.abc import Callable

from dualbroker.feed.chaining import ChainingFeed
from dualbroker.feed.exporting import ExportingFeed
from dualbroker.feed.showing import ShowingFeed
from dualbroker.feed.subscribing import SubscribingFeed
from dualbroker.model import Quote
from dualbroker.stores.orders import OrderEvent

__all__ = ["Feed"]


class Feed(SubscribingFeed, ExportingFeed, ChainingFeed, ShowingFeed):
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
        so it works as a decorator. Coroutine functions (``async def``) are awaited, one call after the
        other, on a loop of that thread; the feed's ``…_async`` methods can be awaited there.

        Raises
        ------
        CallbackError
            It can't be called with one argument.
        """
        if not self._manager.quote_listeners:
            self._manager.quote_listeners.append(self._quote_callbacks.wake)
        self._quote_callbacks.add(function)
        return function

    def on_order(self, function: Callable[[OrderEvent], object]) -> Callable[[OrderEvent], object]:
        """Call a function with each order event, in order, on a thread of its own; none is left out.

        Coroutine functions are awaited, as with :meth:`on_quote`.

        Raises
        ------
        CallbackError
            It can't be called with one argument.
        """
        self._order_callbacks.add(function)
        return function

    def remove_callback(self, function: Callable[..., object]) -> bool:
        """Call a function no longer; whether it was being called."""
        quote = self._quote_callbacks.remove(function)
        order = self._order_callbacks.remove(function)
        return quote or order
