"""All that the desk shows, worked out of what the stores hold at the moment it is asked for.

The same for a feed that runs the brokers itself and for one of a running service: both have the stores.
Safe from any thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from dualbroker.desk.accounting import Method
from dualbroker.desk.books import AccountBooks, CurvePoint, DeskStore, fill_time
from dualbroker.desk.check import Check
from dualbroker.desk.fills import JoinedFill, joined
from dualbroker.desk.mirror import Pair, mirror
from dualbroker.desk.positions import HeldPosition, Mark, Marked, check_of, held_positions, marked
from dualbroker.desk.stops import StopLine, stops
from dualbroker.errors import ArgumentError, ConfigError
from dualbroker.model import FillReport, Holding, InstrumentKey, Limits
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.orders import Ledger
from dualbroker.stores.quotes import QuoteStore

__all__ = ["CheckLine", "Desk", "HoldingLine", "LimitsLine", "PositionLine", "Profit", "underlying_of"]

_KEEPS_UP = frozenset({BrokerState.LIVE, BrokerState.POLLING})
_DERIVATIVE = re.compile(r"[A-Z&-]+?(?=\d)")


class PositionLine(msgspec.Struct, frozen=True):
    """A position with its mark."""

    held: HeldPosition
    mark: Marked
    underlying: str
    as_of_ns: int | None
    """When the broker's row was asked for."""
    old_since_ns: int | None


class HoldingLine(msgspec.Struct, frozen=True):
    """Units of one share in the depository, marked once, on whichever exchange it is listed."""

    holding: Holding
    exchange: str
    symbol: str
    ltp: float | None
    ltp_time_ns: int | None
    value: float | None
    """Rupees."""
    unrealised: float | None
    """Rupees since it was bought, before charges."""
    as_of_ns: int | None
    old_since_ns: int | None
    doubt: str


class LimitsLine(msgspec.Struct, frozen=True):
    """The money of one account."""

    broker_name: str
    limits: Limits | None
    """None where it was never read."""
    as_of_ns: int | None
    old_since_ns: int | None
    doubt: str


class Profit(msgspec.Struct, frozen=True):
    """What the positions of some scope have brought together, in rupees before charges."""

    scope: str
    """``broker``, ``underlying`` or ``all``."""
    name: str
    positions: int
    realised: float
    unrealised: float
    total: float
    day_mtm: float | None
    """None where that of one position is unknown."""
    unknown: int
    """Positions that are left out of a sum, for a figure of theirs is unknown."""
    doubt: str

    @property
    def complete(self) -> bool:
        """Whether nothing is left out and nothing is in doubt; a part of a sum decides nothing."""
        return not self.unknown and not self.doubt


class CheckLine(msgspec.Struct, frozen=True):
    """The audit of one position."""

    held: HeldPosition
    found: Check
    as_of_ns: int | None


def underlying_of(exchange: str, symbol: str) -> str:
    """The underlying that a trading symbol names, where no symbol master is asked: its letters."""
    if exchange in ("NSE", "BSE"):
        return symbol.rsplit("-", 1)[0]
    found = _DERIVATIVE.match(symbol)
    return symbol if found is None else found[0]


