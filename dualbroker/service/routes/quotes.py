"""``/api/quotes``: the latest full quote of each subscribed instrument."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from dualbroker import tables
from dualbroker.frames import frames
from dualbroker.service.dependencies import Manager
from dualbroker.service.models import answer_model
from dualbroker.service.tables import Form, table_answers, table_response

__all__ = ["router"]

router = APIRouter(prefix="/api/quotes", tags=["quotes"])

QuotesAnswer = answer_model("QuotesAnswer", tables.QUOTES, "quotes")


@router.get("", response_model=QuotesAnswer, responses=table_answers())
async def quotes(manager: Manager, form: Form) -> Any:
    """One quote per subscribed instrument, each from its one source."""
    wanted = list(manager.wanted())
    return await table_response(manager, form, "quotes", lambda: frames.quotes_frame(manager.quotes, wanted))
