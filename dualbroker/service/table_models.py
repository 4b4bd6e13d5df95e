"""The models of tables for the OpenAPI document, made from their descriptions."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from dualbroker.service.models import Answer, Moment
from dualbroker.tables import Column, Kind, Table

__all__ = ["answer_model", "row_model"]

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
