"""What went wrong and how the quotes moved, as HTML and as text, out of the view's state. Pure."""

from __future__ import annotations

from dualbroker.figures import clock_time, duration, number
from dualbroker.notebook.pieces import (
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

__all__ = ["failovers_html", "failovers_text", "incidents_html", "incidents_text"]

_INCIDENT_HEADS = ("time", "broker", "what happened", "what was done")
_FAILOVER_HEADS = (
    "time",
    "from",
    "to",
    "why",
    "#found after",
    "#gap p50",
    "#p99",
    "#max",
    "#moved",
    "not covered",
)

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
    shown = rows_table(_INCIDENT_HEADS, [_incident_cells(row, state) for row in rows])
    return block(shown + more(state["incidents"]["count"], "incidents", "feed.incidents", len(rows)))


def incidents_text(state: State) -> list[str]:
    """The same as lines, with an empty one before them; none when nothing went wrong."""
    rows = state["incidents"]["rows"][:ROWS_SHOWN]
    return _lines(_INCIDENT_HEADS, [_incident_cells(row, state) for row in rows])


def failovers_html(state: State) -> str:
    """Every change of the broker that carries quotes, the newest first, and what it cost."""
    rows = state["failovers"]["rows"][:ROWS_SHOWN]
    if not rows:
        return block(f'<span class="quiet">{_NO_FAILOVER}</span>')
    shown = rows_table(_FAILOVER_HEADS, [_failover_cells(row, state) for row in rows])
    return block(shown + more(state["failovers"]["count"], "failovers", "feed.failovers", len(rows)))


def failovers_text(state: State) -> list[str]:
    """The same as lines, with an empty one before them; none when the quotes have not moved."""
    rows = state["failovers"]["rows"][:ROWS_SHOWN]
    return _lines(_FAILOVER_HEADS, [_failover_cells(row, state) for row in rows])


def _lines(heads: tuple[str, ...], rows: list[list[Cell]]) -> list[str]:
    return ["", *text_columns(heads, [texts(row) for row in rows])] if rows else []


def _incident_cells(row: Row, state: State) -> list[Cell]:
    return [
        clock_time(row["time"], state["time"]),
        row["broker_name"] or "all",
        (row["cause"], "words"),
        (row["action"], "words"),
    ]


def _failover_cells(row: Row, state: State) -> list[Cell]:
    moved = number(row["moved"])
    whole = row["moved"] == row["instruments"]
    return [
        clock_time(row["time"], state["time"]),
        row["from_broker"],
        row["to_broker"],
        (row["why"], "words"),
        ("planned" if row["planned"] else duration(row["detected_after_s"]), "number"),
        (duration(row["gap_p50_s"]), "number"),
        (duration(row["gap_p99_s"]), "number"),
        (duration(row["gap_max_s"]), "number"),
        (moved if whole else f"{moved} of {number(row['instruments'])}", "number"),
        (_uncovered(row), "words"),
    ]


def _uncovered(row: Row) -> str:
    left = row["uncovered_count"] - len(row["uncovered"])
    return ", ".join(row["uncovered"]) + (f" and {number(left)} more" if left else "")
