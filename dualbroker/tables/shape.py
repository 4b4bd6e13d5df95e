"""What a table and a column are, and the columns that several tables have.

=====================  ==========================================================================
kind                   what it holds
=====================  ==========================================================================
price                  float64, rupees; NaN is unknown
quantity               Int64, units (never lots); <NA> is unknown
time                   datetime64[ns, Asia/Kolkata]; NaT is unknown
day                    datetime64[ns], a calendar day in India; NaT is unknown
text                   str (object before pandas 3); None or NaN is unknown
number                 float64; of durations seconds, unless the name says otherwise; NaN is unknown
count                  int64, always known
flag                   bool, always known
answer                 boolean; <NA> is unknown
=====================  ==========================================================================
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "BROKER",
    "EXCHANGE",
    "SYMBOL",
    "TOKEN",
    "Column",
    "Kind",
    "Room",
    "Table",
    "Writing",
]

Kind = Literal["price", "quantity", "time", "day", "text", "number", "count", "flag", "answer"]

Writing = Literal[
    "price",
    "change",
    "quantity",
    "whole",
    "difference",
    "plain",
    "ratio",
    "fine",
    "clock",
    "age",
    "duration",
    "text",
    "words",
]
"""How a value is written on screen; see :func:`dualbroker.figures.written`. Words may need several lines."""

Room = Literal["any", "medium", "wide"]
"""How much of it a panel needs to show a column: a phone's has little."""

_WRITINGS: dict[Kind, Writing] = {"price": "price", "quantity": "quantity", "count": "whole", "time": "clock"}


class Column(msgspec.Struct, frozen=True):
    """One column of a table."""

    name: str
    kind: Kind
    words: str = ""
    """What it says, where the name and the kind do not."""
    example: Any = None
    """For the OpenAPI document."""
    always: bool = False
    """Whether a text is never unknown; a count or a flag never is."""
    head: str = ""
    """Its title on the page and in the dashboard's tables, which leave out what has none."""
    writing: Writing | None = None
    """How it is written there, where its kind does not say."""
    room: Room = "any"
    still_only: bool = False
    """Not shown where the table is live, for its surroundings say it."""

    @property
    def written(self) -> Writing:
        return self.writing or _WRITINGS.get(self.kind, "text")

    @property
    def can_be_unknown(self) -> bool:
        return not (self.always or self.kind in ("count", "flag"))


class Table(msgspec.Struct, frozen=True):
    """A table: what one row is, and its columns in the order that every form of it has."""

    call: str
    """How a notebook asks for it."""
    words: str
    columns: tuple[Column, ...]
    index: Column | None = None
    """The frame's index; in all other forms the first column. None is a running row number."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, without the index."""
        return tuple(column.name for column in self.columns)

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The index first, as in CSV, Parquet and JSON."""
        return self.columns if self.index is None else (self.index, *self.columns)


EXCHANGE = Column("exchange", "text", "NSE, NFO, BSE, BFO, CDS, MCX …", "NSE", always=True)

TOKEN = Column(
    "token", "text", "The exchange's number; unique within its exchange only.", "2885", always=True
)

SYMBOL = Column("symbol", "text", "In the broker's spelling.", "RELIANCE-EQ", always=True)

BROKER = Column("broker_name", "text", "The broker that it came from.", "broker2", always=True)
