"""Frames out of stores: fresh, consistent snapshots, the user's own to edit."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dualbroker import tables
from dualbroker.alerts.delivery import Delivered
from dualbroker.clock import NS_PER_S
from dualbroker.frames.columns import frame, seconds_to_ns
from dualbroker.instruments.words import instrument_details, instrument_title
from dualbroker.manager.reconcile.reconcile import ReconcileResult
from dualbroker.model import QUOTE_FIELDS, DepthLevel, Instrument, InstrumentKey, MessageKind
from dualbroker.routing.driver import Subscribed
from dualbroker.stores.alerts import Alert
from dualbroker.stores.bandwidth import BandwidthStore, SecondOfTraffic
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover, Incident, quantile
from dualbroker.stores.orders import OrderEvent, OrderState
from dualbroker.stores.quotes import QuoteStore
from dualbroker.stores.tick_blocks import WHOLE_ROW, TickBlock

__all__ = [
    "alerts_data",
    "alerts_frame",
    "assignment_frame",
    "bandwidth_data",
    "bandwidth_frame",
    "brokers_data",
    "brokers_frame",
    "delivered_frame",
    "depth_frame",
    "failovers_data",
    "failovers_frame",
    "gaps_frame",
    "incidents_data",
    "incidents_frame",
    "instruments_frame",
    "newest_first",
    "order_events_data",
    "order_events_frame",
    "orders_data",
    "orders_frame",
    "quotes_data",
    "quotes_frame",
    "reconciled_frame",
    "stored_ticks_frame",
    "subscribed_frame",
    "ticks_data",
    "ticks_frame",
]

_KEPT_FIELDS = tuple(name for name in QUOTE_FIELDS if name != "prev_open_interest")


def _quote_columns(rows: NDArray[Any]) -> dict[str, Any]:
    data: dict[str, Any] = {name: rows[name] for name in _KEPT_FIELDS}
    data["open_interest_change"] = rows["open_interest"] - rows["prev_open_interest"]
    data["feed_time"] = seconds_to_ns(rows["feed_time"])
    return data


def quotes_frame(store: QuoteStore, wanted: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """The latest full quote of each subscribed instrument, indexed by symbol; columns: ``QUOTES``.

    An instrument without a quote yet has a row of unknowns, with its quote source as broker.
    """
    shown = store.indices_of(wanted)
    indices, rows, brokers = store.latest()
    places = np.full(len(store.instruments), -1, np.int64)
    places[indices] = np.arange(len(indices))
    at = places[shown]
    # Behind all others a row of unknowns, for -1.
    rows = np.append(rows, np.zeros(1, rows.dtype))
    for name in ("feed_time", *QUOTE_FIELDS):
        rows[name][-1] = np.nan
    rows["receive_time"][-1] = pd.NaT.value
    named = [store.broker_names[number] for number in brokers.tolist()]
    names = [
        named[place] if place >= 0 else store.source(index)
        for place, index in zip(at.tolist(), shown, strict=True)
    ]
    table = rows.view(WHOLE_ROW)[at].view(rows.dtype)
    return frame(tables.QUOTES, quotes_data(store, shown, table, names))


def ticks_frame(store: QuoteStore, index: int | None) -> pd.DataFrame:
    """Every kept tick of one instrument, indexed by receive time; columns: ``TICKS``."""
    rows, brokers, snapshots = store.rows_of(-1 if index is None else index)
    data = _quote_columns(rows)
    data["snapshot"] = snapshots
    data["broker_name"] = [store.broker_names[number] for number in brokers]
    data["receive_time"] = np.ascontiguousarray(rows["receive_time"])
    return frame(tables.TICKS, data)


def stored_ticks_frame(store: QuoteStore, block: TickBlock, start: int, stop: int) -> pd.DataFrame:
    """Rows ``start`` to ``stop`` of a block, of all instruments together; columns: ``ALL_TICKS``."""
    part = slice(start, stop)
    snapshots = np.frombuffer(block.snapshots, np.bool_)[part]
    instruments = block.published_instruments()[part]
    return frame(
        tables.ALL_TICKS,
        ticks_data(store, block.published()[part], instruments, block.brokers[part], snapshots),
    )


def ticks_data(
    store: QuoteStore,
    rows: NDArray[Any],
    instruments: NDArray[np.int32],
    brokers: Iterable[int],
    snapshots: NDArray[np.bool_],
) -> dict[str, Any]:
    """The columns of ``ALL_TICKS``, of rows of a store."""
    return {
        **_quote_columns(rows),
        **_instrument_columns([store.instruments[index] for index in instruments]),
        "receive_time": np.ascontiguousarray(rows["receive_time"]),
        "snapshot": snapshots,
        "broker_name": [store.broker_names[number] for number in brokers],
    }


def quotes_data(
    store: QuoteStore, indices: Iterable[int], rows: NDArray[Any], brokers: Sequence[str | None]
) -> dict[str, Any]:
    """The columns of ``QUOTES``: a row of each instrument, and the broker that it is from."""
    return {
        **_quote_columns(rows),
        **_instrument_columns([store.instruments[index] for index in indices]),
        "receive_time": np.ascontiguousarray(rows["receive_time"]),
        "broker_name": brokers,
    }


def _instrument_columns(instruments: Sequence[Instrument]) -> dict[str, list[str]]:
    return {name: _column(instruments, name) for name in ("symbol", "exchange", "token")}


def depth_frame(levels: tuple[list[DepthLevel], list[DepthLevel]] | None) -> pd.DataFrame:
    """Five levels, the best first; columns: ``DEPTH``; no rows before the first."""
    bids, asks = levels or ([], [])
    return frame(
        tables.DEPTH,
        {
            "level": range(1, len(bids) + 1),
            "bid_orders": [level.orders for level in bids],
            "bid_quantity": [level.quantity for level in bids],
            "bid": [level.price for level in bids],
            "ask": [level.price for level in asks],
            "ask_quantity": [level.quantity for level in asks],
            "ask_orders": [level.orders for level in asks],
        },
    )


_SOURCE = {
    "order_time": "order_time_ns",
    "first_seen": "first_seen_ns",
    "last_update": "last_update_ns",
    "broker_status": "raw_status",
}
"""Where a column's values come from, if its name differs."""


