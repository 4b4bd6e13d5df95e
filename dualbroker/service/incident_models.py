"""What the API answers about incidents and failovers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from dualbroker.service.models import Answer, Moment

__all__ = ["Failover", "FailoversAnswer", "Incident", "IncidentsAnswer"]


class Incident(BaseModel):
    """One thing that went wrong, or that somebody should know."""

    number: Annotated[int, Field(description="Counts all incidents since the start, from 1.", examples=[7])]
    time: Moment | None
    broker_name: Annotated[
        str | None, Field(description="Null where it is about the feed as a whole.", examples=["broker1"])
    ]
    cause: Annotated[
        str, Field(description="What happened.", examples=["no quote for 5 s, and the market moves"])
    ]
    action: Annotated[
        str,
        Field(
            description="What was done about it, or what a person should do.",
            examples=["broker2 takes the quotes over"],
        ),
    ]


class IncidentsAnswer(Answer):
    dropped: Annotated[int, Field(description="Older ones that are no longer kept.", examples=[0])]
    incidents: Annotated[list[Incident], Field(description="The newest first.")]


Seconds = Annotated[float | None, Field(description="Seconds; null is unknown.", examples=[0.18])]


class Failover(BaseModel):
    """One change of the broker that carries quotes.

    A gap runs from the last quote before it, of any instrument, to the first one that the new source
    brought of this instrument; measured.
    """

    number: Annotated[int, Field(description="From 1.", examples=[1])]
    time: Annotated[Moment | None, Field(description="When it was decided.")]
    from_broker: Annotated[str, Field(examples=["broker1"])]
    to_broker: Annotated[str, Field(examples=["broker2"])]
    why: Annotated[str, Field(examples=["broker1 was reset"])]
    planned: Annotated[
        bool, Field(description="A hand-over: the new stream was made before the old one ended.")
    ]
    detected_after_s: Annotated[
        float | None,
        Field(
            description="Seconds from the last sign of the old source's quotes to the decision; null for a "
            "planned one, and where the old source failed before it had taken over itself.",
            examples=[0.02],
        ),
    ]
    instruments: Annotated[int, Field(description="To be moved.", examples=[100])]
    moved: Annotated[int, Field(description="Of these, with a quote from the new source.", examples=[100])]
    gap_p50_s: Seconds
    gap_p99_s: Seconds
    gap_max_s: Seconds
    uncovered: Annotated[
        list[str], Field(description="What the new broker does not bring; 20 names at most.", examples=[[]])
    ]
    uncovered_count: Annotated[int, Field(examples=[0])]
    finished: bool


class FailoversAnswer(Answer):
    primary: Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker2"])]
    dropped: Annotated[int, Field(description="Older ones that are no longer kept.", examples=[0])]
    failovers: Annotated[list[Failover], Field(description="The newest first.")]
