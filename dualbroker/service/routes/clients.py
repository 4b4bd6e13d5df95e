"""``/api/clients``: who is attached to the stream, and what each was sent and missed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.errors import answers
from dualbroker.service.models import Answer, Moment
from dualbroker.service.streams.hub import hub_of
from dualbroker.view.rows import iso_time

__all__ = ["router"]

router = APIRouter(prefix="/api/clients", tags=["clients"])


class Client(BaseModel):
    """One connection of the stream endpoint."""

    name: Annotated[str, Field(description="The begin of its id.", examples=["3f9c2b7a10de"])]
    streams: Annotated[list[str], Field(examples=[["latest", "orders"]])]
    form: Annotated[Literal["json", "msgpack"], Field(examples=["msgpack"])]
    since: Moment | None
    until: Annotated[Moment | None, Field(description="Null while it is attached.")]
    closed_because: Annotated[str, Field(description="Empty where it left by itself.", examples=[""])]
    sent_messages: Annotated[int, Field(examples=[1200])]
    sent_bytes: Annotated[int, Field(description="Before compression.", examples=[482000])]
    dropped_ticks: Annotated[int, Field(description="Skipped, for it lagged too far behind.", examples=[0])]
    lag_rows: Annotated[int, Field(description="Ticks that it has still to be sent.", examples=[0])]
    waiting_orders: Annotated[int, Field(description="Order updates that wait for it.", examples=[0])]
    calls: Annotated[int, Field(description="That it has asked of the service.", examples=[3])]
    refused: Annotated[int, Field(description="Messages not understood, or too many.", examples=[0])]


class ClientsAnswer(Answer):
    attached: Annotated[int, Field(description="Now.", examples=[2])]
    expected_back: Annotated[
        int,
        Field(description="Have lost their link; their subscriptions are kept for a while.", examples=[0]),
    ]
    closes: Annotated[
        dict[str, int], Field(description="How often the service closed one, by reason.", examples=[{}])
    ]
    clients: Annotated[
        list[Client], Field(description="Attached ones first, then the newest that have ended.")
    ]


@router.get("", response_model=ClientsAnswer, responses=answers())
async def clients(request: Request, manager: Manager) -> dict[str, Any]:
    """Every client of the stream, and the newest that have left."""
    registry = hub_of(request.app.state).registry
    rows = [
        {**row, "since": iso_time(row["since_ns"]), "until": iso_time(row["until_ns"])}
        for row in registry.rows()
    ]
    return {
        **stamp(manager),
        "attached": len(registry.attached()),
        "expected_back": registry.waiting_to_return(),
        "closes": dict(registry.closes),
        "clients": rows,
    }
