"""What the API answers about quotes, ticks, bars and depth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dualbroker import tables
from dualbroker.service.models import Moment
from dualbroker.service.table_models import answer_model

__all__ = ["BarsAnswer", "DepthAnswer", "QuotesAnswer", "TicksAnswer"]

Symbol = Annotated[str, Field(examples=["RELIANCE-EQ"])]
Exchange = Annotated[str, Field(examples=["NSE"])]

QuotesAnswer = answer_model("QuotesAnswer", tables.QUOTES, "quotes")

TicksAnswer = answer_model(
    "TicksAnswer",
    tables.TICKS,
    "ticks",
    exchange=Exchange,
    symbol=Symbol,
    more=Annotated[
        bool,
        Field(
            description="There are later ones: ask again with `since`, the last receive_time.",
            examples=[False],
        ),
    ],
    dropped_rows=Annotated[
        int,
        Field(
            description="Ticks of all instruments that are no longer kept, to keep the bound.", examples=[0]
        ),
    ],
)

BarsAnswer = answer_model(
    "BarsAnswer",
    tables.BARS,
    "bars",
    exchange=Exchange,
    symbol=Symbol,
    interval=Annotated[str, Field(examples=["1min"])],
    negative_volume_steps=Annotated[
        int, Field(description="How often the cumulative volume fell; clipped.", examples=[0])
    ],
)

DepthAnswer = answer_model(
    "DepthAnswer",
    tables.DEPTH,
    "levels",
    exchange=Exchange,
    symbol=Symbol,
    receive_time=Annotated[Moment | None, Field(description="Null before the first.")],
)
