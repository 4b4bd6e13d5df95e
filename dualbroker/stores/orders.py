"""The ledger: every order of every broker, its latest state and each update that led there.

Pure: no I/O, no clock. The order stream and the order book may cross, repeat and arrive late, so
an update is merged and never replaces, a final state is never left, a fill is counted once, and a
message that says nothing new changes nothing. A row of a book that was asked for after all that the
stream has brought is the broker's last word: it corrects what the stream left wrong.
"""

from __future__ import annotations

from collections import deque
from datetime import date

import msgspec

from dualbroker.model import OrderKey, OrderStatus, OrderUpdate, ReportType, UpdateSource

__all__ = ["Ledger", "OrderEvent", "OrderState"]

_RANK = {
    OrderStatus.UNKNOWN: 0,
    OrderStatus.PENDING: 1,
    OrderStatus.TRIGGER_PENDING: 2,
    OrderStatus.OPEN: 3,
    OrderStatus.COMPLETE: 4,
    OrderStatus.CANCELED: 4,
    OrderStatus.REJECTED: 4,
}

_STEPS_BACK = frozenset(
    {
        ReportType.MOD_ACK,
        ReportType.CAN_ACK,
        ReportType.PENDING_REPLACE,
        ReportType.PENDING_CANCEL,
    }
)
"""Reports after which an open order is for a moment pending again (protocol: section 2.4)."""

_MERGED_FIELDS = (
    "exchange",
    "token",
    "symbol",
    "side",
    "quantity",
    "price",
    "trigger_price",
    "price_type",
    "product",
    "retention",
    "reject_reason",
    "exchange_order_id",
    "remarks",
    "order_time_ns",
    "exchange_time_ns",
)
_MAY_CHANGE = frozenset({"quantity", "price", "trigger_price", "price_type", "retention", "exchange_time_ns"})
"""What a later message may say anew; the rest is only filled in."""

_MOST_REPEATS_KNOWN = 1000
"""Steps of one order that are remembered, so that a repeat is known as one; the oldest go first."""

Signature = tuple[object, ...]


class OrderState(msgspec.Struct, kw_only=True):
    """The latest that is known of one order. ``None`` is unknown."""

    key: OrderKey
    status: OrderStatus = OrderStatus.UNKNOWN
    report_type: ReportType | None = None
    raw_status: str | None = None
    exchange: str | None = None
    token: str | None = None
    symbol: str | None = None
    side: str | None = None
    quantity: float | None = None
    filled_quantity: float | None = None
    average_price: float | None = None
    cancelled_quantity: float | None = None
    price: float | None = None
    trigger_price: float | None = None
    price_type: str | None = None
    product: str | None = None
    retention: str | None = None
    reject_reason: str | None = None
    exchange_order_id: str | None = None
    remarks: str | None = None
    order_time_ns: int | None = None
    exchange_time_ns: int | None = None
    first_seen_ns: int = 0
    last_update_ns: int = 0
    updates: int = 0
    fills: dict[str, tuple[float, float | None]] = {}
    """Fill id to (quantity, price)."""
    last_event_ns: int | None = None
    """The broker's own time of the newest update, where it sends one."""
    last_stream_ns: int = 0
    """When the stream last brought something new of this order; 0 when it never did."""

    @property
    def broker_name(self) -> str:
        return self.key[0]

    @property
    def trading_day(self) -> date:
        return self.key[1]

    @property
    def order_id(self) -> str:
        return self.key[2]


class OrderEvent(msgspec.Struct, frozen=True):
    """An update that changed something, and what the order's state was after it."""

    sequence: int
    """Counts all events of this ledger, from 1."""
    update: OrderUpdate
    status: OrderStatus
    filled_quantity: float | None
    average_price: float | None
    symbol: str | None
    """Of the order, also where this update did not repeat it."""

    @property
    def broker_name(self) -> str:
        return self.update.broker_name

    @property
    def order_id(self) -> str:
        return self.update.order_id


