"""The option chains of a feed, and the handle on one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from itertools import count
from typing import TYPE_CHECKING

import pandas as pd

from dualbroker.feed.runtime import Runtime
from dualbroker.forking import BoundToProcess
from dualbroker.frames.chain_frames import chain_frame, chain_text
from dualbroker.instruments.names import compact
from dualbroker.manager.options.chain import ChainFollower
from dualbroker.manager.options.chain_table import chain_table

if TYPE_CHECKING:
    from dualbroker.notebook.live.live_view import LiveView

__all__ = ["Chains", "OptionChain"]

_Key = tuple[str, int | str, int]


class OptionChain(BoundToProcess):
    """What :meth:`Feed.chain` gives: calls and puts around the money, streamed and kept around it.

    Put last in a cell it is a live table. It ends with its feed or by :meth:`close`, and then keeps the
    figures that it had.
    """

    def __init__(self, feed: Runtime, follower: ChainFollower, forget: Callable[[OptionChain], None]) -> None:
        self._feed = feed
        self._forget = forget
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
        ``call_open_interest_change`` (units since the day before), ``call_iv`` (per cent a year),
        ``call_delta``, ``call_gamma``, ``call_theta``, ``call_vega``, the same as ``put_…``; then
        ``straddle`` (call and put together), ``put_call_ratio`` (by open interest), ``call_symbol`` and
        ``put_symbol``. What is unknown is NaN or <NA>.

        ``attrs`` of the chain as a whole: ``underlying``, ``underlying_ltp``, ``implied_forward`` (what the
        underlying will cost at expiry by its calls and puts: strike plus call less put), ``expiry`` (ISO
        date), ``at_the_money`` (the strike nearest to the underlying's price, or to the implied one where
        the underlying is not listed), ``straddle`` and ``iv_at_the_money`` (of that strike),
        ``max_pain`` (the strike at which the open interest in the frame would be worth least),
        ``put_call_ratio`` (``open_interest`` and ``volume``, of all strikes in the frame together),
        ``problem`` (why it is not whole, in words; empty when it is), ``as_of`` and ``mode``.
        """
        if self._last is not None:
            return self._last.copy()
        return self._read()

    def _read(self) -> pd.DataFrame:
        view = self._follower.view
        assert view is not None, "a chain is handed out once it has begun"
        manager = self._feed.manager
        chain = chain_frame(view, chain_table(manager.quotes, view, manager.market_hours))
        return self._feed.stamp(chain, problem=self._follower.problem)

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
    def runtime(self) -> Runtime:
        """What it runs on."""
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
        """Release its strikes; what somebody else subscribed streams on. Safe to call twice."""
        if not self.closed:
            self._leave_snapshot()
            self._feed.call(self._close())

    async def close_async(self) -> None:
        """The async twin of :meth:`close`."""
        if not self.closed:
            self._leave_snapshot()
            await self._feed.call_async(self._close())

    def _leave_snapshot(self) -> None:
        if self._view is not None:
            self._view.close()

    async def _close(self) -> None:
        self._keep_figures()
        await self._follower.close()
        self._forget(self)

    async def stop(self) -> None:
        """The feed ends, and with it what keeps the chain around the money."""
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
        from dualbroker.notebook.live.chain_view import chain_snapshot

        return chain_snapshot(self, self._ended_ns or self._feed.manager.as_of_ns())

    def _ipython_display_(self) -> None:
        from dualbroker.notebook.live.chain_view import display_chain

        self._view = display_chain(self) or self._view


def _figure(name: str, value: float) -> str:
    return "" if pd.isna(value) else f"{name} {value:.2f}"


class Chains:
    """The chains of one feed, by what was asked for."""

    def __init__(self, feed: Runtime) -> None:
        self._feed = feed
        self._open: dict[_Key, OptionChain] = {}
        self._numbers = count(1)
        self._opening = asyncio.Lock()

    async def open(self, underlying: str, expiry: int | date | str, strikes: int) -> OptionChain:
        """The chain of these arguments: the one that there is already, or a new one."""
        if isinstance(expiry, datetime):  # and so a pandas Timestamp, as frames hold it
            expiry = expiry.date()
        key = (compact(underlying), expiry if isinstance(expiry, int) else str(expiry).strip(), strikes)
        async with self._opening:
            known = self._open.get(key)
            if known is not None and not known.closed:
                return known
            follower = ChainFollower(
                self._feed.manager,
                underlying,
                expiry=expiry,
                strikes=strikes,
                holder=f"chain {next(self._numbers)}",
            )
            await follower.start()
            chain = self._open[key] = OptionChain(self._feed, follower, self._forget)
            return chain

    async def stop(self) -> None:
        """The feed ends: each chain keeps its last figures."""
        for chain in list(self._open.values()):
            await chain.stop()

    def _forget(self, chain: OptionChain) -> None:
        for key in [key for key, known in self._open.items() if known is chain]:
            del self._open[key]
