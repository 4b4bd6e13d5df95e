"""What is known of every account: its books as they were read last, and its fills of the day. Pure.

A failed read changes nothing but since when the book is old; only the broker's own "no data" makes it empty.
Written on one thread, read from any: a reader sees whole books, each of one read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from dualbroker.clock import NS_PER_S, ist
from dualbroker.model import FillReport, Holding, Limits, Position

__all__ = [
    "SETTLE_NS",
    "AccountBooks",
    "Adjustment",
    "Book",
    "CurvePoint",
    "DeskStore",
    "PositionKey",
    "fill_time",
    "in_one_day",
    "position_key",
]

Row = TypeVar("Row")

PositionKey = tuple[str, str, str]
"""Exchange, symbol, product: what a broker's book tells positions apart by."""

SETTLE_NS = 3_000_000_000
"""So long may the stream and the books take to tell of the same fill."""
MOST_CURVE_POINTS = 200_000
"""A second a point, over a day and a night, for two accounts."""


_MOST_NAMED = 3
_DAY_BEGINS = time(8, 30)
_CLOCKS_APART = timedelta(minutes=15)
"""So long before midnight a broker may have begun its next day."""


def position_key(exchange: str, symbol: str, product: str | None) -> PositionKey:
    return (exchange, symbol, product or "")


class Book(msgspec.Struct, Generic[Row], frozen=True):
    """One book of one account. Times are UTC ns by the feed's clock."""

    rows: tuple[Row, ...] = ()
    asked_ns: int | None = None
    """When the rows that are here were asked for; None: it was never read."""
    old_since_ns: int | None = None
    """Since when the rows may not be what the broker has; None: they are."""
    problem: str = ""
    """Why, in words."""
    offered: bool = True
    """False: this type of broker has no such book here."""

    @property
    def is_known(self) -> bool:
        """Whether it was read, and has not become old."""
        return self.asked_ns is not None and self.old_since_ns is None

    def why_unknown(self) -> str:
        """Why it may not be what the broker has, in words; empty when it is."""
        if not self.offered:
            return "not read: this type of broker gives no such book here"
        if self.asked_ns is None:
            return f"not read yet{f': {self.problem}' if self.problem else ''}"
        return "" if self.old_since_ns is None else self.problem or "it could not be read again"

    def read(self, rows: Sequence[Row], asked_ns: int) -> Book[Row]:
        return Book(rows=tuple(rows), asked_ns=asked_ns)

    def failed(self, problem: str, now_ns: int) -> Book[Row]:
        """The same rows, old since now, unless they have been for longer."""
        since = now_ns if self.old_since_ns is None else self.old_since_ns
        return replace(self, old_since_ns=since, problem=problem)


class Adjustment(msgspec.Struct, frozen=True):
    """By how much a row's quantities of the day differ from the fills that were known when it was read.

    The first read that shows a difference proves nothing: a fill may be on its way. One that stays the same
    over two reads is no fill but a conversion of the product, or a correction by the broker.
    """

    bought: float = 0.0
    sold: float = 0.0
    fills: int = 0
    """Fills of the position that were known then."""
    since_ns: int = 0
    """When that difference was first seen."""
    is_lasting: bool = False


class AccountBooks(msgspec.Struct):
    """All that is known of one account at one broker."""

    broker_name: str
    positions: Book[Position] = msgspec.field(default_factory=Book)
    holdings: Book[Holding] = msgspec.field(default_factory=Book)
    limits: Book[Limits] = msgspec.field(default_factory=Book)
    fills: tuple[FillReport, ...] = ()
    """Of the broker's day, oldest first."""
    fills_asked_ns: int | None = None
    """When the trade book was asked for that they are from; None: it was never read."""
    adjustments: dict[PositionKey, Adjustment] = {}
    version: int = 0
    """Raised by each change."""


class CurvePoint(msgspec.Struct, array_like=True, frozen=True):
    """The profit of one account at one second."""

    time_ns: int
    broker_name: str
    realised: float | None
    unrealised: float | None
    day_mtm: float | None
    positions: int
    complete: bool
    """Whether every position has a known quantity and a price."""


FillKey = tuple[str, str]


