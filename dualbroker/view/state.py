"""What is shown, as one plain value: the page draws it, and so does the notebook."""

from __future__ import annotations

from typing import Any

from dualbroker.manager.source import FeedSource
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth
from dualbroker.view.cards import card_rows
from dualbroker.view.incidents import failover_rows, incident_rows
from dualbroker.view.market import market_state
from dualbroker.view.problems import feed_problems
from dualbroker.view.rows import healths, instruments, iso_time, mode, order_rows, quote_rows
from dualbroker.view.traffic import bytes_per_second, savings, traffic_history
from dualbroker.view.unknown import carrying, no_quotes_because, quote_sources, unread_order_books

__all__ = ["FAILOVERS_SHOWN", "INCIDENTS_SHOWN", "ORDERS_SHOWN", "QUOTES_SHOWN", "view_changes", "view_state"]

QUOTES_SHOWN = 250
ORDERS_SHOWN = 250
"""Of each broker, the newest; more than a person reads, and a bound on what each update costs."""
INCIDENTS_SHOWN = 50
FAILOVERS_SHOWN = 20

_PASSING = frozenset({"time"})
"""Keys that change by themselves, without anything having happened."""


def view_state(manager: FeedSource, now_ns: int) -> dict[str, Any]:
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
        ``mode``, ``time``, ``market`` (``open``, ``words``), ``headline`` (``quotes``, ``orders``),
        ``problems``, ``brokers`` (as ``view.cards.card_rows`` has them),
        ``quotes`` (``rows``, ``count``, ``no_source``: why no broker carries them, empty when one does),
        ``orders`` (``rows``, ``counts`` by broker, ``unread``: whose orders are unknown and why),
        ``incidents`` and ``failovers`` (``rows``, the newest first, and ``count``), ``traffic``.
    """
    market = market_state(manager, now_ns)
    failovers = failover_rows(manager, FAILOVERS_SHOWN)
    return {
        "mode": mode(manager),
        "time": iso_time(now_ns),
        "market": market,
        "headline": _headline(manager),
        "problems": feed_problems(manager),
        "brokers": card_rows(manager, market, failovers, now_ns),
        "quotes": {
            "rows": quote_rows(manager, QUOTES_SHOWN),
            "count": len(manager.wanted()),
            "no_source": no_quotes_because(manager),
        },
        "orders": _orders(manager),
        "incidents": {
            "rows": incident_rows(manager, INCIDENTS_SHOWN),
            "count": manager.incidents.incident_count,
        },
        "failovers": {"rows": failovers, "count": manager.incidents.failover_count},
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


def _headline(manager: FeedSource) -> dict[str, str]:
    carriers = carrying(manager)
    return {
        "quotes": f"Price/Quote updates: {_sources(quote_sources(manager))}",
        "orders": f"Order updates: {', '.join(health.broker_name for health in carriers) or 'no broker'}",
    }


def _sources(sources: list[BrokerHealth]) -> str:
    primaries = [health.broker_name for health in sources if health.role is Role.PRIMARY]
    others = [
        f"{health.broker_name} for {instruments(health.subscriptions)}"
        for health in sources
        if health.role is Role.SOME_QUOTES
    ]
    if primaries and not others:
        return f"{primaries[0]} only"
    return ", ".join([*primaries, *others]) or "no broker"


def _orders(manager: FeedSource) -> dict[str, Any]:
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
