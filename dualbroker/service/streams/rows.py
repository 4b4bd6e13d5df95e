"""What the streams say in plain rows, for browsers and all that read JSON: columns of ``dualbroker.tables``.

Times are ISO 8601 with +05:30, prices rupees, quantities units; None is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker import tables
from dualbroker.desk.books import CurvePoint
from dualbroker.frames import desk_frames, frames
from dualbroker.frames.columns import named_rows, plain_rows
from dualbroker.manager.source import FeedSource
from dualbroker.model import MessageKind
from dualbroker.remote.tick_frames import Ticks
from dualbroker.stores.alerts import Alert
from dualbroker.stores.bandwidth import SecondOfTraffic, Traffic
from dualbroker.stores.incidents import Failover, Incident
from dualbroker.stores.order_records import OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.incidents import named_failovers
from dualbroker.view.rows import broker_rows

__all__ = [
    "bandwidth",
    "brokers",
    "desk",
    "incidents",
    "order_event_rows",
    "quote_rows",
    "tick_rows",
]


def tick_rows(store: QuoteStore, first: int, ticks: Ticks) -> dict[str, Any]:
    """``first`` (the running number of the first row), ``columns`` and ``rows``, oldest first."""
    snapshots = ticks.snapshots.astype(np.bool_)
    data = frames.ticks_data(store, ticks.rows, ticks.instruments, ticks.brokers, snapshots)
    return {
        "first": first,
        "columns": [column.name for column in tables.ALL_TICKS.all_columns],
        "rows": plain_rows(tables.ALL_TICKS, data),
    }


def quote_rows(
    store: QuoteStore, indices: Sequence[int], rows: NDArray[Any], brokers: Sequence[str]
) -> list[dict[str, Any]]:
    """The latest quotes of these instruments, each with its broker."""
    return named_rows(tables.QUOTES, frames.quotes_data(store, indices, rows, brokers))


def order_event_rows(events: Sequence[OrderEvent]) -> list[dict[str, Any]]:
    """Every event with its ``sequence`` number, in order."""
    return named_rows(tables.ORDER_EVENTS, frames.order_events_data(events))


def brokers(manager: FeedSource) -> dict[str, Any]:
    """``primary``, and ``rows`` of ``view.rows.broker_rows``."""
    return {"primary": manager.primary, "rows": broker_rows(manager)}


def desk(manager: FeedSource, points: Sequence[CurvePoint]) -> dict[str, Any]:
    """All ``positions`` and ``stops`` as they are now, and new points of the ``pnl_curve``."""
    return {
        "positions": named_rows(tables.POSITIONS, desk_frames.positions_data(manager.desk.positions())),
        "stops": named_rows(tables.STOPS, desk_frames.stops_data(manager.desk.stops())),
        "pnl_curve": named_rows(tables.PNL_CURVE, desk_frames.pnl_curve_data(points)),
    }


def bandwidth(
    totals: Mapping[str, Mapping[MessageKind, Traffic]], seconds: Sequence[SecondOfTraffic]
) -> dict[str, Any]:
    """``totals`` by broker and kind, and ``seconds``: bytes and messages of each."""
    return {
        "totals": {
            broker: {kind.value: msgspec.structs.asdict(traffic) for kind, traffic in kinds.items()}
            for broker, kinds in totals.items()
        },
        "seconds": named_rows(tables.BANDWIDTH, frames.bandwidth_data(seconds)),
    }


def incidents(
    rows: Sequence[Incident], failovers: Iterable[Failover], alerts: Sequence[Alert]
) -> dict[str, Any]:
    """New ``incidents`` and ``alerts``, oldest first, and ``failovers`` that are new or have gone on."""
    return {
        "alerts": named_rows(tables.ALERTS, frames.alerts_data(alerts)),
        "incidents": named_rows(tables.INCIDENTS, frames.incidents_data(rows)),
        "failovers": named_failovers(list(failovers)),
    }
