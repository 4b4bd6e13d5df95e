"""Incidents and failovers as rows."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import cast

from dualbroker.clock import IST
from dualbroker.manager import WebSocketManager
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.view.incidents import (
    UNCOVERED_SHOWN,
    failover_rows,
    incident_rows,
    named_failovers,
    newest_failover_of,
)

NOON_NS = int(datetime(2026, 3, 10, 12, tzinfo=IST).timestamp()) * 1_000_000_000


def manager(store: IncidentStore) -> WebSocketManager:
    return cast(WebSocketManager, SimpleNamespace(incidents=store))


def begin(store: IncidentStore, from_broker: str, to_broker: str) -> Failover:
    return store.add_failover(
        Failover(
            number=store.failover_count + 1,
            time_ns=NOON_NS,
            from_broker=from_broker,
            to_broker=to_broker,
            why=f"{from_broker} was reset",
            planned=False,
            detected_after_s=0.02,
            instruments=3,
        )
    )


def test_incidents_come_newest_first_and_can_be_cut() -> None:
    store = IncidentStore()
    store.note(NOON_NS, "broker1", "reset", "broker2 takes over")
    store.note(NOON_NS + 1_000_000_000, None, "every broker is silent", "taken for a pause")
    rows = incident_rows(manager(store))
    assert rows[0] == {
        "number": 2,
        "time": "2026-03-10T12:00:01.000000+05:30",
        "broker_name": None,
        "cause": "every broker is silent",
        "action": "taken for a pause",
    }
    assert [row["number"] for row in rows] == [2, 1]
    assert incident_rows(manager(store), 1) == rows[:1]


def test_a_failover_tells_its_gaps_and_what_is_not_known_is_none() -> None:
    failover = begin(IncidentStore(), "broker1", "broker2")
    (row,) = named_failovers([failover])
    assert (row["moved"], row["gap_p50"], row["gap_p99"], row["gap_max"]) == (0, None, None, None)
    failover.gaps_s.update({("NSE", "1"): 0.3, ("NSE", "2"): 0.1, ("NFO", "1"): 0.2})
    (row,) = named_failovers([failover])
    assert (row["moved"], row["gap_p50"], row["gap_max"]) == (3, 0.2, 0.3)
    assert row["time"] == "2026-03-10T12:00:00.000000+05:30"
    assert json.loads(json.dumps(row)) == row


def test_many_uncovered_instruments_are_counted_and_not_all_named() -> None:
    failover = begin(IncidentStore(), "broker1", "broker2")
    failover.uncovered = tuple(f"NSE:S{number}" for number in range(UNCOVERED_SHOWN + 5))
    (row,) = named_failovers([failover])
    assert len(row["uncovered_names"]) == UNCOVERED_SHOWN
    assert row["uncovered"] == UNCOVERED_SHOWN + 5


def test_the_newest_failover_of_a_broker_is_one_it_took_part_in() -> None:
    store = IncidentStore()
    begin(store, "broker1", "broker2")
    begin(store, "broker2", "broker3")
    rows = failover_rows(manager(store))
    newest = {name: newest_failover_of(rows, name) for name in ("broker1", "broker2", "broker4")}
    assert {name: row and row["number"] for name, row in newest.items()} == {
        "broker1": 1,
        "broker2": 2,
        "broker4": None,
    }
