"""``/api/instruments``: finds instruments by words, as a person types them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from dualbroker import tables
from dualbroker.clock import ist
from dualbroker.frames import frames
from dualbroker.service.dependencies import Manager
from dualbroker.service.models import answer_model
from dualbroker.service.tables import Form, table_answers, table_response

__all__ = ["router"]

router = APIRouter(prefix="/api/instruments", tags=["instruments"])

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


@router.get("", response_model=InstrumentsAnswer, responses=table_answers(404, 409, 503))
async def instruments(
    manager: Manager,
    form: Form,
    search: Annotated[
        str,
        Query(
            min_length=1,
            max_length=100,
            description="Words that must all fit: parts of names, strikes, ce or pe, fut, days and months.",
            examples=["nifty 26000 ce"],
        ),
    ],
    exchange: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=8,
            description="Only there; else NSE, NFO, and what orders, subscriptions and words touch.",
            examples=["NSE"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Any:
    """Instruments that all the words fit, by the symbol master of the broker that carries quotes."""
    result = await manager.find(search, exchange=exchange, limit=limit)
    found = result.instruments
    held = manager.wanted()
    today = ist(manager.clock.now_ns()).date()
    return await table_response(
        manager,
        form,
        "instruments",
        lambda: frames.instruments_frame(found, manager.quotes, held, today),
        searched=result.searched,
        not_searched=result.not_searched,
    )
