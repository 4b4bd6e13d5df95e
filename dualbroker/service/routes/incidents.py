"""``/api/incidents`` and ``/api/failovers``: what went wrong, and what was done about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.incident_models import FailoversAnswer, IncidentsAnswer
from dualbroker.view.incidents import failover_rows, incident_rows

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["incidents"])

Limit = Annotated[
    int | None, Query(ge=1, description="Only so many, the newest; all that are kept if absent.")
]


@router.get("/incidents", response_model=IncidentsAnswer)
async def incidents(manager: Manager, limit: Limit = None) -> dict[str, Any]:
    """Everything that went wrong, in words: when, at which broker, why, and what was done."""
    return {
        **stamp(manager),
        "dropped": manager.incidents.dropped_incidents,
        "incidents": incident_rows(manager, limit),
    }


@router.get("/failovers", response_model=FailoversAnswer)
async def failovers(manager: Manager, limit: Limit = None) -> dict[str, Any]:
    """Every change of the broker that carries quotes, planned or not, with the gap it cost."""
    return {
        **stamp(manager),
        "primary": manager.primary,
        "dropped": manager.incidents.dropped_failovers,
        "failovers": failover_rows(manager, limit),
    }
