"""What the API answers about ticks, bars and depth."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from dualbroker.service.models import Answer, Moment, Price, Quantity

__all__ = ["BarsAnswer", "DepthAnswer", "TicksAnswer"]

Symbol = Annotated[str, Field(examples=["RELIANCE-EQ"])]
Exchange = Annotated[str, Field(examples=["NSE"])]


class Tick(BaseModel):
    """The full quote of an instrument after one message; not a trade."""

    receive_time: Annotated[Moment, Field(description="Ours, to the microsecond.")]
    ltp: Price
    change_percent: Annotated[float | None, Field(examples=[-0.42])]
    bid: Price
    bid_quantity: Quantity
    ask: Price
    ask_quantity: Quantity
    volume: Quantity
    open: Price
    high: Price
    low: Price
    prev_close: Price
    average_price: Price
    open_interest: Quantity
    open_interest_change: Quantity
    feed_time: Annotated[Moment | None, Field(description="The broker's own, whole seconds.")]
    snapshot: Annotated[bool, Field(description="A full quote that acknowledged a subscription.")]
    broker_name: Annotated[str, Field(examples=["broker1"])]


class TicksAnswer(Answer):
    exchange: Exchange
    symbol: Symbol
    ticks: Annotated[list[Tick], Field(description="Oldest first.")]
    more: Annotated[
        bool,
        Field(
            description="There are later ones: ask again with `since`, the last receive_time.",
            examples=[False],
        ),
    ]
    dropped_rows: Annotated[
        int,
        Field(
            description="Ticks of all instruments that are no longer kept, to keep the bound.", examples=[0]
        ),
    ]


class Bar(BaseModel):
    """One interval, labelled by its left edge and counted from 09:15."""

    time: Moment
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Annotated[
        float | None, Field(description="Units traded; null where the base is not known.", examples=[1250])
    ]
    ticks: Annotated[int, Field(examples=[41])]
    broker_name: Annotated[str, Field(description="Of its last tick.", examples=["broker1"])]


class BarsAnswer(Answer):
    exchange: Exchange
    symbol: Symbol
    interval: Annotated[str, Field(examples=["1min"])]
    bars: Annotated[list[Bar], Field(description="Oldest first; an interval without a tick has none.")]
    negative_volume_steps: Annotated[
        int, Field(description="How often the cumulative volume fell; clipped.", examples=[0])
    ]


class Level(BaseModel):
    """One of five levels of both sides, the best first."""

    level: Annotated[int, Field(ge=1, le=5, examples=[1])]
    bid_orders: Annotated[float | None, Field(examples=[3])]
    bid_quantity: Quantity
    bid: Price
    ask: Price
    ask_quantity: Quantity
    ask_orders: Annotated[float | None, Field(examples=[2])]


class DepthAnswer(Answer):
    exchange: Exchange
    symbol: Symbol
    receive_time: Annotated[Moment | None, Field(description="Null before the first.")]
    levels: Annotated[
        list[Level], Field(description="Empty unless it is subscribed with depth, and before the first.")
    ]
