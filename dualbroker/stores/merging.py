"""Lays what quote messages say over what is known. Pure, and on the path of every tick."""

from __future__ import annotations

import linecache
from array import array
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Protocol, TypeVar, cast

from dualbroker.model import (
    QUOTE_UNITS,
    DepthLevel,
    DepthUpdate,
    QuoteBatch,
    QuoteUpdate,
    Unit,
)
from dualbroker.stores.tick_blocks import BLANK_ROW, PLACES, TickBlock, as_float

__all__ = ["in_units", "merge_levels", "merge_read"]

Switch = TypeVar("Switch")

_QUANTITIES = tuple(name for name, unit in QUOTE_UNITS.items() if unit is Unit.UNITS)


def in_units(update: QuoteUpdate, unit: int) -> QuoteUpdate:
    """A copy of a message that counts lots of this many units, with its quantities in units."""
    scaled = copy(update)
    levels = cast(DepthUpdate, update).level_quantities if update.has_depth else ()
    for name in (*_QUANTITIES, *levels):
        lots = getattr(update, name)
        if lots is not None:
            setattr(scaled, name, lots * unit)
    return scaled


class Store(Protocol[Switch]):
    """What is rarely asked for while a read is merged."""

    def sort_out(
        self, update: QuoteUpdate, batch: QuoteBatch, switches: list[Switch]
    ) -> tuple[int, QuoteUpdate] | None:
        """Of a message that does not simply count: its instrument's index and what to merge; None if it is a
        stray. A change of the instrument's source is added to ``switches``."""

    def merge_depth(self, index: int, update: QuoteUpdate, receive_time_ns: int) -> None:
        """Take the levels of a message that carries depth."""

    def next_block(self) -> TickBlock:
        """Where the rows go when a block is full."""


class _MergeRead(Protocol):
    def __call__(
        self,
        store: Store[Switch],
        batch: QuoteBatch,
        broker_number: int,
        tokens_of: Callable[[str, Mapping[str, int]], Mapping[str, int]],
        merged: list[array[float]],
        last: list[int],
        block: TickBlock,
        switches: list[Switch],
    ) -> tuple[int, int]:
        """Lay the messages of one read over what is known, and store and publish each full quote.

        What a message does not say stays; a snapshot says all.

        Parameters
        ----------
        tokens_of
            Gives by exchange, or else what it is given: by token, the indices of the instruments whose
            messages of this broker count.
        merged, last
            By index: the full quote as ``ROW_FIELDS``, and the running number of its latest row.
        block
            Where the rows go.
        switches
            Takes what ``store.sort_out`` finds.

        Returns
        -------
        tuple
            How many were stored, and how many of these were snapshots.
        """


_SOURCE = """\
def merge_read(store, batch, broker_number, tokens_of, merged, last, block, switches):
    receive_time_ns = batch.receive_time_ns
    receive_time = as_float(receive_time_ns)
    broker = bytes((broker_number,))
    floats, instruments = block.floats, block.instruments
    begin = position = block.count
    stored = full = 0
    for update in batch.updates:
        index = tokens_of(update.exchange, NOTHING).get(update.token)
        if index is None:
            sorted_out = store.sort_out(update, batch, switches)
            if sorted_out is None:
                continue
            index, update = sorted_out
        if update.is_snapshot:
            row = merged[index] = BLANK_ROW[:]
            block.snapshots[position] = 1
            full += 1
        else:
            row = merged[index]
        row[0] = receive_time
{fields}
        place = position * WIDTH
        floats[place:place + WIDTH] = row
        instruments[position] = index
        last[index] = block.first + position
        position += 1
        if update.has_depth:
            store.merge_depth(index, update, receive_time_ns)
        if position == block.rows:
            stored += position - begin
            block.brokers[begin:position] = broker * (position - begin)
            block.count = position
            block = store.next_block()
            floats, instruments = block.floats, block.instruments
            begin = position = 0
    stored += position - begin
    block.brokers[begin:position] = broker * (position - begin)
    block.count = position
    return stored, full
"""
_FIELD = """\
        if (value := update.{name}) is not None:
            row[{place}] = value"""


def _write_merge_read() -> _MergeRead:
    """Straight-line code from the fields of a row: a loop over names costs three times as much."""
    fields = "\n".join(_FIELD.format(name=name, place=place) for name, place in PLACES.items() if place)
    source = _SOURCE.format(fields=fields)
    file_name = f"<{__name__}.merge_read>"
    names: dict[str, Any] = {
        "BLANK_ROW": BLANK_ROW,
        "WIDTH": len(BLANK_ROW),
        "as_float": as_float,
        "NOTHING": {},
    }
    exec(compile(source, file_name, "exec"), names)
    # So that a traceback shows its lines.
    linecache.cache[file_name] = (len(source), None, source.splitlines(keepends=True), file_name)
    made = names["merge_read"]
    made.__source__ = source
    made.__doc__ = _MergeRead.__call__.__doc__
    return cast(_MergeRead, made)


merge_read = _write_merge_read()


def merge_levels(old: list[DepthLevel], new: list[DepthLevel]) -> list[DepthLevel]:
    """Five levels of one side, field by field: a delta may leave out whole levels."""
    return [
        DepthLevel(
            then.price if now.price is None else now.price,
            then.quantity if now.quantity is None else now.quantity,
            then.orders if now.orders is None else now.orders,
        )
        for then, now in zip(old, new, strict=True)
    ]
