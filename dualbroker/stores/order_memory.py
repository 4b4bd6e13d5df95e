"""What a ledger remembers: states, events and steps; how it is written down, and made anew from that.

Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from dualbroker.model import OrderKey, OrderUpdate, UpdateSource
from dualbroker.stores.order_fills import WaitingFills
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
from dualbroker.stores.order_state import OrderState, Standing, standing_of
from dualbroker.stores.order_steps import Signature, StepRecord, signature

__all__ = ["MOST_RECORDS", "LedgerMemory"]

MOST_RECORDS = 20_000
"""Orders whose steps are remembered; those that were silent longest are forgotten first."""


class LedgerMemory:
    """Latest state per order and the events that led there.

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

    # Made anew

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

    # Written down

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
