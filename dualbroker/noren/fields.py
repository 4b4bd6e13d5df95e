"""Single fields of a Noren message: the types they decode to, and the careful way to read them.

A message is normally decoded whole by msgspec, in C. Only when that fails (one field says ``"NA"``)
is it read again field by field, so that the one bad field becomes unknown and the rest is kept.
What lies beyond every real price, quantity or text is unknown too: it is damage, or an attack.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from dualbroker.errors import WireError
from dualbroker.model import InstrumentKey

__all__ = [
    "LONGEST_ORDER_NUMBER",
    "SPELLINGS",
    "EpochSeconds",
    "Percent",
    "Price",
    "Quantity",
    "Text",
    "Whole",
    "Word",
    "epoch_seconds",
    "join_keys",
    "load_json",
    "load_object",
    "mended",
    "money",
    "net_quantity",
    "normal_word",
    "number",
    "order_number",
    "price",
    "quantity",
    "read_struct",
    "said",
    "short_text",
    "shorten",
    "split_keys",
    "text",
    "whole",
]

HIGHEST_PRICE = 1e9
"""Rupees; the dearest security costs less than a hundredth of it."""
LARGEST_EXACT = 2**53 - 1
"""Beyond it a number may be one that was rounded to it, as a float."""
_LARGEST_PERCENT = 1e9
_LARGEST_SUM = 1e15
LONGEST_TEXT = 1024
"""Characters. Brokers write reasons of one or two hundred; a megabyte in each update would fill memory."""
LONGEST_ORDER_NUMBER = 64
_LONGEST_INTEGER = 64
"""Digits. Python refuses to write out more than a few thousand."""
LATEST_EPOCH_S = 9_223_372_035
"""The last whole second whose nanoseconds fit 64 bits (year 2262)."""

_GOODS_EXCHANGES = frozenset({"MCX", "NCX", "NCO"})
"""Where goods are traded a price can be below zero, as that of crude oil was on 20 April 2020."""

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
"""A required text."""
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] | None
# The bounds also keep out infinities and NaN, which msgspec reads from strings.
Price = Annotated[float, msgspec.Meta(ge=0, le=HIGHEST_PRICE)] | None
"""Rupees. One below zero fails here, and is read with care: it depends on the exchange."""
Quantity = Annotated[float, msgspec.Meta(ge=0, le=LARGEST_EXACT)] | None
Percent = Annotated[float, msgspec.Meta(ge=-_LARGEST_PERCENT, le=_LARGEST_PERCENT)] | None
Whole = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_EXACT)] | None
EpochSeconds = Annotated[int, msgspec.Meta(ge=0, le=LATEST_EPOCH_S)] | None

StructType = TypeVar("StructType", bound=msgspec.Struct)

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "norenordno": ("norenordno", "norenoordno"),
    "pcode": ("pcode", "prd"),
    "reporttype": ("reporttype", "rpt"),
    "exchordid": ("exchordid", "exchorderid"),
    "fltm": ("fltm", "filltm"),
    "ordenttm": ("ordenttm", "ordentm"),
}
"""Fields that brokers and their documents spell in more than one way (protocol: sections 1.6, 2.4 and 9).

By the name that is used here; of several that a message has, the first that says something counts. One table
for the stream, every book and the history.
"""


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
    if result is None or not result.is_integer() or abs(result) > LARGEST_EXACT:
        return None
    return int(result)


def _between(value: object, lowest: float, highest: float) -> float | None:
    result = number(value)
    return result if result is not None and lowest <= result <= highest else None


def price(value: object, exchange: str | None) -> float | None:
    """The price that a wire value states, in rupees; None for what can't be one on that exchange."""
    return _between(value, -HIGHEST_PRICE if exchange in _GOODS_EXCHANGES else 0, HIGHEST_PRICE)


def quantity(value: object) -> float | None:
    """The quantity that a wire value states, in units, never below zero; None for all else."""
    return _between(value, 0, LARGEST_EXACT)


def net_quantity(value: object) -> float | None:
    """A quantity that is below zero where more was sold than bought."""
    return _between(value, -LARGEST_EXACT, LARGEST_EXACT)


def money(value: object) -> float | None:
    """A profit or a loss in rupees, or such an average; None for what is no number or beyond belief."""
    return _between(value, -_LARGEST_SUM, _LARGEST_SUM)


def text(value: object) -> str | None:
    """A wire value as text, however long; numbers are written out, what is neither is None."""
    if isinstance(value, str):
        # A lone surrogate can be escaped in JSON but never written to a file or a socket.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**_LONGEST_INTEGER else None
    exact = whole(value)
    if exact is not None:
        return str(exact)
    return str(value) if math.isfinite(value) else None


def short_text(value: object) -> str | None:
    """As `text`; None for one that is longer than any that a broker writes."""
    result = text(value)
    return result if result is not None and len(result) <= LONGEST_TEXT else None


