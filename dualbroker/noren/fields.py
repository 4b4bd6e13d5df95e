"""Single fields of a Noren message: the types they decode to, and the careful way to read them.

A message is normally decoded whole by msgspec, in C. Only when that fails (one field says ``"NA"``)
is it read again field by field, so that the one bad field becomes unknown and the rest is kept.
"""

from __future__ import annotations

import functools
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from dualbroker.errors import WireError
from dualbroker.model import InstrumentKey

__all__ = [
    "EpochSeconds",
    "Number",
    "Text",
    "Whole",
    "Word",
    "join_keys",
    "load_object",
    "normal_word",
    "number",
    "read_struct",
    "shorten",
    "split_keys",
    "text",
    "whole",
]

_LARGEST = sys.float_info.max
LATEST_EPOCH_S = 9_223_372_035
"""The last whole second whose nanoseconds fit 64 bits (year 2262)."""

Word = Annotated[str, msgspec.Meta(min_length=1)]
"""A required text."""
Text = str | None
Number = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)] | None
"""A finite number. The bounds keep out infinities and NaN, which msgspec reads from strings."""
Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None
EpochSeconds = Annotated[int, msgspec.Meta(ge=0, le=LATEST_EPOCH_S)] | None

StructType = TypeVar("StructType", bound=msgspec.Struct)


def number(value: object) -> float | None:
    """The finite number that a wire value states, as text or as a JSON number; None for all else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and (not value.isascii() or "_" in value):
        return None  # float() reads "1_0" and other scripts' digits; no broker writes them
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def whole(value: object) -> int | None:
    """The whole number that a wire value states (``"7"``, ``7``, ``"7.00"``); None for all else."""
    result = number(value)
    if result is None or not result.is_integer() or abs(result) > 2**53:
        return None
    return int(result)


def text(value: object) -> str | None:
    """A wire value as text; numbers are written out, what is neither is None."""
    if isinstance(value, str):
        # A lone surrogate can be escaped in JSON but never written to a file or a socket.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = whole(value)
    if exact is not None:
        return str(exact)
    return None if isinstance(value, int) else str(value)


def _word(value: object) -> str | None:
    return text(value) or None


def _epoch_seconds(value: object) -> int | None:
    result = whole(value)
    return result if result is not None and 0 <= result <= LATEST_EPOCH_S else None


_READERS: Mapping[Any, Callable[[object], object]] = {
    Word: _word,
    Text: text,
    Number: number,
    Whole: whole,
    EpochSeconds: _epoch_seconds,
}


@functools.cache
def _plan(struct_type: type[msgspec.Struct]) -> tuple[tuple[str, str, Callable[[object], object], bool], ...]:
    return tuple(
        (field.name, field.encode_name, _READERS[field.type], field.required)
        for field in msgspec.structs.fields(struct_type)
    )


def read_struct(struct_type: type[StructType], wire: Mapping[str, Any]) -> StructType:
    """Build a struct field by field; a field that can't be read is unknown (None).

    Raises
    ------
    WireError
        A required field is missing or can't be read.
    """
    values: dict[str, Any] = {}
    for name, wire_name, read, required in _plan(struct_type):
        value = read(wire.get(wire_name))
        if value is None and required:
            raise WireError(f"expected a value in field {wire_name!r} ({name}), found none that can be read")
        values[name] = value
    return struct_type(**values)


def load_object(raw: bytes | str) -> dict[str, Any]:
    """Parse a JSON object.

    Python's own parser, because it also takes what msgspec refuses as a whole for the sake of one
    field: numbers out of range, escaped lone surrogates.

    Raises
    ------
    WireError
        It is no JSON, or no object. The text never quotes what was found: it may hold a token.
    """
    if isinstance(raw, bytes | bytearray | memoryview):
        raw = bytes(raw).decode("utf-8", "replace")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        kind = "an empty text" if not raw.strip() else f"{len(raw)} characters that are none"
        raise WireError(f"expected JSON, found {kind}") from None
    if not isinstance(value, dict):
        raise WireError(f"expected a JSON object, found {type(value).__name__}")
    return value


def normal_word(value: object) -> str:
    """Upper case, ``_`` as a space, single spaces: ``"Not_Ok"`` and ``"NOT OK"`` become one.

    Protocol: section 2.1 and 2.4, brokers vary in case and underscores.
    """
    return " ".join(str(value).replace("_", " ").upper().split()) if isinstance(value, str) else ""


_SECRET_LIKE = re.compile(r"[A-Za-z0-9_\-.=/+]{32,}")


def shorten(message: object, limit: int = 160) -> str:
    """A broker's words, fit for an error or a log: one line, bounded, without what looks like a token."""
    line = " ".join(str(message).split())
    line = _SECRET_LIKE.sub("[removed]", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def join_keys(keys: Iterable[InstrumentKey]) -> str:
    """``NSE|22#BSE|508123`` (protocol: section 2.2)."""
    return "#".join(f"{exchange}|{token}" for exchange, token in keys)


def split_keys(joined: object) -> tuple[InstrumentKey, ...]:
    """The opposite of `join_keys`; empty pieces (a trailing ``#``) are passed over.

    Raises
    ------
    WireError
        A piece is not ``EXCHANGE|TOKEN``.
    """
    if joined is None:
        return ()
    if not isinstance(joined, str):
        raise WireError(f"expected k as EXCHANGE|TOKEN joined by #, found {type(joined).__name__}")
    keys = []
    for piece in joined.split("#"):
        if not piece:
            continue
        exchange, _, token = piece.partition("|")
        if not exchange or not token or "|" in token:
            raise WireError(f"expected EXCHANGE|TOKEN, found {shorten(piece, 40)!r}")
        keys.append((exchange, token))
    return tuple(keys)
