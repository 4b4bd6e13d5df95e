"""The day's turn: before the market opens, everything that is a day old is made new.

Tokens die in the small hours, symbol masters are of one day, contracts expire and their tokens go to other
contracts, and a cumulative volume of yesterday is no base for today's (protocol: sections 3 and 4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock, ist, market_day
from dualbroker.errors import DualBrokerError
from dualbroker.manager.instruments.mapping import InstrumentMapping
from dualbroker.manager.instruments.masters import MasterLoader
from dualbroker.market_hours import MarketHours
from dualbroker.model import Instrument
from dualbroker.routing.driver import Routing
from dualbroker.routing.machine import names_shown
from dualbroker.stores.health import BrokerState
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.quotes import QuoteStore

__all__ = ["DayTurn"]

logger = logging.getLogger("dualbroker")

CHECK_EVERY_S = 20.0
"""A sleeping laptop wakes at any time: the clock is looked at, not waited for."""
TRY_AGAIN_S = 60.0
MASTERS_AGAIN_S = 300.0
"""Between two tries to download a master of today; each may hang for a minute."""
BACK_WITHIN_S = 60.0
SETTLED = (BrokerState.LIVE, BrokerState.POLLING, BrokerState.PARKED)


class DayTurn:
    """Makes the feed ready for each new day; runs until cancelled.

    Parameters
    ----------
    source
        The broker whose symbol masters count, None while there is none.
    take_up_config
        Subscribes again what config.yaml wants, such as the options around today's money.
    prepare_mappings
        Begins to look up what is wanted in the masters of the brokers that stand by.
    """

    def __init__(
        self,
        brokers: Mapping[str, Broker],
        *,
        routing: Routing,
        quotes: QuoteStore,
        masters: MasterLoader,
        mapping: InstrumentMapping,
        incidents: IncidentStore,
        market_hours: MarketHours,
        clock: Clock,
        source: Callable[[], Broker | None],
        take_up_config: Callable[[], Awaitable[None]],
        prepare_mappings: Callable[[], object],
    ) -> None:
        self._brokers = brokers
        self._routing = routing
        self._quotes = quotes
        self._masters = masters
        self._mapping = mapping
        self._incidents = incidents
        self._market_hours = market_hours
        self._clock = clock
        self._source = source
        self._take_up_config = take_up_config
        self._prepare_mappings = prepare_mappings
        self._day = market_day(clock.now_ns())
        self._masters_again_s = 0.0

    async def run(self) -> None:
        """Turn once a day, as soon as the day has begun. A market that never closes has no days."""
        if self._market_hours.never_closes:
            return
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            day = market_day(self._clock.now_ns())
            try:
                if day == self._day:
                    await self._renew_masters()
                else:
                    await self.turn()
                    self._day = day
            except DualBrokerError as error:
                await self._try_again(f"the new day could not be made ready: {error}")
            except Exception as error:
                # A fault of ours: tomorrow's turn must come all the same.
                logger.exception("the new day could not be made ready")
                kind = type(error).__name__
                await self._try_again(f"the new day could not be made ready, in an unforeseen way: {kind}")

    async def _try_again(self, words: str) -> None:
        self._incidents.note(self._clock.now_ns(), None, words, "it is tried again in a minute")
        logger.warning("%s", words)
        await asyncio.sleep(TRY_AGAIN_S)

    async def turn(self) -> None:
        """Sessions, masters, subscriptions and baselines of the new day.

        Raises
        ------
        DualBrokerError
            No broker could give its symbol masters; sessions are renewed all the same.
        """
        await self._renew_sessions()
        source = self._source()
        if source is None:
            return
        await self._load_masters(source)
        self._mapping.start_day()
        expired, moved = self._resolve_again()
        self._quotes.start_day()
        await self._routing.refresh()
        await self._take_up_config()
        self._prepare_mappings()
        words = "a new day has begun"
        if expired:
            words += f"; expired: {names_shown(expired)}"
        action = "sessions, subscriptions and volume baselines are today's"
        action += "; symbol masters, too" if not self._masters.older else f"; {self._told_older()}"
        if moved:
            action += f"; {moved} instruments have new tokens"
        self._incidents.note(self._clock.now_ns(), None, words, action)
        logger.info("%s; %s", words, action)

    async def _load_masters(self, source: Broker) -> None:
        self._masters_again_s = asyncio.get_running_loop().time() + MASTERS_AGAIN_S
        for exchange in sorted({*self._routing.machine.holders.exchanges, *self._masters.older}):
            await self._masters.load(source, exchange, again=True)

    def _told_older(self) -> str:
        return "; ".join(
            f"no symbol master of {exchange} of today is to be had, so that of {day} is used, in which newly "
            "listed instruments are missing; it is tried again every few minutes"
            for exchange, day in sorted(self._masters.older.items())
        )

    async def _renew_masters(self) -> None:
        """Where a master of an earlier day had to do, also from the start on, have today's."""
        source = self._source()
        older = sorted(self._masters.older)
        if not older or source is None or asyncio.get_running_loop().time() < self._masters_again_s:
            return
        try:
            await self._load_masters(source)
        except DualBrokerError as error:
            logger.warning("symbol masters of today could not be loaded: %s", error)
        fresh = [exchange for exchange in older if exchange not in self._masters.older]
        if fresh:
            _, moved = self._resolve_again()
            action = f"{moved} instruments have new tokens"
            words = f"today's symbol master of {', '.join(fresh)} is there"
            self._incidents.note(self._clock.now_ns(), None, words, action)
            logger.info("%s; %s", words, action)

    async def _renew_sessions(self) -> None:
        """All at once, and nothing is moved for it: within a minute everybody is back."""
        ended = [broker for broker in self._brokers.values() if broker.session_has_ended()]
        if not ended:
            return
        with self._routing.held():
            for broker in ended:
                broker.renew_session("a new day: yesterday's session has ended")
            loop = asyncio.get_running_loop()
            deadline_s = loop.time() + BACK_WITHIN_S
            while loop.time() < deadline_s:
                await asyncio.sleep(0.5)
                if all(broker.health.state in SETTLED for broker in ended):
                    return

    def _resolve_again(self) -> tuple[list[str], int]:
        """Look each wanted instrument up by its symbol; returns what has expired, and how many have moved."""
        expired: list[Instrument] = []
        moved: list[tuple[Instrument, Instrument]] = []
        today = ist(self._clock.now_ns()).date()
        for key in self._routing.machine.holders.wanted:
            index = self._quotes.index_of(key)
            assert index is not None, "what is wanted is registered"
            old = self._quotes.instruments[index]
            new = self._masters.instruments.by_symbol(old.exchange, old.symbol)
            if old.expiry is not None and old.expiry < today:
                expired.append(old)
            elif new is not None and new.key != key:
                # Where this broker's master lacks it, another broker may still stream it as before.
                moved.append((old, new))
        self._routing.turn_day(expired, moved)
        return [instrument.qualified_name for instrument in expired], len(moved)
