"""The part of a feed that shows itself in a notebook: the dashboard, its parts, charts and controls.

The widgets are imported when they are asked for, so that a service never loads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from dualbroker.feed.running_feed import RunningFeed
from dualbroker.model import Instrument

if TYPE_CHECKING:
    from dualbroker.notebook.views import LiveView

__all__ = ["ShowingFeed"]

Symbols = str | Instrument | Sequence[str | Instrument]


class ShowingFeed(RunningFeed):
    """Live views, each last in a cell or passed to ``display``.

    A view is updated by a thread of its own, four times a second as shipped, also while a cell runs. Asked
    for again it is the same view, so that a cell may be run as often as wanted. ``freeze()`` leaves a plain
    snapshot in its place; so do the end of the feed and of the kernel. All of it raises ``FeedClosedError``
    when the feed is closed.
    """

    def monitor(self, *, updates_per_second: float | None = None, controls: bool = True) -> LiveView:
        """The dashboard: a card per broker, live quotes, orders per broker, incidents, bandwidth and savings.

        Parameters
        ----------
        updates_per_second
            Of all views of this feed, between 0.1 and 10; None leaves it as it is, 4 as shipped.
        controls
            With what can be set above it, as ``feed.controls()`` has it.

        Raises
        ------
        ValueError
            That many updates are not possible.
        """
        from dualbroker.notebook import views

        return views.open_monitor(self, updates_per_second, controls)

    def cards(self) -> LiveView:
        """A card per broker: state, role, ages, latency, bytes per second, what is wrong and what to do."""
        from dualbroker.notebook import views

        return views.open_cards(self)

    def quote_table(self, symbols: Symbols | None = None) -> LiveView:
        """The latest quotes of all that is subscribed, or of these instruments.

        Raises
        ------
        UnknownInstrumentError
            One was never subscribed here.
        """
        from dualbroker.notebook import views

        return views.open_quote_table(self, None if symbols is None else self._qualified_names(symbols))

    def order_table(self, broker: str | None = None) -> LiveView:
        """Orders, the newest first, each with its history; of all brokers or of one.

        Raises
        ------
        ConfigError
            No enabled broker bears that name.
        """
        from dualbroker.notebook import views

        return views.open_order_table(self, broker)

    def bandwidth_chart(self) -> LiveView:
        """Bytes per second now, beside what the naive plan would carry, and the total that was saved."""
        from dualbroker.notebook import views

        return views.open_bandwidth_chart(self)

    def chart(
        self,
        symbol: str | Instrument,
        candles: str | None = None,
        minutes: float | None = None,
        exchange: str | None = None,
    ) -> LiveView:
        """A rolling chart of one subscribed instrument.

        Parameters
        ----------
        candles
            The length of a candle, such as ``"1min"``, with the edges of ``feed.bars``; None draws a line of
            ticks.
        minutes
            How far back it reaches; None is 10 for a line, and 60 candles.

        Raises
        ------
        UnknownInstrumentError
            It was never subscribed here.
        ValueError
            The length can't be read.
        """
        from dualbroker.notebook import views

        return views.open_chart(self, self._names.index_of(symbol, exchange), candles, minutes)

    def controls(self) -> LiveView:
        """What a person sets: search and subscribe, the broker that carries quotes, the update rate."""
        from dualbroker.notebook import views

        return views.open_controls(self)

    def _qualified_names(self, symbols: Symbols) -> list[str]:
        store = self._manager.quotes
        named = [symbols] if isinstance(symbols, str | Instrument) else symbols
        return [store.instruments[self._names.index_of(name)].qualified_name for name in named]

    # A feed by itself

    def _ipython_display_(self) -> None:
        from dualbroker.notebook import views

        views.display_feed(self)

    def __repr__(self) -> str:
        if self.is_of_another_process:
            return f"<{self._words_elsewhere()}>"
        from dualbroker.notebook.feed_text import feed_text

        return feed_text(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"
