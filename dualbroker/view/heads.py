"""The heads of every table on screen: which columns, in which order, their titles and how they are written.

The page and the widgets are given them as data (``heads.js``, made here); the static form and the text read
them as they are. Tables of figures follow their descriptions in ``dualbroker.tables``; where a cell says
several things in words, the table stands here. Pure.
"""

from __future__ import annotations

import json

import msgspec

from dualbroker import tables
from dualbroker.tables import Column, Table, Writing

__all__ = ["HEADS", "Head", "heads_script", "still_heads"]


class Head(msgspec.Struct, frozen=True):
    """One column of a table on screen."""

    key: str
    """Of the column, or of what a composed cell is about."""
    title: str
    css: str = ""
    """Classes of its cells."""
    writing: Writing = "text"
    still_only: bool = False

    @property
    def is_number(self) -> bool:
        return self.css.startswith("number")


_CSS: dict[Writing, str] = {
    "price": "number price",
    "change": "number change",
    "quantity": "number quantity",
    "whole": "number quantity",
    "difference": "number quantity signed",
    "ratio": "number change",
    "fine": "number change",
    "age": "number age",
    "duration": "number",
    "clock": "time",
    "words": "words",
}
_ROOM = {"any": "", "medium": "medium-only", "wide": "wide-only"}


def _head(column: Column, *more: str) -> Head:
    css = (_CSS.get(column.written, ""), *more, _ROOM[column.room])
    return Head(
        column.name, column.head, " ".join(filter(None, css)), column.written, still_only=column.still_only
    )


def _heads(table: Table) -> tuple[Head, ...]:
    return tuple(
        _head(column, *(("symbol",) if column is table.index else ()))
        for column in table.all_columns
        if column.head
    )


def _chain_heads() -> tuple[Head, ...]:
    """From the strike outwards on both sides: calls left of it, puts right of it."""
    columns = {column.name: column for column in tables.CHAIN.all_columns if column.head}
    calls, puts = (
        [
            _head(columns[f"{side}_{name}"], side, name)
            for name in tables.OPTION_FIGURES
            if f"{side}_{name}" in columns
        ]
        for side in ("call", "put")
    )
    about_both = [_head(column) for name, column in columns.items() if name in ("straddle", "put_call_ratio")]
    return (*reversed(calls), _head(columns["strike"], "strike"), *puts, *about_both)


HEADS: dict[str, tuple[Head, ...]] = {
    "quotes": _heads(tables.QUOTES),
    "chain": _chain_heads(),
    "orders": (
        Head("order_time", "Time", "at-time"),
        Head("broker_name", "Broker", "at-broker"),
        Head("status", "State", "order-state"),
        Head("side", "B/S", "side"),
        Head("symbol", "Symbol", "symbol"),
        Head("filled_quantity", "Filled", "number filled"),
        Head("price", "Price ₹", "number at-price"),
        Head("limit_price", "Limit ₹", "number", still_only=True),
        Head("reject_reason", "Why", "words", still_only=True),
    ),
    "positions": (*_heads(tables.POSITIONS), Head("stop", "Stop", "words medium-only")),
    "failovers": _heads(tables.FAILOVERS),
    "incidents": _heads(tables.INCIDENTS),
    "attached": (
        Head("name", "Client"),
        Head("streams", "Streams", "words medium-only"),
        Head("since", "Since", "medium-only"),
        Head("sent_bytes", "Sent", "number medium-only"),
        Head("dropped_ticks", "Ticks missed", "number"),
        Head("waiting", "Waiting", "number medium-only"),
        Head("closed_because", "Ended", "words"),
    ),
}
"""By table: its heads, in the order in which they stand."""


def still_heads(name: str) -> list[str]:
    """Titles for the static form and the text; one that begins with # stands over numbers."""
    return [f"#{head.title}" if head.is_number else head.title for head in HEADS[name]]


def heads_script() -> str:
    """The same as a file of the ES module: those that a live table shows."""
    shown = {
        name: [
            {"key": head.key, "title": head.title, "className": head.css, "writing": head.writing}
            for head in heads
            if not head.still_only
        ]
        for name, heads in HEADS.items()
    }
    return (
        "// Made by dualbroker/view/heads.py.\n"
        f"export const HEADS = {json.dumps(shown, ensure_ascii=False)};\n"
    )
