"""``/api/positions`` and its like: what every account holds, what it is worth, and what covers it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from dualbroker import tables
from dualbroker.frames import desk_frames
from dualbroker.service.dependencies import Manager
from dualbroker.service.models import answer_model
from dualbroker.service.tables import Form, table_answers, table_response, work

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["desk"])

Unread = Annotated[
    dict[str, str],
    Field(
        description="By broker: why its positions are not known. Of those an absent row means nothing.",
        examples=[{"broker2": "not read yet"}],
    ),
]

PositionsAnswer = answer_model("PositionsAnswer", tables.POSITIONS, "positions", unread=Unread)
HoldingsAnswer = answer_model("HoldingsAnswer", tables.HOLDINGS, "holdings")
LimitsAnswer = answer_model("LimitsAnswer", tables.LIMITS, "limits")
TradesAnswer = answer_model("TradesAnswer", tables.TRADES, "trades")
FillsAnswer = answer_model("FillsAnswer", tables.FILLS, "fills")
PnlAnswer = answer_model("PnlAnswer", tables.PNL, "pnl", unread=Unread)
PnlCheckAnswer = answer_model("PnlCheckAnswer", tables.PNL_CHECK, "pnl_check", unread=Unread)
PnlCurveAnswer = answer_model("PnlCurveAnswer", tables.PNL_CURVE, "pnl_curve")
StopsAnswer = answer_model("StopsAnswer", tables.STOPS, "stops", unread=Unread)
MirrorAnswer = answer_model("MirrorAnswer", tables.MIRROR, "mirror")

Method = Annotated[
    Literal["pooled", "fifo"],
    Query(description="How ours is divided into realised and unrealised; the sum is the same."),
]


@router.get("/positions", response_model=PositionsAnswer, responses=table_answers())
async def positions(manager: Manager, form: Form) -> Any:
    """Every position of every account, marked by the one price stream; profits are before charges."""
    desk = manager.desk
    return await table_response(
        manager,
        form,
        "positions",
        lambda: desk_frames.positions_frame(desk.positions()),
        unread=desk.unread(),
    )


@router.get("/holdings", response_model=HoldingsAnswer, responses=table_answers())
async def holdings(manager: Manager, form: Form) -> Any:
    """Every share in the depository of every account."""
    desk = manager.desk
    return await table_response(
        manager, form, "holdings", lambda: desk_frames.holdings_frame(desk.holdings())
    )


@router.get("/limits", response_model=LimitsAnswer, responses=table_answers())
async def limits(manager: Manager, form: Form) -> Any:
    """Cash and margin of every account, each broker's words mapped to one set."""
    desk = manager.desk
    return await table_response(manager, form, "limits", lambda: desk_frames.limits_frame(desk.limits()))


@router.get("/trades", response_model=TradesAnswer, responses=table_answers())
async def trades(manager: Manager, form: Form) -> Any:
    """Every fill of the brokers' day, of all accounts, oldest first."""
    desk = manager.desk
    return await table_response(manager, form, "trades", lambda: desk_frames.trades_frame(desk.trades()))


@router.get("/fills", response_model=FillsAnswer, responses=table_answers())
async def fills(manager: Manager, form: Form) -> Any:
    """Every fill of the day with the quote that was in force, its age, and the slippage against it."""
    desk = manager.desk
    return await table_response(manager, form, "fills", lambda: desk_frames.fills_frame(desk.fills()))


@router.get("/pnl", response_model=PnlAnswer, responses=table_answers())
async def pnl(manager: Manager, form: Form) -> Any:
    """Profit by account, by underlying over all accounts, and in all, before charges."""
    desk = manager.desk
    return await table_response(
        manager, form, "pnl", lambda: desk_frames.pnl_frame(desk.profit()), unread=desk.unread()
    )


@router.get("/pnl-check", response_model=PnlCheckAnswer, responses=table_answers())
async def pnl_check(manager: Manager, form: Form, method: Method = "pooled") -> Any:
    """Our profit of each position beside its broker's, and the rule that explains the difference."""
    desk = manager.desk
    return await table_response(
        manager,
        form,
        "pnl_check",
        lambda: desk_frames.pnl_check_frame(desk.check(method)),
        unread=desk.unread(),
    )


@router.get("/pnl-curve", response_model=PnlCurveAnswer, responses=table_answers())
async def pnl_curve(
    manager: Manager,
    form: Form,
    limit: Annotated[int, Query(ge=1, le=100_000, description="Only so many points, the newest.")] = 10_000,
) -> Any:
    """The day's profit of each account, a point a second while the market is open."""
    points = list(manager.desk_books.curve[-limit:])
    return await table_response(manager, form, "pnl_curve", lambda: desk_frames.pnl_curve_frame(points))


@router.get("/stops", response_model=StopsAnswer, responses=table_answers())
async def stops(manager: Manager, form: Form) -> Any:
    """Every living stop order with what it covers, and every position of which no stop is seen."""
    desk = manager.desk
    return await table_response(
        manager, form, "stops", lambda: desk_frames.stops_frame(desk.stops()), unread=desk.unread()
    )


@router.get("/mirror", response_model=MirrorAnswer, responses=table_answers(404, 422))
async def mirror(
    manager: Manager,
    form: Form,
    first: Annotated[str | None, Query(max_length=64, description="The one account.")] = None,
    second: Annotated[str | None, Query(max_length=64, description="The other account.")] = None,
    window: Annotated[
        float, Query(gt=0, le=86_400, description="Seconds that two of a pair may be apart.")
    ] = 5.0,
    ratio: Annotated[
        float | None, Query(gt=0, description="Units of the second for each of the first; any if absent.")
    ] = None,
) -> Any:
    """The same order in two accounts: which is missing, and by what price and time the two differ."""
    found = await work(lambda: manager.desk.mirror(first, second, window_s=window, ratio=ratio))
    return await table_response(manager, form, "mirror", lambda: desk_frames.mirror_frame(*found))
