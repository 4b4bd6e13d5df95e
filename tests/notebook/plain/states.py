"""States of the view, made by hand."""

from __future__ import annotations

from typing import Any

from dualbroker.view.quotes import QUOTE_FIGURES

__all__ = ["NOW", "broker_row", "failover_row", "incident_row", "order_row", "quote_row", "state_of"]

NOW = "2026-03-02T12:00:00.000+05:30"


def broker_row(name: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "broker_name": name,
        "simulated": True,
        "role": "orders only",
        "duty": "orders only · ready to take the quotes over",
        "market": "",
        "failover": "",
        "state": "live",
        "state_words": "live",
        "severity": "ok",
        "offers": [],
        "problems": [],
        "last_quote": None,
        "last_order": None,
        "quote_bytes": 0,
        "order_bytes": 0,
        "control_bytes": 244,
        "bytes_per_second": {"quotes": 9_000.0, "orders": 0.0, "control": None},
        "latency_ms": 18.2,
        "reconnects": 0,
        "subscriptions": 29,
        "acknowledged": 29,
    }
    return {**row, **changes}


def quote_row(symbol: str, **changes: Any) -> dict[str, Any]:
    unknown = dict.fromkeys((*QUOTE_FIGURES, "receive_time"))
    return {"symbol": symbol, "decimals": 2, "broker_name": "broker1", **unknown, **changes}


def order_row(broker_name: str, **changes: Any) -> dict[str, Any]:
    unknown = dict.fromkeys(
        (
            "order_time",
            "side",
            "symbol",
            "filled_quantity",
            "quantity",
            "price",
            "average_price",
            "reject_reason",
        )
    )
    return {
        "broker_name": broker_name,
        "status": "OPEN",
        "status_note": "",
        "doubt": "",
        "decimals": 2,
        **unknown,
        **changes,
    }


def incident_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "number": number,
        "time": NOW,
        "broker_name": "broker1",
        "cause": "reset",
        "action": "reconnecting",
    }
    return {**row, **changes}


def failover_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": number,
        "time": NOW,
        "from_broker": "broker1",
        "to_broker": "broker2",
        "why": "broker1 was reset",
        "planned": False,
        "detected_after": 0.02,
        "instruments": 3,
        "moved": 3,
        "gap_p50": 0.1,
        "gap_p99": 0.18,
        "gap_max": 0.18,
        "uncovered": 0,
        "uncovered_names": [],
        "finished": True,
    }
    return {**row, **changes}


def state_of(
    brokers: list[dict[str, Any]],
    quotes: list[dict[str, Any]] | None = None,
    orders: list[dict[str, Any]] | None = None,
    unread: list[dict[str, str]] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    quotes, orders = quotes or [], orders or []
    counts = {row["broker_name"]: 0 for row in brokers}
    for order in orders:
        counts[order["broker_name"]] += 1
    state: dict[str, Any] = {
        "mode": "SIMULATED",
        "time": NOW,
        "market": {"open": True, "words": "market open"},
        "headline": {
            "quotes": "Price/Quote updates: broker1 only",
            "orders": "Order updates: broker1, broker2",
        },
        "verdict": {
            "severity": "ok",
            "quotes": "ok",
            "orders": "ok",
            "words": "all well",
            "title": "dualbroker",
        },
        "problems": [],
        "brokers": brokers,
        "quotes": {"rows": quotes, "count": len(quotes), "no_source": []},
        "orders": {"rows": orders, "counts": counts, "unread": unread or []},
        "desk": {"rows": [], "count": 0, "profit": [], "loose": [], "unread": []},
        "incidents": {"rows": [], "count": 0},
        "failovers": {"rows": [], "count": 0},
        "traffic": {
            "savings": {"quote_bytes": 0, "saved_quote_bytes": 0, "saved_percent": None, "how": ""},
            "bytes_per_second": {"carried": 9_000.0, "naive_estimate": 15_000.0},
        },
    }
    return {**state, **changes}