def _column(rows: Sequence[Any], name: str) -> list[Any]:
    return list(map(attrgetter(name), rows))


def orders_frame(states: Iterable[OrderState]) -> pd.DataFrame:
    """One row per (broker, order), the newest first; columns: ``ORDERS``."""
    return frame(tables.ORDERS, orders_data(newest_first(states)))


def newest_first(states: Iterable[OrderState]) -> list[OrderState]:
    """Orders in the order of their table."""
    return sorted(states, key=lambda s: (s.order_time_ns or s.first_seen_ns, s.order_id), reverse=True)


def orders_data(states: Sequence[OrderState]) -> dict[str, list[Any]]:
    """The columns of ``ORDERS``."""
    made = {
        "final": [state.status.is_final for state in states],
        "open": [state.status.is_open for state in states],
    }
    read = [name for name in tables.ORDERS.names if name not in made]
    return made | {name: _column(states, _SOURCE.get(name, name)) for name in read}


def order_events_frame(events: Sequence[OrderEvent]) -> pd.DataFrame:
    """Every kept order event, in order of arrival; columns: ``ORDER_EVENTS``."""
    return frame(tables.ORDER_EVENTS, order_events_data(events))


def order_events_data(events: Sequence[OrderEvent]) -> dict[str, list[Any]]:
    """The columns of ``ORDER_EVENTS``."""
    updates = [event.update for event in events]
    own = {"sequence", "symbol", "status", "filled_quantity", "average_price"}
    renamed: dict[str, list[Any]] = {
        "receive_time": [u.receive_time_ns for u in updates],
        "event_time": [u.event_time_ns or u.exchange_time_ns or u.order_time_ns for u in updates],
    }
    data: dict[str, list[Any]] = {
        name: _column(events if name in own else updates, _SOURCE.get(name, name))
        for name in tables.ORDER_EVENTS.names
        if name not in renamed
    }
    return data | renamed


def reconciled_frame(results: Sequence[ReconcileResult]) -> pd.DataFrame:
    """What a reconcile found, one row per broker, indexed by its name; columns: ``RECONCILED``."""
    data: dict[str, list[Any]] = {
        name: _column(results, name) for name in tables.RECONCILED.names if name != "time"
    }
    data |= {"time": _column(results, "time_ns"), "broker_name": _column(results, "broker_name")}
    return frame(tables.RECONCILED, data)


