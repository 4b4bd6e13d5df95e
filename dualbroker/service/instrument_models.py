"""What the API answers about instruments and who holds them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dualbroker import tables
from dualbroker.service.models import Answer
from dualbroker.service.table_models import answer_model

__all__ = [
    "InstrumentsAnswer",
    "SubscribeRequest",
    "SubscribedAnswer",
    "SubscriptionsAnswer",
    "UnsubscribedAnswer",
]

MOST_SYMBOLS = 500
"""Of one request."""
MOST_IN_QUERY = 100
"""Symbols that a query names: an address has a bound."""

Symbol = Annotated[str, Field(description="The broker's spelling.", examples=["RELIANCE-EQ"])]
Exchange = Annotated[str, Field(description="NSE, NFO, BSE, BFO, CDS or MCX.", examples=["NSE"])]
Token = Annotated[str, Field(description="Unique within its exchange only.", examples=["2885"])]


InstrumentsAnswer = answer_model(
    "InstrumentsAnswer",
    tables.INSTRUMENTS,
    "instruments",
    searched=Annotated[
        list[str],
        Field(description="Exchanges whose symbol masters were searched.", examples=[["NSE", "NFO"]]),
    ],
    not_searched=Annotated[
        dict[str, str],
        Field(description="Exchanges that could not be searched, each with the reason.", examples=[{}]),
    ],
)

SubscribedAnswer = answer_model("SubscribedAnswer", tables.SUBSCRIBED, "accepted")


class SubscriptionRow(BaseModel):
    """One instrument that somebody holds."""

    exchange: Exchange
    token: Token
    symbol: Symbol
    feed_type: Annotated[
        Literal["touchline", "depth"], Field(description="Depth has five levels.", examples=["touchline"])
    ]
    holders: Annotated[
        list[str],
        Field(
            description="Who holds it: `config`, `rest` (POST here), `… orders` (what has an order for one), "
            "`client-…` (a client of the stream). "
            "It is streamed until the last lets go.",
            examples=[["config", "rest"]],
        ),
    ]
    quote_source: Annotated[
        str | None,
        Field(description="The one broker that streams it; null while none can.", examples=["broker1"]),
    ]
    acknowledged: Annotated[bool, Field(description="Its first full quote of today has come.")]


class SubscriptionsAnswer(Answer):
    subscriptions: Annotated[list[SubscriptionRow], Field(description="In order of first subscription.")]


class SubscribeRequest(BaseModel):
    """What is to be streamed. All names are looked up before any is subscribed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbols: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]],
        Field(
            min_length=1,
            max_length=MOST_SYMBOLS,
            description="Noren's names, Kite's, qualified ones (NSE:RELIANCE), plain index names (NIFTY).",
            examples=[["NIFTY", "NSE:RELIANCE-EQ"]],
        ),
    ]
    exchange: Annotated[
        str, Field(min_length=1, max_length=8, description="Of names that do not say theirs.")
    ] = "NFO"
    depth: Annotated[bool, Field(description="Five levels too, for /api/depth.")] = False


class UnsubscribedAnswer(Answer):
    released: Annotated[
        list[str],
        Field(
            description="What `rest` held and has let go of; others may hold it still.",
            examples=[["NSE:RELIANCE-EQ"]],
        ),
    ]
