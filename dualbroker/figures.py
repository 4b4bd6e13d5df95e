"""How a figure is written, wherever a person reads it: unknown is –, never 0. Pure.

The page and the live widgets write by the same rules, in ``view/static/words.js``; ``tests/figures.json``
holds the cases that both have to pass.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = [
    "UNKNOWN",
    "age",
    "age_words",
    "byte_rate",
    "byte_size",
    "clock_time",
    "compact",
    "duration",
    "milliseconds",
    "money",
    "number",
    "order_money",
    "order_price",
    "percent",
    "plural",
    "seconds_between",
    "signed",
    "written",
]

UNKNOWN = "–"

_MINUS = "−"
# A browser rounds what is written, and so does this: 1.005 is 1.01, whatever the float's last bit.
_ROUNDING = Context(prec=400, rounding=ROUND_HALF_UP)
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
_LAKH, _CRORE = 1e5, 1e7


def number(value: float | None, decimals: int = 0, most: int | None = None) -> str:
    """A number in Indian grouping: ``1234567.5`` with two decimals is ``12,34,567.50``.

    With ``most`` it has as many decimals as it needs, up to that: ``26000``, ``82.4325``.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    exact = Decimal(repr(float(value)) if isinstance(value, float) else int(value))
    places = decimals if most is None else most
    rounded = abs(exact).quantize(Decimal(1).scaleb(-places), context=_ROUNDING)
    digits, _, fraction = f"{rounded:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    shown = ",".join([*pairs, tail]) + (f".{fraction}" if fraction else "")
    return f"{_MINUS}{shown}" if value < 0 and rounded else shown


def signed(value: float | None, decimals: int = 2) -> str:
    """A number with its sign, which an unknown one and 0 do not have: ``+0.31``, ``−1.20``, ``0.00``."""
    shown = number(value, decimals)
    return f"+{shown}" if value is not None and 0 < value < math.inf and shown.strip("0.,") else shown


def compact(value: float | None) -> str:
    """A quantity as it is said: lakh and crore, to three figures; what is below a lakh is whole."""
    if value is None or not math.isfinite(value) or abs(value) < _LAKH:
        return number(value)
    size, unit = (value / _LAKH, "L") if abs(value) < 99.95 * _LAKH else (value / _CRORE, "Cr")
    decimals = 2 if abs(size) < 9.995 else 1 if abs(size) < 99.95 else 0
    return f"{number(size, decimals)} {unit}"


def money(value: float | None, decimals: int = 2, sign: str = "₹") -> str:
    """A price with its sign before it (``₹1,25,000.00``); unknown is a dash alone."""
    shown = number(value, decimals)
    return shown if shown == UNKNOWN else f"{sign}{shown}"


def order_price(value: float | None, decimals: int | None) -> str:
    """A price of an order; where the instrument's decimals are not known, as many as it has, two to four."""
    return number(value, 2, 4) if decimals is None else number(value, decimals)


def order_money(value: float) -> str:
    """The same with its sign, where nobody knows the decimals: ``₹82.4325``."""
    return f"₹{order_price(value, None)}"


def percent(value: float | None) -> str:
    """A share: ``72.5 %``."""
    shown = number(value, 1)
    return shown if shown == UNKNOWN else f"{shown} %"


def milliseconds(value: float | None) -> str:
    """Of a ping's way there and back: ``18.2 ms``."""
    shown = number(value, 1)
    return shown if shown == UNKNOWN else f"{shown} ms"


def written(writing: str, value: float | None, decimals: int = 2) -> str:
    """A value of a table's column (:data:`dualbroker.tables.Writing`).

    Parameters
    ----------
    writing
        price: with its instrument's decimals; change: signed, in per cent; quantity: lakh and crore; whole:
        all its digits; difference: these with a sign; plain: decimals only where it has any; ratio: two;
        fine: four; duration: of seconds.
    decimals
        Of a price.
    """
    if writing == "price":
        return number(value, decimals)
    if writing == "change":
        return signed(value)
    if writing == "quantity":
        return compact(value)
    if writing == "difference":
        return signed(value, 0)
    if writing == "duration":
        return duration(value)
    if writing == "plain":
        return number(value, 0, 2)
    return number(value, {"ratio": 2, "fine": 4}.get(writing, 0))


def plural(count: int, one: str, many: str | None = None) -> str:
    """So many of them, in words: ``1 instrument``, ``2,000 instruments``."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def byte_size(count: float | None) -> str:
    """Bytes in the unit that keeps the number short: ``840 B``, ``84 kB``, ``1.2 GB`` (1 kB is 1000 B)."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    place = 0
    while count >= 999.5 and place < len(_BYTE_UNITS) - 1:
        count /= 1000
        place += 1
    return f"{number(count, 1 if place and count < 9.95 else 0)} {_BYTE_UNITS[place]}"


def byte_rate(bytes_per_second: float | None) -> str:
    """Bytes a second: ``84 kB/s``."""
    shown = byte_size(bytes_per_second)
    return shown if shown == UNKNOWN else f"{shown}/s"


def duration(seconds: float | None) -> str:
    """How long something took, to three figures: ``0.180 s``, ``2.35 s``, ``41.0 s``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    return f"{number(seconds, 3 if seconds < 1 else 2 if seconds < 10 else 1)} s"


def age_words(seconds: float | None) -> str:
    """How long ago something was, in one unit, never more than it is: ``0.2 s``, ``41 s``, ``3 h``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 5:
        return f"{number(math.floor(seconds * 10) / 10, 1)} s"
    if seconds < 120:
        return f"{number(math.floor(seconds))} s"
    if seconds < 7200:
        return f"{number(math.floor(seconds / 60))} min"
    return f"{number(math.floor(seconds / 3600))} h"


def seconds_between(then: str | None, now: str | None) -> float | None:
    """Between two ISO 8601 times, never below 0; None where one of them is unknown."""
    if then is None or now is None:
        return None
    return max(0.0, (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds())


def age(then: str | None, now: str | None) -> str:
    """Time between two ISO 8601 times, as ``age_words`` has it."""
    return age_words(seconds_between(then, now))


def clock_time(moment: str | None, now: str | None = None) -> str:
    """The time of day of an ISO 8601 time, as it was written there; with its day if that is not now's.

    ``14:02:11``, ``2 Mar 14:02:11``, and of another year ``31 Dec 2025 14:02:11``.
    """
    if moment is None:
        return UNKNOWN
    then = datetime.fromisoformat(moment)
    today = then if now is None else datetime.fromisoformat(now)
    if today.date() == then.date():
        return f"{then:%H:%M:%S}"
    year = "" if today.year == then.year else f" {then.year}"
    return f"{then.day} {then:%b}{year} {then:%H:%M:%S}"
