"""The handle a person holds: sync calls from any cell and thread, an async twin for each that waits."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pandas as pd

from dualbroker.clock import ist
from dualbroker.config.schema import Config
from dualbroker.desk.accounting import METHODS, Method
from dualbroker.errors import ArgumentError
from dualbroker.feed.chains import Chains, OptionChain
from dualbroker.feed.exporting import Exported, reporting, target_of, write_workbook
from dualbroker.feed.names import SymbolNames, instruments_meant, require_exchange
from dualbroker.feed.runtime import Runtime
from dualbroker.feed.simulator import SimulatorHandle
from dualbroker.forking import BoundToProcess
from dualbroker.frames import desk_frames, frames
from dualbroker.frames.bars import Interval, auctions_within, bars_frame, interval_ns
from dualbroker.frames.comparison import comparison_frame
from dualbroker.frames.savings import savings_frame
from dualbroker.frames.workbook import EXCEL_ROWS, import_xlsxwriter
from dualbroker.manager.source import FeedSource
from dualbroker.model import FeedType, Instrument, Quote
from dualbroker.stores.orders import OrderEvent

if TYPE_CHECKING:
    from dualbroker.notebook.live.live_view import LiveView

__all__ = ["Feed"]

T = TypeVar("T")
PROGRESS_EVERY_S = 0.5
Symbols = str | Instrument | Sequence[str | Instrument] | pd.DataFrame


class Feed(BoundToProcess):
    """A running feed: quotes from one broker, orders from every broker.

    Made by :func:`dualbroker.connect` and :func:`dualbroker.demo`. Every frame is a fresh snapshot,
    the user's own to edit; ``attrs["as_of"]`` says of when (ISO 8601, Indian time) and
    ``attrs["mode"]`` is SIMULATED or LIVE. Methods that wait have a twin ending in ``_async``.

    Parameters
    ----------
    make_source
        Makes what runs the brokers, or what is attached to it.
    on_closed
        Called with the feed once it is closed.
    """

    def __init__(
        self, make_source: Callable[[], FeedSource], *, on_closed: Callable[[Feed], None] | None = None
    ) -> None:
        self._on_closed = on_closed
        try:
            self._runtime = Runtime(make_source)
        except BaseException:
            if on_closed is not None:
                on_closed(self)
            raise
        self._manager = self._runtime.manager
        self._names = SymbolNames(self._manager)
        self._chains = Chains(self._runtime)

    # What runs

    @property
    def config(self) -> Config:
        """The config it was made from.

        Raises
        ------
        ConfigError
            It is the feed of a running service, whose config stays there.
        """
        return self._manager.config

    @property
    def manager(self) -> FeedSource:
        """The async core, which lives on the feed's own loop: a ``WebSocketManager``, unless the brokers
        are run by a service elsewhere."""
        return self._manager

    @property
    def mode(self) -> str:
        """``SIMULATED`` when prices and orders come from the simulator, else ``LIVE``."""
        return self._runtime.mode

    @property
    def primary(self) -> str | None:
        """Name of the broker that carries quotes; None before one has logged in."""
        return self._runtime.primary

    @property
    def closed(self) -> bool:
        """True also in a forked child of the process that it runs in: there nothing can be read of it."""
        return self.is_of_another_process or self._runtime.closed

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine, such as one of ``feed.manager``, on the feed's own loop; does not wait.

        Raises
        ------
        FeedClosedError
            The feed is closed.
        """
        return self._runtime.submit(work)

    # Instruments, and what is streamed

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
        return self._runtime.call(self._subscribe(symbols, exchange, depth))

    def subscribe_async(
        self, symbols: Symbols, exchange: str = "NFO", *, depth: bool = False
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`subscribe`."""
        return self._runtime.call_async(self._subscribe(symbols, exchange, depth))

    async def _subscribe(self, symbols: Symbols, exchange: str, depth: bool) -> pd.DataFrame:
        require_exchange(symbols, exchange)
        meant = await self._meant(symbols)
        accepted = await self._manager.subscribe(meant, exchange, depth=depth)
        return self._runtime.stamp(frames.subscribed_frame(accepted))

    def unsubscribe(self, symbols: Symbols, exchange: str = "NFO") -> None:
        """Release instruments; those that somebody else holds stream on for them."""
        self._runtime.call(self._unsubscribe(symbols, exchange))

    def unsubscribe_async(self, symbols: Symbols, exchange: str = "NFO") -> Awaitable[None]:
        """The async twin of :meth:`unsubscribe`."""
        return self._runtime.call_async(self._unsubscribe(symbols, exchange))

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
        return self._runtime.call(self._subscribe_orders())

    def subscribe_orders_async(self) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`subscribe_orders`."""
        return self._runtime.call_async(self._subscribe_orders())

    async def _subscribe_orders(self) -> pd.DataFrame:
        return self._runtime.stamp(frames.subscribed_frame(await self._manager.subscribe_orders()))

    def unsubscribe_orders(self) -> None:
        """Follow the orders no longer; what is subscribed otherwise streams on."""
        self._runtime.call(self._manager.unsubscribe_orders())

    def unsubscribe_orders_async(self) -> Awaitable[None]:
        """The async twin of :meth:`unsubscribe_orders`."""
        return self._runtime.call_async(self._manager.unsubscribe_orders())

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
        return self._runtime.call(self._search(words, exchange, limit))

    def search_async(
        self, words: str, *, exchange: str | None = None, limit: int = 20
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`search`."""
        return self._runtime.call_async(self._search(words, exchange, limit))

    async def _search(self, words: str, exchange: str | None, limit: int) -> pd.DataFrame:
        found = await self._manager.find(words, exchange=exchange, limit=limit)
        return self._runtime.stamp(
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
        return self._runtime.call(self._options_around(underlying, expiry, strikes))

    def options_around_async(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 5
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`options_around`."""
        return self._runtime.call_async(self._options_around(underlying, expiry, strikes))

    async def _options_around(self, underlying: str, expiry: int | date | str, strikes: int) -> pd.DataFrame:
        found = await self._manager.options_around(underlying, expiry=expiry, strikes=strikes)
        return self._runtime.stamp(self._instruments(found))

    def _instruments(self, found: Sequence[Instrument]) -> pd.DataFrame:
        manager = self._manager
        today = ist(manager.clock.now_ns()).date()
        return frames.instruments_frame(found, manager.quotes, manager.wanted(), today)

    def chain(self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 10) -> OptionChain:
        """Calls and puts of the strikes around the money, streamed and kept around it as the price moves.

        The same arguments give the same chain, so a cell can be run again. Several chains, and what you
        subscribed yourself, do not disturb each other.

        Parameters
        ----------
        underlying
            An index or a share with options: ``NIFTY``, ``RELIANCE``. Or what is not listed itself, as in
            a recorded day that has options only, or a commodity (``MCX:CRUDEOIL``): then the money is where
            calls and puts imply it.
        expiry
            0 is the nearest, 1 the next, and it stays that when a series expires; or the day, a date or a
            text such as ``2030-01-31``, and the chain ends with it. The symbol master knows which there are.
        strikes
            How many on each side of the one at the money, 1 or more.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            No such underlying or expiry; the message lists the nearest.
        RequestRefusedError
            The broker knows no price of the underlying.
        ConnectionFailedError
            No broker carries quotes.
        """
        return self._runtime.call(self._chains.open(underlying, expiry, strikes))

    def chain_async(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 10
    ) -> Awaitable[OptionChain]:
        """The async twin of :meth:`chain`."""
        return self._runtime.call_async(self._chains.open(underlying, expiry, strikes))

    # What is known: a frame each

    @property
    def quotes(self) -> pd.DataFrame:
        """The latest full quote of each subscribed instrument, indexed by symbol.

        ``attrs["passed_over"]`` counts ticks that no function of ``on_quote`` saw, because it was slower
        than the feed.
        """
        wanted = self._manager.wanted()
        quotes = frames.quotes_frame(self._manager.quotes, wanted)
        return self._runtime.stamp(quotes, passed_over=self._runtime.quote_callbacks.passed_over)

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
        return self._runtime.stamp(
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
        return self._runtime.stamp(bars_frame(ticks, interval, auctions))

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
        return self._runtime.stamp(frames.depth_frame(None if latest is None else latest[1]), problem=problem)

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
        return self._runtime.stamp(orders, books_unread=self._books_unread())

    def _books_unread(self) -> list[str]:
        return [name for name, health in self._manager.health.items() if health.last_book_ns is None]

    @property
    def order_events(self) -> pd.DataFrame:
        """Every update of every order that said something new, in order of arrival."""
        events = frames.order_events_frame(self._manager.orders.events_snapshot())
        return self._runtime.stamp(events, dropped_events=self._manager.orders.dropped_events)

    # The desk: what every account holds, and what it is worth

    @property
    def positions(self) -> pd.DataFrame:
        """One row per account, instrument and product, marked by the one price stream.

        Quantities are units, below zero when short; profits rupees before charges, pooled by day and by
        entry price; ``day_mtm`` counts what is carried from its last settlement. The broker's own figures,
        as of the read, are in the columns ``broker_...``. Between two reads the fills of the order stream
        keep it exact. After a failed read the rows stay: ``doubt`` says why they may be old, ``old_since``
        since when. ``attrs["unread"]`` names brokers whose positions are not known, with the reason: of
        those an absent row means nothing.
        """
        desk = self._manager.desk
        return self._runtime.stamp(desk_frames.positions_frame(desk.positions()), unread=desk.unread())

    @property
    def holdings(self) -> pd.DataFrame:
        """One row per account and share in the depository: T1 and pledged units in it, once.

        Units, and rupees before charges. A share on NSE and BSE is one row with one mark.
        """
        return self._runtime.stamp(desk_frames.holdings_frame(self._manager.desk.holdings()))

    @property
    def limits(self) -> pd.DataFrame:
        """Cash and margin of every account, indexed by broker, in rupees, in one set of words.

        ``available_how`` says whether ``margin_available`` is the broker's figure or computed, and from what.
        What a broker does not state is NaN.
        """
        return self._runtime.stamp(desk_frames.limits_frame(self._manager.desk.limits()))

    @property
    def trades(self) -> pd.DataFrame:
        """Every fill of the brokers' day, of all accounts, oldest first; units and rupees."""
        return self._runtime.stamp(desk_frames.trades_frame(self._manager.desk.trades()))

    @property
    def fills(self) -> pd.DataFrame:
        """Every fill of the day with the quote that was in force: bid, ask, LTP, and its age in seconds.

        ``slippage`` is rupees a unit paid above the ask or got below the bid. Of a fill of which only the
        broker's second is known (``to_the_second``), the quote is the last one before that second. NaN where
        no tick of then is kept.
        """
        return self._runtime.stamp(desk_frames.fills_frame(self._manager.desk.fills()))

    @property
    def pnl(self) -> pd.DataFrame:
        """Profit of all positions by account, by underlying over all accounts, and in all.

        Rupees before charges. The sums of an option and of its future stand under the same underlying.
        A row that is not ``complete`` leaves something out (``unknown`` counts it) or is in doubt.
        ``attrs["unread"]`` as in :attr:`positions`.
        """
        desk = self._manager.desk
        return self._runtime.stamp(desk_frames.pnl_frame(desk.profit()), unread=desk.unread())

    def pnl_check(self, method: Method = "pooled") -> pd.DataFrame:
        """Our profit of each position beside its broker's, and the rule that explains the difference.

        The broker's rule is computed again, from fills and with the last price of its row: ``explained`` is
        true only where that gives the broker's figure to half a paisa a unit (at least five paise). ``rule``
        says by what ours differs: the price of another moment, the last settlement or the entry, the
        multiplier, or FIFO; else it is "unexplained", which is in ``feed.incidents``, too.

        Parameters
        ----------
        method
            How ours is divided into realised and unrealised, ``"pooled"`` by day or ``"fifo"``; the sum is
            the same.

        Raises
        ------
        ValueError
            It is neither of them.
        """
        if method not in METHODS:
            raise ArgumentError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
        desk = self._manager.desk
        return self._runtime.stamp(desk_frames.pnl_check_frame(desk.check(method)), unread=desk.unread())

    @property
    def pnl_curve(self) -> pd.DataFrame:
        """The day's profit of each account, one point a second while the market is open, indexed by time."""
        points = list(self._manager.desk_books.curve)
        return self._runtime.stamp(desk_frames.pnl_curve_frame(points))

    @property
    def stops(self) -> pd.DataFrame:
        """Every living stop order with what it covers, and every position of which no stop is seen.

        ``distance`` is in rupees, below zero once the price is past the trigger. What is in no order book (a
        GTT, an OCO, a program's own stop) is not seen, and where an order book was not read, the state is
        "not read".
        """
        desk = self._manager.desk
        return self._runtime.stamp(desk_frames.stops_frame(desk.stops()), unread=desk.unread())

    def mirror(
        self,
        first: str | None = None,
        second: str | None = None,
        *,
        window: float = 5.0,
        ratio: float | None = None,
    ) -> pd.DataFrame:
        """The same order in two accounts: which is missing or rejected, by what price and time they differ.

        Parameters
        ----------
        first, second
            Names of the brokers; the first two unless told.
        window
            Seconds that two of a pair may be apart. Brokers tell times in whole seconds.
        ratio
            Units of the second for each of the first; None takes whatever a pair has.

        Raises
        ------
        ValueError
            There is no such broker, or there are not two.
        """
        found = self._manager.desk.mirror(first, second, window_s=window, ratio=ratio)
        return self._runtime.stamp(desk_frames.mirror_frame(*found))

    @property
    def brokers(self) -> pd.DataFrame:
        """One row per broker: role, state, what is wrong, connection, traffic."""
        return self._runtime.stamp(frames.brokers_frame(self._manager.health, self._manager.bandwidth))

    @property
    def bandwidth(self) -> pd.DataFrame:
        """Bytes and messages of each second by broker and kind, for the last hour."""
        return self._runtime.stamp(frames.bandwidth_frame(self._manager.bandwidth))

    def savings(self) -> pd.DataFrame:
        """What the one-source plan saved so far: an estimate, and each figure says how it was obtained."""
        return self._runtime.stamp(savings_frame(self._manager.bandwidth, self._manager.streaming_brokers()))

    # What went wrong, and what mends it

    @property
    def failovers(self) -> pd.DataFrame:
        """One row per change of the broker that carries quotes, in order, planned ones too.

        Columns: number, time, from_broker, to_broker, why, planned, detected_after (from the last sign of
        the old source's quotes to the decision; NaN for a planned one, and where the old source failed
        before it had taken over itself), instruments (to be moved), gap_p50, gap_p99, gap_max (from the last
        quote before it to each instrument's first of the new source), uncovered (instruments that the new
        broker does not bring; ``feed.gaps`` names them), finished. Seconds, as float64.
        ``attrs["dropped_failovers"]`` counts older ones that are no longer kept.
        """
        store = self._manager.incidents
        table = frames.failovers_frame(store.failovers_snapshot())
        return self._runtime.stamp(table, dropped_failovers=store.dropped_failovers)

    @property
    def assignment(self) -> pd.DataFrame:
        """Who carries each subscribed instrument, and why; indexed by symbol.

        Columns: exchange, token, broker_name (who streams it, or is about to; missing where nobody does),
        streaming (that broker's quotes count, and its socket serves), group (an underlying's expiry, or the
        share itself: with ``quotes: balanced`` it stays with one broker), why (in words).
        """
        manager = self._manager
        return self._runtime.stamp(
            frames.assignment_frame(
                manager.quotes, manager.wanted(), manager.source_of, manager.why_source, manager.serves
            )
        )

    def gaps(self, number: int | None = None) -> pd.DataFrame:
        """The gap of each instrument in one failover, or with None in every one that is kept.

        Columns: number (of the failover), symbol, exchange, token, from_broker, to_broker, gap (seconds),
        covered. An instrument that the new broker does not bring is not covered, and its gap is NaN.

        Raises
        ------
        ValueError
            No failover that is kept has the number.
        """
        kept = self._manager.incidents.failovers_snapshot()
        wanted = [failover for failover in kept if number in (None, failover.number)]
        if number is not None and not wanted:
            known = f"{kept[0].number} to {kept[-1].number}" if kept else "none yet"
            raise ArgumentError(f"number: expected one of feed.failovers ({known}), found {number!r}")
        return self._runtime.stamp(frames.gaps_frame(wanted, self._manager.quotes))

    @property
    def incidents(self) -> pd.DataFrame:
        """Everything that went wrong, in order: number, time, broker_name, cause, action.

        ``cause`` says what happened, ``action`` what was done about it or what a person should do;
        ``broker_name`` is NaN where it is about the feed as a whole. ``attrs["dropped_incidents"]`` counts
        older ones that are no longer kept.
        """
        store = self._manager.incidents
        table = frames.incidents_frame(store.incidents_snapshot())
        return self._runtime.stamp(table, dropped_incidents=store.dropped_incidents)

    @property
    def alerts(self) -> pd.DataFrame:
        """What a person was told, in order: number, time, state, rule, broker_name, symbol, words.

        ``state`` is raised, resolved, event or test. ``attrs["dropped_alerts"]`` counts older ones that
        are no longer kept. The section ``alerts`` of config.yaml says what is told and where it is sent.
        """
        store = self._manager.alerts
        return self._runtime.stamp(frames.alerts_frame(store.snapshot()), dropped_alerts=store.dropped)

    def alert(self, what: str, *, above: float | None = None, below: float | None = None) -> None:
        """Be told of a price, or of one more rule, until the feed closes.

        Parameters
        ----------
        what
            An instrument (which is streamed for it) with ``above`` or ``below``; or one of ``reject``,
            ``fill``, ``broker_down``, ``login_needed``, ``failover``.
        above, below
            Rupees: told when a trade is at the price or beyond it, in continuous trading.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            There is no such instrument.
        ValueError
            Neither a rule, nor an instrument with one level.
        """
        self._runtime.call(self._manager.add_alert(what, above, below))

    def alert_async(
        self, what: str, *, above: float | None = None, below: float | None = None
    ) -> Awaitable[None]:
        """The async twin of :meth:`alert`."""
        return self._runtime.call_async(self._manager.add_alert(what, above, below))

    def remove_alert(self, what: str) -> int:
        """Be told of a rule, or of an instrument's prices, no longer; how many alerts that were."""
        return self._runtime.call(self._manager.remove_alert(what))

    def remove_alert_async(self, what: str) -> Awaitable[int]:
        """The async twin of :meth:`remove_alert`."""
        return self._runtime.call_async(self._manager.remove_alert(what))

    def test_alerts(self) -> pd.DataFrame:
        """Send a test message to each target of ``alerts.send_to`` now; one row for each: what came of it.

        It also stands in :attr:`alerts`. Waits until each target has taken it, or failed to.
        """
        return self._runtime.call(self._test_alerts())

    def test_alerts_async(self) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`test_alerts`."""
        return self._runtime.call_async(self._test_alerts())

    async def _test_alerts(self) -> pd.DataFrame:
        return self._runtime.stamp(frames.delivered_frame(await self._manager.test_alerts()))

    def set_quote_source(self, broker_name: str) -> pd.DataFrame:
        """Let a broker carry the quotes from now on, and again after every failover away from it.

        It streams an instrument before the old source is told to stop, so that no tick is lost or counted
        twice. ``"auto"`` leaves the choice to what is measured, and moves nothing by itself.

        Returns
        -------
        DataFrame
            The hand-over's row of ``feed.failovers``; no row when nothing had to be moved. What the broker
            does not know or acknowledge stays where it was; ``feed.gaps`` names it.

        Raises
        ------
        ConfigError
            No enabled broker that streams has that name; the message lists those that do.
        ConnectionFailedError
            It is not connected, so the quotes stay where they are.
        """
        return self._runtime.call(self._set_quote_source(broker_name))

    def set_quote_source_async(self, broker_name: str) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`set_quote_source`."""
        return self._runtime.call_async(self._set_quote_source(broker_name))

    async def _set_quote_source(self, broker_name: str) -> pd.DataFrame:
        failover = await self._manager.set_quote_source(broker_name)
        return self._runtime.stamp(frames.failovers_frame([] if failover is None else [failover]))

    def reconnect(self, broker_name: str) -> None:
        """Give a broker's connection up and open another, also where it is parked or another program has it.

        Returns at once; ``feed.brokers`` says how it goes on.

        Raises
        ------
        ConfigError
            No enabled broker has that name.
        """
        self._runtime.call(self._reconnect(broker_name))

    def reconnect_async(self, broker_name: str) -> Awaitable[None]:
        """The async twin of :meth:`reconnect`."""
        return self._runtime.call_async(self._reconnect(broker_name))

    async def _reconnect(self, broker_name: str) -> None:
        await self._manager.reconnect(broker_name)

    def reconcile(self, broker: str | None = None) -> pd.DataFrame:
        """Read the books of one broker, or of every broker, now, and make the orders equal to them.

        It happens by itself on each connection and every ``orders.reconcile_every`` seconds; what it
        changes is in ``feed.order_events`` with the source "reconcile".

        Returns
        -------
        DataFrame
            One row per broker: time (when the order book was asked for), read (whether it could be read
            and believed), orders and fills (in its books; <NA> where they could not be read), changes
            (order events it brought), seconds (it took), problem (in words, empty when there is none).
            Nothing that is known is changed by a book that could not be read.

        Raises
        ------
        ConfigError
            No enabled broker has that name.
        """
        return self._runtime.call(self._reconcile(broker))

    def reconcile_async(self, broker: str | None = None) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`reconcile`."""
        return self._runtime.call_async(self._reconcile(broker))

    async def _reconcile(self, broker: str | None) -> pd.DataFrame:
        return self._runtime.stamp(frames.reconciled_frame(await self._manager.reconcile(broker)))

    def compare_brokers(
        self, seconds: float = 60.0, *, progress: Callable[[float, str], None] | bool = True
    ) -> pd.DataFrame:
        """Measure which broker shows the same trades first, and which leaves some out.

        For so long, the liveliest of the subscribed instruments are streamed by every connected broker; each
        keeps its one source, and nothing of the others' quotes gets into frames. Their bytes are counted as
        ``probe``. Real brokers send an instrument about once a second: a minute shows lags of a tenth of a
        second, ten minutes those of some hundredths.

        Parameters
        ----------
        seconds
            1 to 3600.
        progress
            Whether a bar is shown meanwhile, or whom to tell instead: the part that is done (0 to 1), words.

        Returns
        -------
        DataFrame
            One row per broker; see ``docs/comparing-brokers.md``. ``attrs["words"]`` has a line for each.

        Raises
        ------
        ArgumentError
            The time is out of bounds.
        RequestRefusedError
            A comparison is under way, or nothing is streamed that could be compared.
        ConnectionFailedError
            Fewer than two brokers can stream now.
        """
        self._runtime.call(self._manager.begin_comparison(seconds))
        end_s = time.monotonic() + seconds
        done = "the brokers are compared"
        with reporting(progress, f"comparing brokers for {seconds:g} s", done) as report:
            while (left_s := end_s - time.monotonic()) > 0:
                report(1 - left_s / seconds, "")
                time.sleep(min(PROGRESS_EVERY_S, left_s))
        return self.comparison()

    def compare_brokers_async(self, seconds: float = 60.0) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`compare_brokers`."""
        return self._runtime.call_async(self._compare_brokers(seconds))

    async def _compare_brokers(self, seconds: float) -> pd.DataFrame:
        await self._manager.begin_comparison(seconds)
        await asyncio.sleep(seconds)
        return await self._comparison()

    def comparison(self) -> pd.DataFrame:
        """What :meth:`compare_brokers` found last; else, with ``referee`` in the config, the day so far.

        Raises
        ------
        RequestRefusedError
            Nothing was compared yet.
        """
        return self._runtime.call(self._comparison())

    def comparison_async(self) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`comparison`."""
        return self._runtime.call_async(self._comparison())

    async def _comparison(self) -> pd.DataFrame:
        return self._runtime.stamp(comparison_frame(await self._manager.comparison()))

    @property
    def simulator(self) -> SimulatorHandle | None:
        """Breaks the built-in simulated brokers on purpose; None where brokers are real."""
        if self._manager.simulator is None:
            return None
        return SimulatorHandle(self._manager, self._runtime.call, self._runtime.call_async)

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
            self._manager.quote_listeners.append(self._runtime.quote_callbacks.wake)
        self._runtime.quote_callbacks.add(function)
        return function

    def on_order(self, function: Callable[[OrderEvent], object]) -> Callable[[OrderEvent], object]:
        """Call a function with each order event, in order, on a thread of its own; none is left out.

        Coroutine functions are awaited, as with :meth:`on_quote`.

        Raises
        ------
        CallbackError
            It can't be called with one argument.
        """
        self._runtime.order_callbacks.add(function)
        return function

    def remove_callback(self, function: Callable[..., object]) -> bool:
        """Call a function no longer; whether it was being called."""
        quote = self._runtime.quote_callbacks.remove(function)
        order = self._runtime.order_callbacks.remove(function)
        return quote or order

    # Files

    def export(
        self,
        path: Path | str,
        *,
        bars: str = "1min",
        ticks: int = EXCEL_ROWS,
        progress: Callable[[float, str], None] | bool = True,
    ) -> pd.DataFrame:
        """Write quotes, ticks, bars, orders, brokers, savings and incidents into an Excel workbook.

        The first sheet says what it is: SIMULATED or LIVE, as of when, in which units, and what was left
        out. Times are naive Indian wall time to the millisecond, ids and tokens are text, unknown cells are
        empty, and no text is taken for a formula. What is there under that name is replaced at the end.

        Parameters
        ----------
        path
            A name ending in ``.xlsx``.
        bars
            The bars' length.
        ticks
            The newest ticks at most; a sheet holds 1,048,575 rows.
        progress
            Shows how far it is where there is much to write; False does not; or a function that is told the
            part of the work (0 to 1) and what is written.

        Returns
        -------
        DataFrame
            The sheets: ``rows`` written, ``left_out`` (had come, and is not in it), ``what``; indexed by
            ``sheet``. ``attrs["path"]`` says where.

        Raises
        ------
        ValueError
            The name ends otherwise, or the bars' length can't be read.
        ImportError
            The library that writes workbooks is not installed; the message says how to have it.
        OSError
            The file can't be written, for one because it is open in Excel.
        """
        target = target_of(path)
        interval_ns(bars)
        import_xlsxwriter()
        store = self._manager.quotes
        subscribed = [index for key in self._manager.wanted() if (index := store.index_of(key)) is not None]
        known = Exported(
            mode=self.mode,
            primary=self.primary,
            store=store,
            frames={
                "quotes": self.quotes.reset_index(),
                "orders": self.orders,
                "order_events": self.order_events,
                "brokers": self.brokers.reset_index(),
                "bandwidth": self.bandwidth,
                "savings": self.savings().reset_index(),
                "failovers": self.failovers,
                "incidents": self.incidents,
            },
            bars=[self._labelled_bars(store.instruments[index], bars) for index in subscribed],
        )
        return self._runtime.stamp(
            write_workbook(target, known, interval=bars, ticks=ticks, progress=progress), path=str(target)
        )

    def _labelled_bars(self, instrument: Instrument, interval: str) -> pd.DataFrame:
        bars = self.bars(instrument, interval).reset_index()
        return bars.assign(symbol=instrument.symbol, exchange=instrument.exchange)

    def export_async(
        self,
        path: Path | str,
        *,
        bars: str = "1min",
        ticks: int = EXCEL_ROWS,
        progress: Callable[[float, str], None] | bool = False,
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`export`; it works on a thread of its own."""
        return asyncio.to_thread(self.export, path, bars=bars, ticks=ticks, progress=progress)

    # Live views: each last in a cell, or passed to ``display``

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
        from dualbroker.notebook.live import views

        return views.open_monitor(self._runtime, updates_per_second, controls)

    def cards(self) -> LiveView:
        """A card per broker: state, role, ages, latency, bytes per second, what is wrong and what to do."""
        from dualbroker.notebook.live import views

        return views.open_cards(self._runtime)

    def quote_table(self, symbols: str | Instrument | Sequence[str | Instrument] | None = None) -> LiveView:
        """The latest quotes of all that is subscribed, or of these instruments.

        Raises
        ------
        UnknownInstrumentError
            One was never subscribed here.
        """
        from dualbroker.notebook.live import views

        return views.open_quote_table(
            self._runtime, None if symbols is None else self._qualified_names(symbols)
        )

    def order_table(self, broker: str | None = None) -> LiveView:
        """Orders, the newest first, each with its history; of all brokers or of one.

        Raises
        ------
        ConfigError
            No enabled broker has that name.
        """
        from dualbroker.notebook.live import views

        return views.open_order_table(self._runtime, broker)

    def position_table(self) -> LiveView:
        """What all accounts hold, with profit and stops: ``feed.positions`` and ``feed.stops``, live."""
        from dualbroker.notebook.live import views

        return views.open_position_table(self._runtime)

    def bandwidth_chart(self) -> LiveView:
        """Bytes per second now, beside what the naive plan would carry, and the total that was saved."""
        from dualbroker.notebook.live import views

        return views.open_bandwidth_chart(self._runtime)

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
        from dualbroker.notebook.live import views

        return views.open_chart(self._runtime, self._names.index_of(symbol, exchange), candles, minutes)

    def controls(self) -> LiveView:
        """What a person sets: search and subscribe, the broker that carries quotes, the update rate."""
        from dualbroker.notebook.live import views

        return views.open_controls(self._runtime)

    def _qualified_names(self, symbols: str | Instrument | Sequence[str | Instrument]) -> list[str]:
        store = self._manager.quotes
        named = [symbols] if isinstance(symbols, str | Instrument) else symbols
        return [store.instruments[self._names.index_of(name)].qualified_name for name in named]

    # A feed by itself

    def _ipython_display_(self) -> None:
        from dualbroker.notebook.live import views

        views.display_feed(self._runtime)

    def __repr__(self) -> str:
        if self.is_of_another_process:
            return f"<{self._words_elsewhere()}>"
        from dualbroker.notebook.plain.feed_text import feed_text

        return feed_text(self._runtime)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    # The end

    def close(self) -> None:
        """Close all sockets and end the feed's thread; safe to call twice. Broker sessions live on.

        In a forked child it does nothing: the feed is the parent's.
        """
        if self.closed:
            return
        try:
            self._runtime.close(before=self._chains.stop)
        finally:
            if self._on_closed is not None:
                self._on_closed(self)

    async def close_async(self) -> None:
        """The async twin of :meth:`close`."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
