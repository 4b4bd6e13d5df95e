"""What the API answers. Every answer says whether it is simulated and of when it is.

Prices are rupees, quantities and open interest units; null is unknown, and a zero was received.
The models of tables, for the OpenAPI document, are made of their descriptions.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, WithJsonSchema, create_model

from dualbroker.tables import Column, Kind, Table

__all__ = ["Answer", "ByKind", "Health", "Moment", "Price", "Quantity", "answer_model", "row_model"]

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
    probe: Annotated[
        float | None, Field(description="Quotes streamed a second time, to compare brokers.", examples=[0])
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


_TYPES: dict[Kind, Any] = {
    "price": float,
    "number": float,
    "quantity": int,
    "count": int,
    "time": Moment,
    "day": date,
    "text": str,
    "flag": bool,
    "answer": bool,
}
_UNITS: dict[Kind, str] = {"price": "Rupees.", "quantity": "Units, never lots."}


def row_model(name: str, table: Table) -> type[BaseModel]:
    """One row of a table, as JSON has it."""
    fields: dict[str, Any] = {column.name: (_field(column), ...) for column in table.all_columns}
    return create_model(name, __doc__=table.words, **fields)


def answer_model(
    name: str, table: Table, key: str, *, row: type[BaseModel] | None = None, **beside: Any
) -> type[Answer]:
    """What a route of a table answers: the stamp of every answer, what stands beside, the rows under a key.

    Parameters
    ----------
    row
        The model of a row; made from the table unless given.
    **beside
        Annotated types of further fields.
    """
    row = row or row_model(name.removesuffix("Answer") + "Row", table)
    kinds: dict[str, Any] = {**beside, key: list[row]}  # type: ignore[valid-type]
    fields: dict[str, Any] = {field: (kind, ...) for field, kind in kinds.items()}
    made: type[Answer] = create_model(name, __base__=Answer, **fields)
    return made


def _field(column: Column) -> Any:
    kind = _TYPES[column.kind]
    if column.can_be_unknown:
        kind = kind | None
    unknown = "Null is unknown." if column.can_be_unknown else ""
    words = " ".join(filter(None, (column.words, _UNITS.get(column.kind, ""), unknown)))
    examples = None if column.example is None else [column.example]
    return Annotated[kind, Field(description=words or None, examples=examples)]
