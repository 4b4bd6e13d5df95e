"""The streams that a client can choose: each knows how far its client has got, and what comes next.

None holds what it has yet to send: the stores do, up to their bounds. ``take`` gives the fields of the next
message, in the client's form (compact for MessagePack, plain rows for JSON); empty when there is no news.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
import numpy as np

from dualbroker.remote.messages import (
    BandwidthWish,
    DepthMessage,
    DeskMessage,
    DeskWish,
    IncidentsMessage,
    IncidentsWish,
    OrdersMessage,
    OrdersWish,
    TicksMessage,
    TicksWish,
    TrafficMessage,
)
from dualbroker.service.streams import rows as stream_rows
from dualbroker.service.streams.hub import CHUNK_ROWS, StreamHub
from dualbroker.stores.orders import OrderEvent
from dualbroker.view.rows import subscription_rows

__all__ = [
    "BandwidthStream",
    "BrokersStream",
    "DeskStream",
    "IncidentsStream",
    "OrdersStream",
    "Stream",
    "SubscriptionsStream",
    "TicksStream",
]

MOST_EVENTS = 1000
"""Order events of one message."""
MOST_PLAIN_ROWS = 1024
"""Ticks of one message in JSON, which is expensive to write and compress (``benchmarks/wire.py``)."""
BANDWIDTH_EVERY_S = 0.25
DESK_EVERY_S = 0.25


class Stream(Protocol):
    """One stream of one client."""

    def take(self, now_s: float) -> dict[str, Any]:
        """Fields of the next message."""
        ...


class TicksStream:
    """Every tick, in batches, with the instruments and names that they need."""

    def __init__(self, hub: StreamHub, wish: TicksWish, *, compact: bool, same_run: bool) -> None:
        self._hub = hub
        self._store = hub.manager.quotes
        self._compact = compact
        self._most_behind = wish.most_behind
        hub.row_limit = total = self._store.total_rows
        if wish.after is None:
            self.next_row = total
        else:
            after = wish.after if same_run else 0
            self.next_row = min(max(after, self._store.first_row), total)
        self.filled_at = total
        """Until then it fills, and may be as far behind as it is."""
        self.dropped = 0
        self._first_row = self.next_row
        self._brokers = 0
        self._instruments = 0
        self._sources: list[str | None] = []
        self._sources_version = 0
        self._retired: set[int] = set()
        self._day_row = 0
        self._depth_times: dict[int, int] = {}
        self._has_begun = False

    @property
    def behind(self) -> int:
        """Rows that are stored and not sent."""
        return self._store.total_rows - self.next_row

    def counts_before(self) -> tuple[int, int]:
        """Deltas and full quotes stored before the first row that will be sent."""
        first, total = self._first_row, self._store.total_rows
        if first == total:
            return self._store.tick_count, self._store.snapshot_count
        full = int(np.count_nonzero(self._hub.rows(first, total).snapshots))
        return self._store.tick_count - (total - first - full), self._store.snapshot_count - full

    def take(self, now_s: float) -> dict[str, Any]:
        skipped = self._skip()
        first, limit = self.next_row, self._hub.row_limit
        piece = CHUNK_ROWS if self._compact else MOST_PLAIN_ROWS
        stop = min(limit, (first // piece + 1) * piece)
        fields: dict[str, Any] = {} if skipped is None else {"skipped": skipped}
        if not self._compact:
            if first < stop:
                self.next_row = stop
                fields["ticks"] = stream_rows.tick_rows(self._store, first, self._hub.rows(first, stop))
            return fields
        message = self._news(now_s)
        if first < stop:
            self.next_row = stop
            message = message or TicksMessage()
            message.first = first
            message.data = self._hub.packed(first, stop)
        if message is not None:
            fields["ticks"] = message
        if stop >= limit and (depth := self._depth()):
            fields["depth"] = depth
        return fields

    def _skip(self) -> tuple[int, int] | None:
        first = self.next_row
        if first < self._store.first_row:
            self.next_row = self._store.first_row
        elif (
            self._most_behind is not None
            and first >= self.filled_at
            and self._hub.row_limit - first > self._most_behind
        ):
            self.next_row = self._hub.row_limit
        if self.next_row == first:
            return None
        self.dropped += self.next_row - first
        return first, self.next_row

    def _news(self, now_s: float) -> TicksMessage | None:
        """What has to be known before the next rows."""
        store, begun = self._store, self._has_begun
        message = TicksMessage(instruments_from=self._instruments)
        if len(store.broker_names) != self._brokers:
            message.brokers = list(store.broker_names)
            self._brokers = len(message.brokers)
        message.instruments = store.instruments[self._instruments :]
        self._instruments = len(store.instruments)
        sources = self._hub.sources.value(now_s)
        if self._hub.sources.version != self._sources_version:
            self._sources_version = self._hub.sources.version
            known = self._sources
            message.sources = {
                index: source
                for index, source in enumerate(sources[: self._instruments])
                if index >= len(known) or known[index] != source
            }
            self._sources = sources
        if len(store.retired) != len(self._retired):
            message.retired = sorted(store.retired - self._retired)
            self._retired = set(store.retired)
        if store.day_row != self._day_row:
            message.day_row = self._day_row = store.day_row
        if not begun:
            self._has_begun = True
            if self._first_row == store.first_row:
                message.older = store.older_latest()
        empty = TicksMessage(instruments_from=message.instruments_from)
        return None if begun and message == empty else message

    def _depth(self) -> list[DepthMessage]:
        news = []
        for index in self._hub.with_depth():
            latest = self._store.depth(index)
            if latest is None or self._depth_times.get(index) == latest[0]:
                continue
            self._depth_times[index] = latest[0]
            news.append(DepthMessage(index, latest[0], *latest[1]))
        return news


class OrdersStream:
    """Every order event, in order."""

    def __init__(self, hub: StreamHub, wish: OrdersWish, *, compact: bool, same_run: bool) -> None:
        self._hub = hub
        self._ledger = hub.manager.orders
        self._compact = compact
        count = self._ledger.event_count
        first_kept = count - len(self._ledger.events) + 1
        goes_on = wish.identity in (None, self._ledger.identity) and (wish.after or 0) <= count
        self.known = count if wish.after is None else wish.after if goes_on else 0
        """The sequence number of the last event that the client has."""
        self.missed = max(0, first_kept - 1 - self.known)
        """Events that the client asks for and that are no longer kept."""
        self.known += self.missed
        self._with_states = wish.states
        self._state_version = -1
        if goes_on and same_run and not self.missed and wish.state_version is not None:
            self._state_version = wish.state_version

    @property
    def waiting(self) -> int:
        """Events that are not sent yet."""
        return self._ledger.event_count - self.known

    def take(self, now_s: float) -> dict[str, Any]:
        events = self._next_events()
        if not self._compact:
            return {"orders": stream_rows.order_event_rows(events)} if events else {}
        message = OrdersMessage(events=events)
        if self._with_states and not self.waiting and self._state_version != self._hub.state_version:
            if self._state_version < 0:
                message.states = self._ledger.snapshot()
                message.are_all = True
            else:
                message.states = self._hub.states_since(self._state_version)
            message.state_version = self._state_version = self._hub.state_version
        return {"orders": message} if events or message.states or message.are_all else {}

    def _next_events(self) -> list[OrderEvent]:
        if not self.waiting:
            return []
        newer: list[OrderEvent] = []
        for event in reversed(self._ledger.events):
            if event.sequence <= self.known:
                break
            newer.append(event)
        newer.reverse()
        newer = newer[:MOST_EVENTS]
        if newer:
            self.known = newer[-1].sequence
        return newer


class BrokersStream:
    """How each broker does, whole, when anything of it has changed."""

    def __init__(self, hub: StreamHub, *, compact: bool) -> None:
        self._hub = hub
        self._compact = compact
        self._version = 0

    def take(self, now_s: float) -> dict[str, Any]:
        message = self._hub.brokers.value(now_s)
        if self._hub.brokers.version == self._version:
            return {}
        self._version = self._hub.brokers.version
        return {"brokers": message if self._compact else stream_rows.brokers(self._hub.manager)}


class DeskStream:
    """Accounts whose books have changed, whole, and the newest points of the curve."""

    def __init__(self, hub: StreamHub, wish: DeskWish, *, compact: bool, same_run: bool) -> None:
        self._hub = hub
        self._store = hub.manager.desk_books
        self._compact = compact
        count = self._store.curve_count
        self._points = count if wish.after is None else wish.after if same_run else 0
        self._versions: dict[str, int] = {}
        self._due_s = 0.0

    def take(self, now_s: float) -> dict[str, Any]:
        if now_s < self._due_s:
            return {}
        self._due_s = now_s + DESK_EVERY_S
        store = self._store
        changed = [
            each for each in store.accounts.values() if self._versions.get(each.broker_name) != each.version
        ]
        self._versions |= {each.broker_name: each.version for each in changed}
        new = min(store.curve_count - self._points, len(store.curve))
        self._points = store.curve_count
        points = store.curve[-new:] if new > 0 else []
        if not changed and not points:
            return {}
        if not self._compact:
            return {"desk": stream_rows.desk(self._hub.manager, points)}
        return {"desk": DeskMessage(accounts=changed, points=list(points), curve_count=store.curve_count)}


class SubscriptionsStream:
    """All that somebody holds, whole, when anything of it has changed."""

    def __init__(self, hub: StreamHub, *, compact: bool) -> None:
        self._hub = hub
        self._compact = compact
        self._version = 0

    def take(self, now_s: float) -> dict[str, Any]:
        rows = self._hub.wanted.value(now_s)
        if self._hub.wanted.version == self._version:
            return {}
        self._version = self._hub.wanted.version
        return {"subscriptions": rows if self._compact else subscription_rows(self._hub.manager)}


class BandwidthStream:
    """Totals when they have changed, and each second as it is closed."""

    def __init__(self, hub: StreamHub, wish: BandwidthWish, *, compact: bool) -> None:
        self._store = hub.manager.bandwidth
        self._compact = compact
        history = self._store.history()
        newest = history[-1].second if history else 0
        self._second = newest if wish.after is None else wish.after
        self._due_s = 0.0
        self._totals: dict[str, Any] = {}

    def take(self, now_s: float, *, at_once: bool = False) -> dict[str, Any]:
        if now_s < self._due_s and not at_once:
            return {}
        self._due_s = now_s + BANDWIDTH_EVERY_S
        totals = self._store.totals()
        seconds = self._store.seconds_after(self._second)
        if totals == self._totals and not seconds:
            return {}
        self._totals = totals
        if seconds:
            self._second = seconds[-1].second
        if not self._compact:
            return {"bandwidth": stream_rows.bandwidth(totals, seconds)} if seconds else {}
        return {"bandwidth": TrafficMessage(totals=totals, seconds=seconds)}


class IncidentsStream:
    """New incidents and alerts, and failovers that are new or have gone on."""

    def __init__(self, hub: StreamHub, wish: IncidentsWish, *, compact: bool, same_run: bool) -> None:
        self._store = hub.manager.incidents
        self._compact = compact
        self._alerts = hub.manager.alerts
        self._known = wish.after if same_run else 0
        self._alerts_known = wish.alerts_after if same_run else 0
        self._shown: dict[int, tuple[Any, ...]] = {}
        self._has_begun = False

    def take(self, now_s: float) -> dict[str, Any]:
        incidents = []
        if self._store.incident_count > self._known:
            incidents = [each for each in self._store.incidents if each.number > self._known]
            self._known = self._store.incident_count
        alerts = []
        if self._alerts.count > self._alerts_known:
            alerts = [each for each in self._alerts.alerts if each.number > self._alerts_known]
            self._alerts_known = self._alerts.count
        failovers = []
        for failover in self._store.failovers:
            stands = (len(failover.gaps_s), failover.uncovered, failover.instruments, failover.finished)
            if self._shown.get(failover.number) != stands:
                self._shown[failover.number] = stands
                failovers.append(msgspec.structs.replace(failover, gaps_s=dict(failover.gaps_s)))
        begun, self._has_begun = self._has_begun, True
        if begun and not incidents and not alerts and not failovers:
            return {}
        if not self._compact:
            return {"incidents": stream_rows.incidents(incidents, failovers, alerts)}
        return {
            "incidents": IncidentsMessage(
                incidents=incidents,
                failovers=failovers,
                incident_count=self._store.incident_count,
                failover_count=self._store.failover_count,
                alerts=alerts,
                alert_count=self._alerts.count,
            )
        }
