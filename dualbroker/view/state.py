"""What is shown, as one plain value: the page draws it, and so does the notebook."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from dualbroker.figures import plural
from dualbroker.manager.source import FeedSource
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth
from dualbroker.view.cards import card_rows
from dualbroker.view.histories import order_histories
from dualbroker.view.incidents import failover_rows, incident_rows
from dualbroker.view.market import market_state
from dualbroker.view.orders import order_counts, order_keys, order_table
from dualbroker.view.parts import SLOW_KEYS, keys_of
from dualbroker.view.problems import feed_problems
from dualbroker.view.quotes import quote_columns, shown_instruments
from dualbroker.view.rows import iso_time, mode
from dualbroker.view.severity import verdict
from dualbroker.view.traffic import bytes_per_second, savings, traffic_history
from dualbroker.view.unknown import order_sources, quote_sources

__all__ = ["FAILOVERS_SHOWN", "INCIDENTS_SHOWN", "slow_and_quick", "view_changes", "view_state"]

INCIDENTS_SHOWN = 50
FAILOVERS_SHOWN = 20

_PASSING = frozenset({"time"})
"""Keys that change by themselves, without anything having happened."""


def view_state(
    source: FeedSource,
    now_ns: int,
    parts: str | Iterable[str] = "monitor",
    symbols: Collection[str] | None = None,
    broker: str | None = None,
) -> dict[str, Any]:
    """What is shown of a running feed, as far as these parts of a dashboard need it.

    Plain values, ready for JSON; times are ISO 8601 with +05:30, None is unknown.

    Parameters
    ----------
    source
        Read, never changed; may still be connecting.
    now_ns
        UTC, by the source's own clock.
    parts
        One of ``view.parts.PARTS`` or several, or ``monitor``: all but the option chain, whose key
        ``chain`` is added by whoever keeps the chain (``view.chain``).
    symbols
        Quotes of these instruments only, by symbol or qualified name.
    broker
        Orders of this broker only.

    Returns
    -------
    dict
        ``mode``, ``time``, ``market`` (``open``, ``words``) always, and of these what the parts need:
        ``headline`` (``quotes``, ``orders``), ``verdict`` (as ``view.severity.verdict``), ``problems``,
        ``brokers`` (as ``view.cards.card_rows`` has them),
        ``counts`` (``instruments``; ``orders`` by broker),
        ``instruments`` and ``quotes`` (columns, as ``view.quotes.Shown`` and ``quote_columns`` have them),
        ``orders`` (as ``view.orders.order_table``), ``histories`` (as ``view.histories.order_histories``),
        ``incidents`` and ``failovers`` (``rows``, the newest first, and ``count``), ``traffic``.
    """
    keys = keys_of(parts)
    market = market_state(source, now_ns)
    state: dict[str, Any] = {"mode": mode(source), "time": iso_time(now_ns), "market": market}
    makers: dict[str, Callable[[], Any]] = {
        "headline": lambda: _headline(source),
        "verdict": lambda: verdict(source),
        "problems": lambda: feed_problems(source),
        "brokers": lambda: card_rows(source, market, failover_rows(source, FAILOVERS_SHOWN), now_ns),
        "counts": lambda: _counts(source),
        "incidents": lambda: {
            "rows": incident_rows(source, INCIDENTS_SHOWN),
            "count": source.incidents.incident_count,
        },
        "failovers": lambda: {
            "rows": failover_rows(source, FAILOVERS_SHOWN),
            "count": source.incidents.failover_count,
        },
        "traffic": lambda: {
            "history": traffic_history(source),
            "bytes_per_second": bytes_per_second(source),
            "savings": savings(source),
        },
        "orders": lambda: order_table(source, broker, brief="brokers" in keys),
        "histories": lambda: order_histories(source, order_keys(source, broker)),
    }
    state |= {key: make() for key, make in makers.items() if key in keys}
    if "quotes" in keys:
        shown = shown_instruments(source, symbols)
        state["instruments"] = shown.columns
        state["quotes"] = quote_columns(source, shown, now_ns, brief="brokers" in keys)
    return state


def view_changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The keys of ``new`` whose values differ, with the time; empty when nothing has happened."""
    changes = {key: value for key, value in new.items() if key not in _PASSING and old.get(key) != value}
    return changes and {"time": new["time"], **changes}


def slow_and_quick(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A state in two: what changes seldom (``view.parts.SLOW_KEYS``), and the rest."""
    return (
        {key: value for key, value in state.items() if key in SLOW_KEYS},
        {key: value for key, value in state.items() if key not in SLOW_KEYS},
    )


def _counts(source: FeedSource) -> dict[str, Any]:
    return {"instruments": len(source.wanted()), "orders": order_counts(source)}


def _headline(source: FeedSource) -> dict[str, str]:
    return {
        "quotes": f"Price/Quote updates: {_sources(quote_sources(source))}",
        "orders": f"Order updates: {', '.join(order_sources(source)) or 'no broker'}",
    }


def _sources(sources: list[BrokerHealth]) -> str:
    primaries = [health.broker_name for health in sources if health.role is Role.PRIMARY]
    others = [
        f"{health.broker_name} for {plural(health.subscriptions, 'instrument')}"
        for health in sources
        if health.role is Role.SOME_QUOTES
    ]
    if primaries and not others:
        return f"{primaries[0]} only"
    return ", ".join([*primaries, *others]) or "no broker"
