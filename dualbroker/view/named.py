"""The state's tables as rows with field names, for readers in Python: text and plain HTML. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dualbroker.view.quotes import QUOTE_FIGURES

__all__ = ["named_orders", "named_positions", "named_quotes", "with_named_rows"]


def named_quotes(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Quotes in order of subscription: ``symbol``, ``exchange``, ``decimals``, ``broker_name``, the figures
    of ``view.quotes`` and ``receive_time`` (ISO 8601, whole seconds)."""
    instruments, quotes = state["instruments"], state["quotes"]
    since = datetime.fromisoformat(quotes["since"])
    return [
        {
            "symbol": symbol,
            "exchange": instruments["exchanges"][instruments["exchange"][place]],
            "decimals": instruments["decimals"][place],
            "broker_name": None if broker is None else quotes["brokers"][broker],
            **{name: quotes[name][place] for name in QUOTE_FIGURES},
            "receive_time": None
            if received_s is None
            else (since + timedelta(seconds=received_s)).isoformat(timespec="milliseconds"),
        }
        for place, (symbol, broker, received_s) in enumerate(
            zip(instruments["symbol"], quotes["broker"], quotes["received_s"], strict=True)
        )
    ]


def named_orders(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Orders, the newest first, with the fields of ``view.orders.ORDER_COLUMNS``."""
    orders = state["orders"]
    return [dict(zip(orders["columns"], row, strict=True)) for row in orders["rows"]]


def named_positions(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Positions, with the fields of ``view.desk.POSITION_COLUMNS``."""
    desk = state["desk"]
    return [dict(zip(desk["columns"], row, strict=True)) for row in desk["rows"]]


def with_named_rows(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state, with ``rows`` of named fields in ``quotes``, ``orders`` and ``desk`` where it has these."""
    named = dict(state)
    if "quotes" in state:
        named["quotes"] = {**state["quotes"], "rows": named_quotes(state)}
    if "orders" in state:
        named["orders"] = {**state["orders"], "rows": named_orders(state)}
    if "desk" in state:
        named["desk"] = {**state["desk"], "rows": named_positions(state)}
    return named