def epoch_seconds(value: object) -> int | None:
    """The moment that a wire value states, in whole epoch seconds; None for all else."""
    result = whole(value)
    return result if result is not None and 0 <= result <= LATEST_EPOCH_S else None


_READERS: Mapping[Any, Callable[[object], object]] = {
    Word: lambda value: short_text(value) or None,
    Text: short_text,
    Price: lambda value: price(value, None),
    Quantity: quantity,
    Percent: lambda value: _between(value, -_LARGEST_PERCENT, _LARGEST_PERCENT),
    Whole: lambda value: result if (result := whole(value)) is not None and result >= 0 else None,
    EpochSeconds: epoch_seconds,
}
_GOODS_READERS = {**_READERS, Price: lambda value: price(value, "MCX")}


@functools.cache
def _plan(
    struct_type: type[msgspec.Struct], of_goods: bool
) -> tuple[tuple[str, str, Callable[[object], object], bool], ...]:
    readers = _GOODS_READERS if of_goods else _READERS
    return tuple(
        (field.name, field.encode_name, readers[field.type], field.required)
        for field in msgspec.structs.fields(struct_type)
    )


@functools.cache
def _exchange_field(struct_type: type[msgspec.Struct]) -> str:
    return next(
        field.encode_name for field in msgspec.structs.fields(struct_type) if field.name == "exchange"
    )


def said(wire: Mapping[str, Any], wire_name: str, read: Callable[[object], object]) -> Any:
    """What a field says, in whichever of its `SPELLINGS`; None or a blank text where none says anything."""
    spellings = SPELLINGS.get(wire_name)
    if spellings is None:
        return read(wire.get(wire_name))
    first = None
    for spelling in spellings:
        value = read(wire.get(spelling))
        if value is not None and not (isinstance(value, str) and (not value or value.isspace())):
            return value
        first = value if first is None else first
    return first


def order_number(wire: Mapping[str, Any]) -> str:
    """The order number of a message or a row.

    Raises
    ------
    WireError
        There is none, or one that is too long to be one.
    """
    number = (said(wire, "norenordno", short_text) or "").strip()
    if not 0 < len(number) <= LONGEST_ORDER_NUMBER:
        found = f"one of {len(number)} characters" if number else "none"
        raise WireError(f"expected an order number (norenordno), found {found}")
    return number


def read_struct(struct_type: type[StructType], wire: Mapping[str, Any]) -> StructType:
    """Build a struct field by field, whichever way each is spelt; what can't be read is unknown (None).

    Raises
    ------
    WireError
        A required field is missing or can't be read.
    """
    values: dict[str, Any] = {}
    exchange = wire.get(_exchange_field(struct_type))
    of_goods = isinstance(exchange, str) and exchange in _GOODS_EXCHANGES
    for name, wire_name, read, required in _plan(struct_type, of_goods):
        value = said(wire, wire_name, read)
        if value is None and required:
            raise WireError(f"expected a value in field {wire_name!r} ({name}), found none that can be read")
        values[name] = value
    return struct_type(**values)


_LONE_BACKSLASH = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|)')
"""A backslash with what it escapes, if it escapes anything."""


def mended(raw: bytes | str) -> str:
    """A JSON text in which bytes that are no UTF-8 are replaced, and no backslash escapes nothing."""
    line = raw if isinstance(raw, str) else bytes(raw).decode("utf-8", "replace")
    return _LONE_BACKSLASH.sub(lambda found: found[0] if found[1] else "\\\\", line)


def load_json(raw: bytes | str) -> Any:
    """Parse JSON as brokers write it: a bad character in a text costs nothing.

    Python's own parser, because it also takes what msgspec refuses as a whole for the sake of one field:
    numbers out of range, escaped lone surrogates. Texts that people fill as they like (``remarks``,
    ``rejreason``) come with raw line breaks and tabs, with bytes that are no UTF-8, and with backslashes
    that escape nothing; all of them are kept as text.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON even so.
    """
    line = raw if isinstance(raw, str) else bytes(raw).decode("utf-8", "replace")
    try:
        return json.loads(line, strict=False)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid \\"):
            raise
    return json.loads(mended(line), strict=False)


def load_object(raw: bytes | str) -> dict[str, Any]:
    """Parse a JSON object, as `load_json` does.

    Raises
    ------
    WireError
        It is no JSON, or no object. The text never quotes what was found: it may hold a token.
    """
    try:
        value = load_json(raw)
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


_MOST_SEARCHED = 20_000
_SECRET_LIKE = re.compile(r"[A-Za-z0-9_\-.=/+]{32,}")


def shorten(message: object, limit: int = 160) -> str:
    """A broker's words, fit for an error or a log: one line, bounded, without what looks like a token."""
    # Only the beginning is shown, so the search for tokens need not go through a megabyte.
    line = " ".join(str(message)[:_MOST_SEARCHED].split())
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