def fill_key(fill: FillReport) -> FillKey | None:
    """Names a fill within its account's day; None where it bears no id."""
    return None if fill.fill_id is None else (fill.order_id, fill.fill_id)


class DeskStore:
    """The books of all accounts, and the curve of the day's profit."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountBooks] = {}
        self.curve: list[CurvePoint] = []
        self.curve_count = 0
        """Points since the start, dropped ones included."""

    def account(self, broker_name: str) -> AccountBooks:
        """The account's books; a new one has none."""
        found = self.accounts.get(broker_name)
        if found is None:
            # Replaced whole, so that a reader on another thread never sees it grow.
            self.accounts = {**self.accounts, broker_name: AccountBooks(broker_name)}
            found = self.accounts[broker_name]
        return found

    # What the books bring

    def take_positions(self, broker_name: str, rows: Sequence[Position], asked_ns: int) -> str:
        """The rows of a book that was read; why they can't be all, in words, else "".

        Within a day no position leaves a book, a closed one stays in it as well: what is missing was lost on
        the way, and is kept as it was.
        """
        account = self.account(broker_name)
        missing = _missing(account, rows, asked_ns)
        problem = ""
        if missing:
            symbols = ", ".join(row.symbol for row in missing[:_MOST_NAMED])
            problem = f"the book no longer names {symbols}{' …' if len(missing) > _MOST_NAMED else ''}"
        elif not rows and (fills := [f for f in account.fills if in_one_day(fill_time(f), asked_ns)]):
            problem = f'it answers "no data", but {len(fills)} fills of today are known'
        rows = [*rows, *missing]
        adjustments = {}
        for row in rows:
            key = position_key(row.exchange, row.symbol, row.product)
            known = adjusted(row, fills_of(account, key), account.adjustments.get(key), asked_ns)
            if known is not None:
                adjustments[key] = known
        account.adjustments = adjustments
        book = account.positions
        if problem:
            since = replace(book, rows=tuple(rows), asked_ns=asked_ns)
            account.positions = since.failed(problem, asked_ns)
        else:
            account.positions = book.read(rows, asked_ns)
        account.version += 1
        return problem

    def take_holdings(self, broker_name: str, rows: Sequence[Holding], asked_ns: int) -> None:
        account = self.account(broker_name)
        account.holdings = account.holdings.read(rows, asked_ns)
        account.version += 1

    def take_limits(self, broker_name: str, limits: Limits, asked_ns: int) -> None:
        account = self.account(broker_name)
        account.limits = account.limits.read([limits], asked_ns)
        account.version += 1

    def fail(self, broker_name: str, book: str, problem: str, now_ns: int, *, offered: bool = True) -> None:
        """A book could not be read: its rows stay, old from now on."""
        account = self.account(broker_name)
        before: Book[Position] = getattr(account, book)
        after = before.failed(problem, now_ns)
        setattr(account, book, replace(after, offered=offered))
        account.version += 1

    def fail_all(self, broker_name: str, problem: str, now_ns: int) -> None:
        """The broker is out of reach: nothing that is known of it is known any more."""
        for book in ("positions", "holdings", "limits"):
            if getattr(self.account(broker_name), book).offered:
                self.fail(broker_name, book, problem, now_ns)

    # Fills

    def take_trade_book(self, broker_name: str, rows: Sequence[FillReport], asked_ns: int) -> None:
        """The fills of the broker's day are these, and those that the stream has brought since."""
        account = self.account(broker_name)
        before = {key: fill for fill in account.fills if (key := fill_key(fill)) is not None}
        found: dict[object, FillReport] = {}
        for number, row in enumerate(reversed(rows)):  # the newest comes first
            key = fill_key(row)
            known = None if key is None else before.get(key)
            if known is not None and known.receive_time_ns is not None:
                row = replace(row, receive_time_ns=known.receive_time_ns)
            found[key or number] = row
        for key, fill in before.items():
            # A fill of today never leaves the book; one of the day before does.
            if key not in found and in_one_day(fill_time(fill), asked_ns):
                found[key] = fill
        for fill in found.values():
            if fill_key(fill) not in before:
                _settle(account, fill)
        account.fills = tuple(sorted(found.values(), key=fill_time))
        account.fills_asked_ns = asked_ns
        account.version += 1

    def take_fill(self, fill: FillReport) -> bool:
        """A fill that the order stream has brought; whether it is news."""
        account = self.account(fill.broker_name)
        key = fill_key(fill)
        if key is None or any(fill_key(known) == key for known in reversed(account.fills)):
            return False
        _settle(account, fill)
        account.fills = (*account.fills, fill)
        account.version += 1
        return True

    def follow(self, accounts: Sequence[AccountBooks], points: Sequence[CurvePoint], count: int) -> None:
        """Be equal to another store: its changed accounts, and its newest points."""
        if accounts:
            self.accounts = self.accounts | {each.broker_name: each for each in accounts}
        for point in points:
            self.add_point(point)
        self.curve_count = count

    def add_point(self, point: CurvePoint) -> None:
        if len(self.curve) >= MOST_CURVE_POINTS:
            # The first half goes at once; a reader keeps the list that it has.
            self.curve = self.curve[MOST_CURVE_POINTS // 2 :]
        self.curve.append(point)
        self.curve_count += 1


def in_one_day(one_ns: int, other_ns: int) -> bool:
    """Whether a broker surely counts two moments to the same day.

    Brokers empty their books in the night, some at midnight and some not before the morning.
    """
    one, other = ist(one_ns), ist(other_ns)
    if (one + _CLOCKS_APART).date() != (other + _CLOCKS_APART).date() or one.date() != other.date():
        return False
    return (one.time() >= _DAY_BEGINS) == (other.time() >= _DAY_BEGINS)


def _missing(account: AccountBooks, rows: Sequence[Position], asked_ns: int) -> list[Position]:
    """Positions that were in the book earlier in the day and are not in it now."""
    before = account.positions
    if before.asked_ns is None or not in_one_day(before.asked_ns, asked_ns):
        return []
    named = {position_key(row.exchange, row.symbol, row.product) for row in rows}
    return [row for row in before.rows if position_key(row.exchange, row.symbol, row.product) not in named]


def _settle(account: AccountBooks, fill: FillReport) -> None:
    """A late fill that the position book's row had already: it is no longer beyond the fills."""
    key = position_key(fill.exchange or "", fill.symbol or "", fill.product)
    known = account.adjustments.get(key)
    asked_ns, happened_ns = account.positions.asked_ns, fill.fill_time_ns
    if known is None or asked_ns is None or happened_ns is None or happened_ns + NS_PER_S >= asked_ns:
        return
    quantity = fill.quantity or 0.0
    if fill.side == "BUY" and known.bought >= quantity:
        known = replace(known, bought=known.bought - quantity)
    elif fill.side == "SELL" and known.sold >= quantity:
        known = replace(known, sold=known.sold - quantity)
    account.adjustments = {**account.adjustments, key: known}


def fill_time(fill: FillReport) -> int:
    """When it happened as far as is known: the broker's second; else when it came."""
    return fill.fill_time_ns or fill.receive_time_ns or 0


def fills_of(account: AccountBooks, key: PositionKey) -> list[FillReport]:
    """Fills of one position, oldest first."""
    return [
        fill
        for fill in account.fills
        if position_key(fill.exchange or "", fill.symbol or "", fill.product) == key
    ]


def adjusted(
    row: Position, fills: Sequence[FillReport], before: Adjustment | None, asked_ns: int
) -> Adjustment | None:
    """What a row's quantities of the day are beyond the fills; None when they are the same."""
    if row.day_buy_quantity is None or row.day_sell_quantity is None:
        return None
    bought = sum(fill.quantity or 0.0 for fill in fills if fill.side == "BUY")
    sold = sum(fill.quantity or 0.0 for fill in fills if fill.side == "SELL")
    found = Adjustment(row.day_buy_quantity - bought, row.day_sell_quantity - sold, len(fills), asked_ns)
    if not found.bought and not found.sold:
        return None
    if before is not None and (before.bought, before.sold) == (found.bought, found.sold):
        lasts = before.is_lasting or asked_ns - before.since_ns >= SETTLE_NS // 2
        return replace(found, since_ns=before.since_ns, is_lasting=lasts)
    return found
