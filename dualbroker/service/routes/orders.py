"""``/api/orders`` and ``/api/order-events``: every order of every broker, and the life of one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field

from dualbroker import tables
from dualbroker.frames import frames
from dualbroker.manager.source import FeedSource
from dualbroker.service.dependencies import Manager, require_broker, stamp
from dualbroker.service.errors import answers
from dualbroker.service.models import Answer, answer_model, row_model
from dualbroker.service.tables import Form, json_rows, table_answers, table_response
from dualbroker.stores.orders import OrderState
from dualbroker.view.histories import step_row

__all__ = ["router"]

MOST_ORDERS = 20_000

State = Literal[
    "open",
    "unfinished",
    "final",
    "PENDING",
    "OPEN",
    "TRIGGER_PENDING",
    "COMPLETE",
    "CANCELED",
    "REJECTED",
    "UNKNOWN",
]

router = APIRouter(prefix="/api", tags=["orders"])

Order = row_model("Order", tables.ORDERS)

OrdersAnswer = answer_model(
    "OrdersAnswer",
    tables.ORDERS,
    "orders",
    row=Order,
    books_unread=Annotated[
        list[str],
        Field(
            description="Brokers whose order book was not read yet: an absent order means nothing.",
            examples=[[]],
        ),
    ],
)

OrderEventsAnswer = answer_model("OrderEventsAnswer", tables.ORDER_EVENTS, "order_events")


class Step(row_model("OrderStep", tables.ORDER_STEPS)):  # type: ignore[misc]
    """One thing that happened to an order."""

    sequence: Annotated[int, Field(description="Counts the updates of all orders.", examples=[112])]


class OrderAnswer(Answer):
    order: Order  # type: ignore[valid-type]
    complete: Annotated[
        bool, Field(description="False when the oldest steps are no longer kept.", examples=[True])
    ]
    history: Annotated[list[Step], Field(description="Oldest first.")]


@router.get("/orders", response_model=OrdersAnswer, responses=table_answers(404))
async def orders(
    manager: Manager,
    form: Form,
    broker: Annotated[
        str | None, Query(max_length=64, description="Only this broker's.", examples=["broker2"])
    ] = None,
    state: Annotated[
        State | None,
        Query(
            description="Only these: a status, or for all such `open`, `final`, or `unfinished`: "
            "what is not known to be final."
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ORDERS, description="Only so many, the newest.")] = 5_000,
) -> Any:
    """The latest state of each order, tagged with its broker, the newest first."""
    if broker is not None:
        require_broker(manager, broker)
    wanted = [
        order
        for order in manager.orders.snapshot()
        if broker in (None, order.broker_name) and _is_in(order, state)
    ]
    wanted.sort(key=lambda order: (order.order_time_ns or order.first_seen_ns, order.order_id))
    wanted = wanted[-limit:]
    unread = [health.broker_name for health in manager.all_health() if health.last_book_ns is None]
    return await table_response(
        manager, form, "orders", lambda: frames.orders_frame(wanted), books_unread=unread
    )


@router.get("/order-events", response_model=OrderEventsAnswer, responses=table_answers())
async def order_events(
    manager: Manager,
    form: Form,
    limit: Annotated[int, Query(ge=1, le=MOST_ORDERS, description="Only so many, the newest.")] = 5_000,
) -> Any:
    """Every kept update of every order, in order of arrival."""
    events = manager.orders.events_snapshot()[-limit:]
    return await table_response(manager, form, "order_events", lambda: frames.order_events_frame(events))


def _is_in(order: OrderState, state: str | None) -> bool:
    if state is None:
        return True
    if state == "open":
        return order.status.is_open
    if state in ("unfinished", "final"):
        return order.status.is_final is (state == "final")
    return order.status.value == state


@router.get("/orders/{broker}/{order_id}", response_model=OrderAnswer, responses=answers(404))
async def order(
    manager: Manager,
    broker: Annotated[str, Path(max_length=64, examples=["broker2"])],
    order_id: Annotated[str, Path(max_length=64, examples=["26122900000007"])],
    day: Annotated[
        date | None,
        Query(description="The trading day, for numbers come again; the newest one if absent."),
    ] = None,
) -> dict[str, Any]:
    """One order, and everything that happened to it."""
    require_broker(manager, broker)
    state = _newest(manager, broker, order_id, day)
    if state is None:
        raise HTTPException(404, f"{broker} has no order {order_id[:40]!r}{f' of {day}' if day else ''}")
    events = [event for event in manager.orders.events_snapshot() if event.update.key == state.key]
    history = [
        {"sequence": event.sequence, **dict(zip(tables.ORDER_STEPS.names, step_row(event), strict=True))}
        for event in events
    ]
    return {
        **stamp(manager),
        "order": json_rows(frames.orders_frame([state]))[0],
        "complete": len(events) >= state.updates,
        "history": history,
    }


def _newest(source: FeedSource, broker: str, order_id: str, day: date | None) -> OrderState | None:
    if day is not None:
        return source.orders.states.get((broker, day, order_id))
    of_that_name = [
        state
        for state in source.orders.snapshot()
        if state.broker_name == broker and state.order_id == order_id
    ]
    return max(of_that_name, key=lambda state: state.trading_day, default=None)
