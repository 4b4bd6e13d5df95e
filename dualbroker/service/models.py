"""What the API answers. Every answer says whether it is simulated and of when it is.

Prices are rupees, quantities and open interest units; null is unknown, and a zero was received.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

__all__ = [
    "Answer",
    "BandwidthAnswer",
    "Broker",
    "BrokerAnswer",
    "BrokerDetails",
    "BrokerDetailsAnswer",
    "BrokerRequest",
    "BrokersAnswer",
    "ByKind",
    "Estimate",
    "Health",
    "Moment",
    "Quote",
    "QuotesAnswer",
    "SavingsAnswer",
    "Traffic",
]

Moment = Annotated[
    AwareDatetime,
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-12-29T14:02:11.250000+05:30"]}
    ),
]
"""ISO 8601 in Indian time."""

Price = Annotated[float | None, Field(description="Rupees; null is unknown.", examples=[212.4])]
Quantity = Annotated[float | None, Field(description="Units, never lots; null is unknown.", examples=[75])]


class Answer(BaseModel):
    """What every answer begins with."""

    mode: Annotated[
        Literal["SIMULATED", "LIVE"],
        Field(description="SIMULATED: no price and no order in this answer is real.", examples=["SIMULATED"]),
    ]
    as_of: Annotated[Moment | None, Field(description="Null before a replay's first row.")]


class Broker(BaseModel):
    """One broker in short."""

    broker_name: Annotated[str, Field(examples=["broker1"])]
    role: Annotated[
        str, Field(description="quotes and orders, orders only, or nothing.", examples=["orders only"])
    ]
    state: Annotated[
        str,
        Field(description="connecting, live, polling, reconnecting, parked or closed.", examples=["live"]),
    ]


class ByKind(BaseModel):
    """A figure for each kind of message."""

    quotes: Annotated[float | None, Field(examples=[8124])]
    orders: Annotated[float | None, Field(examples=[310])]
    control: Annotated[
        float | None,
        Field(description="Handshakes, acknowledgements, heartbeats, pings.", examples=[48]),
    ]


class BrokerDetails(Broker):
    """Everything about one broker that may be shown."""

    type: Annotated[str, Field(examples=["simulated"])]
    account: Annotated[str, Field(description="Masked.", examples=["FA**89"])]
    simulated: bool
    status: Annotated[
        str,
        Field(
            description="State and problem in one line.",
            examples=["reconnecting: connection lost; trying again in 0.5 s"],
        ),
    ]
    duty: Annotated[
        str,
        Field(
            description="What it carries, and whether it could take the quotes over.",
            examples=["orders only · ready to take the quotes over"],
        ),
    ]
    market: Annotated[
        str,
        Field(
            description="Why it brings no quotes while the market is closed; else empty.",
            examples=["market closed, last 15:29:59"],
        ),
    ]
    failover: Annotated[
        str,
        Field(
            description="Its part in the last failover; empty when it had none.",
            examples=["took over from broker1 14:02:11, gap at most 0.18 s"],
        ),
    ]
    severity: Annotated[
        Literal["ok", "degraded", "down", "off"],
        Field(description="How bad it is; off is as somebody wants it.", examples=["ok"]),
    ]
    problems: Annotated[list[str], Field(description="What is wrong and what to do.", examples=[[]])]
    connected_since: Moment | None
    last_quote: Moment | None
    last_quote_age_s: Annotated[float | None, Field(description="Seconds.", examples=[0.2])]
    last_order: Moment | None
    last_order_age_s: Annotated[float | None, Field(description="Seconds.", examples=[12.5])]
    last_order_book: Annotated[
        Moment | None, Field(description="When the broker's order book was last read by REST.")
    ]
    latency_ms: Annotated[float | None, Field(description="Of the last answered ping.", examples=[18.2])]
    reconnects: Annotated[int, Field(examples=[0])]
    subscriptions: Annotated[int, Field(description="Instruments asked for.", examples=[29])]
    acknowledged: Annotated[int, Field(description="Of these, with a first full quote.", examples=[29])]
    unreadable_messages: Annotated[int, Field(description="Skipped.", examples=[0])]
    unexpected_quotes: Annotated[
        int, Field(description="Quotes at a broker that carries orders only; not used.", examples=[0])
    ]
    bytes_per_second: Annotated[ByKind, Field(description="Over the last 5 seconds.")]
    bytes: Annotated[ByKind, Field(description="Since the start.")]
    messages: Annotated[ByKind, Field(description="Since the start.")]


class BrokerRequest(BaseModel):
    """One broker, for what a person asks of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    broker: Annotated[
        str, Field(min_length=1, max_length=64, description="Its name in config.yaml.", examples=["broker2"])
    ]


