"""Copies of a service's stores, kept equal to it message by message. Knows no link and no time of its own."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dualbroker.config.market_hours import MarketHoursConfig
from dualbroker.desk.books import DeskStore
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.remote.messages import (
    BandwidthWish,
    BrokersMessage,
    BrokersWish,
    DeskWish,
    Hello,
    IncidentsMessage,
    IncidentsWish,
    Message,
    OrdersMessage,
    OrdersWish,
    Streams,
    SubscriptionsWish,
    TicksMessage,
    TicksWish,
    WantedRow,
)
from dualbroker.remote.tick_frames import unpack_ticks
from dualbroker.stores.alerts import AlertStore
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.orders import Ledger, OrderEvent
from dualbroker.stores.quotes import QuoteStore

__all__ = ["Mirror"]


class Mirror:
    """What is known of a service. Written on the link's loop, read from any thread.

    Stores are replaced by fresh ones where the service has started over, so that a reader keeps a whole one.
    """

    def __init__(self) -> None:
        self.run = ""
        """The service's run that all row numbers belong to; empty before the first hello."""
        self.quotes = QuoteStore()
        self.orders = Ledger()
        self.bandwidth = BandwidthStore()
        self.incidents = IncidentStore()
        self.alerts = AlertStore()
        self.desk_books = DeskStore()
        self.health: dict[str, BrokerHealth] = {}
        self.all_health: list[BrokerHealth] = []
        self.primary: str | None = None
        self.preferred: str | None = None
        self.serves: frozenset[str] = frozenset()
        self.stale: dict[str, str] = {}
        self.streaming: list[str] = []
        self.simulated = True
        self.replays = False
        self.market_hours = MarketHours.always()
        self.time_ns = 0
        """The service's time up to which everything is here."""
        self.quote_listeners: list[Callable[[], None]] = []
        self.order_listeners: list[Callable[[OrderEvent], None]] = []
        self._wanted: dict[InstrumentKey, WantedRow] = {}
        self.arrangement = 0
        """Counted up whenever what is wanted, or who streams it, has changed."""
        self._state_version: int | None = None
        self._incident = 0
        self._second = 0
        self._event_told = 0

    # What is asked for

    def wish(self) -> Streams:
        """The streams of a copy, each from where this one has got to."""
        known = bool(self.run)
        return Streams(
            ticks=TicksWish(after=self.quotes.total_rows if known else 0, most_behind=None),
            orders=OrdersWish(
                after=self.orders.event_count if known else 0,
                identity=self.orders.identity or None,
                states=True,
                state_version=self._state_version,
            ),
            brokers=BrokersWish(),
            bandwidth=BandwidthWish(after=self._second),
            incidents=IncidentsWish(after=self._incident, alerts_after=self.alerts.count),
            desk=DeskWish(after=self.desk_books.curve_count),
            subscriptions=SubscriptionsWish(),
        )

    def wanted(self) -> dict[InstrumentKey, FeedType]:
        return {key: row.kind for key, row in self._wanted.items()}

    def target_of(self, key: InstrumentKey) -> str | None:
        row = self._wanted.get(key)
        return None if row is None else row.target

    def why_source(self, key: InstrumentKey) -> str:
        row = self._wanted.get(key)
        return "" if row is None else row.why

    # What comes

    def take_hello(self, hello: Hello) -> bool:
        """Be ready for what follows; whether the service has started over since it was last heard."""
        started_over = bool(self.run) and hello.run != self.run
        if hello.run != self.run:
            self.quotes = QuoteStore(hello.max_rows, hello.first_row)
            self.quotes.tick_count, self.quotes.snapshot_count = hello.tick_count, hello.snapshot_count
            self.bandwidth = BandwidthStore()
            self._second = 0
            self._incident = 0
            self.incidents = IncidentStore()
            self.alerts = AlertStore()
            self.desk_books = DeskStore()
        elif hello.first_row != self.quotes.total_rows:
            self._leave_out(hello.first_row)
        if hello.identity != self.orders.identity or hello.first_event != self.orders.event_count + 1:
            ledger = Ledger(hello.max_events)
            ledger.identity = hello.identity
            ledger.event_count = ledger.dropped_events = hello.first_event - 1
            if hello.identity != self.orders.identity:
                self._event_told = 0
            self.orders = ledger
        if hello.run != self.run:
            self._state_version = None
        self.run = hello.run
        self.simulated, self.replays = hello.simulated, hello.replays
        self.streaming = hello.streaming
        hours = hello.market_hours
        self.market_hours = (
            MarketHours.always() if hours is None else MarketHoursConfig.model_validate(hours).market_hours()
        )
        return started_over

    def take(self, message: Message) -> None:
        """Do what the service has done."""
        if message.skipped is not None:
            self._leave_out(message.skipped[1])
        if message.ticks is not None:
            self._take_ticks(message.ticks)
        for depth in message.depth:
            self.quotes.set_depth(depth.index, depth.receive_time_ns, (depth.bids, depth.asks))
        if message.subscriptions is not None:
            self._wanted = {(row.exchange, row.token): row for row in message.subscriptions}
            self.arrangement += 1
        if message.brokers is not None:
            self._take_brokers(message.brokers)
        if message.orders is not None:
            self._take_orders(message.orders)
        if message.bandwidth is not None:
            self.bandwidth.follow(message.bandwidth.totals, message.bandwidth.seconds)
            if message.bandwidth.seconds:
                self._second = message.bandwidth.seconds[-1].second
        if message.incidents is not None:
            self._take_incidents(message.incidents)
        if message.desk is not None:
            self.desk_books.follow(message.desk.accounts, message.desk.points, message.desk.curve_count)
        if message.time is not None:
            self.time_ns = message.time

    def _take_ticks(self, message: TicksMessage) -> None:
        store = self.quotes
        if message.brokers:
            store.broker_names[:] = message.brokers
        new = message.instruments[max(0, len(store.instruments) - message.instruments_from) :]
        for instrument in new:
            store.append_instrument(instrument)
        gone = [index for index in message.retired if index not in store.retired]
        if gone:
            store.retire(*gone)
        for index, source in message.sources.items():
            store.set_source(index, source)
        if message.day_row > store.day_row:
            store.begin_day(message.day_row)
        for older in message.older:
            if store.last_rows()[older[0]] < older[1]:
                store.place_latest(older)
        if not message.data:
            return
        ticks = unpack_ticks(message.data)
        known = store.total_rows - message.first
        if known < len(ticks.rows):
            store.extend(
                ticks.rows[known:], ticks.instruments[known:], ticks.brokers[known:], ticks.snapshots[known:]
            )
            for listener in self.quote_listeners:
                listener()

    def _leave_out(self, first_row: int) -> None:
        """Start over at a later row: the service keeps none of those between, and so of the older ones."""
        old = self.quotes
        store = QuoteStore(old.max_rows, first_row)
        missing = first_row - old.total_rows
        store.tick_count, store.snapshot_count = old.tick_count + missing, old.snapshot_count
        store.broker_names[:] = old.broker_names
        for instrument in old.instruments:
            store.append_instrument(instrument)
        store.retire(*old.retired)
        for index, source in enumerate(old.sources()):
            store.set_source(index, source)
        store.day_row = old.day_row
        numbers = old.last_rows()
        indices, rows, brokers = old.latest()
        for index, row, broker in zip(indices.tolist(), rows, brokers.tolist(), strict=True):
            store.place_latest((index, int(numbers[index]), row.tobytes(), broker, 0))
            if (depth := old.depth(index)) is not None:
                store.set_depth(index, *depth)
        self.quotes = store

    def _take_brokers(self, message: BrokersMessage) -> None:
        begun = set(message.begun)
        self.all_health = message.health
        self.health = {each.broker_name: each for each in message.health if each.broker_name in begun}
        self.primary = message.primary
        self.preferred = message.preferred
        self.serves = frozenset(message.serves)
        self.stale = message.stale

    def _take_orders(self, message: OrdersMessage) -> None:
        for event in message.events:
            if self.orders.adopt(event) and event.sequence > self._event_told:
                self._event_told = event.sequence
                for listener in self.order_listeners:
                    listener(event)
        if message.states or message.are_all:
            for state in message.states:
                self.orders.states[state.key] = state
            if message.are_all:
                for key in self.orders.states.keys() - {state.key for state in message.states}:
                    del self.orders.states[key]
            self._state_version = message.state_version

    def _take_incidents(self, message: IncidentsMessage) -> None:
        store = self.incidents
        if not self._incident:
            # Those that it no longer keeps.
            store.incident_count += message.incident_count - len(message.incidents)
            store.failover_count += message.failover_count - len(message.failovers)
        for incident in message.incidents:
            store.note(incident.time_ns, incident.broker_name, incident.cause, incident.action)
        self._incident = message.incident_count
        new = [alert for alert in message.alerts if alert.number > self.alerts.count]
        self.alerts.alerts.extend(new)
        self.alerts.count = max(self.alerts.count, message.alert_count)
        known = {failover.number: place for place, failover in enumerate(store.failovers)}
        for failover in message.failovers:
            place = known.get(failover.number)
            if place is None:
                store.failovers.append(failover)
                store.failover_count += 1
            else:
                store.failovers[place] = failover

    def lost(self, problem: str) -> None:
        """The link is gone: nobody serves, whatever was known of them."""
        self.serves = frozenset()
        self.all_health = [_out_of_reach(health, problem) for health in self.all_health]
        self.health = {name: _out_of_reach(health, problem) for name, health in self.health.items()}

    def close(self) -> None:
        """Nothing comes any more, as somebody wants it."""
        self.serves = frozenset()
        for health in (*self.all_health, *self.health.values()):
            health.close()


def _out_of_reach(health: BrokerHealth, problem: str) -> BrokerHealth:
    return msgspec.structs.replace(health, state=health.state.RECONNECTING, problem=problem)
