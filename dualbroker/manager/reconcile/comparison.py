"""One broker's books against the ledger: read, told whether they can be believed, taken in.

Books and stream cross. The trade book is read before the order book, so that every fill in it is in the
order book too, and where it is not, the order book is read once more before anybody is in doubt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar

import msgspec

from dualbroker.brokers.base import Broker
from dualbroker.clock import ist
from dualbroker.errors import DualBrokerError, SessionExpiredError
from dualbroker.model import FillReport, OrderKey, OrderUpdate, ReportType
from dualbroker.stores.orders import Ledger, OrderEvent

__all__ = ["Comparison", "ReconcileResult"]

logger = logging.getLogger("dualbroker")

Row = TypeVar("Row")

MOST_HISTORIES = 20
"""Histories fetched in one reconcile; they share the login's REST rate with everything else."""
SETTLED_NS = 3_000_000_000
"""An order that was first seen so shortly before a book was asked for may be missing in it."""
BROKER_CLOCK_APART = timedelta(minutes=15)
"""So long before midnight the broker may already have begun its next day, with an empty book."""
DOUBTED_AFTER = 3
"""Reads in a row that contradict what is known, after which it is marked as in doubt."""

_LASTING = frozenset(
    {
        ReportType.NEW,
        ReportType.REPLACED,
        ReportType.FILL,
        ReportType.CANCELED,
        ReportType.REJECTED,
        ReportType.TRIGGER_PENDING,
    }
)
"""Steps after which an order rests; the acknowledgements on the way are not worth an alarm."""


class ReconcileResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one reconcile of one broker found."""

    broker_name: str
    time_ns: int
    """UTC, when the order book was asked for."""
    read: bool
    """Whether the order book could be read, and believed."""
    orders: int | None = None
    """In the order book; None when it is not known."""
    fills: int | None = None
    """In the trade book; None when it is not known."""
    changes: int = 0
    """Order events it brought."""
    histories: int = 0
    """Orders whose steps were fetched."""
    seconds: float = 0.0
    problem: str = ""
    """What is wrong with the books, in words; empty when nothing is."""


class Comparison:
    """Reads a broker's books and makes the ledger equal to them.

    Parameters
    ----------
    take
        Told of every order event that the books bring.
    take_trades
        Given each trade book that was read, and when it was asked for (UTC ns).
    """

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        take: Callable[[OrderEvent], None],
        take_trades: Callable[[Sequence[FillReport], int], None],
    ) -> None:
        self._broker = broker
        self._give_trades = take_trades
        self._ledger = ledger
        self._take = take
        self._has_read = False
        self._changes = 0
        self._contradictions = 0
        self._misfits: dict[OrderKey, tuple[float, float, int]] = {}
        """Orders whose fills differ between the two books: in one, in the other, and reads in a row."""
        self.session_expired = ""
        """Why the last read found the session dead; empty when it did not."""
        self.is_unsettled = False
        """Whether the last read left something that another read soon may settle."""
        self.changed: dict[OrderKey, list[OrderUpdate]] = {}
        """Orders that the last read changed, with the lasting steps that their histories told of."""
        self.new_orders: set[OrderKey] = set()
        """Those of them that the ledger did not know before."""

    async def run(self) -> ReconcileResult:
        """Read both books and take them in. A failed read raises nothing and changes nothing."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.session_expired, self.is_unsettled = "", False
        self.changed, self.new_orders = {}, set()
        result = await self._run()
        return msgspec.structs.replace(result, seconds=loop.time() - started)

    async def _run(self) -> ReconcileResult:
        name, clock = self._broker.name, self._broker.context.clock
        trades_asked_ns = clock.now_ns()
        trades, trade_problem = await self._read(self._broker.trade_book, "trade book")
        asked_ns = clock.now_ns()
        unreadable = self._broker.health.unreadable_messages
        rows, problem = await self._read(self._broker.order_book, "order book")
        if rows is None:
            return ReconcileResult(broker_name=name, time_ns=asked_ns, read=False, problem=problem)
        is_whole = self._broker.health.unreadable_messages == unreadable
        if problem := self._contradiction(rows, asked_ns):
            return ReconcileResult(broker_name=name, time_ns=asked_ns, read=False, problem=problem)
        self._changes = 0
        histories = await self._take_orders(rows)
        if trades is not None:
            self._give_trades(trades, trades_asked_ns)
            trade_problem = await self._take_trades(trades, rows, asked_ns)
        if rows:
            self._judge(rows, asked_ns, may_doubt=is_whole)
        self._has_read = True
        return ReconcileResult(
            broker_name=name,
            time_ns=asked_ns,
            read=True,
            orders=len(rows),
            fills=None if trades is None else len(trades),
            changes=self._changes,
            histories=histories,
            problem=trade_problem,
        )

    async def _read(
        self, book: Callable[[], Awaitable[list[Row]]], what: str
    ) -> tuple[list[Row] | None, str]:
        """The book's rows; None and the reason when the read failed."""
        try:
            return await book(), ""
        except SessionExpiredError as error:
            self.session_expired = str(error)
            problem = str(error)
        except DualBrokerError as error:
            problem = str(error)
        except Exception as error:
            # Whatever a broker's code thinks of next, orders must not be left unwatched.
            logger.exception("%s: the %s could not be read in an unforeseen way", self._broker.name, what)
            problem = f"{type(error).__name__}: {error}"
        self.is_unsettled = True
        return None, problem

    # A book that says there are no orders

    def _contradiction(self, rows: Sequence[OrderUpdate], asked_ns: int) -> str:
        """Words for a book that is empty although orders of today are known; "" for any other."""
        known = [] if rows else self._orders_of_today(asked_ns)
        if not known:
            self._contradictions = 0
            return ""
        self._contradictions += 1
        self.is_unsettled = True
        if self._contradictions >= DOUBTED_AFTER:
            for key in known:
                self._ledger.set_doubt(key, f"{self._book_of(asked_ns)} says that there are no orders")
        return f'it answers "no data", but {len(known)} orders of today are known'

    def _orders_of_today(self, asked_ns: int) -> list[OrderKey]:
        """Orders that a book of that moment must name; none where the broker's day may be another one."""
        moment = ist(asked_ns)
        day = moment.date()
        if (moment + BROKER_CLOCK_APART).date() != day:
            return []
        return self._ledger.orders_of(self._broker.name, day, asked_ns - SETTLED_NS)

    def _book_of(self, asked_ns: int) -> str:
        return f"{self._broker.name}'s order book of {ist(asked_ns):%H:%M:%S}"

    # Taking in

    async def _take_orders(self, rows: Sequence[OrderUpdate]) -> int:
        """Take the rows in, the steps between first where there are some; how many histories it took."""
        known = self._ledger.states
        differing = [row for row in rows if self._ledger.differs(row)]
        self.new_orders |= {row.key for row in differing if row.key not in known}
        # Of orders of before the first read nobody wants the steps, and there may be hundreds.
        with_steps = [row for row in differing if self._has_read or row.key in known]
        with_steps.sort(key=lambda row: row.key not in known)
        wanted = {row.key for row in with_steps[:MOST_HISTORIES]}
        for row in rows:
            if row.key not in wanted:
                self._note(row.key, self._ledger.apply(row))
        fetched, can_fetch = 0, True
        for row in with_steps[:MOST_HISTORIES]:
            can_fetch = can_fetch and await self._take_history(row.key)
            fetched += can_fetch
            self._note(row.key, self._ledger.apply(row))
        return fetched

    async def _take_history(self, key: OrderKey) -> bool:
        """Take the steps of one order in; False when they can't be had, so that no other is asked for."""
        try:
            steps = await self._broker.order_history(key[2])
        except DualBrokerError as error:
            logger.info("%s: the steps of order %s can't be had: %s", self._broker.name, key[2], error)
            return False
        for event in self._ledger.apply_history(key, steps):
            self._note(key, event)
        return True

    def _note(self, key: OrderKey, event: OrderEvent | None) -> None:
        if event is None:
            return
        lasting = self.changed.setdefault(key, [])
        if event.update.report_type in _LASTING and event.update.fill_id is None:
            lasting.append(event.update)
        self._tell(event)

    def _tell(self, event: OrderEvent) -> None:
        self._changes += 1
        self._take(event)

    async def _take_trades(
        self, trades: Sequence[FillReport], rows: Sequence[OrderUpdate], asked_ns: int
    ) -> str:
        """Take the fills in; words about those that the two books do not agree on, else ""."""
        now_ns = self._broker.context.clock.now_ns()
        for event in self._ledger.apply_trade_book(trades, now_ns):
            self._tell(event)
        totals = _totals(trades)
        if self._beyond_book(totals):
            again, _ = await self._read(self._broker.order_book, "order book")
            if again is None:
                return ""
            for row in again:
                self._note(row.key, self._ledger.apply(row))
            rows = [*rows, *again]
        return self._doubt_misfits(totals, rows, asked_ns)

    def _beyond_book(self, totals: dict[OrderKey, float]) -> set[OrderKey]:
        """Orders of which the trade book has more fills than any order book or message."""
        found = set()
        for key, total in totals.items():
            state = self._ledger.states.get(key)
            if total > ((state.filled_quantity if state else None) or 0.0):
                found.add(key)
        return found

    def _doubt_misfits(
        self, totals: dict[OrderKey, float], rows: Sequence[OrderUpdate], asked_ns: int
    ) -> str:
        booked = {row.key: row.filled_quantity or 0.0 for row in rows}
        today = ist(asked_ns).date()
        beyond = self._beyond_book(totals)
        before, self._misfits = self._misfits, {}
        for key in booked.keys() | totals.keys():
            filled, total = booked.get(key, 0.0), totals.get(key, 0.0)
            # An after-market order has the day on which it was sent; the book of its market's day names it.
            if (key[1] != today and key not in booked) or (filled <= total and key not in beyond):
                continue
            last = before.get(key)
            times = last[2] + 1 if last is not None and last[:2] == (filled, total) else 1
            self._misfits[key] = (filled, total, times)
            if times < DOUBTED_AFTER:
                self.is_unsettled |= key in beyond
                continue
            words = f"{self._book_of(asked_ns)} has {filled:.0f} filled, its trade book {total:.0f}"
            if key in beyond:
                now_ns = self._broker.context.clock.now_ns()
                event = self._ledger.count_uncovered(key, total, words, now_ns)
                if event is not None:
                    self._tell(event)
            else:
                self._ledger.set_doubt(key, words)
        doubted = sorted(key[2] for key, (_, _, times) in self._misfits.items() if times >= DOUBTED_AFTER)
        return f"order book and trade book disagree on {', '.join(doubted)}" if doubted else ""

    # What stays ambiguous

    def _judge(self, rows: Sequence[OrderUpdate], asked_ns: int, *, may_doubt: bool) -> None:
        """Doubt orders that the book ought to name and does not; trust again those that it names.

        Those of today, and after-market orders of the days before.
        """
        named = {row.key for row in rows}
        for key in named:
            misfit = self._misfits.get(key)
            if misfit is None or misfit[2] < DOUBTED_AFTER:
                self._ledger.set_doubt(key, "")
        today = ist(asked_ns).date()
        if not may_doubt or _newest_day(rows) > today:
            return
        sent_before = self._ledger.after_market_before(self._broker.name, today)
        for key in [*self._orders_of_today(asked_ns), *sent_before]:
            if key not in named and key not in self._misfits:
                self._ledger.set_doubt(key, f"not in {self._book_of(asked_ns)}")


def _newest_day(rows: Sequence[OrderUpdate]) -> date:
    return max(row.trading_day for row in rows)


def _totals(trades: Sequence[FillReport]) -> dict[OrderKey, float]:
    """Units filled of each order, a fill that is named twice counted once."""
    totals: dict[OrderKey, float] = {}
    seen: set[tuple[OrderKey, str]] = set()
    for fill in trades:
        key = (fill.broker_name, fill.trading_day, fill.order_id)
        if fill.fill_id is not None:
            if (key, fill.fill_id) in seen:
                continue
            seen.add((key, fill.fill_id))
        totals[key] = totals.get(key, 0.0) + (fill.quantity or 0.0)
    return totals
