"""Positions of every account as HTML and as text, out of the view's state. Pure."""

from __future__ import annotations

from html import escape

from dualbroker.figures import UNKNOWN, signed, written
from dualbroker.notebook.plain.pieces import (
    ROWS_SHOWN,
    Cell,
    Row,
    State,
    block,
    more,
    problem,
    rows_table,
    text_columns,
    texts,
)
from dualbroker.view.heads import HEADS, still_heads

__all__ = ["desk_html", "desk_text"]


def desk_html(state: State) -> str:
    """What each account holds, what it is worth, and which stops cover it."""
    desk = state["desk"]
    rows = desk["rows"][:ROWS_SHOWN]
    warning = "".join(map(problem, _warnings(state)))
    if not rows:
        return block(warning or "No position today.")
    shown = rows_table(still_heads("positions"), [_cells(row) for row in rows])
    sums = f"<div>{escape(_sums(state))}</div>"
    return block(warning + sums + shown + more(desk["count"], "positions", "feed.positions"))


def desk_text(state: State) -> list[str]:
    """The same as lines, with an empty one before them; none where there is nothing to say."""
    rows = state["desk"]["rows"][:ROWS_SHOWN]
    lines = _warnings(state)
    if rows:
        lines += [_sums(state), *text_columns(still_heads("positions"), [texts(_cells(row)) for row in rows])]
    return ["", *lines] if lines else []


def _warnings(state: State) -> list[str]:
    desk = state["desk"]
    unread = [f"Positions unknown for {row['broker_name']}: {row['why']}" for row in desk["unread"]]
    return [*unread, *desk["loose"]]


def _sums(state: State) -> str:
    sums = (
        f"{each['name']} {signed(each['total'], 0)}{'' if each['complete'] else ' (not complete)'}"
        for each in state["desk"]["profit"]
    )
    return f"P&L before charges, ₹: {' · '.join(sums)}"


def _cells(row: Row) -> list[Cell]:
    cells: dict[str, Cell] = {
        "symbol": row["symbol"] + (f" (not sure: {row['doubt']})" if row["doubt"] else ""),
        "stop": (" ".join(filter(None, (row["stop"], row["stop_note"]))), "words"),
    }
    for head in HEADS["positions"]:
        if head.key in cells:
            continue
        value = row[head.key]
        if not head.is_number:
            cells[head.key] = value or UNKNOWN
            continue
        css = "number"
        if head.writing == "difference" and value:
            css += " up" if value > 0 else " down"
        cells[head.key] = (written(head.writing, value), css)
    return [cells[head.key] for head in HEADS["positions"]]
