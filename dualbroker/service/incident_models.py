"""What the API answers about incidents, failovers and gaps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dualbroker import tables
from dualbroker.service.table_models import answer_model

__all__ = ["FailoversAnswer", "GapsAnswer", "IncidentsAnswer"]

Dropped = Annotated[int, Field(description="Older ones that are no longer kept.", examples=[0])]

IncidentsAnswer = answer_model("IncidentsAnswer", tables.INCIDENTS, "incidents", dropped=Dropped)

FailoversAnswer = answer_model(
    "FailoversAnswer",
    tables.FAILOVERS,
    "failovers",
    primary=Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker2"])],
    dropped=Dropped,
)

GapsAnswer = answer_model("GapsAnswer", tables.GAPS, "gaps")
