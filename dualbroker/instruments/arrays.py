"""Columns from numpy's arrays and back, by the memory that both are made of.

pyarrow's own ways (``pa.array``, ``pa.scalar``, ``np.asarray`` of an array) import pandas, which takes
37 MiB and a third of a second, in the middle of a market if that is when the first name is looked up. A
client without frames has no other use for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["SortedTexts", "flags_of", "numbers_of", "to_column", "to_flags", "to_texts"]

Flags = npt.NDArray[np.bool_]


class SortedTexts:
    """Finds the row of a text in a column, in some microseconds.

    A dict would be faster, but of a full master it takes more memory than the master itself.
    """

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts
        self._rows = numbers_of(pc.sort_indices(texts), 0).astype(np.int32)

    def row_of(self, text: str) -> int | None:
        """The first row with this text."""

        def text_at(row: np.int32) -> str:
            return str(self._texts[int(row)])

        place = bisect_left(self._rows, text, key=text_at)
        if place < len(self._rows) and text_at(self._rows[place]) == text:
            return int(self._rows[place])
        return None


def flags_of(column: pa.Array) -> Flags:
    """The values of a column of booleans; what is null is False."""
    if not len(column):
        return np.zeros(0, dtype=np.bool_)
    valid, values = column.buffers()
    flags = _unpacked(values, column)
    return flags & _unpacked(valid, column) if column.null_count else flags


def numbers_of(column: pa.Array, unknown: float) -> npt.NDArray[Any]:
    """The values of a column of numbers, with this one for null."""
    dtype = np.dtype(column.type.to_pandas_dtype())
    if not len(column):
        return np.zeros(0, dtype=dtype)
    valid, values = column.buffers()
    numbers = np.frombuffer(values, dtype)[column.offset : column.offset + len(column)]
    return np.where(_unpacked(valid, column), numbers, dtype.type(unknown)) if column.null_count else numbers


def to_column(values: npt.NDArray[Any], kind: pa.DataType, known: Flags | None = None) -> pa.Array:
    """A column of a type whose values lie in memory as these do; null where not known."""
    valid = None if known is None else pa.py_buffer(_packed(known))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def to_flags(flags: Flags) -> pa.Array:
    """A column of booleans."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, pa.py_buffer(_packed(flags))])


def to_texts(texts: Sequence[str]) -> pa.Array:
    """A column of texts."""
    encoded = [text.encode("utf-8") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def _unpacked(bits: pa.Buffer, column: pa.Array) -> Flags:
    end = column.offset + len(column)
    flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=end, bitorder="little")
    return flags[column.offset :].view(np.bool_)


def _packed(flags: Flags) -> npt.NDArray[np.uint8]:
    return np.packbits(flags, bitorder="little")
