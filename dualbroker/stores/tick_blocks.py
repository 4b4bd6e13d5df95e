"""Where ticks lie: rows of fixed width in blocks of memory that never move. Pure."""

from __future__ import annotations

import math
import struct
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualbroker.model import QUOTE_FIELDS

__all__ = [
    "BLANK_ROW",
    "BLOCK_ROWS",
    "PLACES",
    "ROW",
    "ROW_FIELDS",
    "TICK_DTYPE",
    "WHOLE_ROW",
    "TickBlock",
    "as_float",
    "as_time_ns",
]

BLOCK_ROWS = 65_536

ROW_FIELDS = ("receive_time", "feed_time", *QUOTE_FIELDS)
"""One stored tick: receive time (UTC ns), feed time (epoch seconds), then the quote; NaN is unknown."""
PLACES = {name: place for place, name in enumerate(ROW_FIELDS)}

TICK_DTYPE = np.dtype([(name, "<f8" if place else "<i8") for name, place in PLACES.items()])
WHOLE_ROW = np.dtype((np.void, TICK_DTYPE.itemsize))
"""The same bytes for numpy to move: by field that takes several times as long."""
ROW = struct.Struct(f"<q{len(ROW_FIELDS) - 1}d")
BLANK_ROW = array("d", (0.0, *([math.nan] * (len(ROW_FIELDS) - 1))))
"""A row as a quote is merged in: unboxed, so that it is copied into a block in one go. Its first place holds
the bits of a whole number."""
_WHOLE, _FLOAT = struct.Struct("=q"), struct.Struct("=d")


def as_float(time_ns: int) -> float:
    """The float whose bits are those of a whole number of 64 bits, as a row holds its receive time."""
    return float(_FLOAT.unpack(_WHOLE.pack(time_ns))[0])


def as_time_ns(bits: float) -> int:
    """The receive time that a row holds as a float."""
    return int(_WHOLE.unpack(_FLOAT.pack(bits))[0])


class TickBlock:
    """A fixed number of tick rows; ``count`` of them are published."""

    __slots__ = ("brokers", "count", "data", "first", "floats", "instruments", "rows", "snapshots")

    def __init__(self, first: int, rows: int) -> None:
        self.first = first
        """Running number of the block's first row, counted from the store's first tick."""
        self.rows = rows
        self.count = 0
        # By numpy, for the system gives it pages of zeros as they are written to, and no sooner.
        self.data = np.zeros(rows * ROW.size, np.uint8).data
        self.floats = self.data.cast("d")
        """The same memory, for rows that are written."""
        self.instruments = memoryview(bytearray(rows * 4)).cast("i")
        self.brokers = bytearray(rows)
        self.snapshots = bytearray(rows)

    def published(self) -> NDArray[Any]:
        """The published rows as a read-only structured array over the block's own memory."""
        view = np.frombuffer(self.data, TICK_DTYPE)[: self.count]
        view.flags.writeable = False
        return view

    def row(self, place: int) -> tuple[float, ...]:
        """One published row: ``ROW_FIELDS``."""
        return ROW.unpack_from(self.data, place * ROW.size)

    def published_instruments(self) -> NDArray[np.int32]:
        return np.frombuffer(self.instruments, np.int32)[: self.count]
