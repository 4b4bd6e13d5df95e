"""Streams what has an order at any broker, so that its price is known when the order fills.

It holds its instruments under holders of its own, so that releasing one silences nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from dualbroker.errors import DualBrokerError, InstrumentError
from dualbroker.model import Instrument
from dualbroker.routing.driver import Subscribed
from dualbroker.stores.orders import Ledger, OrderEvent

__all__ = ["MOST_FOLLOWED", "OrderFollower", "OrderFollowers", "OrderSource", "orders_holder"]

logger = logging.getLogger("dualbroker")

MOST_FOLLOWED = 500
"""Instruments of one holder: a book of a trading program must not fill a broker's socket."""
TRY_AGAIN_S = 15.0


class OrderSource(Protocol):
    """What it needs of a feed's source; that may be a running service."""

    @property
    def orders(self) -> Ledger: ...

    @property
    def order_listeners(self) -> list[Callable[[OrderEvent], None]]: ...

    async def subscribe(
        self, names: Sequence[str | Instrument], exchange: str = ..., *, depth: bool = ..., holder: str = ...
    ) -> list[Subscribed]: ...

    async def unsubscribe(
        self, names: Sequence[str | Instrument], exchange: str = ..., *, holder: str = ...
    ) -> None: ...


def orders_holder(holder: str) -> str:
    """Under which the instruments of orders are held for a holder, apart from those it holds itself."""
    return f"{holder} orders"


class OrderFollower:
    """Keeps subscribed what has an order of the newest trading day, or one that is not final.

    Parameters
    ----------
    source
        Whose orders, and who streams.
    holder
        Under which the instruments are held; nobody else's.
    wanted
        Gives the qualified names to be held, where that is not what has an order.
    """

    def __init__(
        self, source: OrderSource, holder: str, wanted: Callable[[], list[str]] | None = None
    ) -> None:
        self._source = source
        self._holder = holder
        self._wanted = wanted or self._of_orders
        self._held: dict[str, Subscribed] = {}
        self._unknown: set[str] = set()
        """Names that no symbol master knows; each is told of once."""
        self._told_full = False
        self._news = asyncio.Event()
        self._following = asyncio.Lock()
        self._closed = False

    @property
    def accepted(self) -> list[Subscribed]:
        """What it holds, the longest held first."""
        return list(self._held.values())

    async def start(self) -> list[Subscribed]:
        """Subscribe what has an order now, and hear of new ones from now on.

        Raises
        ------
        ConnectionFailedError
            No broker carries quotes.
        """
        self._source.order_listeners.append(self._hear)
        try:
            await self._follow()
        except BaseException:
            await self.close()
            raise
        return self.accepted

    async def run(self) -> None:
        """Follow the orders until cancelled."""
        while not self._closed:
            await self._news.wait()
            self._news.clear()
            try:
                await self._follow()
            except DualBrokerError as error:
                logger.warning("what has an order is not subscribed yet, to be tried again: %s", error)
                await asyncio.sleep(TRY_AGAIN_S)
                self._news.set()

    async def close(self) -> None:
        """Release all that it holds."""
        self._closed = True
        self._news.set()
        if self._hear in self._source.order_listeners:
            self._source.order_listeners.remove(self._hear)
        async with self._following:
            await self._let_go(list(self._held))

    def look(self) -> None:
        """Something else may be wanted now."""
        self._news.set()

    def _hear(self, event: OrderEvent) -> None:
        if event.symbol is not None and not self._news.is_set():
            self._news.set()

    def _of_orders(self) -> list[str]:
        """Qualified names, in order of the orders' arrival."""
        states = self._source.orders.snapshot()
        newest_day = max((state.trading_day for state in states), default=None)
        return list(
            dict.fromkeys(
                f"{state.exchange}:{state.symbol}"
                for state in states
                if state.exchange is not None
                and state.symbol is not None
                and (state.trading_day == newest_day or not state.status.is_final)
            )
        )

    async def _follow(self) -> None:
        async with self._following:
            if self._closed:
                return
            wanted = self._wanted()
            await self._let_go([name for name in self._held if name not in wanted])
            fresh = [name for name in wanted if name not in self._held and name not in self._unknown]
            room = max(0, MOST_FOLLOWED - len(self._held))
            if len(fresh) > room and not self._told_full:
                self._told_full = True
                logger.warning(
                    "orders touch more than %d instruments; those of later orders are not subscribed by "
                    "themselves",
                    MOST_FOLLOWED,
                )
            await self._subscribe(fresh[:room])

    async def _subscribe(self, names: Sequence[str]) -> None:
        if not names:
            return
        try:
            await self._hold(names)
        except InstrumentError as error:
            if len(names) == 1:
                self._unknown.update(names)
                logger.warning("an order's instrument is not subscribed: %s", error)
                return
            # Nothing of such a call is subscribed; one bad name keeps no other out.
            for name in names:
                await self._subscribe([name])

    async def _hold(self, names: Sequence[str]) -> None:
        accepted = await self._source.subscribe(names, holder=self._holder)
        self._held.update(zip(names, accepted, strict=True))

    async def _let_go(self, names: Sequence[str]) -> None:
        if names:
            gone = [self._held.pop(name).instrument for name in names]
            await self._source.unsubscribe(gone, holder=self._holder)


class OrderFollowers:
    """The followers of one source, one for each holder.

    Parameters
    ----------
    source
        Whose orders, and who streams.
    spawn
        Runs what follows, beside all else, until the source ends.
    """

    def __init__(
        self, source: OrderSource, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        self._source = source
        self._spawn = spawn
        self._running: dict[str, tuple[OrderFollower, asyncio.Task[None]]] = {}
        self._changing = asyncio.Lock()

    async def follow(self, holder: str) -> list[Subscribed]:
        """Follow the orders for a holder, as long as it wants; what is subscribed for it by now."""
        async with self._changing:
            if holder not in self._running:
                follower = OrderFollower(self._source, orders_holder(holder))
                await follower.start()
                self._running[holder] = follower, self._spawn(follower.run())
            return self._running[holder][0].accepted

    async def leave(self, holder: str) -> None:
        """Follow them for a holder no longer, and release what that held."""
        async with self._changing:
            if holder not in self._running:
                return
            follower, task = self._running.pop(holder)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await follower.close()
