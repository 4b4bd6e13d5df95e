"""The handle a person holds: sync calls from any cell and thread, an async twin for each that waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from dualbroker.config.schema import Config
from dualbroker.errors import FeedClosedError
from dualbroker.feed import frames
from dualbroker.feed.bars import bars_frame
from dualbroker.feed.callbacks import OrderCallbacks, QuoteCallbacks
from dualbroker.feed.columns import ZONE
from dualbroker.feed.loop_thread import LoopThread
from dualbroker.feed.names import SymbolNames, instruments_meant
from dualbroker.feed.savings import savings_frame
from dualbroker.manager import WebSocketManager
from dualbroker.model import Instrument, Quote, Role
from dualbroker.stores.orders import OrderEvent

if TYPE_CHECKING:
    from dualbroker.notebook.panel import Panel

__all__ = ["Feed"]

T = TypeVar("T")

STOP_TIMEOUT_S = 10.0
SEARCHED = ("NSE", "NFO")

Symbols = str | Instrument | Sequence[str | Instrument] | pd.DataFrame


class Feed:
    """A running feed: quotes from one broker, orders from every broker.

    Made by :func:`dualbroker.connect` and :func:`dualbroker.demo`. Every frame is a fresh snapshot,
    the user's own to edit; ``attrs["as_of"]`` says of when (ISO 8601, Indian time) and
    ``attrs["mode"]`` is SIMULATED or LIVE. Methods that wait have a twin ending in ``_async``.
    """

    def __init__(self, config: Config, *, on_closed: Callable[[Feed], None] | None = None) -> None:
        self._config = config
        self._on_closed = on_closed
        self._manager = WebSocketManager(config)
        self._quote_callbacks = QuoteCallbacks(self._manager.quotes)
        self._order_callbacks = OrderCallbacks()
        self._manager.order_listeners.append(self._order_callbacks.put)
        self._closing = threading.Lock()
        self._closed = False
        self._names = SymbolNames(self._manager.quotes, self._manager.masters.instruments)
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

    def _require_open(self, work: Coroutine[Any, Any, Any]) -> None:
        if self._closed:
            work.close()
            raise FeedClosedError("the feed is closed; dualbroker.connect() opens a new one")

    def _stamp(self, table: pd.DataFrame, **more: object) -> pd.DataFrame:
        as_of_ns = self._manager.clock.now_ns()
        # Text, for a frame's attrs go into the files that it is saved to.
        table.attrs["as_of"] = pd.Timestamp(as_of_ns, tz="UTC").tz_convert(ZONE).isoformat()
        table.attrs["mode"] = self.mode
        table.attrs.update(more)
        return table

    # What runs

    @property
    def config(self) -> Config:
        """The config it was made from."""
        return self._config

    @property
    def manager(self) -> WebSocketManager:
        """The async core, which lives on the feed's own loop."""
        return self._manager

    @property
    def mode(self) -> str:
        """``SIMULATED`` when prices and orders come from the simulator, else ``LIVE``."""
        return "SIMULATED" if self._config.is_simulated else "LIVE"

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None before one has logged in."""
        return self._manager.primary

    @property
    def closed(self) -> bool:
        return self._closed

    # Instruments and subscriptions

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
        meant = instruments_meant(symbols, self._manager.masters.instruments)
        accepted = await self._manager.subscribe(meant, exchange, depth=depth)
        return self._stamp(frames.subscribed_frame(accepted))

    def unsubscribe(self, symbols: Symbols, exchange: str = "NFO") -> None:
        """Let go of instruments; those that somebody else holds stream on for them."""
        self._call(self._unsubscribe(symbols, exchange))

    def unsubscribe_async(self, symbols: Symbols, exchange: str = "NFO") -> Awaitable[None]:
        """The async twin of :meth:`unsubscribe`."""
        return self._call_async(self._unsubscribe(symbols, exchange))

    async def _unsubscribe(self, symbols: Symbols, exchange: str) -> None:
        meant = instruments_meant(symbols, self._manager.masters.instruments)
        await self._manager.unsubscribe(meant, exchange)

    def search(self, words: str, *, exchange: str | None = None, limit: int = 20) -> pd.DataFrame:
        """Instruments that all the words fit, the nearest expiry first: ``search("nifty 26000 ce")``.

        Searches NSE and NFO unless an exchange is named. Columns: exchange, token, symbol, name, kind,
        expiry, strike, option_type, lot_size, tick_size.
        """
        return self._call(self._search(words, exchange, limit))

    def search_async(
        self, words: str, *, exchange: str | None = None, limit: int = 20
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`search`."""
        return self._call_async(self._search(words, exchange, limit))

    async def _search(self, words: str, exchange: str | None, limit: int) -> pd.DataFrame:
        exchange = None if exchange is None else exchange.upper()
        for wanted in SEARCHED if exchange is None else (exchange,):
            await self._manager.load_master(wanted)
        found = self._manager.masters.instruments.search(words, exchange=exchange, limit=limit)
        return self._stamp(frames.instruments_frame(found))

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
        return self._stamp(frames.instruments_frame(found))

    # Frames

    @property
    def quotes(self) -> pd.DataFrame:
        """The latest full quote of each subscribed instrument, indexed by symbol.

        ``attrs["passed_over"]`` counts ticks that no function of ``on_quote`` saw, because it was slower
        than the feed.
        """
        wanted = self._manager.subscriptions.book.wanted()
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
        self, symbol: str | Instrument, interval: str = "1min", exchange: str | None = None
    ) -> pd.DataFrame:
        """Bars of one instrument: open, high, low, close, volume, labelled left, counted from 09:15."""
        return self._stamp(bars_frame(self.ticks(symbol, exchange), interval))

    def depth(self, symbol: str | Instrument, exchange: str | None = None) -> pd.DataFrame:
        """Five levels of one instrument, the latest only; empty unless subscribed with ``depth=True``."""
        latest = self._manager.quotes.depth(self._names.index_of(symbol, exchange))
        return self._stamp(frames.depth_frame(None if latest is None else latest[1]))

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
        streaming = [name for name, b in self._manager.brokers.items() if b.config.orders == "stream"]
        return self._stamp(savings_frame(self._manager.bandwidth, streaming))

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

    # The end

    def close(self) -> None:
        """Close all sockets and end the feed's thread; safe to call twice. Broker sessions live on."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._quote_callbacks.close()
        self._order_callbacks.close()
        try:
            if self._thread.is_running:
                self._thread.submit(self._manager.stop()).result(STOP_TIMEOUT_S)
        finally:
            self._thread.stop()
            if self._on_closed is not None:
                self._on_closed(self)

    async def close_async(self) -> None:
        """The async twin of :meth:`close`."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

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
        held = len(self._manager.subscriptions.book.wanted())
        return (
            f"<dualbroker feed · {self.mode} · {self._words()} · {held} instruments · "
            f"{store.tick_count} ticks · {len(self._manager.orders.states)} orders>"
        )

    def _repr_html_(self) -> str:
        shown = self.brokers[["role", "state", "problem", "last_quote", "last_order", "reconnects"]]
        path = self._config.path
        origin = f"config: {escape(str(path))}" if path is not None else "made in code, without a config file"
        return f"<p><b>{escape(repr(self).strip('<>'))}</b><br>{origin}</p>{shown.to_html()}"
