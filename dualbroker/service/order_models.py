"""What the API answers about orders."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from dualbroker import tables
from dualbroker.service.models import Answer, Moment, Price, Quantity
from dualbroker.service.table_models import answer_model, row_model

__all__ = ["OrderAnswer", "OrderEventsAnswer", "OrdersAnswer"]


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


class Step(BaseModel):
    """One thing that happened to an order."""

    sequence: Annotated[int, Field(description="Counts the updates of all orders.", examples=[112])]
    time: Annotated[Moment | None, Field(description="When it happened, as far as that is known.")]
    what: Annotated[str, Field(description="In words.", examples=["at the exchange"])]
    source: Annotated[str, Field(description="stream, reconcile or poll.", examples=["stream"])]
    status: Annotated[str, Field(description="Of the order after it.", examples=["OPEN"])]
    filled_quantity: Annotated[float | None, Field(description="In all after it; units.", examples=[0])]
    quantity: Quantity
    price: Price
    trigger_price: Price
    fill_quantity: Annotated[float | None, Field(description="Of this fill; units.", examples=[75])]
    fill_price: Price
    reason: Annotated[str, Field(description="Why it was rejected; else empty.", examples=[""])]


class OrderAnswer(Answer):
    order: Order  # type: ignore[valid-type]
    complete: Annotated[
        bool, Field(description="False when the oldest steps are no longer kept.", examples=[True])
    ]
    history: Annotated[list[Step], Field(description="Oldest first.")]
