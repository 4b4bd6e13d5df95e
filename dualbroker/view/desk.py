"""Positions of every account, their profit and their stops, as rows without field names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dualbroker import tables
from dualbroker.desk.desk import Profit
from dualbroker.desk.stops import COVERED, ENTRY, NO_STOP, NOT_READ, StopLine
from dualbroker.figures import number
from dualbroker.frames.columns import named_rows
from dualbroker.frames.desk_frames import positions_data
from dualbroker.manager.source import FeedSource

__all__ = ["POSITIONS_SHOWN", "POSITION_COLUMNS", "desk_state"]

POSITIONS_SHOWN = 150
"""Those that hold something come first."""

_SENT = (
    *(column.name for column in tables.POSITIONS.all_columns if column.head),
    "exchange",
    "ltp_from",
    "doubt",
)
POSITION_COLUMNS = (*_SENT, "stop", "stop_note", "is_covered")
"""Those of ``feed.positions`` that a page draws, and of its stops: what they do, and if all is in order."""


def desk_state(source: FeedSource) -> dict[str, Any]:
    """What all accounts hold.

    Returns
    -------
    dict
        ``columns``: names of the fields; ``rows``: lists in that order; ``count``: of all positions;
        ``profit``: ``name`` (a broker's, or ``all``), ``total`` (rupees before charges), ``complete``;
        ``loose``: stop orders that cover no position, in words; ``unread``: whose positions are
        unknown, and why.
    """
    desk = source.desk
    lines = desk.positions()
    shown = lines[:POSITIONS_SHOWN]
    stops = desk.stops()
    rows = named_rows(tables.POSITIONS, positions_data(shown))
    by_position: dict[tuple[str, ...], list[StopLine]] = {}
    for stop in stops:
        by_position.setdefault((stop.broker_name, stop.exchange, stop.symbol, stop.product), []).append(stop)
    made = []
    for row in rows:
        key = (row["broker_name"], row["exchange"], row["symbol"], row["product"] or "")
        own = [stop for stop in by_position.get(key, ()) if stop.position_quantity != 0]
        words = sorted({stop.state for stop in own})
        made.append(
            [
                *(row[name] for name in _SENT),
                "; ".join(words),
                "; ".join(sorted(filter(None, map(_note, own)))),
                {*words} <= {COVERED, NOT_READ},
            ]
        )
    return {
        "columns": list(POSITION_COLUMNS),
        "rows": made,
        "count": len(lines),
        "profit": _profit(desk.profit(lines)),
        "loose": sorted(_loose(stop) for stop in stops if _is_loose(stop)),
        "unread": [{"broker_name": name, "why": why} for name, why in desk.unread().items()],
    }


def _profit(found: Sequence[Profit]) -> list[dict[str, Any]]:
    lines = [line for line in found if line.scope != "underlying"]
    # Of one account, all is that one.
    shown = lines[:1] if len(lines) == 2 else lines
    return [{"name": line.name, "total": line.total, "complete": line.complete} for line in shown]


def _note(stop: StopLine) -> str:
    if stop.state in (NO_STOP, NOT_READ) or stop.trigger_price is None:
        return ""
    away = "" if stop.distance is None else f", {number(stop.distance, 2)} away"
    return f"{number(stop.quantity)} at {number(stop.trigger_price, 2)}{away}"


def _is_loose(stop: StopLine) -> bool:
    """Whether a stop order covers nothing; one that enters a position is not meant to."""
    return bool(stop.order_id) and not stop.position_quantity and stop.state not in (ENTRY, NOT_READ)


def _loose(stop: StopLine) -> str:
    what = " ".join(filter(None, (stop.side, number(stop.quantity), stop.symbol)))
    return f"{stop.broker_name}: stop {what} at {number(stop.trigger_price, 2)}: {stop.state}"
