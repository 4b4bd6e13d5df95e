"""Reads the desk's books of one broker: on connect, after order events, and every so often.

A failed read changes nothing but since when what is known is old. Orders go first: the first read of a
connection waits for the order book's, and within the login's rate these calls let all others pass.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker
from dualbroker.desk.books import DeskStore
from dualbroker.errors import DualBrokerError, NotOfferedError, RateLimitedError, SessionExpiredError
from dualbroker.stores.health import BrokerState

__all__ = ["DeskReader"]

logger = logging.getLogger("dualbroker")

Found = TypeVar("Found")

EVENT_PAUSE_S = 2.0
"""Between two reads that order events lead to."""
AFTER_EVENT_S = 0.3
"""A broker's position book may lag behind the order stream by so much."""
AFTER_CONNECT_S = 3.0
"""The order book goes first; so long it is waited for."""
LIMITS_EVERY_S, HOLDINGS_EVERY_S = 15.0, 300.0
"""These change with less haste than positions do."""
RETRY_FIRST_S = 2.0
RATE_PAUSE_S = 60.0
"""Brokers count calls by the minute: what is left of it belongs to the orders."""
SLOWEST = 16.0
"""Times as long, at most, between two reads while the broker finds that there are too many calls."""

_READABLE = frozenset({BrokerState.LIVE, BrokerState.POLLING, BrokerState.RECONNECTING})


