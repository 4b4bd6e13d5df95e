"""``/api/instruments``: finds instruments by words, as a person types them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from dualbroker.clock import ist
from dualbroker.feed import frames
from dualbroker.instruments.words import instrument_details, instrument_title
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.instrument_models import InstrumentsAnswer
from dualbroker.service.tables import Form, table_answers, table_response
from dualbroker.view.rows import known

__all__ = ["router"]

router = APIRouter(prefix="/api/instruments", tags=["instruments"])


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
    if form != "json":
        return await table_response(
            manager, form, "instruments", lambda: frames.instruments_frame(found, manager.quotes)
        )
    held = manager.wanted()
    today = ist(manager.clock.now_ns()).date()
    rows = [
        {
            **msgspec.structs.asdict(instrument),
            "kind": instrument.kind.value,
            "strike": known(instrument.strike),
            "tick_size": known(instrument.tick_size),
            "subscribed": instrument.key in held,
            "title": instrument_title(instrument),
            "details": instrument_details(instrument, today),
            "ltp": manager.quotes.last_price_of(instrument.key),
        }
        for instrument in found
    ]
    where = {"searched": result.searched, "not_searched": result.not_searched}
    return {**stamp(manager), **where, "instruments": rows}