class BrokersAnswer(Answer):
    primary: Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker1"])]
    brokers: list[Broker]


class BrokerDetailsAnswer(Answer):
    primary: Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker1"])]
    brokers: list[BrokerDetails]


class BrokerAnswer(Answer):
    primary: Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker1"])]
    broker: BrokerDetails


class Quote(BaseModel):
    """The latest full quote of one instrument."""

    symbol: Annotated[str, Field(examples=["RELIANCE-EQ"])]
    exchange: Annotated[str, Field(examples=["NSE"])]
    token: Annotated[str, Field(description="Unique within its exchange only.", examples=["2885"])]
    kind: Annotated[str, Field(description="index, equity, future, option or other.", examples=["equity"])]
    broker_name: Annotated[str | None, Field(description="Its one quote source.", examples=["broker1"])]
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
    prev_open_interest: Quantity
    feed_time: Annotated[Moment | None, Field(description="The broker's own, whole seconds.")]
    receive_time: Annotated[Moment | None, Field(description="Ours.")]


class QuotesAnswer(Answer):
    quotes: Annotated[list[Quote], Field(description="In order of subscription.")]


class Traffic(BaseModel):
    """What has come off one broker's socket in one kind since the start."""

    bytes: Annotated[int, Field(description="After TLS, frame headers included.", examples=[812400])]
    messages: Annotated[int, Field(examples=[9120])]


class Estimate(BaseModel):
    """What the naive plan, in which every broker streams the quotes, would carry. Not measured."""

    how: Annotated[str, Field(description="How it was obtained.")]
    naive_quote_bytes: Annotated[int, Field(examples=[1624800])]
    saved_quote_bytes: Annotated[int, Field(examples=[812400])]
    saved_percent: Annotated[
        float | None, Field(description="Of the naive quote bytes; null before the first.", examples=[50.0])
    ]
    naive_bytes_per_second: Annotated[float | None, Field(description="All kinds, now.", examples=[16900.0])]


class BandwidthAnswer(Answer):
    bytes_per_second: Annotated[
        dict[str, ByKind], Field(description="By broker and kind, over the last 5 seconds; measured.")
    ]
    totals: Annotated[
        dict[str, dict[str, Traffic]], Field(description="By broker and kind, since the start; measured.")
    ]
    estimate: Estimate


class Figure(BaseModel):
    """One figure, and how it was obtained."""

    figure: Annotated[str, Field(examples=["saved_quote_bytes"])]
    value: Annotated[float | None, Field(description="Null is unknown.", examples=[812400])]
    unit: Annotated[str, Field(examples=["bytes"])]
    how: Annotated[
        str,
        Field(description="Measured, or estimated from what.", examples=["estimated: naive less carried"]),
    ]


class SavingsAnswer(Answer):
    figures: list[Figure]


class Health(Answer):
    """Whether the feed does its job: quotes from one broker, orders from every broker."""

    ok: bool
    problems: Annotated[
        list[str],
        Field(
            description="What is wrong and what to do.",
            examples=[["broker2: parked: login refused (wrong password)"]],
        ),
    ]