class DeskReader:
    """Reads one broker's books into the store.

    Parameters
    ----------
    every_s
        Seconds between two reads while the market is open.
    market_is_open
        Asked before each of them.
    note
        Told what went wrong and what is done about it, once for each problem.
    on_read
        Called after each read that brought something.
    """

    def __init__(
        self,
        broker: Broker,
        store: DeskStore,
        *,
        every_s: float,
        market_is_open: Callable[[], bool],
        note: Callable[[str, str], None],
        on_read: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._store = store
        self._every_s = every_s
        self._market_is_open = market_is_open
        self._note = note
        self._on_read = on_read
        self._backoff = Backoff(broker.context.random, first_s=RETRY_FIRST_S, cap_s=every_s)
        self._wake = asyncio.Event()
        self._wanted_s = math.inf
        """Loop time at which the next read is due, for somebody asked for one."""
        self._read_s = -math.inf
        self._limits_s = self._holdings_s = -math.inf
        self._pace = 1.0
        self._not_before_s = -math.inf
        """Loop time until which the broker wants no more calls."""
        self._good_reads = 0
        self._problems: dict[str, str] = {}

    # What leads to a read

    def connected(self) -> None:
        """The broker is there: everything is read, once its orders have been."""
        self._limits_s = self._holdings_s = -math.inf
        self._want(AFTER_CONNECT_S)

    def reconciled(self) -> None:
        """Its orders were read. Where the first read of a connection waits for that, it waits no longer."""
        if not self._store.account(self._broker.name).positions.is_known:
            self._want(0.0)

    def order_event(self, *, delivery: bool) -> None:
        """Something happened to an order; with one that is delivered, the holdings change, too."""
        if delivery:
            self._holdings_s = min(self._holdings_s, self._now() - HOLDINGS_EVERY_S)
        self._want(AFTER_EVENT_S)

    def down(self, why: str) -> None:
        """The connection is lost: what is known is of before."""
        words = f"not read since {self._broker.name} was lost: {why}"
        self._store.fail_all(self._broker.name, words, self._broker.context.clock.now_ns())

    def _want(self, after_s: float) -> None:
        self._wanted_s = min(self._wanted_s, self._now() + after_s)
        self._wake.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # The life of it

    async def run(self) -> None:
        """Read when it is time, until cancelled."""
        while True:
            self._wake.clear()
            due_s = self._due_s()
            if due_s > self._now():
                try:
                    async with asyncio.timeout_at(None if math.isinf(due_s) else due_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                continue
            if self._broker.health.state not in _READABLE:
                self._wanted_s = math.inf
                self._read_s = self._now()
                continue
            if self._wanted_s > self._now() and not self._market_is_open():
                self._read_s = self._now()  # a minute of a market that is closed
                continue
            await self.read()

    def _due_s(self) -> float:
        wanted_s = max(self._wanted_s, self._read_s + EVENT_PAUSE_S * self._pace)
        due_s = min(wanted_s, max(self._read_s, 0.0) + self._every_s * self._pace)
        return max(due_s, self._not_before_s)

    async def read(self) -> None:
        """Read what is due now."""
        name, store, broker = self._broker.name, self._store, self._broker
        self._read_s, self._wanted_s = self._now(), math.inf
        good = True
        asked_ns = broker.context.clock.now_ns()
        positions = await self._ask("positions", broker.position_book)
        if positions is not None:
            problem = store.take_positions(name, positions, asked_ns)
            self._say("positions", problem)
            good = not problem
        else:
            good = not store.account(name).positions.offered
        later_s = math.inf
        if self._not_before_s > self._now():
            pass  # nothing more of this minute
        elif self._read_s - self._limits_s >= LIMITS_EVERY_S * self._pace:
            self._limits_s = self._read_s
            asked_ns = broker.context.clock.now_ns()
            limits = await self._ask("limits", broker.limits)
            if limits is not None:
                store.take_limits(name, limits, asked_ns)
            good &= limits is not None or not store.account(name).limits.offered
        else:
            later_s = self._limits_s + LIMITS_EVERY_S * self._pace
        if self._read_s - self._holdings_s >= HOLDINGS_EVERY_S and self._not_before_s <= self._now():
            self._holdings_s = self._read_s
            asked_ns = broker.context.clock.now_ns()
            holdings = await self._ask("holdings", broker.holdings)
            if holdings is not None:
                store.take_holdings(name, holdings, asked_ns)
            good &= holdings is not None or not store.account(name).holdings.offered
        if good:
            self._backoff.reset()
            self._quicken()
            unsettled = any(not each.is_lasting for each in store.account(name).adjustments.values())
            if unsettled:
                # Two reads that say the same tell a conversion from a fill that is on its way.
                later_s = min(later_s, self._read_s + EVENT_PAUSE_S)
        else:
            self._limits_s = self._holdings_s = -math.inf
            later_s = self._now() + self._backoff.next_s()
        self._wanted_s = min(self._wanted_s, later_s)
        self._on_read()

    async def _ask(self, book: str, read: Callable[[], Awaitable[Found]]) -> Found | None:
        """The book; None where it can't be read, and then what is known of it is old."""
        name, store = self._broker.name, self._store
        known = getattr(store.account(name), book)
        if not known.offered:
            return None
        try:
            found = await read()
        except NotOfferedError as error:
            store.fail(name, book, str(error), self._broker.context.clock.now_ns(), offered=False)
            return None
        except SessionExpiredError as error:
            # The reading of orders tells of it, and has a new session opened.
            store.fail(name, book, str(error), self._broker.context.clock.now_ns())
            self._problems[book] = str(error)
            return None
        except DualBrokerError as error:
            problem = str(error)
            if isinstance(error, RateLimitedError):
                self._slow_down(problem)
        except Exception as error:
            logger.exception("%s: its %s could not be read in an unforeseen way", name, book)
            problem = f"{type(error).__name__}: {error}"
        else:
            self._say(book, "")
            return found
        store.fail(name, book, problem, self._broker.context.clock.now_ns())
        self._say(book, problem)
        return None

    def _say(self, book: str, problem: str) -> None:
        """Once for each new problem, for it is tried again every few seconds.

        One that keeps the order book or another of these books from being read as well is told there.
        """
        before = self._problems.get(book, "")
        told = problem in self._problems.values() or bool(self._broker.health.book_problem)
        self._problems[book] = problem
        if problem and not before and not told:
            self._note(
                f"{self._broker.name}: its {book} could not be read: {problem}",
                "what was known of them stays and is marked as old; they are read again",
            )
        if problem and problem != before:
            logger.warning("%s: its %s could not be read: %s", self._broker.name, book, problem)
        elif before and not problem:
            logger.info("%s: its %s are read again", self._broker.name, book)

    def _slow_down(self, problem: str) -> None:
        self._good_reads = 0
        self._not_before_s = self._now() + RATE_PAUSE_S
        if self._pace >= SLOWEST:
            return
        self._pace *= 2
        self._note(
            f"{self._broker.name}: too many calls of this login: {problem}",
            f"positions and limits are read {self._pace:g} times as seldom until that has held for a while; "
            "other programs that use this login share its rate",
        )

    def _quicken(self) -> None:
        self._good_reads += 1
        if self._good_reads >= 10 and self._pace > 1:
            self._good_reads, self._pace = 0, self._pace / 2
