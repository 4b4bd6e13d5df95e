"""``/api/comparison``: which broker shows the same trades first, as far as it was measured."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from dualbroker import tables
from dualbroker.frames.comparison import comparison_frame
from dualbroker.service.dependencies import Manager
from dualbroker.service.models import answer_model
from dualbroker.service.tables import Form, table_answers, table_response

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["brokers"])

ComparisonAnswer = answer_model("ComparisonAnswer", tables.COMPARISON, "comparison")


@router.get("/comparison", response_model=ComparisonAnswer, responses=table_answers())
async def comparison(manager: Manager, form: Form) -> Any:
    """What `feed.compare_brokers()` found last, else, with `referee` in the config, the day so far; no rows
    before the first comparison."""
    results = manager.referee.results()
    return await table_response(manager, form, "comparison", lambda: comparison_frame(results))
