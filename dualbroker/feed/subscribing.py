"""The part of a feed that finds instruments and streams them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import date

import pandas as pd

from dualbroker.clock import ist
from dualbroker.feed import frames
from dualbroker.feed.names import instruments_meant, require_exchange
from dualbroker.feed.running_feed import RunningFeed
from dualbroker.model import Instrument

__all__ = ["SubscribingFeed"]

Symbols = str | Instrument | Sequence[str | Instrument] | pd.DataFrame


class SubscribingFeed(RunningFeed):
    """Subscriptions, search, and options around the money."""

    def subscribe(self, symbols: Symbols, exchange: str = "NFO", *, depth: bool = False) -> pd.DataFrame:
        """Stream instruments, from one broker only.

        Parameters
        ----------
        symbols
            One name or several: Noren's (``NIFTY29DEC26C26000``), Kite's (``NIFTY26DEC26000CE``),
            qualified ones (``NSE:RELIANCE``), plain index names (``NIFTY``); or a frame with the
            columns ``exchange`` and ``token``, such as ``feed.search`` gives.
        exchange
            Of names that do not say theirs.
        depth
            Five levels too, for ``feed.depth``.

        Returns
        -------
        DataFrame
            What was accepted: exchange, token, symbol, expiry, lot_size, quote_source, acknowledged
            (the broker has sent its first full quote).

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            With the closest matches; then nothing of the call is subscribed.
        ConnectionFailedError
            No broker carries quotes.
        """
        return self._call(self._subscribe(symbols, exchange, depth))

    def subscribe_async(
        self, symbols: Symbols, exchange: str = "NFO", *, depth: bool = False
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`subscribe`."""
        return self._call_async(self._subscribe(symbols, exchange, depth))

    async def _subscribe(self, symbols: Symbols, exchange: str, depth: bool) -> pd.DataFrame:
        require_exchange(symbols, exchange)
        meant = await self._meant(symbols)
        accepted = await self._manager.subscribe(meant, exchange, depth=depth)
        return self._stamp(frames.subscribed_frame(accepted))

    def unsubscribe(self, symbols: Symbols, exchange: str = "NFO") -> None:
        """Let go of instruments; those that somebody else holds stream on for them."""
        self._call(self._unsubscribe(symbols, exchange))

    def unsubscribe_async(self, symbols: Symbols, exchange: str = "NFO") -> Awaitable[None]:
        """The async twin of :meth:`unsubscribe`."""
        return self._call_async(self._unsubscribe(symbols, exchange))

    async def _unsubscribe(self, symbols: Symbols, exchange: str) -> None:
        require_exchange(symbols, exchange)
        await self._manager.unsubscribe(await self._meant(symbols), exchange)

    def subscribe_orders(self) -> pd.DataFrame:
        """Stream whatever has an order at any broker, so that its price is known at the fill.

        New orders are followed until :meth:`unsubscribe_orders`. What you subscribe yourself is held apart
        from it. Orders of the newest trading day count, and older ones that are not final.

        Returns
        -------
        DataFrame
            What is streamed for it by now, with the columns of :meth:`subscribe`.

        Raises
        ------
        ConnectionFailedError
            No broker carries quotes.
        """
        return self._call(self._subscribe_orders())

    def subscribe_orders_async(self) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`subscribe_orders`."""
        return self._call_async(self._subscribe_orders())

    async def _subscribe_orders(self) -> pd.DataFrame:
        return self._stamp(frames.subscribed_frame(await self._manager.subscribe_orders()))

    def unsubscribe_orders(self) -> None:
        """Follow the orders no longer; what is subscribed otherwise streams on."""
        self._call(self._manager.unsubscribe_orders())

    def unsubscribe_orders_async(self) -> Awaitable[None]:
        """The async twin of :meth:`unsubscribe_orders`."""
        return self._call_async(self._manager.unsubscribe_orders())

    async def _meant(self, symbols: Symbols) -> list[str | Instrument]:
        meant = instruments_meant(symbols)
        keys = [each for each in meant if isinstance(each, tuple)]
        if keys:
            return [*await self._manager.known_instruments(keys)]
        return [each for each in meant if not isinstance(each, tuple)]

    def search(self, words: str, *, exchange: str | None = None, limit: int = 20) -> pd.DataFrame:
        """Instruments that all the words fit, the nearest expiry first: ``search("nifty 26000 ce")``.

        Searches NSE and NFO, and the exchanges that subscriptions, orders or the words themselves touch,
        unless one is told. ``attrs["searched"]`` names them, ``attrs["not_searched"]`` those whose symbol
        master could not be had, with the reason. Columns: exchange, token, symbol, name, kind, expiry,
        strike, option_type, lot_size, tick_size, ltp (rupees; NaN unless it is streamed).
        """
        return self._call(self._search(words, exchange, limit))

    def search_async(
        self, words: str, *, exchange: str | None = None, limit: int = 20
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`search`."""
        return self._call_async(self._search(words, exchange, limit))

    async def _search(self, words: str, exchange: str | None, limit: int) -> pd.DataFrame:
        found = await self._manager.find(words, exchange=exchange, limit=limit)
        return self._stamp(
            self._instruments(found.instruments),
            searched=found.searched,
            not_searched=found.not_searched,
        )

    def options_around(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> pd.DataFrame:
        """Calls and puts of the strikes nearest to the underlying's last price, ready for ``subscribe``.

        ``expiry`` 0 is the nearest one, 1 the next; or it is the day, a date or a text such as
        ``2030-01-31``. ``strikes`` counts each side of the one at the money.
        """
        return self._call(self._options_around(underlying, expiry, strikes))

    def options_around_async(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`options_around`."""
        return self._call_async(self._options_around(underlying, expiry, strikes))

    async def _options_around(self, underlying: str, expiry: int | date | str, strikes: int) -> pd.DataFrame:
        found = await self._manager.options_around(underlying, expiry=expiry, strikes=strikes)
        return self._stamp(self._instruments(found))

    def _instruments(self, found: Sequence[Instrument]) -> pd.DataFrame:
        manager = self._manager
        today = ist(manager.clock.now_ns()).date()
        return frames.instruments_frame(found, manager.quotes, manager.wanted(), today)
