"""``/api/quotes``: the latest full quote of each subscribed instrument."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.models import QuotesAnswer
from dualbroker.view.rows import quote_rows

__all__ = ["router"]

router = APIRouter(prefix="/api/quotes", tags=["quotes"])


@router.get("", response_model=QuotesAnswer)
async def quotes(manager: Manager) -> dict[str, Any]:
    """One quote per subscribed instrument, each from its one source."""
    return {**stamp(manager), "quotes": quote_rows(manager)}
