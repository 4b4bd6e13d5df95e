"""Numbers, ages and times as a person in India reads them. Pure; unknown is –, never 0."""

from __future__ import annotations

import math
from datetime import datetime

__all__ = [
    "UNKNOWN",
    "age",
    "clock_time",
    "data_rate",
    "data_size",
    "grouped",
    "money",
    "order_price",
    "percent",
    "price",
    "seconds_between",
    "signed",
]

UNKNOWN = "–"


def grouped(value: float | None, decimals: int = 0) -> str:
    """A number in Indian grouping: ``1234567.5`` with two decimals is ``12,34,567.50``."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    digits, point, fraction = f"{abs(value):.{decimals}f}".partition(".")
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    shown = ",".join([*pairs, tail]) + point + fraction
    return f"−{shown}" if value < 0 and shown.strip("0.,") else shown


def price(value: float | None, decimals: int = 2) -> str:
    """Rupees, with the instrument's decimals."""
    return grouped(value, decimals)


def money(value: float | None, decimals: int = 2, sign: str = "₹") -> str:
    """A price with its sign before it (``₹1,25,000.00``); unknown is a dash alone."""
    shown = price(value, decimals)
    return shown if shown == UNKNOWN else f"{sign}{shown}"


def order_price(value: float | None, decimals: int | None) -> str:
    """A price of an order; of an instrument whose decimals nobody has told, as many as it has, up to four."""
    if decimals is not None:
        return price(value, decimals)
    whole, point, fraction = price(value, 4).partition(".")
    return f"{whole}{point}{fraction.rstrip('0').ljust(2, '0')}" if point else whole


def percent(value: float | None) -> str:
    """A change with its sign: ``+0.31``, ``−1.20``."""
    return signed(value, 2)


def signed(value: float | None, decimals: int = 0) -> str:
    """A number with its sign, which an unknown one and 0 do not have: ``+1,20,250``."""
    shown = grouped(value, decimals)
    return f"+{shown}" if value is not None and 0 < value < math.inf and shown.strip("0.,") else shown


def seconds_between(then: str | None, now: str | None) -> float | None:
    """Between two ISO 8601 times, never below 0; None where one of them is unknown."""
    if then is None or now is None:
        return None
    return max(0.0, (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds())


def age(then: str | None, now: str | None) -> str:
    """Time between two ISO 8601 times, in one unit: ``0.2 s``, ``41 s``, ``12 min``, ``3 h``."""
    seconds = seconds_between(then, now)
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def clock_time(moment: str | None, now: str | None = None) -> str:
    """The time of day of an ISO 8601 time, as it was written there; with its day if that is not now's."""
    if moment is None:
        return UNKNOWN
    then = datetime.fromisoformat(moment)
    today = now is None or datetime.fromisoformat(now).date() == then.date()
    return f"{then:%H:%M:%S}" if today else f"{then.day} {then:%b %H:%M:%S}"


def data_size(count: float | None) -> str:
    """Bytes in the unit that keeps the number short: ``840 B``, ``84 kB``, ``1.2 GB`` (1 kB is 1000 B)."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.1f} {unit}" if unit != "B" and count < 10 else f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def data_rate(bytes_per_second: float | None) -> str:
    """Bytes a second: ``84 kB/s``."""
    shown = data_size(bytes_per_second)
    return shown if shown == UNKNOWN else f"{shown}/s"
