"""What went wrong, and which broker carried the quotes when, as rows of plain values, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dualbroker import tables
from dualbroker.frames.columns import named_rows
from dualbroker.frames.frames import alerts_data, failovers_data, incidents_data
from dualbroker.manager.source import FeedSource
from dualbroker.stores.incidents import Failover

__all__ = ["alert_rows", "failover_rows", "incident_rows", "named_failovers", "newest_failover_of"]

UNCOVERED_SHOWN = 20
"""Names of a failover; the count says how many there are."""


def incident_rows(manager: FeedSource, limit: int | None = None) -> list[dict[str, Any]]:
    """Everything that went wrong: the columns of ``feed.incidents``."""
    kept = manager.incidents.incidents_snapshot()
    return named_rows(tables.INCIDENTS, incidents_data(kept[::-1][:limit]))


def alert_rows(manager: FeedSource, limit: int | None = None) -> list[dict[str, Any]]:
    """What a person was told: the columns of ``feed.alerts``."""
    kept = manager.alerts.snapshot()
    return named_rows(tables.ALERTS, alerts_data(kept[::-1][:limit]))


def failover_rows(manager: FeedSource, limit: int | None = None) -> list[dict[str, Any]]:
    """Every change of the broker that carries quotes, as ``named_failovers`` has them."""
    return named_failovers(manager.incidents.failovers_snapshot()[::-1][:limit])


def named_failovers(failovers: Sequence[Failover]) -> list[dict[str, Any]]:
    """The columns of ``feed.failovers``; and ``uncovered_names``, at most ``UNCOVERED_SHOWN``."""
    rows = named_rows(tables.FAILOVERS, failovers_data(failovers))
    for row, failover in zip(rows, failovers, strict=True):
        row["uncovered_names"] = list(failover.uncovered[:UNCOVERED_SHOWN])
    return rows


def newest_failover_of(rows: list[dict[str, Any]], broker_name: str) -> dict[str, Any] | None:
    """The newest of these rows that a broker took part in."""
    return next((row for row in rows if broker_name in (row["from_broker"], row["to_broker"])), None)
