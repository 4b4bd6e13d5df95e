"""Orders as rows without field names. Pure."""

from __future__ import annotations

from typing import Any

from dualbroker import tables
from dualbroker.manager.source import FeedSource
from dualbroker.model import OrderKey
from dualbroker.stores.orders import OrderState
from dualbroker.view.remembered import Remembered
from dualbroker.view.rows import healths, order_rows, price_decimals
from dualbroker.view.unknown import unread_order_books

__all__ = ["ORDERS_SHOWN", "ORDER_COLUMNS", "order_counts", "order_keys", "order_table"]

ORDERS_SHOWN = 150
"""Of each broker: what is still open, then the newest; more than a person reads."""

_NOT_SENT = ("cancelled_quantity", "retention", "token", "report_type", "first_seen", "updates")
ORDER_COLUMNS = (
    *(name for name in tables.ORDERS.names if name not in _NOT_SENT),
    "status_note",
    "decimals",
)
"""Those of ``feed.orders`` that a page draws, the note of ``order_rows``, and the decimals of its prices."""

_remembered = Remembered()


def order_table(source: FeedSource, broker: str | None = None, *, brief: bool = False) -> dict[str, Any]:
    """Orders of one broker, or of all, the newest first.

    Returns
    -------
    dict
        ``columns``: names of the fields; ``rows``: lists in that order; ``decimals`` is of the instrument's
        prices, None where it is not known. ``counts``: orders of each broker,
        those not shown included. ``unread``: whose orders are unknown and why, ``brief`` where the brokers'
        cards say more.
    """
    by_broker, states = _shown(source, broker)
    mark = (len(source.quotes.instruments), states)
    rows = _remembered.of(source.orders, ("rows", broker), mark, lambda: _rows(source, states))
    return {
        "columns": list(ORDER_COLUMNS),
        "rows": rows,
        "counts": {name: len(states) for name, states in by_broker.items()},
        "unread": [
            row for row in unread_order_books(source, brief=brief) if broker in (None, row["broker_name"])
        ],
    }


def _rows(source: FeedSource, states: list[OrderState]) -> list[list[Any]]:
    return [
        [*(row[name] for name in ORDER_COLUMNS[:-1]), _decimals(source, state)]
        for row, state in zip(order_rows(states), states, strict=True)
    ]


def _decimals(source: FeedSource, state: OrderState) -> int | None:
    """Of the instrument's prices; None of one that was never subscribed here, for nobody is asked for it."""
    if state.exchange is None or state.token is None:
        return None
    index = source.quotes.index_of((state.exchange, state.token))
    return None if index is None else price_decimals(source.quotes.instruments[index])


def order_keys(source: FeedSource, broker: str | None = None) -> list[OrderKey]:
    """Of the orders in ``order_table``, in its order."""
    return [state.key for state in _shown(source, broker)[1]]


def order_counts(source: FeedSource) -> dict[str, dict[str, int]]:
    """By broker: how many orders are known, and how many of them are known to be open."""
    return {
        name: {"all": len(states), "open": sum(state.status.is_open for state in states)}
        for name, states in _shown(source, None)[0].items()
    }


def _shown(source: FeedSource, broker: str | None) -> tuple[dict[str, list[OrderState]], list[OrderState]]:
    """All orders by broker, and those of them that are shown."""
    states = source.orders.snapshot()
    names = tuple(health.broker_name for health in healths(source))

    def sort_out() -> tuple[dict[str, list[OrderState]], list[OrderState]]:
        by_broker: dict[str, list[OrderState]] = {name: [] for name in names if broker in (None, name)}
        for state in states:
            if broker in (None, state.broker_name):
                by_broker.setdefault(state.broker_name, []).append(state)
        return by_broker, _most_wanted(by_broker)

    # A state that changes is replaced by another object, so the same objects say the same.
    return _remembered.of(source.orders, ("shown", broker), (names, ORDERS_SHOWN, states), sort_out)


def _most_wanted(by_broker: dict[str, list[OrderState]]) -> list[OrderState]:
    """Of each broker at most ``ORDERS_SHOWN``; no open one is left out for one that is done.

    Nor one whose state nobody knows, but those never keep out an open one.
    """
    chosen = [state for states in by_broker.values() for state in sorted(states, key=_wanted)[:ORDERS_SHOWN]]
    # Sorted as order_rows sorts them, which it then has no more to do.
    return sorted(chosen, key=lambda each: (_placed_ns(each), each.order_id), reverse=True)


def _wanted(state: OrderState) -> tuple[bool, bool, int]:
    return (state.status.is_final, not state.status.is_open, -_placed_ns(state))


def _placed_ns(state: OrderState) -> int:
    return state.order_time_ns or state.first_seen_ns
