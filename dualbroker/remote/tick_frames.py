"""Ticks as a few bytes: columns of whole numbers where that is exact, of float64 where it is not. Pure.

A price of 26000.05 is 2600005 hundredths, so most columns are int32 without losing a bit; a column that
is not exact so stays float64. Columns are laid byte by byte (all lowest bytes, then all second ones …),
for the high bytes of neighbours are alike and deflate finds that. ``benchmarks/wire.py`` has the figures.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dualbroker.errors import WireError
from dualbroker.stores.tick_blocks import TICK_DTYPE

__all__ = ["Ticks", "pack_ticks", "unpack_ticks"]

_NUMBERS = len(TICK_DTYPE.names or ()) - 1
_HEAD = struct.Struct("<BIq")
_VERSION = 1
_UNKNOWN = np.iinfo(np.int32).min
_LARGEST = 2.0**31 - 1
_SCALES = (1.0, 100.0, 10_000.0)
_ABSENT, _PLAIN = 254, 255
"""Kinds of a column beside the places in ``_SCALES``: all unknown, and float64 as it is."""

LEVEL = 1
"""Of deflate: 6 saves a tenth of the bytes for three times the work."""


class Ticks(NamedTuple):
    """Neighbouring rows of a store."""

    rows: NDArray[Any]
    """Of ``TICK_DTYPE``."""
    instruments: NDArray[np.int32]
    brokers: NDArray[np.uint8]
    snapshots: NDArray[np.uint8]


def pack_ticks(ticks: Ticks, level: int = LEVEL) -> bytes:
    """The rows as bytes, the compression included."""
    count = len(ticks.rows)
    table = ticks.rows.view("<f8").reshape(count, _NUMBERS + 1)[:, 1:]
    times = ticks.rows["receive_time"]
    base = int(times[0]) if count else 0
    kinds, parts = _columns(np.ascontiguousarray(table.T))
    body = b"".join(
        [
            kinds,
            _planes(times - base),
            _planes(ticks.instruments.astype("<i4")),
            ticks.brokers.tobytes(),
            ticks.snapshots.tobytes(),
            *parts,
        ]
    )
    return _HEAD.pack(_VERSION, count, base) + zlib.compress(body, level)


def _columns(columns: NDArray[np.float64]) -> tuple[bytes, list[bytes]]:
    unknown = np.isnan(columns)
    kinds = np.full(len(columns), _PLAIN, np.uint8)
    whole = np.empty(columns.shape, "<i4")
    left = np.arange(len(columns))
    with np.errstate(invalid="ignore", over="ignore"):
        for place, scale in enumerate(_SCALES):
            values = columns[left]
            scaled = np.rint(values * scale)
            fits = (scaled / scale == values) & (np.abs(scaled) <= _LARGEST)
            # A zero with a minus would lose it; nobody sends one, but nothing is to change on the way.
            fits &= ~(np.signbit(values) & (values == 0))
            exact = (fits | unknown[left]).all(axis=1)
            chosen = left[exact]
            kinds[chosen] = place
            whole[chosen] = np.where(unknown[chosen], _UNKNOWN, scaled[exact]).astype("<i4")
            left = left[~exact]
            if not len(left):
                break
    kinds[unknown.all(axis=1)] = _ABSENT
    parts = []
    for place, kind in enumerate(kinds.tolist()):
        if kind == _PLAIN:
            parts.append(_planes(columns[place]))
        elif kind != _ABSENT:
            parts.append(_planes(whole[place]))
    return kinds.tobytes(), parts


def _planes(values: NDArray[Any]) -> bytes:
    width = values.dtype.itemsize
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, width).T.tobytes()


def unpack_ticks(data: bytes) -> Ticks:
    """The rows again, equal to the last bit.

    Raises
    ------
    WireError
        They are not what ``pack_ticks`` makes.
    """
    try:
        version, count, base = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise WireError(f"ticks: expected version {_VERSION}, found {version}; upgrade dualbroker")
        body = zlib.decompress(memoryview(data)[_HEAD.size :])
        return _unpack(body, count, base)
    except (struct.error, zlib.error, ValueError) as error:
        raise WireError(f"ticks can't be read: {error}") from None


def _unpack(body: bytes, count: int, base: int) -> Ticks:
    at = _NUMBERS
    kinds = body[:at]

    def take(dtype: str) -> NDArray[Any]:
        nonlocal at
        width = np.dtype(dtype).itemsize
        planes = np.frombuffer(body, np.uint8, count * width, at).reshape(width, count)
        at += count * width
        return np.ascontiguousarray(planes.T).reshape(-1).view(dtype)

    rows = np.empty(count, TICK_DTYPE)
    rows["receive_time"] = take("<i8") + base
    instruments, brokers, snapshots = take("<i4"), take("u1"), take("u1")
    names = (TICK_DTYPE.names or ())[1:]
    for name, kind in zip(names, kinds, strict=True):
        if kind == _ABSENT:
            rows[name] = np.nan
        elif kind == _PLAIN:
            rows[name] = take("<f8")
        else:
            whole = take("<i4")
            rows[name] = np.where(whole == _UNKNOWN, np.nan, whole / _SCALES[kind])
    return Ticks(rows, instruments, brokers, snapshots)