def brokers_frame(health: Mapping[str, BrokerHealth], bandwidth: BandwidthStore) -> pd.DataFrame:
    """One row per broker, indexed by its name; columns: ``BROKERS``."""
    return frame(tables.BROKERS, brokers_data(list(health.values()), bandwidth))


_OF_HEALTH = {
    "type": "broker_type",
    "connected_since": "connected_since_ns",
    "last_quote": "last_quote_ns",
    "last_order": "last_order_ns",
    "last_order_book": "last_book_ns",
}


def brokers_data(rows: Sequence[BrokerHealth], bandwidth: BandwidthStore) -> dict[str, list[Any]]:
    """The columns of ``BROKERS``."""
    totals = bandwidth.totals()

    def traffic(kind: MessageKind, what: str) -> list[int]:
        found = (totals.get(row.broker_name) for row in rows)
        return [getattr(kinds[kind], what) if kinds else 0 for kinds in found]

    made: dict[str, list[Any]] = {
        "role": [row.role.value for row in rows],
        "state": [row.state.value for row in rows],
        "latency_ms": [None if row.round_trip_s is None else row.round_trip_s * 1000 for row in rows],
    }
    for kind, name in (
        (MessageKind.QUOTES, "quote"),
        (MessageKind.ORDERS, "order"),
        (MessageKind.CONTROL, "control"),
        (MessageKind.PROBE, "probe"),
    ):
        made |= {f"{name}_{what}": traffic(kind, what) for what in ("bytes", "messages")}
    read = [column.name for column in tables.BROKERS.all_columns if column.name not in made]
    return made | {name: _column(rows, _OF_HEALTH.get(name, name)) for name in read}


def bandwidth_frame(store: BandwidthStore) -> pd.DataFrame:
    """Bytes and messages of each second, broker and kind, the last hour; columns: ``BANDWIDTH``."""
    return frame(tables.BANDWIDTH, bandwidth_data(store.history()))


def bandwidth_data(rows: Sequence[SecondOfTraffic]) -> dict[str, list[Any]]:
    """The columns of ``BANDWIDTH``."""
    return {
        "time": [row.second * NS_PER_S for row in rows],
        "broker_name": _column(rows, "broker_name"),
        "kind": [row.kind.value for row in rows],
        "bytes": _column(rows, "bytes"),
        "messages": _column(rows, "messages"),
    }


def failovers_frame(failovers: Sequence[Failover]) -> pd.DataFrame:
    """One row per failover, in order; columns: ``FAILOVERS``."""
    return frame(tables.FAILOVERS, failovers_data(failovers))


def failovers_data(failovers: Sequence[Failover]) -> dict[str, list[Any]]:
    """The columns of ``FAILOVERS``."""
    gaps_s = [sorted(failover.gaps_s.copy().values()) for failover in failovers]  # may be written to
    renamed: dict[str, list[Any]] = {
        "time": _column(failovers, "time_ns"),
        "detected_after": _column(failovers, "detected_after_s"),
        "gap_p50": [quantile(each, 0.5) for each in gaps_s],
        "gap_p99": [quantile(each, 0.99) for each in gaps_s],
        "gap_max": [quantile(each, 1.0) for each in gaps_s],
        "moved": [len(each) for each in gaps_s],
        "uncovered": [len(failover.uncovered) for failover in failovers],
    }
    data = {name: _column(failovers, name) for name in tables.FAILOVERS.names if name not in renamed}
    return data | renamed


def assignment_frame(
    store: QuoteStore,
    wanted: Iterable[InstrumentKey],
    source_of: Callable[[InstrumentKey], str | None],
    why_source: Callable[[InstrumentKey], str],
    serves: Callable[[str], bool],
) -> pd.DataFrame:
    """Who carries each wanted instrument, and why, indexed by symbol; columns: ``ASSIGNMENT``."""
    indices = {key: index for key in wanted if (index := store.index_of(key)) is not None}
    instruments = [store.instruments[index] for index in indices.values()]
    brokers = [source_of(key) for key in indices]
    data: dict[str, list[Any]] = _instrument_columns(instruments) | {
        "broker_name": brokers,
        "streaming": [
            name is not None and store.source(index) == name and serves(name)
            for name, index in zip(brokers, indices.values(), strict=True)
        ],
        "group": [
            each.qualified_name if each.expiry is None else f"{each.exchange}:{each.name} {each.expiry}"
            for each in instruments
        ],
        "why": [why_source(key) for key in indices],
    }
    return frame(tables.ASSIGNMENT, data)


