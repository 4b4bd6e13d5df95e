"""Bytes a second, as they are and as the naive plan's would be, ready for a chart."""

from __future__ import annotations

from typing import Any

from dualbroker.frames.savings import estimate_savings
from dualbroker.manager.source import FeedSource
from dualbroker.model import MessageKind

__all__ = ["HISTORY_SHOWN_S", "bytes_per_second", "savings", "streaming_brokers", "traffic_history"]

HISTORY_SHOWN_S = 120


def streaming_brokers(manager: FeedSource) -> int:
    """How many brokers have a socket; in the naive plan each would stream the quotes."""
    return len(manager.streaming_brokers())


def savings(manager: FeedSource) -> dict[str, Any]:
    """What the one-source plan saved since the start, and how that was estimated."""
    estimate = estimate_savings(manager.bandwidth.totals(), streaming_brokers(manager))
    return {
        "quote_bytes": estimate.quote_bytes,
        "naive_quote_bytes": estimate.naive_quote_bytes,
        "saved_quote_bytes": estimate.saved_quote_bytes,
        "saved_percent": estimate.saved_percent,
        "how": estimate.how,
    }


def bytes_per_second(manager: FeedSource) -> dict[str, float | None]:
    """Of all brokers together over the last seconds, and estimated of the naive plan."""
    rates = manager.bandwidth.rates()
    if not rates:
        return {"carried": None, "naive_estimate": None}
    carried = sum(rates.values())
    quotes = sum(rate for (_, kind), rate in rates.items() if kind is MessageKind.QUOTES)
    probes = sum(rate for (_, kind), rate in rates.items() if kind is MessageKind.PROBE)
    return {
        "carried": carried,
        "naive_estimate": carried - probes + quotes * max(0, streaming_brokers(manager) - 1),
    }


def traffic_history(manager: FeedSource) -> dict[str, Any]:
    """Bytes of each of the last seconds, the oldest first: by broker, carried, and naively estimated."""
    history = manager.bandwidth.history()
    newest = history[-1].second if history else 0
    others = max(0, streaming_brokers(manager) - 1)
    by_broker: dict[str, dict[int, int]] = {}
    carried: dict[int, int] = {}
    naive: dict[int, int] = {}
    for row in reversed(history):
        if row.second <= newest - HISTORY_SHOWN_S:
            break
        seconds = by_broker.setdefault(row.broker_name, {})
        seconds[row.second] = seconds.get(row.second, 0) + row.bytes
        carried[row.second] = carried.get(row.second, 0) + row.bytes
        times = {MessageKind.QUOTES: 1 + others, MessageKind.PROBE: 0}.get(row.kind, 1)
        naive[row.second] = naive.get(row.second, 0) + row.bytes * times
    order = sorted(carried)
    return {
        "span_s": HISTORY_SHOWN_S,
        "by_broker": {
            name: [seconds.get(second, 0) for second in order] for name, seconds in sorted(by_broker.items())
        },
        "carried": [carried[second] for second in order],
        "naive_estimate": [naive[second] for second in order],
    }
