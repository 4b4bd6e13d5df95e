"""What the API answers. Every answer says whether it is simulated and of when it is.

Prices are rupees, quantities and open interest units; null is unknown, and a zero was received.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, WithJsonSchema

__all__ = [
    "Answer",
    "ByKind",
    "Health",
    "Moment",
]

Moment = Annotated[
    AwareDatetime,
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-12-29T14:02:11.250000+05:30"]}
    ),
]
"""ISO 8601 in Indian time."""

Price = Annotated[float | None, Field(description="Rupees; null is unknown.", examples=[212.4])]
Quantity = Annotated[float | None, Field(description="Units, never lots; null is unknown.", examples=[75])]


class Answer(BaseModel):
    """What every answer begins with."""

    mode: Annotated[
        Literal["SIMULATED", "LIVE"],
        Field(description="SIMULATED: no price and no order in this answer is real.", examples=["SIMULATED"]),
    ]
    as_of: Annotated[Moment | None, Field(description="Null before a replay's first row.")]


class ByKind(BaseModel):
    """A figure for each kind of message."""

    quotes: Annotated[float | None, Field(examples=[8124])]
    orders: Annotated[float | None, Field(examples=[310])]
    control: Annotated[
        float | None,
        Field(description="Handshakes, acknowledgements, heartbeats, pings.", examples=[48]),
    ]


class Health(Answer):
    """Whether the feed does its job: quotes from one broker, orders from every broker."""

    ok: bool
    problems: Annotated[
        list[str],
        Field(
            description="What is wrong and what to do.",
            examples=[["broker2: parked: login refused (wrong password)"]],
        ),
    ]
