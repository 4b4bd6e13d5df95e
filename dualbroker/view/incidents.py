"""What went wrong, and which broker carried the quotes when, as rows of plain values, the newest first."""

from __future__ import annotations

from typing import Any

from dualbroker import tables
from dualbroker.frames.columns import plain_rows
from dualbroker.frames.frames import incidents_data
from dualbroker.manager.source import FeedSource
from dualbroker.stores.incidents import Failover, quantile
from dualbroker.view.rows import iso_time

__all__ = ["failover_row", "failover_rows", "incident_rows", "newest_failover_of"]

UNCOVERED_SHOWN = 20
"""Names of a failover; the count says how many there are."""


def incident_rows(manager: FeedSource, limit: int | None = None) -> list[dict[str, Any]]:
    """Everything that went wrong: the columns of ``feed.incidents``."""
    kept = manager.incidents.incidents_snapshot()
    rows = plain_rows(tables.INCIDENTS, incidents_data(kept[::-1][:limit]))
    return [dict(zip(tables.INCIDENTS.names, row, strict=True)) for row in rows]


def failover_rows(manager: FeedSource, limit: int | None = None) -> list[dict[str, Any]]:
    """Every change of the broker that carries quotes, with what it cost."""
    kept = manager.incidents.failovers_snapshot()
    return [failover_row(failover) for failover in kept[::-1][:limit]]


def failover_row(failover: Failover) -> dict[str, Any]:
    """One failover; gaps and detection in seconds, None is unknown."""
    gaps_s = sorted(failover.gaps_s.copy().values())
    return {
        "number": failover.number,
        "time": iso_time(failover.time_ns),
        "from_broker": failover.from_broker,
        "to_broker": failover.to_broker,
        "why": failover.why,
        "planned": failover.planned,
        "detected_after_s": failover.detected_after_s,
        "instruments": failover.instruments,
        "moved": len(gaps_s),
        "gap_p50_s": quantile(gaps_s, 0.5),
        "gap_p99_s": quantile(gaps_s, 0.99),
        "gap_max_s": quantile(gaps_s, 1.0),
        "uncovered": list(failover.uncovered[:UNCOVERED_SHOWN]),
        "uncovered_count": len(failover.uncovered),
        "finished": failover.finished,
    }


def newest_failover_of(rows: list[dict[str, Any]], broker_name: str) -> dict[str, Any] | None:
    """The newest of these rows that a broker took part in."""
    return next((row for row in rows if broker_name in (row["from_broker"], row["to_broker"])), None)
