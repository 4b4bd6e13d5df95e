"""What is news in a history, SingleOrdHist: the steps after the newest that is known. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dualbroker.model import OrderUpdate
from dualbroker.stores.order_state import OrderState
from dualbroker.stores.order_steps import Step, StepRecord, match_steps, step_of

__all__ = ["first_news", "is_behind", "with_cumulative"]


def first_news(
    rows: Sequence[OrderUpdate], as_of_ns: int, record: StepRecord, state: OrderState | None
) -> tuple[int, list[Step]]:
    """Where in a history, oldest first, the news begin; its length where there are none.

    Also the steps that it tells of and nobody has before; they are written into the record.
    """
    # A history leaves nothing out: of a step without a cumulative quantity it is zero.
    steps = [step_of(row)._replace(filled_quantity=row.filled_quantity or 0.0) for row in rows]
    matched, left = match_steps(steps, [*record.steps, *record.told])
    told = [step for place, step in enumerate(steps) if place not in matched]
    record.note_told(told)
    if state is None:
        return 0, told
    if any(step.receive_time_ns > as_of_ns for step in left):
        return len(rows), told  # the stream is ahead of this history
    newest = max(matched, default=-1)
    return max(newest, _place_of(state, rows, max(0, newest))) + 1, told


def with_cumulative(rows: Sequence[OrderUpdate]) -> list[OrderUpdate]:
    """A history's rows, the cumulative quantity carried on to those that leave it out."""
    carried = 0.0
    full = []
    for row in rows:
        carried = max(carried, row.filled_quantity or 0.0)
        if row.filled_quantity is None and carried:
            row = msgspec.structs.replace(row, filled_quantity=carried)
        full.append(row)
    return full


def is_behind(row: OrderUpdate, state: OrderState) -> bool:
    """Whether a history's row is a step that the order has left behind, whoever told how far it has got."""
    if (row.filled_quantity or 0.0) < (state.filled_quantity or 0.0):
        return True
    return state.status.is_final and not (row.status is not None and row.status.is_final)


def _place_of(state: OrderState, rows: Sequence[OrderUpdate], start: int) -> int:
    """The first row from there on that is as the order stands; -1 when none is."""
    terms = ("quantity", "price", "trigger_price")
    for place, row in enumerate(rows[start:], start):
        if (
            row.status == state.status
            and (row.filled_quantity or 0.0) == (state.filled_quantity or 0.0)
            and all(getattr(row, name) in (None, getattr(state, name)) for name in terms)
        ):
            return place
    return -1
