"""The life of an order, step by step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dualbroker.manager.source import FeedSource
from dualbroker.model import OrderKey, OrderStatus, ReportType
from dualbroker.stores.orders import OrderEvent
from dualbroker.tables import ORDER_STEPS
from dualbroker.view.remembered import Remembered
from dualbroker.view.rows import iso_time, known

__all__ = ["HISTORIES_SHOWN", "history_name", "order_histories", "step_row"]

HISTORIES_SHOWN = 75
"""Orders whose steps travel with the state, about 500 bytes each; a page asks the service for the others, and
a notebook has ``feed.order_events``."""
EVENTS_LOOKED_AT = 5_000
"""The newest; an order whose steps lie further back has none in the state."""

_WORDS = {
    ReportType.NEW_ACK: "received by the broker",
    ReportType.PENDING_NEW: "on its way to the exchange",
    ReportType.NEW: "at the exchange",
    ReportType.MOD_ACK: "change received by the broker",
    ReportType.PENDING_REPLACE: "change on its way to the exchange",
    ReportType.REPLACED: "changed",
    ReportType.CAN_ACK: "cancellation received by the broker",
    ReportType.PENDING_CANCEL: "cancellation on its way to the exchange",
    ReportType.CANCELED: "cancelled",
    ReportType.REJECTED: "rejected",
    ReportType.REPLACE_REJECTED: "change refused",
    ReportType.CANCEL_REJECTED: "cancellation refused",
    ReportType.TRIGGER_PENDING: "waits for its trigger",
    ReportType.FILL: "filled",
}
_STATUS_WORDS = {
    OrderStatus.PENDING: "pending",
    OrderStatus.OPEN: "open",
    OrderStatus.TRIGGER_PENDING: "waits for its trigger",
    OrderStatus.COMPLETE: "complete",
    OrderStatus.CANCELED: "cancelled",
    OrderStatus.REJECTED: "rejected",
}

_remembered = Remembered()


def order_histories(source: FeedSource, keys: Sequence[OrderKey]) -> dict[str, Any]:
    """The steps of the first ``HISTORIES_SHOWN`` of these orders.

    Returns
    -------
    dict
        ``columns``: names of a step's fields. ``orders``: by ``history_name``, the steps, oldest first.
        An order of which not all steps are near enough at hand is left out, for half a life would read as
        a whole one.
    """
    shown = tuple(keys[:HISTORIES_SHOWN])
    mark = (source.orders.event_count, shown)
    return _remembered.of(source.orders, shown[:1], mark, lambda: _histories(source, shown))


def _histories(source: FeedSource, keys: tuple[OrderKey, ...]) -> dict[str, Any]:
    wanted = {key: source.orders.states.get(key) for key in keys}
    found: dict[OrderKey, list[list[Any]]] = {}
    left = sum(state.updates for state in wanted.values() if state is not None)
    for event in reversed(source.orders.events_snapshot()[-EVENTS_LOOKED_AT:]):
        if not left:
            break
        if event.update.key in wanted:
            found.setdefault(event.update.key, []).append(step_row(event))
            left -= 1
    whole = {
        history_name(key): found[key][::-1]
        for key, state in wanted.items()
        if state is not None and key in found and len(found[key]) >= state.updates
    }
    return {"columns": list(ORDER_STEPS.names), "orders": whole}


def history_name(key: OrderKey) -> str:
    """``broker|day|order id``: an order's number repeats across brokers and days."""
    broker_name, day, order_id = key
    return f"{broker_name}|{day.isoformat()}|{order_id}"


def step_row(event: OrderEvent) -> list[Any]:
    """One step with the columns of ``tables.ORDER_STEPS``; None is unknown."""
    update = event.update
    return [
        iso_time(update.happened_ns),
        _what(event),
        update.source.value,
        event.status.value,
        known(event.filled_quantity),
        known(update.quantity),
        known(update.price),
        known(update.trigger_price),
        known(update.fill_quantity),
        known(update.fill_price),
        update.reject_reason or "",
    ]


def _what(event: OrderEvent) -> str:
    report = event.update.report_type
    if report in _WORDS:
        return _WORDS[report]
    if event.update.status is OrderStatus.UNKNOWN and event.update.raw_status:
        return f'the broker says "{event.update.raw_status}"'
    return _STATUS_WORDS.get(event.status, "changed")
