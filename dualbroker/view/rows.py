"""Rows a person or a program can read, made from the stores: plain values, ready for JSON.

Times are ISO 8601 with +05:30, prices rupees, quantities units. None is unknown, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from dualbroker import tables
from dualbroker.clock import ist
from dualbroker.frames.columns import named_rows
from dualbroker.frames.frames import brokers_data, newest_first, orders_data
from dualbroker.manager.source import FeedSource
from dualbroker.model import Instrument, InstrumentKind, MessageKind, OrderStatus
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.orders import OrderState

__all__ = [
    "age_s",
    "broker_rows",
    "healths",
    "iso_time",
    "known",
    "mode",
    "order_rows",
    "price_decimals",
    "rupee_sign",
    "subscription_rows",
]


def mode(manager: FeedSource) -> str:
    """``SIMULATED`` when prices and orders come from the simulator, else ``LIVE``."""
    return "SIMULATED" if manager.is_simulated else "LIVE"


def iso_time(time_ns: int | None) -> str | None:
    """UTC nanoseconds as ISO 8601 in Indian time; None stays None, and so does a clock that has not begun."""
    if time_ns is None or time_ns <= 0:
        return None
    return ist(time_ns).isoformat(timespec="milliseconds")


def age_s(time_ns: int | None, now_ns: int) -> float | None:
    """Seconds since then; None when it has not happened."""
    return None if time_ns is None else round(max(0, now_ns - time_ns) / 1e9, 3)


def known(value: float | None) -> float | None:
    """The number; None for NaN and the infinities, which JSON can't carry."""
    return value if value is not None and math.isfinite(value) else None


def healths(manager: FeedSource) -> list[BrokerHealth]:
    """How each enabled broker is doing, in the config's order, also before its session exists."""
    return manager.all_health()


def broker_rows(manager: FeedSource) -> list[dict[str, Any]]:
    """The columns of ``feed.brokers``, a row per enabled broker; and what no frame has of it.

    That is ``unexpected_quotes`` and ``bytes_per_second`` by kind. The account is masked; no secret.
    """
    rates = manager.bandwidth.rates()
    known_of = healths(manager)
    rows = named_rows(tables.BROKERS, brokers_data(known_of, manager.bandwidth))
    for row, health in zip(rows, known_of, strict=True):
        row["unexpected_quotes"] = health.unexpected_quotes
        row["bytes_per_second"] = {kind.value: rates.get((health.broker_name, kind)) for kind in MessageKind}
    return rows


def subscription_rows(manager: FeedSource) -> list[dict[str, Any]]:
    """All that is streamed, in order of first subscription: the columns of ``tables.SUBSCRIPTIONS``."""
    store = manager.quotes
    latest = store.last_rows()
    return [
        {
            "exchange": key[0],
            "token": key[1],
            "symbol": store.instruments[index].symbol,
            "feed_type": feed_type.value,
            "quote_source": manager.source_of(key),
            "acknowledged": bool(latest[index] >= 0),
        }
        for key, feed_type in manager.wanted().items()
        if (index := store.index_of(key)) is not None
    ]


def price_decimals(instrument: Instrument) -> int:
    """Decimals that a price of it is shown with: its tick size's, two at least and four at most."""
    if not instrument.tick_size:
        return 2
    digits = f"{instrument.tick_size:.4f}".rstrip("0").partition(".")[2]
    return max(2, len(digits))


def rupee_sign(instrument: Instrument) -> str:
    """What stands before a price of it: ``₹``, or nothing before an index, which is points and no money."""
    return "" if instrument.kind is InstrumentKind.INDEX else "₹"


def order_rows(states: Iterable[OrderState]) -> list[dict[str, Any]]:
    """The columns of ``feed.orders``, the newest first, and a ``status_note``.

    ``order_time`` is when we first knew of an order, where its broker does not say more.
    """
    ordered = newest_first(states)
    rows = named_rows(tables.ORDERS, orders_data(ordered))
    for row, state in zip(rows, ordered, strict=True):
        row["order_time"] = row["order_time"] or row["first_seen"]
        row["status_note"] = _status_note(state)
    return rows


def _status_note(state: OrderState) -> str:
    """What the state's own word does not tell; "" where it tells all."""
    if state.status is OrderStatus.UNKNOWN:
        return f'the broker says "{state.raw_status}"' if state.raw_status else ""
    return "after market" if state.amo and not state.status.is_final else ""
