"""Columns, dtypes and time zone of every frame, in one place; empty frames have them too.

What a person looks for first comes first: pandas shows the first ten and the last ten columns of a frame that
has more than twenty. Ids and counters, which are for checking afterwards, come last.

=====================  ==========================================================================
kind                   dtype
=====================  ==========================================================================
price                  float64, rupees; NaN is unknown
quantity               Int64, units (never lots); <NA> is unknown
time                   datetime64[ns, Asia/Kolkata]; NaT is unknown
text                   str (object before pandas 3); None or NaN is unknown
number                 float64; of durations seconds, unless the name says otherwise; NaN is unknown
answer                 boolean; <NA> is unknown
=====================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "ALL_TICKS",
    "BANDWIDTH",
    "BARS",
    "BROKERS",
    "CHAIN",
    "DEPTH",
    "FAILOVERS",
    "GAPS",
    "INCIDENTS",
    "INSTRUMENTS",
    "ORDERS",
    "ORDER_EVENTS",
    "QUOTES",
    "RECONCILED",
    "SUBSCRIBED",
    "TICKS",
    "frame",
    "text_index",
]

ZONE = "Asia/Kolkata"
PRICE, QUANTITY, TIME, TEXT, FLAG, COUNT, NUMBER, DAY, ANSWER = (
    "price",
    "quantity",
    "time",
    "text",
    "flag",
    "count",
    "number",
    "day",
    "answer",
)

_QUOTE = {
    "ltp": PRICE,
    "change_percent": NUMBER,
    "bid": PRICE,
    "ask": PRICE,
    "bid_quantity": QUANTITY,
    "ask_quantity": QUANTITY,
    "volume": QUANTITY,
    "open_interest": QUANTITY,
    "open_interest_change": QUANTITY,
    "open": PRICE,
    "high": PRICE,
    "low": PRICE,
    "prev_close": PRICE,
    "average_price": PRICE,
    "feed_time": TIME,
}

QUOTES = {**_QUOTE, "receive_time": TIME, "broker_name": TEXT, "exchange": TEXT, "token": TEXT}
"""Indexed by ``symbol``."""

TICKS = {**_QUOTE, "snapshot": FLAG, "broker_name": TEXT}
"""Indexed by ``receive_time``; ``snapshot`` marks full quotes that acknowledged a subscription."""

ALL_TICKS = {"receive_time": TIME, "symbol": TEXT, "exchange": TEXT, "token": TEXT, **TICKS}
"""Of all instruments together, in order of arrival."""

BARS = {
    "open": PRICE,
    "high": PRICE,
    "low": PRICE,
    "close": PRICE,
    "volume": QUANTITY,
    "ticks": COUNT,
    "broker_name": TEXT,
}
"""Indexed by ``time``, the bar's left edge."""

ORDERS = {
    "broker_name": TEXT,
    "order_time": TIME,
    "symbol": TEXT,
    "side": TEXT,
    "quantity": QUANTITY,
    "filled_quantity": QUANTITY,
    "price": PRICE,
    "average_price": PRICE,
    "status": TEXT,
    "reject_reason": TEXT,
    "doubt": TEXT,
    "trigger_price": PRICE,
    "price_type": TEXT,
    "product": TEXT,
    "exchange": TEXT,
    "cancelled_quantity": QUANTITY,
    "retention": TEXT,
    "remarks": TEXT,
    "order_id": TEXT,
    "exchange_order_id": TEXT,
    "trading_day": DAY,
    "token": TEXT,
    "report_type": TEXT,
    "first_seen": TIME,
    "last_update": TIME,
    "updates": COUNT,
    "broker_status": TEXT,
    "amo": ANSWER,
}

ORDER_EVENTS = {
    "sequence": COUNT,
    "receive_time": TIME,
    "broker_name": TEXT,
    "order_id": TEXT,
    "symbol": TEXT,
    "source": TEXT,
    "status": TEXT,
    "report_type": TEXT,
    "quantity": QUANTITY,
    "price": PRICE,
    "filled_quantity": QUANTITY,
    "average_price": PRICE,
    "fill_id": TEXT,
    "fill_quantity": QUANTITY,
    "fill_price": PRICE,
    "reject_reason": TEXT,
    "event_time": TIME,
    "broker_status": TEXT,
}

BROKERS = {
    "state": TEXT,
    "role": TEXT,
    "problem": TEXT,
    "last_quote": TIME,
    "last_order": TIME,
    "last_order_book": TIME,
    "latency_ms": NUMBER,
    "subscriptions": COUNT,
    "acknowledged": COUNT,
    "reconnects": COUNT,
    "connected_since": TIME,
    "quote_bytes": COUNT,
    "order_bytes": COUNT,
    "control_bytes": COUNT,
    "quote_messages": COUNT,
    "order_messages": COUNT,
    "unreadable_messages": COUNT,
    "type": TEXT,
    "account": TEXT,
    "simulated": FLAG,
}
"""Indexed by ``broker_name``."""

RECONCILED = {
    "time": TIME,
    "read": FLAG,
    "orders": QUANTITY,
    "fills": QUANTITY,
    "changes": COUNT,
    "seconds": NUMBER,
    "problem": TEXT,
}
"""Indexed by ``broker_name``; ``orders`` and ``fills`` are those in the books, <NA> where not known."""

