"""The part of a feed that is read: every frame, a fresh snapshot each."""

from __future__ import annotations

import warnings

import pandas as pd

from dualbroker.feed import frames
from dualbroker.feed.bars import Interval, auctions_within, bars_frame
from dualbroker.feed.running_feed import RunningFeed
from dualbroker.feed.savings import savings_frame
from dualbroker.model import FeedType, Instrument

__all__ = ["ReadingFeed"]


class ReadingFeed(RunningFeed):
    """Quotes, ticks, bars, depth, orders, brokers, bandwidth."""

    @property
    def quotes(self) -> pd.DataFrame:
        """The latest full quote of each subscribed instrument, indexed by symbol.

        ``attrs["passed_over"]`` counts ticks that no function of ``on_quote`` saw, because it was slower
        than the feed.
        """
        wanted = self._manager.wanted()
        quotes = frames.quotes_frame(self._manager.quotes, wanted)
        return self._stamp(quotes, passed_over=self._quote_callbacks.passed_over)

    def ticks(self, symbol: str | Instrument, exchange: str | None = None) -> pd.DataFrame:
        """Every tick of one instrument since it was subscribed, indexed by receive time.

        ``snapshot`` marks full quotes that acknowledged a subscription. ``attrs["dropped_rows"]`` counts
        ticks of all instruments that were dropped to keep the bound.

        Raises
        ------
        UnknownInstrumentError
            It was never subscribed here.
        """
        index = self._names.index_of(symbol, exchange)
        instrument = self._manager.quotes.instruments[index]
        ticks = frames.ticks_frame(self._manager.quotes, index)
        return self._stamp(
            ticks, symbol=instrument.qualified_name, dropped_rows=self._manager.quotes.dropped_rows
        )

    def bars(
        self, symbol: str | Instrument, interval: Interval = "1min", exchange: str | None = None
    ) -> pd.DataFrame:
        """Bars of one instrument: open, high, low, close, volume, labelled left, counted from 09:15.

        ``interval`` is text such as ``"1min"`` or a duration such as ``pd.Timedelta("1min")``. Indicative
        prices, of the pre-open session and the closing auction, are in none.

        Raises
        ------
        UnknownInstrumentError
            The instrument was never subscribed here.
        ValueError
            The interval can't be read, or is not between a millisecond and a day.
        """
        ticks = self.ticks(symbol, exchange)
        instrument = self._manager.quotes.instruments[self._names.index_of(symbol, exchange)]
        auctions = auctions_within(self._manager.market_hours, instrument.exchange, ticks)
        return self._stamp(bars_frame(ticks, interval, auctions))

    def depth(self, symbol: str | Instrument, exchange: str | None = None) -> pd.DataFrame:
        """Five levels of one instrument, the latest only.

        It is empty unless the instrument is subscribed with ``depth=True``; a warning and
        ``attrs["problem"]`` then say so.

        Raises
        ------
        UnknownInstrumentError
            The instrument was never subscribed here.
        """
        index = self._names.index_of(symbol, exchange)
        latest = self._manager.quotes.depth(index)
        problem = "" if latest is not None else self._why_no_depth(self._manager.quotes.instruments[index])
        if problem:
            warnings.warn(problem, stacklevel=2)
        return self._stamp(frames.depth_frame(None if latest is None else latest[1]), problem=problem)

    def _why_no_depth(self, instrument: Instrument) -> str:
        """What to do where no levels can come; empty where they are on their way."""
        if self._manager.wanted().get(instrument.key) is FeedType.DEPTH:
            return ""
        name = instrument.qualified_name
        return f"{name} is streamed without its levels; feed.subscribe({name!r}, depth=True) brings them"

    @property
    def orders(self) -> pd.DataFrame:
        """One row per (broker, order), latest state, the newest first.

        ``attrs["books_unread"]`` names brokers whose order book could not be read yet: of those an
        absent order means nothing.
        """
        orders = frames.orders_frame(self._manager.orders.snapshot())
        return self._stamp(orders, books_unread=self._books_unread())

    def _books_unread(self) -> list[str]:
        return [name for name, health in self._manager.health.items() if health.last_book_ns is None]

    @property
    def order_events(self) -> pd.DataFrame:
        """Every update of every order that said something new, in order of arrival."""
        events = frames.order_events_frame(self._manager.orders.events_snapshot())
        return self._stamp(events, dropped_events=self._manager.orders.dropped_events)

    @property
    def brokers(self) -> pd.DataFrame:
        """One row per broker: role, state, what is wrong, connection, traffic."""
        return self._stamp(frames.brokers_frame(self._manager.health, self._manager.bandwidth))

    @property
    def bandwidth(self) -> pd.DataFrame:
        """Bytes and messages of each second by broker and kind, for the last hour."""
        return self._stamp(frames.bandwidth_frame(self._manager.bandwidth))

    def savings(self) -> pd.DataFrame:
        """What the one-source plan saved so far: an estimate, and each figure says how it was obtained."""
        return self._stamp(savings_frame(self._manager.bandwidth, self._manager.streaming_brokers()))
