"""The slow and obvious reading of JSON that the parsers are held against.

`json` finds the fields, and every number stays the text it was until it is asked for. What is bounded, and
how, is said here a second time on purpose: a bound that the product loses is then missed here.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = [
    "HIGHEST_PRICE",
    "LARGEST_EXACT",
    "Literal",
    "WrongValueError",
    "expect",
    "number_in",
    "price_in",
    "quantity_in",
    "read_json",
    "text_in",
    "whole_in",
]

_HEXADECIMAL = "0123456789abcdefABCDEF"
HIGHEST_PRICE = 1e9
LARGEST_EXACT = 2**53 - 1
LONGEST_TEXT = 1024
NEGATIVE_PRICES = ("MCX", "NCX", "NCO")

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class WrongValueError(AssertionError):
    """A parser accepted what it had no reason to, or read another value than is there."""


class Literal(str):
    """A JSON number as it is written."""

    __slots__ = ()


class _Constant:
    """NaN or an infinity, which JSON has not."""


def expect(condition: object, *words: object) -> None:
    """Raise `WrongValueError` unless the condition holds."""
    if not condition:
        raise WrongValueError(" ".join(str(word)[:300] for word in words))


def read_json(raw: bytes) -> Any:
    """The value of a JSON text; of a repeated key the last counts.

    As brokers write it: control characters stand in texts, and backslashes that escape nothing.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON.
    """
    text = raw.decode("utf-8", "replace")
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        if "escape" not in error.msg:
            raise
    return _loads(_double_lone_backslashes(text))


def _loads(text: str) -> Any:
    return json.loads(
        text,
        strict=False,
        parse_int=Literal,
        parse_float=Literal,
        parse_constant=lambda _: _Constant(),
    )


def _double_lone_backslashes(text: str) -> str:
    done, at = [], 0
    while at < len(text):
        if text[at] != "\\":
            done.append(text[at])
            at += 1
            continue
        follows = text[at + 1 : at + 2]
        hexadecimal = text[at + 2 : at + 6]
        is_code = follows == "u" and len(hexadecimal) == 4 and all(c in _HEXADECIMAL for c in hexadecimal)
        if follows and (follows in '"\\/bfnrt' or is_code):
            done.append(text[at : at + 2])
            at += 2
        else:
            done.append("\\\\")
            at += 1
    return "".join(done)


def number_in(value: object, lowest: float, highest: float) -> float | None:
    """The number that a field states, where it is one and lies within the bounds."""
    if not isinstance(value, str):
        return None
    if not value.isascii() or not _NUMBER.fullmatch(value.strip(" \t\n\r\v\f")):
        return None
    number = float(value)
    return number if lowest <= number <= highest else None


def price_in(value: object, exchange: object) -> float | None:
    """Rupees: below zero only where goods are traded."""
    return number_in(value, -HIGHEST_PRICE if exchange in NEGATIVE_PRICES else 0.0, HIGHEST_PRICE)


def quantity_in(value: object) -> float | None:
    """Units: never below zero, and no more than a float counts one by one."""
    return number_in(value, 0.0, LARGEST_EXACT)


def whole_in(value: object, lowest: int, highest: int) -> int | None:
    """The whole number that a field states; ``7.00`` is one."""
    number = number_in(value, lowest, highest)
    # What differs from a whole number by less than a float can tell is one.
    return int(number) if number is not None and number.is_integer() else None


def text_in(value: object, longest: int = LONGEST_TEXT) -> str | None:
    """A text field; a number is written out, and what no broker writes so long is unknown."""
    if isinstance(value, Literal):
        if not any(letter in value for letter in ".eE"):
            return str(int(value)) if len(value) <= 64 else None
        number = float(value)
        if number in (float("inf"), float("-inf")):
            return None
        return str(int(number)) if number.is_integer() and abs(number) <= LARGEST_EXACT else str(number)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if len(value) <= longest else None
    return None
