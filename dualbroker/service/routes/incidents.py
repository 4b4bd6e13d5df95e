"""``/api/incidents``, ``alerts``, ``failovers``, ``gaps`` and ``assignment``: what failed, who was told of
it, and who carries what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from dualbroker import tables
from dualbroker.frames import frames
from dualbroker.service.dependencies import Manager
from dualbroker.service.models import answer_model
from dualbroker.service.tables import Form, table_answers, table_response

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["incidents"])

Dropped = Annotated[int, Field(description="Older ones that are no longer kept.", examples=[0])]

IncidentsAnswer = answer_model("IncidentsAnswer", tables.INCIDENTS, "incidents", dropped=Dropped)

AlertsAnswer = answer_model("AlertsAnswer", tables.ALERTS, "alerts", dropped=Dropped)

FailoversAnswer = answer_model(
    "FailoversAnswer",
    tables.FAILOVERS,
    "failovers",
    primary=Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker2"])],
    dropped=Dropped,
)

AssignmentAnswer = answer_model("AssignmentAnswer", tables.ASSIGNMENT, "assignment")

GapsAnswer = answer_model("GapsAnswer", tables.GAPS, "gaps")


Limit = Annotated[
    int | None,
    Query(ge=1, le=10_000, description="Only so many, the newest; all that are kept if absent."),
]


@router.get("/incidents", response_model=IncidentsAnswer, responses=table_answers())
async def incidents(manager: Manager, form: Form, limit: Limit = None) -> Any:
    """Everything that went wrong, in words, oldest first: when, at which broker, why, and what was done."""
    store = manager.incidents
    kept = store.incidents_snapshot()[-(limit or 0) :]
    return await table_response(
        manager, form, "incidents", lambda: frames.incidents_frame(kept), dropped=store.dropped_incidents
    )


@router.get("/alerts", response_model=AlertsAnswer, responses=table_answers())
async def alerts(manager: Manager, form: Form, limit: Limit = None) -> Any:
    """What a person was told, oldest first."""
    store = manager.alerts
    kept = store.snapshot()[-(limit or 0) :]
    return await table_response(
        manager, form, "alerts", lambda: frames.alerts_frame(kept), dropped=store.dropped
    )


@router.get("/failovers", response_model=FailoversAnswer, responses=table_answers())
async def failovers(manager: Manager, form: Form, limit: Limit = None) -> Any:
    """Every change of the broker that carries quotes, planned or not, oldest first, with the gap it cost.

    A gap runs from the last quote before it, of any instrument, to the first one that the new source
    brought of this instrument; measured.
    """
    store = manager.incidents
    kept = store.failovers_snapshot()[-(limit or 0) :]
    return await table_response(
        manager,
        form,
        "failovers",
        lambda: frames.failovers_frame(kept),
        primary=manager.primary,
        dropped=store.dropped_failovers,
    )


@router.get("/gaps", response_model=GapsAnswer, responses=table_answers())
async def gaps(
    manager: Manager,
    form: Form,
    number: Annotated[
        int | None, Query(ge=1, description="Of a failover; all that are kept if absent.")
    ] = None,
) -> Any:
    """How long each instrument had no quotes in a failover."""
    kept = manager.incidents.failovers_snapshot()
    wanted = [failover for failover in kept if number in (None, failover.number)]
    return await table_response(manager, form, "gaps", lambda: frames.gaps_frame(wanted, manager.quotes))


@router.get("/assignment", response_model=AssignmentAnswer, responses=table_answers())
async def assignment(manager: Manager, form: Form) -> Any:
    """Who carries each instrument that somebody holds, and why."""
    return await table_response(
        manager,
        form,
        "assignment",
        lambda: frames.assignment_frame(
            manager.quotes, manager.wanted(), manager.source_of, manager.why_source, manager.serves
        ),
    )
