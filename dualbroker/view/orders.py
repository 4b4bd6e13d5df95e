"""Orders as rows without field names. Pure."""

from __future__ import annotations

from typing import Any

from dualbroker.manager.source import FeedSource
from dualbroker.model import OrderKey
from dualbroker.stores.orders import OrderState
from dualbroker.view.rows import healths, order_rows
from dualbroker.view.unknown import unread_order_books

__all__ = ["ORDERS_SHOWN", "ORDER_COLUMNS", "order_counts", "order_keys", "order_table"]

ORDERS_SHOWN = 150
"""Of each broker: what is still open, then the newest; more than a person reads."""

ORDER_COLUMNS = (
    "broker_name",
    "order_id",
    "trading_day",
    "order_time",
    "last_update",
    "status",
    "final",
    "side",
    "exchange",
    "symbol",
    "quantity",
    "filled_quantity",
    "price",
    "trigger_price",
    "average_price",
    "price_type",
    "product",
    "reject_reason",
    "remarks",
    "exchange_order_id",
    "doubt",
)


def order_table(source: FeedSource, broker: str | None = None) -> dict[str, Any]:
    """Orders of one broker, or of all, the newest first.

    Returns
    -------
    dict
        ``columns``: names of the fields; ``rows``: lists in that order. ``counts``: orders of each broker,
        those not shown included. ``unread``: whose orders are unknown and why.
    """
    by_broker = _by_broker(source, broker)
    states = _most_wanted(by_broker)
    return {
        "columns": list(ORDER_COLUMNS),
        "rows": [
            [*(row[name] for name in ORDER_COLUMNS[:-1]), state.doubt]
            for row, state in zip(order_rows(states), states, strict=True)
        ],
        "counts": {name: len(states) for name, states in by_broker.items()},
        "unread": [row for row in unread_order_books(source) if broker in (None, row["broker_name"])],
    }


def order_keys(source: FeedSource, broker: str | None = None) -> list[OrderKey]:
    """Of the orders in ``order_table``, in its order."""
    return [state.key for state in _most_wanted(_by_broker(source, broker))]


def order_counts(source: FeedSource) -> dict[str, dict[str, int]]:
    """By broker: how many orders are known, and how many of them are open."""
    return {
        name: {"all": len(states), "open": sum(not state.status.is_final for state in states)}
        for name, states in _by_broker(source, None).items()
    }


def _by_broker(source: FeedSource, broker: str | None) -> dict[str, list[OrderState]]:
    names = [health.broker_name for health in healths(source)]
    by_broker: dict[str, list[OrderState]] = {name: [] for name in names if broker in (None, name)}
    for state in source.orders.snapshot():
        if broker in (None, state.broker_name):
            by_broker.setdefault(state.broker_name, []).append(state)
    return by_broker


def _most_wanted(by_broker: dict[str, list[OrderState]]) -> list[OrderState]:
    """Of each broker at most ``ORDERS_SHOWN``; no open one is left out for one that is done."""
    chosen = [
        state
        for states in by_broker.values()
        for state in sorted(states, key=lambda each: (each.status.is_final, -_placed_ns(each)))[:ORDERS_SHOWN]
    ]
    # Sorted as order_rows sorts them, which it then has no more to do.
    return sorted(chosen, key=lambda each: (_placed_ns(each), each.order_id), reverse=True)


def _placed_ns(state: OrderState) -> int:
    return state.order_time_ns or state.first_seen_ns
