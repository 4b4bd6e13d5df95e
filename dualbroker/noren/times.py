"""The times of the Noren protocol, read into UTC nanoseconds and written (protocol: section 1.2).

Wall clocks are Indian time in two spellings, and brokers disagree on which field has which, so both are
read everywhere. Epoch times are seconds, as text. A time of before the year 2000 is that of a clock which
was never set (exchanges' gateways send 01-01-1980 and 0, protocol: section 9): it is unknown.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from dualbroker.clock import IST, NS_PER_S
from dualbroker.noren.fields import epoch_seconds

__all__ = ["epoch_ns", "exchange_time_text", "ist_day", "order_time_text", "wall_time_ns"]

_TIME_FIRST = re.compile(r"(\d\d):(\d\d):(\d\d) (\d\d)-(\d\d)-(\d{4})", re.ASCII)
_DATE_FIRST = re.compile(r"(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d):(\d\d)", re.ASCII)
EARLIEST_YEAR = 2000
_EARLIEST_S = int(datetime(EARLIEST_YEAR, 1, 1, tzinfo=IST).timestamp())


def wall_time_ns(value: object) -> int | None:
    """UTC nanoseconds of ``HH:MM:SS DD-MM-YYYY`` or ``DD-MM-YYYY HH:MM:SS``, Indian time.

    None for what is neither, and for what the 64 bits of a store can't hold.
    """
    if not isinstance(value, str):
        return None
    line = value.strip()
    if match := _TIME_FIRST.fullmatch(line):
        hour, minute, second, day, month, year = map(int, match.groups())
    elif match := _DATE_FIRST.fullmatch(line):
        day, month, year, hour, minute, second = map(int, match.groups())
    else:
        return None
    if not EARLIEST_YEAR <= year < 2262:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=IST)
    except ValueError:
        return None
    return int(moment.timestamp()) * NS_PER_S


def epoch_ns(value: object) -> int | None:
    """UTC nanoseconds of epoch seconds given as text or number; None for what is none, or too long ago."""
    seconds = epoch_seconds(value)
    return None if seconds is None or seconds < _EARLIEST_S else seconds * NS_PER_S


def _ist_second(time_ns: int) -> datetime:
    # Whole seconds: a float of nanoseconds could carry the last of them into the next second.
    return datetime.fromtimestamp(time_ns // NS_PER_S, IST)


def order_time_text(time_ns: int) -> str:
    """``HH:MM:SS DD-MM-YYYY``, as in ``norentm`` and ``request_time``."""
    return _ist_second(time_ns).strftime("%H:%M:%S %d-%m-%Y")


def exchange_time_text(time_ns: int) -> str:
    """``DD-MM-YYYY HH:MM:SS``, as in ``exch_tm`` and ``fltm``."""
    return _ist_second(time_ns).strftime("%d-%m-%Y %H:%M:%S")


def ist_day(time_ns: int) -> date:
    """The Indian calendar day."""
    return _ist_second(time_ns).date()