def gaps_frame(failovers: Sequence[Failover], store: QuoteStore) -> pd.DataFrame:
    """One row per instrument of each failover; columns: ``GAPS``."""
    by_name = {instrument.qualified_name: instrument for instrument in store.instruments}
    rows: list[tuple[Any, ...]] = []
    for failover in failovers:
        brokers = (failover.from_broker, failover.to_broker)
        gaps_s = failover.gaps_s.copy()  # the manager may be writing to it
        for (exchange, token), gap_s in gaps_s.items():
            index = store.index_of((exchange, token))
            found = None if index is None else store.instruments[index].symbol
            rows.append((failover.number, found, exchange, token, *brokers, gap_s, True))
        for name in failover.uncovered:
            exchange, _, symbol = name.partition(":")
            known = by_name.get(name)
            if known is None or known.key not in gaps_s:
                number_there = None if known is None else known.token
                rows.append((failover.number, symbol, exchange, number_there, *brokers, None, False))
    return frame(tables.GAPS, {name: [row[at] for row in rows] for at, name in enumerate(tables.GAPS.names)})


def alerts_frame(alerts: Sequence[Alert]) -> pd.DataFrame:
    """One row per alert, in order; columns: ``ALERTS``."""
    return frame(tables.ALERTS, alerts_data(alerts))


def alerts_data(alerts: Sequence[Alert]) -> dict[str, list[Any]]:
    """The columns of ``ALERTS``."""
    data = {name: _column(alerts, name) for name in tables.ALERTS.names if name != "time"}
    return data | {"time": _column(alerts, "time_ns")}


def delivered_frame(results: Sequence[Delivered]) -> pd.DataFrame:
    """What came of a test message, by target."""
    data = {name: _column(results, name) for name in ("target", "problem", "seconds")}
    return frame(tables.DELIVERED, data | {"delivered": [not each.problem for each in results]})


def incidents_frame(incidents: Sequence[Incident]) -> pd.DataFrame:
    """One row per incident, in order; columns: ``INCIDENTS``."""
    return frame(tables.INCIDENTS, incidents_data(incidents))


def incidents_data(incidents: Sequence[Incident]) -> dict[str, list[Any]]:
    """The columns of ``INCIDENTS``."""
    data: dict[str, list[Any]] = {
        name: _column(incidents, name) for name in tables.INCIDENTS.names if name != "time"
    }
    return data | {"time": _column(incidents, "time_ns")}


def instruments_frame(
    instruments: Sequence[Instrument], store: QuoteStore, held: Container[InstrumentKey], today: date
) -> pd.DataFrame:
    """Rows of a symbol master, with the last prices that a store knows; columns: ``INSTRUMENTS``.

    Parameters
    ----------
    held
        Keys of what somebody holds.
    today
        In India; expiries of another year show it.
    """
    made: dict[str, list[Any]] = {
        "kind": [instrument.kind.value for instrument in instruments],
        "ltp": [store.last_price_of(instrument.key) for instrument in instruments],
        "subscribed": [instrument.key in held for instrument in instruments],
        "title": [instrument_title(instrument) for instrument in instruments],
        "details": [instrument_details(instrument, today) for instrument in instruments],
    }
    data = {name: _column(instruments, name) for name in tables.INSTRUMENTS.names if name not in made}
    return frame(tables.INSTRUMENTS, data | made)


def subscribed_frame(accepted: Sequence[Subscribed]) -> pd.DataFrame:
    """What a call of ``subscribe`` achieved; columns: ``SUBSCRIBED``."""
    instruments = [row.instrument for row in accepted]
    data: dict[str, list[Any]] = {
        name: _column(instruments, name) for name in ("exchange", "token", "symbol", "expiry", "lot_size")
    }
    data["quote_source"] = _column(accepted, "quote_source")
    data["acknowledged"] = _column(accepted, "acknowledged")
    return frame(tables.SUBSCRIBED, data)
