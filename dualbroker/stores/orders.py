"""The ledger: every order of every broker, its latest state and each update that led there.

Pure: no I/O, no clock. The order stream and the books may cross, repeat and arrive late, so an update
is merged and never replaces, a final state is never left, a fill is counted once, and a message that
says nothing new changes nothing. A row of a book that was asked for after all that the stream has
brought is the broker's last word: it corrects what the stream left wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import msgspec

from dualbroker.model import FillReport, OrderKey, OrderStatus, OrderUpdate, ReportType, UpdateSource
from dualbroker.stores.order_fills import WaitingFills
from dualbroker.stores.order_history import first_news, is_behind, with_cumulative
from dualbroker.stores.order_records import (
    HeardNote,
    OrderEvent,
    OrderRecord,
    StateNote,
    ToldNote,
    changed_state,
    changes_of,
    key_of,
)
from dualbroker.stores.order_state import OrderState, Standing, join_fills, merge, standing_of
from dualbroker.stores.order_steps import Signature, StepRecord, signature

__all__ = ["Ledger", "OrderEvent", "OrderState"]

MOST_RECORDS = 20_000
"""Orders whose steps are remembered; those that were silent longest are forgotten first."""
MOST_WAITING = 20_000
"""Orders whose fills wait for a cumulative quantity that covers them."""


class Ledger:
    """Latest state per order and the events that led there, from what brokers say.

    Parameters
    ----------
    max_events
        Events kept; the oldest go first and are counted in ``dropped_events``. States are all kept.
    """

    def __init__(self, max_events: int = 100_000) -> None:
        self.states: dict[OrderKey, OrderState] = {}
        self.events: deque[OrderEvent] = deque(maxlen=max_events)
        self.event_count = 0
        """Sequence number of the newest event."""
        self.repeat_count = 0
        """Updates that said nothing new."""
        self.identity = ""
        """Names this numbering: under one identity a sequence number never means two events."""
        self.recorders: list[Callable[[OrderRecord], None]] = []
        """Each called with every record before anybody can see what it tells of; must not raise."""
        self.dropped_events = 0
        """Events that this ledger has had and no longer keeps."""
        self._records: dict[OrderKey, StepRecord] = {}
        self._waiting: dict[OrderKey, WaitingFills] = {}

    # Snapshots

    def snapshot(self) -> list[OrderState]:
        """All states at this moment, in order of first sight; safe from any thread."""
        return list(self.states.values())

    def events_snapshot(self) -> list[OrderEvent]:
        """All kept events at this moment, oldest first; safe from any thread."""
        return list(self.events.copy())

    # What the stream and the books bring

    def apply(self, update: OrderUpdate) -> OrderEvent | None:
        """Take one update in; None when it says nothing that was not known."""
        record = self._record(update.key)
        if update.source is UpdateSource.STREAM:
            own_signature = signature(update)
            if own_signature in record.signatures:
                # The stream has brought this very step before. A book may well say again what it said.
                record.note_said(update)
                self.repeat_count += 1
                return None
            event = self._take(update, self._hear(update, own_signature, record), record)
            if event is None:
                self._write_down(HeardNote(update))
            return event
        state = self.states.get(update.key)
        standing = Standing.CURRENT if state is None else standing_of(state, update, record.book_ns)
        return self._take(update, standing, record)

    def apply_history(self, key: OrderKey, rows: Sequence[OrderUpdate]) -> list[OrderEvent]:
        """Take the steps of one order in, oldest first, all of one read; the events they bring.

        Only steps after the newest that is known are news. What the stream has brought is not told
        again, and of what it brings later, told here, nothing is counted twice.
        """
        rows = [row if row.key == key else msgspec.structs.replace(row, trading_day=key[1]) for row in rows]
        record = self._record(key)
        as_of_ns = max((row.as_of_ns or 0 for row in rows), default=0)
        newest_book_ns = record.book_ns
        if not rows or as_of_ns < newest_book_ns:
            return []
        rows = with_cumulative(rows)
        start, told = first_news(rows, as_of_ns, record, self.states.get(key))
        self._write_down(ToldNote(key, told))
        events = []
        for row in rows[start:]:
            state = self.states.get(key)
            if state is None or not is_behind(row, state):
                events.append(self._take(row, Standing.CERTAIN, record))
        state = self.states.get(key)
        if state is not None and not is_behind(rows[-1], state):
            # The last row is the order as it stands, like a book's; its step is not told again.
            last = msgspec.structs.replace(rows[-1], report_type=None)
            events.append(self._take(last, standing_of(state, last, newest_book_ns), record))
        return [event for event in events if event is not None]

    def apply_fill(self, fill: FillReport, receive_time_ns: int) -> OrderEvent | None:
        """Take one row of a trade book in; None when it says nothing that was not known.

        A fill counts once by its id, within the order's cumulative quantity. One beyond that waits until
        an update of its order covers it; so does one whose order is not known yet. Without an id it
        can't be told from another, and the cumulative quantity alone counts.
        """
        key = (fill.broker_name, fill.trading_day, fill.order_id)
        old = self.states.get(key)
        if fill.fill_id is None or fill.quantity is None or (old and fill.fill_id in old.fills):
            self.repeat_count += 1
            return None
        self._waiting.setdefault(key, WaitingFills()).add(fill.fill_id, fill)
        if len(self._waiting) > MOST_WAITING:
            # It comes again with the next trade book.
            del self._waiting[next(iter(self._waiting))]
        if old is None:
            return None
        state = msgspec.structs.replace(old)
        if not self._join(state):
            return None
        if fill.fill_id not in state.fills:
            self._change_silently(state)
            return None
        return self._commit(state, _update_of_fill(fill, receive_time_ns))

    def apply_trade_book(self, fills: Sequence[FillReport], receive_time_ns: int) -> list[OrderEvent]:
        """Take all rows of one trade book in, whatever their order; the events they bring."""
        # Trade books begin with the newest, and a fill's time is of whole seconds.
        oldest_first = list(reversed(fills))
        oldest_first.sort(key=lambda fill: fill.fill_time_ns or 0)
        events = (self.apply_fill(fill, receive_time_ns) for fill in oldest_first)
        return [event for event in events if event is not None]

    def count_uncovered(
        self, key: OrderKey, filled_quantity: float, doubt: str, receive_time_ns: int
    ) -> OrderEvent | None:
        """Believe a trade book whose fills no order book covers, and say that it is in doubt.

        An order that no book and no message has named becomes known, with what its fills say.
        """
        rows = self._waiting.get(key, WaitingFills()).reports()
        old = self.states.get(key)
        state = (
            OrderState(key=key, first_seen_ns=receive_time_ns)
            if old is None
            else msgspec.structs.replace(old)
        )
        for row in rows:
            state.exchange = state.exchange or row.exchange
            state.symbol = state.symbol or row.symbol
            state.side = state.side or row.side
        state.doubt = doubt
        if filled_quantity <= (state.filled_quantity or 0.0):
            self._change_silently(state)
            return None
        state.filled_quantity, state.average_price = filled_quantity, None
        self._join(state)
        update = OrderUpdate(
            broker_name=key[0],
            trading_day=key[1],
            order_id=key[2],
            receive_time_ns=receive_time_ns,
            source=UpdateSource.RECONCILE,
            filled_quantity=filled_quantity,
        )
        return self._commit(state, update)

    def set_doubt(self, key: OrderKey, words: str) -> bool:
        """Say why an order may not be as shown, with "" that it is; whether that is new."""
        old = self.states.get(key)
        if old is None or old.doubt == words:
            return False
        self._change_silently(msgspec.structs.replace(old, doubt=words))
        return True

    # What a reconcile asks

    def differs(self, row: OrderUpdate) -> bool:
        """Whether a book's row says something newer of its order than what is known: pure."""
        state = self.states.get(row.key)
        if state is None:
            return True
        record = self._records.get(row.key)
        standing = standing_of(state, row, record.book_ns if record else 0)
        if standing is not Standing.CURRENT:
            return standing is Standing.CERTAIN
        if row.status is not None and row.status != state.status and not state.status.is_final:
            return True
        terms = ("quantity", "price", "trigger_price")
        return any(getattr(row, name) not in (None, getattr(state, name)) for name in terms)

    def behind_stream(self, key: OrderKey) -> bool:
        """Whether the stream has yet to say how far this order is known to have got: pure.

        By its status and cumulative quantity, and by whatever message, a repeat or a late one included.
        """
        state = self.states.get(key)
        if state is None:
            return False
        record = self._records.get(key)
        if record is None or not (record.steps or record.statuses_said):
            return state.last_stream_ns == 0
        if state.status.is_final:
            status_said = any(status.is_final for status in record.statuses_said)
        else:
            status_said = state.status in record.statuses_said or state.status is OrderStatus.UNKNOWN
        return not status_said or (state.filled_quantity or 0.0) > record.filled_said

    def stream_has_brought(self, row: OrderUpdate) -> bool:
        """Whether the stream has brought the step that this row of a history tells of: pure."""
        record = self._records.get(row.key)
        return record is not None and record.has_brought(row)

    def orders_of(self, broker_name: str, day: date, seen_before_ns: int) -> list[OrderKey]:
        """A broker's orders of one trading day that were first seen before a moment."""
        return [
            key
            for key, state in self.states.items()
            if key[:2] == (broker_name, day) and state.first_seen_ns < seen_before_ns
        ]

    def after_market_before(self, broker_name: str, day: date) -> list[OrderKey]:
        """A broker's after-market orders that were sent before that day and have not ended."""
        return [
            key
            for key, state in self.states.items()
            if key[0] == broker_name and key[1] < day and state.amo and not state.status.is_final
        ]

    # Restored from what was written down

    def restore(
        self, records: Iterable[OrderRecord], *, states: Iterable[OrderState] = (), last_sequence: int = 0
    ) -> None:
        """Become what another ledger was when it had written these records. Nobody is told.

        Whatever a broker repeats afterwards brings nothing twice. What is not written down, such as fills
        that wait, the next reading of its books brings.

        Parameters
        ----------
        records
            In the order in which they were written, events with their sequence numbers.
        states
            Of before the first record, where the records do not begin with the orders' first.
        last_sequence
            The newest event's number, where it is not the last of these records'.

        Raises
        ------
        ValueError
            A record's changes can't be read; the ledger is empty then.
        """
        try:
            for state in states:
                self.states[state.key] = state
            for record in records:
                self._follow(record)
        except ValueError:
            self.states.clear()
            self.events.clear()
            self._records.clear()
            self.event_count = self.dropped_events = 0
            raise
        self.event_count = max(self.event_count, last_sequence)

    def adopt(self, record: OrderRecord) -> bool:
        """Follow another ledger by one record of it; False for an event that is known already.

        For a ledger that takes in nothing else.

        Raises
        ------
        ValueError
            Events between the newest known one and this one are missing.
        """
        if isinstance(record, OrderEvent):
            if record.sequence <= self.event_count:
                return False
            if record.sequence != self.event_count + 1:
                raise ValueError(
                    f"expected the order event {self.event_count + 1}, found {record.sequence}: "
                    "those between are missing"
                )
        self._follow(record)
        return True

    def _follow(self, record: OrderRecord) -> None:
        key = key_of(record)
        steps = self._record(key)
        match record:
            case OrderEvent():
                if record.update.source is UpdateSource.STREAM:
                    self._hear(record.update, signature(record.update), steps)
                self.states[key] = changed_state(self.states.get(key), key, record.changes, steps)
                self._keep(record)
            case StateNote():
                self.states[key] = changed_state(self.states.get(key), key, record.changes, steps)
            case HeardNote():
                self._hear(record.update, signature(record.update), steps)
            case ToldNote():
                steps.note_told(record.steps)

    # How it is done

    def _take(self, update: OrderUpdate, standing: Standing, record: StepRecord) -> OrderEvent | None:
        old = self.states.get(update.key)
        if old is None:
            state = OrderState(key=update.key, first_seen_ns=update.receive_time_ns)
        else:
            state = msgspec.structs.replace(old)
        changed = merge(state, update, standing, record.book_second)
        changed |= old is None
        waiting = self._waiting.get(update.key)
        if waiting is not None and update.fill_id is not None and update.fill_id in state.fills:
            waiting.discard(update.fill_id)
        changed |= self._join(state)
        if update.as_of_ns is not None and standing is not Standing.STALE:
            record.book_ns = max(record.book_ns, update.receive_time_ns)
            if update.order_time_ns is not None:
                record.book_second = update.order_time_ns // 1_000_000_000
        if not changed:
            self.repeat_count += 1
            return None
        if update.source is UpdateSource.STREAM:
            state.last_stream_ns = max(state.last_stream_ns, update.receive_time_ns)
        return self._commit(state, update)

    def _join(self, state: OrderState) -> bool:
        waiting = self._waiting.get(state.key)
        if waiting is None:
            return False
        joined = join_fills(state, waiting)
        if not waiting:
            del self._waiting[state.key]
        return joined

    def _write_down(self, record: OrderRecord) -> None:
        for recorder in self.recorders:
            recorder(record)

    def _record(self, key: OrderKey) -> StepRecord:
        """What is remembered of an order's steps; the newest touched stands last."""
        record = self._records.pop(key, None) or StepRecord()
        self._records[key] = record
        if len(self._records) > MOST_RECORDS:
            del self._records[next(iter(self._records))]
        return record

    def _hear(self, update: OrderUpdate, own_signature: Signature, record: StepRecord) -> Standing:
        """Note a message of the stream that is no repeat; how it stands to what is known of its order."""
        was_told = record.note_stream(update, own_signature)
        state = self.states.get(update.key)
        if state is None:
            return Standing.CURRENT
        standing = standing_of(state, update, record.book_ns)
        if was_told and standing is Standing.CURRENT:
            return Standing.STALE
        if standing is not Standing.STALE:
            record.note_ahead(update)
        return standing

    def _commit(self, state: OrderState, update: OrderUpdate) -> OrderEvent:
        state.last_update_ns = max(state.last_update_ns, update.receive_time_ns)
        state.updates += 1
        event = OrderEvent(
            self.event_count + 1,
            update,
            state.status,
            state.filled_quantity,
            state.average_price,
            state.symbol,
            changes_of(self.states.get(state.key), state, self._records.get(state.key)),
        )
        self._write_down(event)
        # A fresh struct each time: a reader on another thread never sees half an update.
        self.states[state.key] = state
        self._keep(event)
        return event

    def _keep(self, event: OrderEvent) -> None:
        self.event_count = event.sequence
        self.dropped_events += len(self.events) == self.events.maxlen
        self.events.append(event)

    def _change_silently(self, state: OrderState) -> None:
        """Put a state in place that no event tells of."""
        self._write_down(StateNote(state.key, changes_of(self.states.get(state.key), state, None)))
        self.states[state.key] = state


def _update_of_fill(fill: FillReport, receive_time_ns: int) -> OrderUpdate:
    return OrderUpdate(
        broker_name=fill.broker_name,
        trading_day=fill.trading_day,
        order_id=fill.order_id,
        receive_time_ns=receive_time_ns,
        source=UpdateSource.RECONCILE,
        exchange=fill.exchange,
        symbol=fill.symbol,
        side=fill.side,
        report_type=ReportType.FILL,
        fill_id=fill.fill_id,
        fill_quantity=fill.quantity,
        fill_price=fill.price,
        fill_time_ns=fill.fill_time_ns,
    )
