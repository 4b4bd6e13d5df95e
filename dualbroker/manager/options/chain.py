"""Follows the money with the subscriptions of an option chain: no widget, no frame.

It holds its instruments under a holder of its own, so that releasing a strike silences nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable, Sequence
from datetime import date

from msgspec.structs import replace

from dualbroker.clock import ist, market_day
from dualbroker.errors import ArgumentError, DualBrokerError, InstrumentError
from dualbroker.manager.options.chain_series import ChainView, Series, days_left, series_of
from dualbroker.manager.options.chain_table import implied_money
from dualbroker.manager.options.chain_window import nearest, window
from dualbroker.manager.source import FeedSource
from dualbroker.model import Instrument, InstrumentKey

__all__ = ["ChainFollower"]

logger = logging.getLogger("dualbroker")

LOOK_EVERY_S = 1.0
"""How often the underlying's price is looked at: a chain follows the money, not each tick of it."""
TRY_AGAIN_S = 15.0
WHOLE_LADDER = 1000
"""Strikes on each side; no series has as many."""


class ChainFollower:
    """Keeps the strikes around the money subscribed, as the underlying moves and days turn.

    Parameters
    ----------
    source
        Who streams; only asked by its public part, so it may be a running service.
    underlying
        An index or a share with options, by name; or one that is not listed itself, with the exchange of
        its options where that is not NFO (``MCX:CRUDEOIL``): then calls and puts tell where the money is.
    expiry
        0 is the nearest expiry and stays that as days pass; or a day, with which the chain ends.
    strikes
        How many on each side of the one at the money.
    holder
        Under which the instruments are held; nobody else's.
    """

    def __init__(
        self, source: FeedSource, underlying: str, *, expiry: int | date | str, strikes: int, holder: str
    ) -> None:
        self._source = source
        self._name = underlying
        self._expiry = expiry
        self._each_side = strikes
        self.holder = holder
        self.view: ChainView | None = None
        """What it shows; None before it has begun."""
        self.problem = ""
        """Why it is not whole, in words; empty when it is."""
        self.recentred = 0
        """How often it has moved on with the money."""
        self.closed = False
        self._held: dict[InstrumentKey, Instrument] = {}
        """What it holds, or may hold: what it was cut off from in the middle is released, too."""
        self._granted: set[InstrumentKey] = set()
        """Those of them that it holds for certain."""
        self._day: date | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe the underlying and the strikes around its price, and follow it from now on.

        Raises
        ------
        UnknownInstrumentError, AmbiguousInstrumentError
            There is no such underlying or expiry; the message lists the nearest.
        RequestRefusedError, ConnectionFailedError
            Its price is not known, or no broker carries quotes.
        ValueError
            ``strikes`` is below 1.
        """
        if self._each_side < 1:
            raise ArgumentError(f"expected 1 strike or more on each side, found {self._each_side}")
        try:
            await self._begin()
        except BaseException:
            await self._release()
            raise
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Follow no longer, because the source itself ends: there is nothing to release."""
        self.closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Follow no longer and release everything that it holds; safe to call twice."""
        await self.stop()
        await self._release()

    @property
    def expiry_words(self) -> str:
        """How long the series has to live; empty while the time is not known, as before a replay begins."""
        if self.view is None or self._source.clock.now_ns() <= 0:
            return ""
        return days_left(self.view.series.expiry, self._today())

    def _today(self) -> date:
        return ist(self._source.clock.now_ns()).date()

    # Following

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                if market_day(self._source.clock.now_ns()) != self._day:
                    await self._begin()
                else:
                    await self._recentre()
                self._say("")
            except _OverError as error:
                self._say(str(error))
                return
            except _NotYetError as error:
                self._say(str(error))
                await asyncio.sleep(TRY_AGAIN_S)
            except DualBrokerError as error:
                self._say(f"the chain does not follow the money now: {error}")
                await asyncio.sleep(TRY_AGAIN_S)
            except Exception as error:
                # It ends with its feed only: what failed once may go well the next time.
                logger.exception("the chain of %s could not be followed", self._name)
                self._say(f"the chain does not follow the money now: {error!r}")
                await asyncio.sleep(TRY_AGAIN_S)

    def _say(self, words: str) -> None:
        if words and words != self.problem:
            logger.warning("chain of %s: %s", self._name, words)
        self.problem = words

    async def _begin(self) -> None:
        """Find the series again: at the start, and on a new day with its other contracts and tokens."""
        day = market_day(self._source.clock.now_ns())
        # A key that was held yesterday may have been taken away as expired, and be another contract's today.
        self._granted.clear()
        underlying = await self._underlying()
        series = await self._series(underlying)
        self._require_settled(series)
        name = underlying.name if underlying is not None else series.name
        price = await self._price(underlying, series)
        middle = None if self.view is None else self.view.window.middle
        around = window(series.strikes, price, self._each_side, middle)
        await self._show(ChainView(name, underlying, series, around))
        self._day = day

    async def _underlying(self) -> Instrument | None:
        """Subscribe it; None where only its options are listed."""
        try:
            [accepted] = await self._source.subscribe([self._name], "NSE", holder=self.holder)
        except InstrumentError as error:
            try:
                await self._source.options_around(self._name, expiry=0, strikes=0)
            except InstrumentError:
                raise error from None
            return None
        self._held[accepted.instrument.key] = accepted.instrument
        return accepted.instrument

    async def _series(self, underlying: Instrument | None) -> Series:
        ended = self._ended_day()
        if ended is not None:
            await self._let_go(key for key in list(self._held) if underlying is None or key != underlying.key)
            raise _OverError(f"{self._name.upper()} {ended}: these options have expired; open another chain")
        options = await self._source.options_around(self._name, expiry=self._expiry, strikes=WHOLE_LADDER)
        return series_of(options)

    def _ended_day(self) -> date | None:
        """The day of a series that was asked for by its day and is over, once the chain has begun."""
        if self.view is None or isinstance(self._expiry, int):
            return None
        expiry = self.view.series.expiry
        return expiry if expiry < self._today() else None

    def _require_settled(self, series: Series) -> None:
        """A token of yesterday may be another contract's today; until the store knows, it is left alone."""
        store = self._source.quotes
        for pair in series.pairs.values():
            for option in pair:
                index = None if option is None else store.index_of(option.key)
                if option is not None and index is not None:
                    known = store.instruments[index]
                    if known.symbol != option.symbol:
                        raise _NotYetError(
                            f"token {option.token} is still {known.symbol}, which has expired; "
                            "the chain waits for the new day to be made ready"
                        )

    async def _price(self, underlying: Instrument | None, series: Series) -> float:
        price = self._last_price(underlying)
        if price is not None:
            return price
        # Not streamed yet; asked for by REST, in the form of the strike that is nearest to it.
        options = await self._source.options_around(self._name, expiry=series.expiry, strikes=0)
        return series_of(options).strikes[0]

    def _last_price(self, underlying: Instrument | None) -> float | None:
        store = self._source.quotes
        if underlying is not None:
            index = store.index_of(underlying.key)
            return None if index is None else store.last_price(index)
        if self.view is None:
            return None
        implied = implied_money(store, self.view)
        return None if math.isnan(implied) else implied

    async def _recentre(self) -> None:
        view = self.view
        if view is None:
            return
        price = self._last_price(view.underlying)
        if price is None:
            return
        strikes = view.series.strikes
        if nearest(strikes, price) == view.window.middle:
            return
        fresh = window(strikes, price, self._each_side, view.window.middle)
        if fresh != view.window:
            await self._show(replace(view, window=fresh))
            self.recentred += 1

    # Holding

    async def _show(self, view: ChainView) -> None:
        """Hold what a view needs, show it, then release what it does not need."""
        options: Sequence[Instrument] = view.options
        wanted = {option.key for option in options}
        if view.underlying is not None:
            wanted.add(view.underlying.key)
        fresh = [option for option in options if option.key not in self._granted]
        if fresh:
            self._held.update((option.key, option) for option in fresh)
            await self._source.subscribe(fresh, holder=self.holder)
            self._granted.update(option.key for option in fresh)
        self.view = view
        await self._let_go(key for key in list(self._held) if key not in wanted)

    async def _let_go(self, keys: Iterable[InstrumentKey]) -> None:
        gone = [self._held[key] for key in keys]
        if gone:
            await self._source.unsubscribe(gone, holder=self.holder)
            for instrument in gone:
                self._held.pop(instrument.key, None)
                self._granted.discard(instrument.key)

    async def _release(self) -> None:
        try:
            await self._let_go(list(self._held))
        except DualBrokerError as error:
            logger.warning("chain of %s: not released: %s", self._name, error)


class _NotYetError(DualBrokerError):
    """It has to wait; nothing is wrong with the feed."""


class _OverError(DualBrokerError):
    """There is nothing left to follow."""
