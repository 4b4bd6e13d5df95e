"""What the API answers about traffic and what was saved."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from dualbroker import tables
from dualbroker.service.models import Answer, ByKind
from dualbroker.service.table_models import answer_model

__all__ = ["BandwidthAnswer", "SavingsAnswer", "TrafficAnswer"]

BandwidthAnswer = answer_model("BandwidthAnswer", tables.BANDWIDTH, "bandwidth")

SavingsAnswer = answer_model("SavingsAnswer", tables.SAVINGS, "figures")


class Traffic(BaseModel):
    """What has come off one broker's socket in one kind since the start."""

    bytes: Annotated[int, Field(description="After TLS, frame headers included.", examples=[812400])]
    messages: Annotated[int, Field(examples=[9120])]


class Estimate(BaseModel):
    """What the naive plan, in which every broker streams the quotes, would carry. Not measured."""

    how: Annotated[str, Field(description="How it was obtained.")]
    naive_quote_bytes: Annotated[int, Field(examples=[1624800])]
    saved_quote_bytes: Annotated[int, Field(examples=[812400])]
    saved_percent: Annotated[
        float | None, Field(description="Of the naive quote bytes; null before the first.", examples=[50.0])
    ]
    naive_bytes_per_second: Annotated[float | None, Field(description="All kinds, now.", examples=[16900.0])]


class TrafficAnswer(Answer):
    bytes_per_second: Annotated[
        dict[str, ByKind], Field(description="By broker and kind, over the last 5 seconds; measured.")
    ]
    totals: Annotated[
        dict[str, dict[str, Traffic]], Field(description="By broker and kind, since the start; measured.")
    ]
    estimate: Estimate
