"""What the streams say in plain rows, for browsers and whoever reads JSON.

Times are ISO 8601 with +05:30, prices rupees, quantities units; None is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from dualbroker.manager.source import FeedSource
from dualbroker.model import QUOTE_FIELDS, MessageKind
from dualbroker.remote.tick_frames import Ticks
from dualbroker.stores.bandwidth import SecondOfTraffic, Traffic
from dualbroker.stores.incidents import Failover, Incident
from dualbroker.stores.order_records import OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.incidents import failover_row
from dualbroker.view.rows import broker_rows, iso_time, known

__all__ = [
    "bandwidth",
    "brokers",
    "incidents",
    "order_event_rows",
    "subscriptions",
    "tick_rows",
]


def tick_rows(store: QuoteStore, first: int, ticks: Ticks) -> dict[str, Any]:
    """``first`` (the running number of the first row), ``columns`` and ``rows``, oldest first."""
    instruments = store.instruments
    names = store.broker_names
    columns = ["symbol", "exchange", "token", "broker_name", "snapshot", "receive_time", "feed_time"]
    rows = []
    for values, index, broker, snapshot in zip(
        ticks.rows.tolist(),
        ticks.instruments.tolist(),
        ticks.brokers.tolist(),
        ticks.snapshots.tolist(),
        strict=True,
    ):
        instrument = instruments[index]
        rows.append(
            [
                instrument.symbol,
                instrument.exchange,
                instrument.token,
                names[broker],
                bool(snapshot),
                iso_time(values[0]),
                _seconds(values[1]),
                *map(known, values[2:]),
            ]
        )
    return {"first": first, "columns": [*columns, *QUOTE_FIELDS], "rows": rows}


def _seconds(feed_time_s: float) -> str | None:
    seconds = known(feed_time_s)
    return None if seconds is None else iso_time(int(seconds) * 1_000_000_000)


def order_event_rows(events: Iterable[OrderEvent]) -> list[dict[str, Any]]:
    """Every event with its ``sequence`` number, in order."""
    rows = []
    for event in events:
        update = event.update
        when_ns = update.event_time_ns or update.exchange_time_ns or update.order_time_ns
        rows.append(
            {
                "sequence": event.sequence,
                "receive_time": iso_time(update.receive_time_ns),
                "broker_name": event.broker_name,
                "order_id": event.order_id,
                "trading_day": update.trading_day.isoformat(),
                "symbol": event.symbol,
                "source": update.source.value,
                "status": event.status.value,
                "broker_status": update.raw_status,
                "report_type": None if update.report_type is None else update.report_type.value,
                "side": update.side,
                "quantity": known(update.quantity),
                "price": known(update.price),
                "filled_quantity": known(event.filled_quantity),
                "average_price": known(event.average_price),
                "fill_id": update.fill_id,
                "fill_quantity": known(update.fill_quantity),
                "fill_price": known(update.fill_price),
                "reject_reason": update.reject_reason,
                "event_time": iso_time(when_ns),
            }
        )
    return rows


def brokers(manager: FeedSource) -> dict[str, Any]:
    """``primary``, and ``rows`` as ``/api/brokers`` has them."""
    return {"primary": manager.primary, "rows": broker_rows(manager)}


def subscriptions(manager: FeedSource) -> list[dict[str, Any]]:
    """All that is streamed: symbol, exchange, token, feed_type, quote_source."""
    store = manager.quotes
    rows = []
    for key, kind in manager.wanted().items():
        index = store.index_of(key)
        if index is not None:
            rows.append(
                {
                    "symbol": store.instruments[index].symbol,
                    "exchange": key[0],
                    "token": key[1],
                    "feed_type": kind.value,
                    "quote_source": manager.source_of(key),
                }
            )
    return rows


def bandwidth(
    totals: Mapping[str, Mapping[MessageKind, Traffic]], seconds: Sequence[SecondOfTraffic]
) -> dict[str, Any]:
    """``totals`` by broker and kind, and ``seconds``: bytes and messages of each."""
    return {
        "totals": {
            broker: {kind.value: msgspec.structs.asdict(traffic) for kind, traffic in kinds.items()}
            for broker, kinds in totals.items()
        },
        "seconds": [
            {
                "time": iso_time(row.second * 1_000_000_000),
                "broker_name": row.broker_name,
                "kind": row.kind.value,
                "bytes": row.bytes,
                "messages": row.messages,
            }
            for row in seconds
        ],
    }


def incidents(rows: Iterable[Incident], failovers: Iterable[Failover]) -> dict[str, Any]:
    """New ``incidents``, oldest first, and ``failovers`` that are new or have gone on."""
    return {
        "incidents": [
            {
                "number": row.number,
                "time": iso_time(row.time_ns),
                "broker_name": row.broker_name,
                "cause": row.cause,
                "action": row.action,
            }
            for row in rows
        ],
        "failovers": [failover_row(failover) for failover in failovers],
    }
