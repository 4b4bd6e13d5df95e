"""``/api/chain``: an option chain out of what is streamed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from dualbroker import tables
from dualbroker.frames.chain_frames import chain_frame
from dualbroker.manager.options.chain_series import view_of
from dualbroker.manager.options.chain_table import chain_table
from dualbroker.service.dependencies import Manager
from dualbroker.service.models import Price, answer_model
from dualbroker.service.tables import Form, table_answers, table_response, work
from dualbroker.view.rows import known

__all__ = ["router"]

router = APIRouter(prefix="/api/chain", tags=["instrument"])

Ratio = Annotated[float | None, Field(description="Puts for each call; null is unknown.", examples=[0.94])]

ChainAnswer = answer_model(
    "ChainAnswer",
    tables.CHAIN,
    "chain",
    underlying=Annotated[str, Field(examples=["NIFTY"])],
    expiry=date,
    underlying_ltp=Price,
    implied_forward=Price,
    at_the_money=Price,
    straddle=Price,
    iv_at_the_money=Annotated[
        float | None, Field(description="Per cent a year; null is unknown.", examples=[12.4])
    ],
    max_pain=Annotated[
        float | None,
        Field(
            description="The strike at which the open interest of these would be worth least.",
            examples=[26000.0],
        ),
    ],
    put_call_ratio_by_open_interest=Ratio,
    put_call_ratio_by_volume=Ratio,
)


@router.get("/{underlying}", response_model=ChainAnswer, responses=table_answers(404))
async def chain(
    manager: Manager,
    form: Form,
    underlying: Annotated[
        str, Path(min_length=1, max_length=64, description="As its options name it.", examples=["NIFTY"])
    ],
    expiry: Annotated[
        date | None, Query(description="The nearest that is streamed if absent.", examples=["2030-01-31"])
    ] = None,
) -> Any:
    """Calls and puts that are streamed, one row for each strike; absent is what nobody subscribed."""
    store = manager.quotes
    held = [store.instruments[at] for key in manager.wanted() if (at := store.index_of(key)) is not None]
    view = view_of(held, underlying.upper(), expiry or 0)
    table = await work(lambda: chain_table(store, view, manager.market_hours))
    return await table_response(
        manager,
        form,
        "chain",
        lambda: chain_frame(view, table),
        name=f"chain-{view.name}",
        underlying=view.name,
        expiry=view.series.expiry,
        underlying_ltp=known(table.underlying_ltp),
        implied_forward=known(table.implied_forward),
        at_the_money=known(table.at_the_money),
        straddle=known(table.straddle_at_the_money),
        iv_at_the_money=known(table.iv_at_the_money),
        max_pain=known(table.max_pain),
        put_call_ratio_by_open_interest=known(table.ratio_by_open_interest),
        put_call_ratio_by_volume=known(table.ratio_by_volume),
    )
