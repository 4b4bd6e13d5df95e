"""The part of a feed that opens option chains, and the handle on one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd

from dualbroker.feed.chain_frames import chain_frame, chain_text
from dualbroker.feed.running_feed import RunningFeed
from dualbroker.forking import BoundToProcess
from dualbroker.instruments.names import compact
from dualbroker.manager.chain import ChainFollower
from dualbroker.manager.chain_table import chain_table
from dualbroker.manager.source import FeedSource

if TYPE_CHECKING:
    from dualbroker.notebook.live_view import LiveView

__all__ = ["ChainingFeed", "OptionChain"]

_Key = tuple[str, int | str, int]


class OptionChain(BoundToProcess):
    """What :meth:`ChainingFeed.chain` gives: calls and puts around the money, streamed and kept around it.

    Put last in a cell it is a live table. It ends with its feed or by :meth:`close`, and then keeps the
    figures that it had.
    """

    def __init__(self, feed: ChainingFeed, follower: ChainFollower) -> None:
        self._feed = feed
        self._follower = follower
        self._last: pd.DataFrame | None = None
        self._ended_ns: int | None = None
        self._view: LiveView | None = None

    # What it shows

    @property
    def frame(self) -> pd.DataFrame:
        """A fresh snapshot: one row per strike, the lowest first, indexed by ``strike`` (rupees).

        Calls left, puts right: ``call_ltp``, ``call_change`` (rupees since the day before),
        ``call_change_percent``, ``call_bid``, ``call_ask``, ``call_volume``, ``call_open_interest``,
        ``call_open_interest_change`` (units since the day before), the same as ``put_…``; then
        ``straddle`` (call and put together), ``put_call_ratio`` (by open interest), ``call_symbol`` and
        ``put_symbol``. What is unknown is NaN or <NA>.

        ``attrs`` of the chain as a whole: ``underlying``, ``underlying_ltp``, ``implied_forward`` (what the
        underlying will cost at expiry by its calls and puts: strike plus call less put), ``expiry`` (ISO
        date), ``at_the_money`` (the strike nearest to the underlying's price, or to the implied one where
        the underlying is not listed), ``straddle`` (of that strike),
        ``put_call_ratio`` (``open_interest`` and ``volume``, of all strikes in the frame together),
        ``problem`` (why it is not whole, in words; empty when it is), ``as_of`` and ``mode``.
        """
        if self._last is not None:
            return self._last.copy()
        return self._read()

    def _read(self) -> pd.DataFrame:
        view = self._follower.view
        assert view is not None, "a chain is handed out once it has begun"
        chain = chain_frame(view, chain_table(self._feed.manager.quotes, view))
        return self._feed._stamp(chain, problem=self._follower.problem)

    @property
    def underlying(self) -> str:
        """Plain name, such as NIFTY."""
        view = self._follower.view
        assert view is not None, "a chain is handed out once it has begun"
        return view.name

    @property
    def expiry(self) -> date:
        """Of the series that is shown; one that was asked for by number moves on when it has expired."""
        view = self._follower.view
        assert view is not None, "a chain is handed out once it has begun"
        return view.series.expiry

    @property
    def feed(self) -> ChainingFeed:
        """Whose chain it is."""
        return self._feed

    @property
    def follower(self) -> ChainFollower:
        """What keeps it around the money, on the feed's loop."""
        return self._follower

    @property
    def closed(self) -> bool:
        return self.is_of_another_process or self._follower.closed or self._feed.closed

    # Its end

    def close(self) -> None:
        """Let go of its strikes; what somebody else subscribed streams on. Safe to call twice."""
        if not self.closed:
            self._leave_snapshot()
            self._feed._call(self._close())

    async def close_async(self) -> None:
        """The async twin of :meth:`close`."""
        if not self.closed:
            self._leave_snapshot()
            await self._feed._call_async(self._close())

    def _leave_snapshot(self) -> None:
        if self._view is not None:
            self._view.close()

    async def _close(self) -> None:
        self._keep_figures()
        await self._follower.close()
        self._feed._forget_chain(self)

    async def _stop(self) -> None:
        self._keep_figures()
        await self._follower.stop()

    def _keep_figures(self) -> None:
        if self._last is None:
            self._last = self._read()
            self._ended_ns = self._feed.manager.as_of_ns()

    # How it shows itself

    def _words(self, chain: pd.DataFrame) -> str:
        attrs = chain.attrs
        middle = self._follower.view
        words = [
            f"{attrs['underlying']} options of {attrs['expiry']}",
            attrs["mode"],
            self._follower.expiry_words,
            f"{len(chain)} strikes around {0.0 if middle is None else middle.window.middle:g}",
            _figure("implied forward", attrs["implied_forward"]) if pd.isna(attrs["underlying_ltp"]) else "",
            _figure("put-call ratio", attrs["put_call_ratio"]["open_interest"]),
            "closed" if self.closed else "",
            attrs["problem"],
        ]
        return " · ".join(word for word in words if word)

    def __repr__(self) -> str:
        chain = self.frame
        return f"{self._words(chain)}\n{chain_text(chain)}"

    def _repr_html_(self) -> str:
        from dualbroker.notebook.chain_view import chain_snapshot

        return chain_snapshot(self, self._ended_ns or self._feed.manager.as_of_ns())

    def _ipython_display_(self) -> None:
        from dualbroker.notebook.chain_view import display_chain

        self._view = display_chain(self) or self._view


def _figure(name: str, value: float) -> str:
    return "" if pd.isna(value) else f"{name} {value:.2f}"


class ChainingFeed(RunningFeed):
    """Option chains."""

    def __init__(
        self, make_source: Callable[[], FeedSource], *, on_closed: Callable[[Any], None] | None = None
    ) -> None:
        self._chains: dict[_Key, OptionChain] = {}
        self._chain_numbers = count(1)
        self._opening_chain = asyncio.Lock()
        super().__init__(make_source, on_closed=on_closed)

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
        return self._call(self._chain(underlying, expiry, strikes))

    def chain_async(
        self, underlying: str, *, expiry: int | date | str = 0, strikes: int = 10
    ) -> Awaitable[OptionChain]:
        """The async twin of :meth:`chain`."""
        return self._call_async(self._chain(underlying, expiry, strikes))

    async def _chain(self, underlying: str, expiry: int | date | str, strikes: int) -> OptionChain:
        if isinstance(expiry, datetime):  # and so a pandas Timestamp, as frames hold it
            expiry = expiry.date()
        key = (compact(underlying), expiry if isinstance(expiry, int) else str(expiry).strip(), strikes)
        async with self._opening_chain:
            known = self._chains.get(key)
            if known is not None and not known.closed:
                return known
            holder = f"chain {next(self._chain_numbers)}"
            follower = ChainFollower(self._manager, underlying, expiry=expiry, strikes=strikes, holder=holder)
            await follower.start()
            chain = self._chains[key] = OptionChain(self, follower)
            return chain

    def _forget_chain(self, chain: OptionChain) -> None:
        for key in [key for key, known in self._chains.items() if known is chain]:
            del self._chains[key]

    async def _stop(self) -> None:
        for chain in list(self._chains.values()):
            await chain._stop()
        await super()._stop()
