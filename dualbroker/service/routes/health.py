"""``/health``: for anyone who watches the watcher."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response, status

from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.errors import answers
from dualbroker.service.models import Health
from dualbroker.view.problems import feed_problems

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get(
    "/health",
    response_model=Health,
    responses={
        **answers(),
        503: {"model": Health, "description": "Something is wrong; ``problems`` says what."},
    },
)
async def health(manager: Manager, response: Response) -> dict[str, Any]:
    """200 when quotes come from one broker and orders from every broker, else 503 with what is wrong."""
    problems = feed_problems(manager)
    if manager.journal is not None and manager.journal.problem:
        problems.append(f"orders would not survive a crash: {manager.journal.problem}")
    if problems:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return {**stamp(manager), "ok": not problems, "problems": problems}
