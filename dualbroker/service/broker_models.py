"""What the API answers about brokers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dualbroker import tables
from dualbroker.service.models import Answer, ByKind, Moment
from dualbroker.service.table_models import answer_model

__all__ = ["BrokerAnswer", "BrokerDetailsAnswer", "BrokerRequest", "BrokersAnswer"]

Primary = Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker1"])]

BrokerDetailsAnswer = answer_model("BrokerDetailsAnswer", tables.BROKERS, "brokers", primary=Primary)


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
            examples=["took over from broker1 14:02:11, gap at most 0.180 s"],
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
    primary: Primary
    brokers: list[Broker]


class BrokerAnswer(Answer):
    primary: Primary
    broker: BrokerDetails