class Ledger:
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
        self.repeat_count = 0
        """Updates that said nothing new."""
        self._known_steps: dict[OrderKey, dict[Signature, None]] = {}

    @property
    def dropped_events(self) -> int:
        return self.event_count - len(self.events)

    def apply(self, update: OrderUpdate) -> OrderEvent | None:
        """Take one update in; None when it says nothing that was not known."""
        old = self.states.get(update.key)
        from_stream = update.source is UpdateSource.STREAM
        if from_stream and self._is_repeat(update):
            self.repeat_count += 1
            return None
        if old is None:
            state = OrderState(key=update.key, first_seen_ns=update.receive_time_ns)
        else:
            state = msgspec.structs.replace(old)
        stale = _is_stale(state, update)
        changed = old is None
        changed |= _merge_details(state, update, stale)
        changed |= _merge_fill(state, update)
        changed |= _merge_status(state, update, stale)
        if not changed:
            self.repeat_count += 1
            return None
        if from_stream:
            self._note_step(update)
            state.last_stream_ns = max(state.last_stream_ns, update.receive_time_ns)
        if update.event_time_ns is not None and not stale:
            state.last_event_ns = update.event_time_ns
        state.last_update_ns = max(state.last_update_ns, update.receive_time_ns)
        state.updates += 1
        # A fresh struct each time: a reader on another thread never sees half an update.
        self.states[update.key] = state
        self.event_count += 1
        event = OrderEvent(
            self.event_count, update, state.status, state.filled_quantity, state.average_price, state.symbol
        )
        self.events.append(event)
        return event

    def _is_repeat(self, update: OrderUpdate) -> bool:
        """Whether the stream has brought this very step before. A book may well say again what it said."""
        return _signature(update) in self._known_steps.get(update.key, ())

    def _note_step(self, update: OrderUpdate) -> None:
        known = self._known_steps.setdefault(update.key, {})
        known[_signature(update)] = None
        if len(known) > _MOST_REPEATS_KNOWN:
            del known[next(iter(known))]

    def snapshot(self) -> list[OrderState]:
        """All states at this moment, in order of first sight; safe from any thread."""
        return list(self.states.values())

    def events_snapshot(self) -> list[OrderEvent]:
        """All kept events at this moment, oldest first; safe from any thread."""
        return list(self.events.copy())


def _signature(update: OrderUpdate) -> Signature:
    """Equal for two messages that report the same step of the same order (protocol: section 2.4)."""
    return (
        update.status,
        update.report_type,
        update.filled_quantity,
        update.fill_id,
        update.event_time_ns,
        update.exchange_time_ns,
        update.quantity,
        update.price,
        update.trigger_price,
        update.average_price,
        update.reject_reason,
    )


def _is_stale(state: OrderState, update: OrderUpdate) -> bool:
    """Whether something newer is known already: by the broker's own clock, or since the book was asked."""
    if update.as_of_ns is not None and state.last_stream_ns > update.as_of_ns:
        return True
    return (
        update.event_time_ns is not None
        and state.last_event_ns is not None
        and update.event_time_ns < state.last_event_ns
    )


def _is_last_word(update: OrderUpdate, stale: bool) -> bool:
    """Whether it is a book's row that no message of the stream has overtaken."""
    return update.as_of_ns is not None and not stale


def _merge_details(state: OrderState, update: OrderUpdate, stale: bool) -> bool:
    changed = False
    may_change = not stale and (not state.status.is_final or _is_last_word(update, stale))
    for name in _MERGED_FIELDS:
        new = getattr(update, name)
        old = getattr(state, name)
        if new is None or new == old:
            continue
        if old is None or (may_change and name in _MAY_CHANGE):
            setattr(state, name, new)
            changed = True
    return changed


def _merge_fill(state: OrderState, update: OrderUpdate) -> bool:
    """Count fills by their id, and let the broker's cumulative figure only grow."""
    changed = False
    if update.fill_id is not None and update.fill_quantity is not None and update.fill_id not in state.fills:
        # Never changed in place: the state before this one shares it.
        state.fills = {**state.fills, update.fill_id: (update.fill_quantity, update.fill_price)}
        changed = True
    counted = sum(quantity for quantity, _ in state.fills.values()) if state.fills else None
    candidates = [q for q in (update.filled_quantity, counted, state.filled_quantity) if q is not None]
    filled = max(candidates, default=None)
    if filled != state.filled_quantity:
        state.filled_quantity = filled
        state.average_price = _average_price(state, update)
        changed = True
    elif update.average_price is not None and update.filled_quantity == filled and filled:
        changed |= update.average_price != state.average_price
        state.average_price = update.average_price
    if update.cancelled_quantity and update.cancelled_quantity != state.cancelled_quantity:
        state.cancelled_quantity = update.cancelled_quantity
        changed = True
    return changed


def _average_price(state: OrderState, update: OrderUpdate) -> float | None:
    """The broker's average where it goes with the new total, else ours where every fill is known."""
    if update.average_price is not None and update.filled_quantity == state.filled_quantity:
        return update.average_price
    quantity = sum(q for q, _ in state.fills.values())
    if quantity and quantity == state.filled_quantity:
        prices = [(q, p) for q, p in state.fills.values() if p is not None]
        if len(prices) == len(state.fills):
            return sum(q * p for q, p in prices) / quantity
    return None


def _merge_status(state: OrderState, update: OrderUpdate, stale: bool) -> bool:
    if update.status is None:
        return False
    if update.status.is_final:
        # A final word is true however late it comes; between two of them a book's row decides.
        if state.status.is_final and not _is_last_word(update, stale):
            return False
    elif stale or state.status.is_final:
        return False
    goes_back = _RANK[update.status] < _RANK[state.status]
    if goes_back and update.report_type not in _STEPS_BACK:
        return False
    if goes_back and update.event_time_ns is None:
        # Without the broker's clock a late repeat can't be told from a real step back.
        return False
    same_report = update.report_type is None or update.report_type == state.report_type
    if update.status == state.status and same_report:
        return False
    state.status = update.status
    state.raw_status = update.raw_status
    if update.report_type is not None:
        state.report_type = update.report_type
    return True
