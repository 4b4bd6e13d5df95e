"""What went wrong and how the quotes moved, as HTML and as text, out of the view's state. Pure."""

from __future__ import annotations

from dualbroker.figures import clock_time, number, plural, written
from dualbroker.notebook.plain.pieces import (
    ROWS_SHOWN,
    Cell,
    Row,
    State,
    block,
    more,
    rows_table,
    text_columns,
    texts,
)
from dualbroker.view.heads import HEADS, still_heads

__all__ = ["failovers_html", "failovers_text", "incidents_html", "incidents_text"]

_NO_INCIDENT = "Nothing went wrong yet. Whatever does is listed here, with what was done about it."
_NO_FAILOVER = (
    "The quotes have stayed where they are. When their broker fails, another takes over by itself; what that "
    "cost is measured and listed here."
)


def incidents_html(state: State) -> str:
    """Everything that went wrong, the newest first."""
    rows = state["incidents"]["rows"][:ROWS_SHOWN]
    if not rows:
        return block(f'<span class="quiet">{_NO_INCIDENT}</span>')
    shown = rows_table(still_heads("incidents"), [_incident_cells(row, state) for row in rows])
    return block(shown + more(state["incidents"]["count"], "incidents", "feed.incidents", len(rows)))


def incidents_text(state: State) -> list[str]:
    """The same as lines, with an empty one before them; none when nothing went wrong."""
    rows = state["incidents"]["rows"][:ROWS_SHOWN]
    return _lines(still_heads("incidents"), [_incident_cells(row, state) for row in rows])


def failovers_html(state: State) -> str:
    """Every change of the broker that carries quotes, the newest first, and what it cost."""
    rows = state["failovers"]["rows"][:ROWS_SHOWN]
    if not rows:
        return block(f'<span class="quiet">{_NO_FAILOVER}</span>')
    shown = rows_table(still_heads("failovers"), [_failover_cells(row, state) for row in rows])
    return block(shown + more(state["failovers"]["count"], "failovers", "feed.failovers", len(rows)))


def failovers_text(state: State) -> list[str]:
    """The same as lines, with an empty one before them; none when the quotes have not moved."""
    rows = state["failovers"]["rows"][:ROWS_SHOWN]
    return _lines(still_heads("failovers"), [_failover_cells(row, state) for row in rows])


def _lines(heads: list[str], rows: list[list[Cell]]) -> list[str]:
    return ["", *text_columns(heads, [texts(row) for row in rows])] if rows else []


def _incident_cells(row: Row, state: State) -> list[Cell]:
    cells: dict[str, Cell] = {
        "time": clock_time(row["time"], state["time"]),
        "broker_name": row["broker_name"] or "all",
        "cause": (f"{row['cause']}; {row['action']}", "words"),
    }
    return [cells[head.key] for head in HEADS["incidents"]]


def _failover_cells(row: Row, state: State) -> list[Cell]:
    left = _left_open(row)
    words = f"{row['from_broker']} → {row['to_broker']}: {row['why']}{left and f'; {left}'}"
    cells: dict[str, Cell] = {
        "time": clock_time(row["time"], state["time"]),
        "why": (words, "words"),
    }
    if row["planned"]:
        cells["detected_after"] = ("planned", "number")
    return [
        cells.get(head.key) or (written(head.writing, row[head.key]), "number") for head in HEADS["failovers"]
    ]


def _left_open(row: Row) -> str:
    if not row["finished"]:
        return f"{number(row['moved'])} of {plural(row['instruments'], 'instrument')} so far"
    if not row["uncovered"]:
        return ""
    left = row["uncovered"] - len(row["uncovered_names"])
    more = f" and {number(left)} more" if left else ""
    return f"not covered by {row['to_broker']}: {', '.join(row['uncovered_names'])}{more}"
