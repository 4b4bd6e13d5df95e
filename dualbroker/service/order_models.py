"""What the API answers about orders."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from dualbroker.service.models import Answer, Moment, Price, Quantity

__all__ = ["OrderAnswer", "OrdersAnswer"]


class Order(BaseModel):
    """The latest state of one order at one broker."""

    broker_name: Annotated[str, Field(examples=["broker2"])]
    order_time: Moment | None
    symbol: Annotated[str | None, Field(examples=["RELIANCE-EQ"])]
    side: Annotated[str | None, Field(description="BUY or SELL.", examples=["BUY"])]
    quantity: Quantity
    filled_quantity: Quantity
    price: Price
    average_price: Price
    status: Annotated[
        str,
        Field(
            description="PENDING, OPEN, TRIGGER_PENDING, COMPLETE, CANCELED, REJECTED or UNKNOWN.",
            examples=["OPEN"],
        ),
    ]
    reject_reason: str | None
    doubt: Annotated[str, Field(description="Why the order may not be as shown; else empty.", examples=[""])]
    trigger_price: Price
    price_type: Annotated[str | None, Field(examples=["LMT"])]
    product: Annotated[str | None, Field(description="As the broker writes it.", examples=["I"])]
    exchange: Annotated[str | None, Field(examples=["NSE"])]
    cancelled_quantity: Quantity
    retention: Annotated[str | None, Field(description="As the broker writes it.", examples=["DAY"])]
    remarks: str | None
    order_id: Annotated[
        str, Field(description="Unique within its broker and day only.", examples=["26122900000007"])
    ]
    exchange_order_id: str | None
    trading_day: date
    token: Annotated[str | None, Field(examples=["2885"])]
    report_type: Annotated[
        str | None, Field(description="What the broker reported last.", examples=["NewAck"])
    ]
    first_seen: Moment | None
    last_update: Moment | None
    updates: Annotated[int, Field(description="Updates that said something new.", examples=[3])]
    broker_status: Annotated[
        str | None, Field(description="The broker's own word for the status.", examples=["OPEN"])
    ]
    amo: Annotated[
        bool | None, Field(description="Sent after the market; null where the broker does not say.")
    ]
    final: Annotated[bool, Field(description="Nothing more will happen to it.")]
    open: Annotated[bool, Field(description="It is known to be alive; an UNKNOWN one is neither.")]
    status_note: Annotated[
        str, Field(description="What the status does not tell, in words; else empty.", examples=[""])
    ]


class OrdersAnswer(Answer):
    books_unread: Annotated[
        list[str],
        Field(
            description="Brokers whose order book was not read yet: an absent order means nothing.",
            examples=[[]],
        ),
    ]
    orders: Annotated[list[Order], Field(description="The newest first.")]


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
    order: Order
    complete: Annotated[
        bool, Field(description="False when the oldest steps are no longer kept.", examples=[True])
    ]
    history: Annotated[list[Step], Field(description="Oldest first.")]
