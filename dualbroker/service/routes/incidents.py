"""``/api/incidents`` and ``/api/failovers``: what went wrong, and what was done about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from dualbroker.feed import frames
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.incident_models import FailoversAnswer, IncidentsAnswer
from dualbroker.service.tables import Form, table_answers, table_response
from dualbroker.view.incidents import failover_rows, incident_rows

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["incidents"])

Limit = Annotated[
    int | None,
    Query(ge=1, le=10_000, description="Only so many, the newest; all that are kept if absent."),
]


@router.get("/incidents", response_model=IncidentsAnswer, responses=table_answers())
async def incidents(manager: Manager, form: Form, limit: Limit = None) -> Any:
    """Everything that went wrong, in words: when, at which broker, why, and what was done."""
    store = manager.incidents
    if form != "json":
        kept = store.incidents_snapshot()[-(limit or 0) :]
        return await table_response(manager, form, "incidents", lambda: frames.incidents_frame(kept))
    return {
        **stamp(manager),
        "dropped": store.dropped_incidents,
        "incidents": incident_rows(manager, limit),
    }


@router.get("/failovers", response_model=FailoversAnswer, responses=table_answers())
async def failovers(manager: Manager, form: Form, limit: Limit = None) -> Any:
    """Every change of the broker that carries quotes, planned or not, with the gap it cost."""
    store = manager.incidents
    if form != "json":
        kept = store.failovers_snapshot()[-(limit or 0) :]
        return await table_response(manager, form, "failovers", lambda: frames.failovers_frame(kept))
    return {
        **stamp(manager),
        "primary": manager.primary,
        "dropped": store.dropped_failovers,
        "failovers": failover_rows(manager, limit),
    }