BANDWIDTH = {"time": TIME, "broker_name": TEXT, "kind": TEXT, "bytes": COUNT, "messages": COUNT}

FAILOVERS = {
    "number": COUNT,
    "time": TIME,
    "from_broker": TEXT,
    "to_broker": TEXT,
    "why": TEXT,
    "planned": FLAG,
    "detected_after": NUMBER,
    "instruments": COUNT,
    "gap_p50": NUMBER,
    "gap_p99": NUMBER,
    "gap_max": NUMBER,
    "uncovered": COUNT,
    "finished": FLAG,
}
"""Gaps and ``detected_after`` in seconds."""

GAPS = {
    "number": COUNT,
    "symbol": TEXT,
    "exchange": TEXT,
    "token": TEXT,
    "from_broker": TEXT,
    "to_broker": TEXT,
    "gap": NUMBER,
    "covered": FLAG,
}
"""``gap`` in seconds."""

INCIDENTS = {"number": COUNT, "time": TIME, "broker_name": TEXT, "cause": TEXT, "action": TEXT}

INSTRUMENTS = {
    "exchange": TEXT,
    "token": TEXT,
    "symbol": TEXT,
    "name": TEXT,
    "kind": TEXT,
    "expiry": DAY,
    "strike": PRICE,
    "option_type": TEXT,
    "lot_size": COUNT,
    "tick_size": PRICE,
    "ltp": PRICE,
}
"""``ltp`` is known of what is streamed only."""

SUBSCRIBED = {
    "exchange": TEXT,
    "token": TEXT,
    "symbol": TEXT,
    "expiry": DAY,
    "lot_size": COUNT,
    "quote_source": TEXT,
    "acknowledged": FLAG,
}

DEPTH = {
    "bid_orders": QUANTITY,
    "bid_quantity": QUANTITY,
    "bid": PRICE,
    "ask": PRICE,
    "ask_quantity": QUANTITY,
    "ask_orders": QUANTITY,
}
"""Indexed by ``level``, 1 to 5."""

_OPTION = {
    "ltp": PRICE,
    "change": PRICE,
    "change_percent": NUMBER,
    "bid": PRICE,
    "ask": PRICE,
    "volume": QUANTITY,
    "open_interest": QUANTITY,
    "open_interest_change": QUANTITY,
}

CHAIN = {
    **{f"call_{name}": kind for name, kind in _OPTION.items()},
    **{f"put_{name}": kind for name, kind in _OPTION.items()},
    "straddle": PRICE,
    "put_call_ratio": NUMBER,
    "call_symbol": TEXT,
    "put_symbol": TEXT,
}
"""Indexed by ``strike``; ``change`` (rupees) and ``open_interest_change`` (units) since the day before."""

_LARGEST_EXACT = 2.0**53


def frame(
    columns: Mapping[str, str], data: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]
) -> pd.DataFrame:
    """A frame with these columns in this order, each cast to its kind; ``data`` has one entry per column."""
    return pd.DataFrame({name: _cast(kind, data[name]) for name, kind in columns.items()})


def _cast(kind: str, values: Sequence[Any] | np.ndarray[Any, Any]) -> Any:
    if kind in (PRICE, NUMBER):
        return np.array(
            [np.nan if v is None else v for v in values] if isinstance(values, list) else values, float
        )
    if kind == QUANTITY:
        return quantities(values)
    if kind == TIME:
        return times(values)
    if kind == DAY:
        return pd.DatetimeIndex(pd.to_datetime(pd.Series(list(values), dtype=object))).as_unit("ns")
    if kind == FLAG:
        return np.asarray(values, bool)
    if kind == ANSWER:
        return pd.array([pd.NA if value is None else value for value in values], dtype="boolean")
    if kind == COUNT:
        return np.asarray(values, np.int64)
    return pd.Series(list(values), dtype=_TEXT_DTYPE).array


_TEXT_DTYPE: Any = pd.Series(["text"]).dtype


def text_index(values: Sequence[str | None], name: str) -> pd.Index[Any]:
    """An index of text, with the dtype that columns of text have."""
    index: pd.Index[Any] = pd.Index(list(values), dtype=_TEXT_DTYPE, name=name)
    return index


def quantities(values: Sequence[Any] | np.ndarray[Any, Any]) -> pd.arrays.IntegerArray:
    """Int64 with <NA> where the value is None, NaN, or too large to be exact."""
    numbers = np.array(
        [np.nan if v is None else v for v in values] if isinstance(values, list) else values, float
    )
    unknown = ~(np.abs(numbers) < _LARGEST_EXACT)
    return pd.arrays.IntegerArray(np.where(unknown, 0, numbers).astype(np.int64), unknown)


def times(values: Sequence[Any] | np.ndarray[Any, Any]) -> pd.DatetimeIndex:
    """UTC nanoseconds (None is unknown) as Indian time."""
    if not isinstance(values, np.ndarray):
        values = np.array([pd.NaT.value if v is None else v for v in values], np.int64)
    return pd.DatetimeIndex(values.view("M8[ns]")).tz_localize("UTC").tz_convert(ZONE)


def seconds_to_ns(seconds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Epoch seconds with NaN as int64 nanoseconds with NaT; what no timestamp can hold is NaT too."""
    known = (seconds > 0) & (seconds < 9.2e9)
    return np.where(known, np.where(known, seconds, 0).astype(np.int64) * 1_000_000_000, pd.NaT.value)
