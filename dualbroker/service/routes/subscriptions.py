"""``/api/subscriptions``: what is streamed, for whom; and what this API's callers want streamed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from dualbroker import tables
from dualbroker.errors import InstrumentError
from dualbroker.feed.names import SymbolNames
from dualbroker.frames import frames
from dualbroker.instruments.names import exchange_for
from dualbroker.manager import WebSocketManager
from dualbroker.manager.order_follower import orders_holder
from dualbroker.model import Instrument
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.errors import answers
from dualbroker.service.models import Answer, answer_model, row_model
from dualbroker.service.tables import json_rows
from dualbroker.view.rows import subscription_rows

__all__ = ["REST_HOLDER", "router"]

REST_HOLDER = "rest"
"""Holds what is subscribed here, no matter who asked, until it is deleted here or the service ends."""

router = APIRouter(prefix="/api/subscriptions", tags=["subscriptions"])

MOST_SYMBOLS = 500
"""Of one request."""
MOST_IN_QUERY = 100
"""Symbols that a query names: an address has a bound."""

SubscribedAnswer = answer_model("SubscribedAnswer", tables.SUBSCRIBED, "accepted")


class SubscriptionRow(row_model("Subscription", tables.SUBSCRIPTIONS)):  # type: ignore[misc]
    """One instrument that somebody holds."""

    holders: Annotated[
        list[str],
        Field(
            description="Who holds it: `config`, `rest` (POST here), `… orders` (what has an order for one), "
            "`client-…` (a client of the stream). "
            "It is streamed until the last one releases it.",
            examples=[["config", "rest"]],
        ),
    ]


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
            description="What `rest` held and has released; others may hold it still.",
            examples=[["NSE:RELIANCE-EQ"]],
        ),
    ]


@router.get("", response_model=SubscriptionsAnswer, responses=answers())
async def subscriptions(manager: Manager) -> dict[str, Any]:
    """Every instrument that somebody holds, and who."""
    holders = manager.routing.machine.holders
    rows = [
        {**row, "holders": sorted(holders.of((row["exchange"], row["token"])))}
        for row in subscription_rows(manager)
    ]
    return {**stamp(manager), "subscriptions": rows}


@router.post("", response_model=SubscribedAnswer, responses=answers(404, 409, 413, 415, 503))
async def subscribe(manager: Manager, request: SubscribeRequest) -> dict[str, Any]:
    """Have instruments streamed, from one broker only. Once more changes nothing but ``depth``.

    Answers when they are acknowledged, after five seconds at the latest.
    """
    accepted = await manager.subscribe(
        request.symbols, request.exchange.upper(), depth=request.depth, holder=REST_HOLDER
    )
    return {**stamp(manager), "accepted": json_rows(frames.subscribed_frame(accepted))}


@router.post("/orders", response_model=SubscribedAnswer, responses=answers(503))
async def subscribe_orders(manager: Manager) -> dict[str, Any]:
    """Have whatever has an order at any broker streamed, and what gets one from now on.

    Held as `rest orders`, apart from what is subscribed by name. `accepted` is what has an order by now.
    """
    accepted = await manager.subscribe_orders(holder=REST_HOLDER)
    return {**stamp(manager), "accepted": json_rows(frames.subscribed_frame(accepted))}


@router.delete("/orders", response_model=UnsubscribedAnswer, responses=answers())
async def unsubscribe_orders(manager: Manager) -> dict[str, Any]:
    """Follow orders no longer, and release what was held for that; what somebody else holds streams on."""
    store = manager.quotes
    held = manager.routing.machine.holders.held_by(orders_holder(REST_HOLDER))
    indices = [index for key in held if (index := store.index_of(key)) is not None]
    await manager.unsubscribe_orders(holder=REST_HOLDER)
    return {**stamp(manager), "released": [store.instruments[index].qualified_name for index in indices]}


@router.delete("", response_model=UnsubscribedAnswer, responses=answers(404, 409))
async def unsubscribe(
    manager: Manager,
    symbol: Annotated[
        list[Annotated[str, Query(min_length=1, max_length=64)]],
        Query(
            min_length=1,
            max_length=MOST_IN_QUERY,
            description="Once for each instrument.",
            examples=[["NSE:RELIANCE-EQ"]],
        ),
    ],
    exchange: Annotated[
        str, Query(min_length=1, max_length=8, description="Of names that do not say theirs.")
    ] = "NFO",
) -> dict[str, Any]:
    """Release instruments that were subscribed here; those that somebody else holds stream on."""
    meant = [_held_instrument(manager, name, exchange) for name in symbol]
    held = set(manager.routing.machine.holders.held_by(REST_HOLDER))
    released = [instrument for instrument in dict.fromkeys(meant) if instrument.key in held]
    manager.routing.release(REST_HOLDER, released)
    return {**stamp(manager), "released": [instrument.qualified_name for instrument in released]}


def _held_instrument(manager: WebSocketManager, name: str, exchange: str) -> Instrument:
    """By what was subscribed rather than by the symbol master, so that no broker is needed for it."""
    store = manager.quotes
    names = SymbolNames(manager)
    try:
        index = names.index_of(name, exchange_for(name, exchange.upper()))
    except InstrumentError:
        index = names.index_of(name)
    return store.instruments[index]
