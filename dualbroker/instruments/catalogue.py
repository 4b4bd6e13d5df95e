"""All symbol masters at hand, looked up by key, trading symbol, or the parts of a derivative."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from dualbroker.instruments.names import EXCHANGES, DerivativeName, underlying_named
from dualbroker.instruments.table import CALL, KIND_ORDER, NO_EXPIRY, PUT, MasterTable
from dualbroker.model import Instrument, InstrumentKey, InstrumentKind

__all__ = ["CASH_EXCHANGES", "Catalogue"]

CASH_EXCHANGES = ("NSE", "BSE")

_CURRENCIES = ("CDS", "BCD")
_SATURDAY = 5
_WEEKDAYS_TO_MONTH_END = 3
"""A monthly currency contract ends on the third last working day of its month."""

_EPOCH = date(1970, 1, 1)
_FUTURE = KIND_ORDER.index(InstrumentKind.FUTURE)
_OPTION = KIND_ORDER.index(InstrumentKind.OPTION)
_TYPE_CODES = {"CE": CALL, "PE": PUT}

_Rows = npt.NDArray[np.intp]


class Catalogue:
    """Symbol masters of any number of exchanges."""

    def __init__(self) -> None:
        self._tables: dict[str, list[MasterTable]] = {}
        self._expired: Catalogue | None = None

    @property
    def expired(self) -> Catalogue:
        """What has expired and is listed still: to be named in errors, and never offered."""
        if self._expired is None:
            self._expired = Catalogue()
        return self._expired

    def add(self, table: MasterTable, today: date | None = None) -> None:
        """Take in a symbol master, without the contracts that have expired before ``today``.

        A master may be older than the day: brokers list last week's contracts on, and where today's can't
        be downloaded an earlier one has to do.

        Several of one exchange add up (some brokers split theirs), but a later day's replaces an earlier
        one of the same source. Where two know the same token, the one that was added last is right, as
        exchanges give the tokens of expired contracts to new ones.
        """
        # Of all rows: what was taken in when it still lived goes, too.
        tokens = table.columns.column("token").combine_chunks()
        if today is not None:
            table, over = table.split(today)
            if len(over) or self._expired is not None:
                self.expired.add(over)
        older = [
            known.without(tokens)
            for known in self._tables.get(table.exchange, ())
            if not _replaces(table, known)
        ]
        self._tables[table.exchange] = [table, *(known for known in older if len(known))]

    def tables(self, exchange: str | None = None) -> Iterator[MasterTable]:
        """The tables of one exchange, or of all, newest first."""
        for name, tables in self._tables.items():
            if exchange is None or name == exchange.upper():
                yield from tables

    @property
    def exchanges(self) -> tuple[str, ...]:
        """Exchanges of which a symbol master is at hand."""
        return tuple(self._tables)

    def __len__(self) -> int:
        return sum(len(table) for table in self.tables())

    def __contains__(self, key: object) -> bool:
        if not (isinstance(key, tuple) and len(key) == 2):
            return False
        exchange, token = key
        return any(table.row_of_token(token) is not None for table in self._tables.get(exchange, ()))

    def get(self, key: InstrumentKey) -> Instrument | None:
        """The instrument of ``(exchange, token)``."""
        exchange, token = key
        for table in self._tables.get(exchange, ()):
            row = table.row_of_token(token)
            if row is not None:
                return table.instrument(row)
        return None

    def by_symbol(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument of a trading symbol in the broker's spelling, whatever its case."""
        for table in self.tables(exchange):
            row = table.row_of_symbol(symbol.upper())
            if row is not None:
                return table.instrument(row)
        return None

    def named(self, exchange: str, name: str) -> list[Instrument]:
        """All instruments of an exchange that have this name: a share's series, or an index."""
        return [
            table.instrument(int(row))
            for table in self.tables(exchange)
            for row in table.rows_named(name.upper())
        ]

    def option(
        self, underlying: str, expiry: date, strike: float, option_type: str, *, exchange: str | None = None
    ) -> Instrument | None:
        """The option of these parts; strike in rupees, type ``CE`` or ``PE``.

        Without an exchange it is looked for on the first one that lists derivatives of the underlying,
        NFO before BFO.
        """
        code = _TYPE_CODES.get(option_type.upper())
        for table, rows in self._derivatives(underlying, exchange):
            match = (
                (table.expiry_days[rows] == _days(expiry))
                & (table.option_types[rows] == code)
                & np.isclose(table.strikes[rows], strike, rtol=0, atol=1e-6)
            )
            if match.any():
                return table.instrument(int(rows[match][0]))
        return None

    def future(self, underlying: str, expiry: date, *, exchange: str | None = None) -> Instrument | None:
        """The future of this underlying that expires on this day."""
        for table, rows in self._derivatives(underlying, exchange):
            match = (table.expiry_days[rows] == _days(expiry)) & (table.kinds[rows] == _FUTURE)
            if match.any():
                return table.instrument(int(rows[match][0]))
        return None

    def expiries(
        self, underlying: str, *, exchange: str | None = None, kind: InstrumentKind | None = None
    ) -> list[date]:
        """Days on which derivatives of this underlying expire, nearest first; of one kind, or of any."""
        days: set[int] = set()
        for table, rows in self._derivatives(underlying, exchange):
            if kind is not None:
                rows = rows[table.kinds[rows] == KIND_ORDER.index(kind)]
            days.update(np.unique(table.expiry_days[rows]).tolist())
        return [_EPOCH + timedelta(days=day) for day in sorted(days)]

    def strikes(self, underlying: str, expiry: date, *, exchange: str | None = None) -> list[float]:
        """Strikes of the options of this underlying that expire on this day, in rupees, lowest first."""
        strikes: set[float] = set()
        for table, rows in self._derivatives(underlying, exchange):
            match = (table.expiry_days[rows] == _days(expiry)) & (table.kinds[rows] == _OPTION)
            strikes.update(table.strikes[rows[match]].tolist())
        return sorted(strikes)

    def monthly_expiry(
        self,
        underlying: str,
        year: int,
        month: int,
        kind: InstrumentKind,
        *,
        exchange: str | None = None,
    ) -> date | None:
        """The day that a name with only a month means, as the master has it.

        It is that month's last expiry, but not always: a holiday can move the next month's first weekly
        expiry into this month. So where the month has a future, whose expiry is always the monthly one,
        an option's is the same; and where futures begin later, this month's has expired.
        """

        listed_on = self._exchange_of(underlying, exchange)
        monthly_of = _monthly_of_currency if listed_on in _CURRENCIES else _last_of_month

        def days_of(kind: InstrumentKind) -> list[date]:
            # With those that are over: what is left of a month must not pass for its monthly expiry.
            over = self.expired.expiries(underlying, exchange=exchange, kind=kind) if self._expired else []
            return sorted({*over, *self.expiries(underlying, exchange=exchange, kind=kind)})

        futures = days_of(InstrumentKind.FUTURE)
        future = monthly_of(futures, year, month)
        if kind == InstrumentKind.FUTURE:
            return future
        options = days_of(kind)
        if future in options:
            return future
        share_expiry_days = listed_on in ("NFO", "BFO")
        if share_expiry_days and futures and (futures[0].year, futures[0].month) > (year, month):
            return None
        return monthly_of(options, year, month)

    def contract(self, reading: DerivativeName, exchange: str | None = None) -> Instrument | None:
        """The option or future that one reading of a name means, if it exists."""
        kind = InstrumentKind.FUTURE if reading.strike is None else InstrumentKind.OPTION
        expiry = reading.expiry
        if reading.month is not None:
            expiry = self.monthly_expiry(reading.underlying, *reading.month, kind, exchange=exchange)
        if expiry is None:
            return None
        if reading.strike is None or reading.option_type is None:
            return self.future(reading.underlying, expiry, exchange=exchange)
        return self.option(reading.underlying, expiry, reading.strike, reading.option_type, exchange=exchange)

    def derivative_count(self, underlying: str, exchange: str) -> int:
        """How many derivatives of this underlying an exchange lists."""
        return sum(len(rows) for _, rows in self._derivatives(underlying, exchange))

    def _exchange_of(self, underlying: str, exchange: str | None) -> str | None:
        return next((table.exchange for table, _ in self._derivatives(underlying, exchange)), None)

    def _derivatives(self, underlying: str, exchange: str | None) -> list[tuple[MasterTable, _Rows]]:
        """Rows of the underlying's derivatives, all on the first exchange that has any."""
        name = underlying_named(underlying)
        for candidate in EXCHANGES if exchange is None else (exchange,):
            found = []
            for table in self.tables(candidate):
                rows = table.rows_named(name)
                rows = rows[table.expiry_days[rows] != NO_EXPIRY]
                if len(rows):
                    found.append((table, rows))
            if found:
                return found
        return []


def _last_of_month(days: list[date], year: int, month: int) -> date | None:
    return max((day for day in days if (day.year, day.month) == (year, month)), default=None)


def _monthly_of_currency(days: list[date], year: int, month: int) -> date | None:
    """The monthly expiry among weekly ones: two working days before the month's last.

    Weekly contracts end on the last working day of a week, so of two in one week the earlier is the
    monthly one. It is never later than two weekdays before the month's last weekday; holidays only move it
    to an earlier day.
    """
    latest = date(year + month // 12, month % 12 + 1, 1)
    weekdays = 0
    while weekdays < _WEEKDAYS_TO_MONTH_END:
        latest -= timedelta(days=1)
        weekdays += latest.weekday() < _SATURDAY
    within = [day for day in days if (day.year, day.month) == (year, month) and day <= latest]
    doubled = [
        day
        for day in within
        if any(other > day and other.isocalendar()[:2] == day.isocalendar()[:2] for other in days)
    ]
    return max(doubled or within, default=None)


def _replaces(table: MasterTable, known: MasterTable) -> bool:
    if table.day is None or known.day is None:
        return False
    return table.source == known.source and table.day > known.day


def _days(day: date) -> int:
    return (day - _EPOCH).days
