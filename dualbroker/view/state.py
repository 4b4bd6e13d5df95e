"""What is shown, as one plain value: the page draws it, and so does the notebook."""

from __future__ import annotations

from typing import Any

from dualbroker.manager import WebSocketManager
from dualbroker.model import Role
from dualbroker.view.market import market_state
from dualbroker.view.problems import broker_problems, feed_problems
from dualbroker.view.rows import broker_rows, healths, iso_time, mode, order_rows, quote_rows
from dualbroker.view.traffic import bytes_per_second, savings, traffic_history
from dualbroker.view.unknown import carrying, no_quotes_because, unread_order_books

__all__ = ["ORDERS_SHOWN", "QUOTES_SHOWN", "view_changes", "view_state"]

QUOTES_SHOWN = 250
ORDERS_SHOWN = 250
"""Of each broker, the newest; more than a person reads, and a bound on what each update costs."""

_PASSING = frozenset({"time"})
"""Keys that change by themselves, without anything having happened."""


def view_state(manager: WebSocketManager, now_ns: int) -> dict[str, Any]:
    """Everything that is shown of a running manager.

    Plain values, ready for JSON; times are ISO 8601 with +05:30, None is unknown.

    Parameters
    ----------
    manager
        Read, never changed; may still be connecting.
    now_ns
        UTC, by the manager's own clock.

    Returns
    -------
    dict
        ``mode``, ``time``, ``headline`` (``quotes``, ``orders``), ``market`` (``open``, ``words``),
        ``problems``, ``brokers``,
        ``quotes`` (``rows``, ``count``, ``no_source``: why no broker carries them, empty when one does),
        ``orders`` (``rows``, ``counts`` by broker, ``unread``: whose orders are unknown and why),
        ``traffic``.
    """
    return {
        "mode": mode(manager),
        "time": iso_time(now_ns),
        "headline": _headline(manager),
        "market": market_state(manager, now_ns),
        "problems": feed_problems(manager, now_ns),
        "brokers": [
            {**row, "problems": broker_problems(manager, health, now_ns)}
            for row, health in zip(broker_rows(manager), healths(manager), strict=True)
        ],
        "quotes": {
            "rows": quote_rows(manager, QUOTES_SHOWN),
            "count": len(manager.subscriptions.book.wanted()),
            "no_source": no_quotes_because(manager),
        },
        "orders": _orders(manager),
        "traffic": {
            "history": traffic_history(manager),
            "bytes_per_second": bytes_per_second(manager),
            "savings": savings(manager),
        },
    }


def view_changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The keys of ``new`` whose values differ, with the time; empty when nothing has happened."""
    changes = {key: value for key, value in new.items() if key not in _PASSING and old.get(key) != value}
    return changes and {"time": new["time"], **changes}


def _headline(manager: WebSocketManager) -> dict[str, str]:
    carriers = carrying(manager)
    primaries = [f"{health.broker_name} only" for health in carriers if health.role is Role.PRIMARY]
    return {
        "quotes": f"Price/Quote updates: {', '.join(primaries) or 'no broker'}",
        "orders": f"Order updates: {', '.join(health.broker_name for health in carriers) or 'no broker'}",
    }


def _orders(manager: WebSocketManager) -> dict[str, Any]:
    by_broker: dict[str, list[Any]] = {health.broker_name: [] for health in healths(manager)}
    for state in manager.orders.snapshot():
        by_broker.setdefault(state.broker_name, []).append(state)
    newest = [
        state
        for states in by_broker.values()
        for state in sorted(states, key=lambda s: s.order_time_ns or s.first_seen_ns)[-ORDERS_SHOWN:]
    ]
    return {
        "rows": order_rows(newest),
        "counts": {name: len(states) for name, states in by_broker.items()},
        "unread": unread_order_books(manager),
    }
