"""``/api/orders``: every order of every broker."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.models import OrdersAnswer
from dualbroker.view.rows import healths, order_rows

__all__ = ["router"]

router = APIRouter(prefix="/api/orders", tags=["orders"])


@router.get("", response_model=OrdersAnswer, responses={404: {"description": "No broker of that name."}})
async def orders(
    manager: Manager,
    broker: Annotated[str | None, Query(description="Only this broker's.", examples=["broker2"])] = None,
) -> dict[str, Any]:
    """The latest state of each order, tagged with its broker, the newest first."""
    names = [health.broker_name for health in healths(manager)]
    if broker is not None and broker not in names:
        raise HTTPException(404, f"broker: expected one of {', '.join(names)}, found {broker!r}")
    wanted = [state for state in manager.orders.snapshot() if broker in (None, state.broker_name)]
    return {**stamp(manager), "orders": order_rows(wanted)}