class Desk:
    """What is held, what it is worth, and whether that agrees with the brokers.

    Parameters
    ----------
    books, quotes, orders
        The stores; asked for anew each time, for they may be replaced by fresh ones.
    health
        How each enabled broker is doing, in file order.
    source_of
        The broker that streams an instrument or is about to; None where it is not streamed.
    """

    def __init__(
        self,
        *,
        books: Callable[[], DeskStore],
        quotes: Callable[[], QuoteStore],
        orders: Callable[[], Ledger],
        health: Callable[[], Sequence[BrokerHealth]],
        source_of: Callable[[InstrumentKey], str | None],
    ) -> None:
        self._books = books
        self._quotes = quotes
        self._orders = orders
        self._health = health
        self._source_of = source_of
        self._held: dict[tuple[str, Method], tuple[AccountBooks, int, str, list[HeldPosition]]] = {}
        self._names: tuple[QuoteStore, int, dict[tuple[str, str], int]] | None = None

    @property
    def store(self) -> DeskStore:
        return self._books()

    # Positions

    def held(self, method: Method = "pooled") -> list[HeldPosition]:
        """All positions of all accounts, in the brokers' order; worked out anew only where a book changed."""
        found: list[HeldPosition] = []
        for health in self._health():
            found += self._held_by(health, method)
        return found

    def _held_by(self, health: BrokerHealth, method: Method) -> list[HeldPosition]:
        account = self.store.accounts.get(health.broker_name)
        if account is None:
            return []
        doubt, version = self._doubt(health), account.version
        key = (health.broker_name, method)
        kept = self._held.get(key)
        if kept is not None and kept[0] is account and kept[1:3] == (version, doubt):
            return kept[3]
        positions = held_positions(account, method=method, doubt=doubt)
        self._held[key] = (account, version, doubt, positions)
        return positions

    def _doubt(self, health: BrokerHealth) -> str:
        """Why nothing of an account is certain at the moment; empty where its broker keeps us up to date."""
        return "" if health.state in _KEEPS_UP else f"{health.broker_name} is {health.words}"

    def mark_of(self, exchange: str, symbol: str) -> Mark | None:
        """The newest price of the stream; None of what is not streamed."""
        quotes = self._quotes()
        names = self._names
        if names is None or names[0] is not quotes or names[1] != len(quotes.instruments):
            instruments = list(quotes.instruments)
            found = {(item.exchange, item.symbol): index for index, item in enumerate(instruments)}
            names = self._names = (quotes, len(instruments), found)
        index = names[2].get((exchange, symbol))
        if index is None or self._source_of(quotes.instruments[index].key) is None:
            return None  # an old last tick is no price of now
        latest = quotes.price_and_time(index)
        return None if latest is None else Mark(*latest)

    def _mark(self, held: HeldPosition) -> Mark | None:
        return self.mark_of(held.exchange, held.symbol)

    def positions(self, method: Method = "pooled") -> list[PositionLine]:
        """Each position with its mark; those that hold something first, as each book has them."""
        accounts = self.store.accounts
        lines = []
        for held in self.held(method):
            book = accounts[held.broker_name].positions
            lines.append(
                PositionLine(
                    held=held,
                    mark=marked(held, self._mark),
                    underlying=self._underlying(held.exchange, held.symbol),
                    as_of_ns=book.asked_ns,
                    old_since_ns=book.old_since_ns,
                )
            )
        return sorted(
            lines, key=lambda line: not line.held.exposed_quantity and line.held.quantity is not None
        )

    def _underlying(self, exchange: str, symbol: str) -> str:
        names, quotes = self._names, self._quotes()
        index = None if names is None else names[2].get((exchange, symbol))
        return underlying_of(exchange, symbol) if index is None else quotes.instruments[index].name

    def holdings(self) -> list[HoldingLine]:
        """Each share in the depository of each account."""
        lines = []
        for health in self._health():
            account = self.store.accounts.get(health.broker_name)
            if account is None:
                continue
            book = account.holdings
            for holding in book.rows:
                exchange, _, symbol = holding.listings[0]
                marks = (self.mark_of(place, name) for place, _, name in holding.listings)
                mark = next((mark for mark in marks if mark is not None), None)
                value = gain = None
                if mark is not None and holding.quantity is not None:
                    value = holding.quantity * mark.price
                    if holding.average_price is not None:
                        gain = holding.quantity * (mark.price - holding.average_price)
                lines.append(
                    HoldingLine(
                        holding=holding,
                        exchange=exchange,
                        symbol=symbol,
                        ltp=None if mark is None else mark.price,
                        ltp_time_ns=None if mark is None else mark.time_ns,
                        value=value,
                        unrealised=gain,
                        as_of_ns=book.asked_ns,
                        old_since_ns=book.old_since_ns,
                        doubt=book.why_unknown() or self._doubt(health),
                    )
                )
        return lines

    def limits(self) -> list[LimitsLine]:
        """The money of each account, also of one that was never read."""
        lines = []
        for health in self._health():
            account = self.store.accounts.get(health.broker_name) or AccountBooks(health.broker_name)
            book = account.limits
            lines.append(
                LimitsLine(
                    broker_name=health.broker_name,
                    limits=book.rows[0] if book.rows else None,
                    as_of_ns=book.asked_ns,
                    old_since_ns=book.old_since_ns,
                    doubt=book.why_unknown() or self._doubt(health),
                )
            )
        return lines

    def unread(self) -> dict[str, str]:
        """By broker's name: why its positions are not known; of those of which they are not."""
        found = {}
        for health in self._health():
            account = self.store.accounts.get(health.broker_name) or AccountBooks(health.broker_name)
            if why := account.positions.why_unknown() or self._doubt(health):
                found[health.broker_name] = why
        return found

    # Profit

    def profit(self, positions: Sequence[PositionLine] | None = None) -> list[Profit]:
        """One line for each broker, for each underlying over all brokers, and one for all.

        Parameters
        ----------
        positions
            As ``positions`` has just given them; None works them out here.
        """
        lines = self.positions() if positions is None else positions
        unread = self.unread()
        by_broker = [
            _profit(
                "broker",
                health.broker_name,
                [line for line in lines if line.held.broker_name == health.broker_name],
                unread.get(health.broker_name, ""),
            )
            for health in self._health()
        ]
        of_all = "; ".join(f"{name}: {why}" for name, why in unread.items())
        underlyings = sorted({line.underlying for line in lines})
        by_underlying = [
            _profit("underlying", name, [line for line in lines if line.underlying == name], of_all)
            for name in underlyings
        ]
        return [*by_broker, *by_underlying, _profit("all", "all", lines, of_all)]

    def curve_points(self, time_ns: int) -> list[CurvePoint]:
        """The profit of each account that has positions, for the day's curve."""
        points = []
        for health in self._health():
            account = self.store.accounts.get(health.broker_name)
            if account is None or account.positions.asked_ns is None:
                continue
            held = self._held_by(health, "pooled")
            if not held:
                continue
            sums = _sums([(each, marked(each, self._mark)) for each in held])
            points.append(
                CurvePoint(
                    time_ns=time_ns,
                    broker_name=health.broker_name,
                    realised=sums[0],
                    unrealised=sums[1],
                    day_mtm=sums[2],
                    positions=len(held),
                    complete=not sums[3] and not (account.positions.why_unknown() or self._doubt(health)),
                )
            )
        return points

    def check(self, method: Method = "pooled") -> list[CheckLine]:
        """Our profit of each position beside its broker's, and the rule between them."""
        accounts = self.store.accounts
        lines = []
        for held in self.held(method):
            mark = marked(held, self._mark)
            found = check_of(held, mark.ltp, method)
            if found is not None:
                lines.append(CheckLine(held, found, accounts[held.broker_name].positions.asked_ns))
        return lines

    # Orders

    def stops(self) -> list[StopLine]:
        """Each living stop order, and each position of which no stop is seen."""
        unread = {
            health.broker_name: "its order book was not read yet"
            if health.last_book_ns is None
            else health.book_problem
            for health in self._health()
        }
        return stops(
            self._orders().snapshot(),
            self.held(),
            self.mark_of,
            unread=lambda name: unread.get(name, ""),
        )

    def trades(self) -> list[FillReport]:
        """Every fill of the brokers' day, of all accounts, oldest first."""
        every = (fill for account in self.store.accounts.values() for fill in account.fills)
        return sorted(every, key=fill_time)

    def fills(self) -> list[JoinedFill]:
        """Every fill of the day with the quote that was in force."""
        return joined(self.trades(), self._quotes())

    def mirror(
        self,
        first: str | None = None,
        second: str | None = None,
        *,
        window_s: float = 5.0,
        ratio: float | None = None,
    ) -> tuple[list[Pair], str, str]:
        """Pairs of the orders of two accounts, and the two names; the first two brokers unless told.

        Raises
        ------
        ConfigError
            No enabled broker has that name.
        ArgumentError
            The two are one, or there are not two; the window or the ratio is none.
        """
        names = [health.broker_name for health in self._health()]
        one = first or next((name for name in names if name != second), "")
        other = second or next((name for name in names if name != one), "")
        for name in (first, second):
            if name is not None and name not in names:
                raise ConfigError(f"mirror: expected one of {', '.join(names)}, found {name!r}")
        if not one or not other or one == other:
            raise ArgumentError(
                f"mirror: expected two of the brokers {', '.join(names)}, found {one or 'none'} and "
                f"{other or 'none'}; a mirror is of two accounts"
            )
        if not window_s > 0 or (ratio is not None and not ratio > 0):
            raise ArgumentError(
                f"mirror: expected a window and a ratio above 0, found window_s={window_s}, ratio={ratio}"
            )
        pairs = mirror(self._orders().snapshot(), one, other, window_s=window_s, ratio=ratio)
        return pairs, one, other

    # What has to be streamed

    def wanted(self) -> list[tuple[str, str]]:
        """Exchange and symbol of whatever is held or has an open order, so that its price is known."""
        found: dict[tuple[str, str], None] = {}
        for held in self.held():
            if held.exposed_quantity != 0:
                found[held.exchange, held.symbol] = None
        for state in self._orders().snapshot():
            if state.status.is_open and state.exchange and state.symbol:
                found[state.exchange, state.symbol] = None
        for account in self.store.accounts.values():
            for holding in account.holdings.rows:
                exchange, _, symbol = holding.listings[0]
                found[exchange, symbol] = None
        return list(found)


def _sums(pairs: Sequence[tuple[HeldPosition, Marked]]) -> tuple[float, float, float | None, int]:
    realised = gain = 0.0
    of_day: float | None = 0.0
    unknown = 0
    for held, mark in pairs:
        unknown += held.realised is None or mark.unrealised is None
        realised += held.realised or 0.0
        gain += mark.unrealised or 0.0
        of_day = None if of_day is None or mark.day_mtm is None else of_day + mark.day_mtm
    return realised, gain, of_day, unknown


def _profit(scope: str, name: str, lines: Sequence[PositionLine], doubt: str) -> Profit:
    realised, gain, of_day, unknown = _sums([(line.held, line.mark) for line in lines])
    return Profit(
        scope=scope,
        name=name,
        positions=len(lines),
        realised=realised,
        unrealised=gain,
        total=realised + gain,
        day_mtm=of_day,
        unknown=unknown,
        doubt=doubt or next((line.held.doubt for line in lines if line.held.doubt), ""),
    )
