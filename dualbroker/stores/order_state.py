"""The state of one order, and how an update changes it. Pure: no I/O, no clock.

Whether an update is news is told by what can't lie: a cumulative fill only grows. Where that says
nothing, the broker's times are compared with the broker's times, and ours (when a book was asked for,
when the stream last said something) with ours; never one with the other, for the clocks may be apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.model import OrderKey, OrderStatus, OrderUpdate, ReportType
from dualbroker.stores.order_fills import Fill, Fills, WaitingFills, fills_of

__all__ = ["OrderState", "Standing", "join_fills", "merge", "standing_of"]

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
        ReportType.REPLACED,
    }
)
"""Reports after which an open order may be pending again, or wait for a trigger (protocol: section 2.4)."""

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
    "exchange_order_id",
    "remarks",
    "order_time_ns",
    "exchange_time_ns",
    "amo",
)
_MAY_CHANGE = frozenset({"quantity", "price", "trigger_price", "price_type", "retention", "exchange_time_ns"})
"""What a later message may say again; the rest is only filled in."""

_BOOK_LAG_NS = 3_000_000_000
"""A book that was asked for so long after the stream's last word does not lag behind it."""


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
    """Why it ended as it did; of an order that lives on, why the latest change of it was refused."""
    exchange_order_id: str | None = None
    remarks: str | None = None
    order_time_ns: int | None = None
    exchange_time_ns: int | None = None
    first_seen_ns: int = 0
    last_update_ns: int = 0
    updates: int = 0
    fills: Mapping[str, Fill] = msgspec.field(default_factory=Fills)
    """Fill id to (quantity, price)."""
    doubt: str = ""
    """Why what is shown may not be so, in words; empty when nothing contradicts it."""
    last_event_ns: int | None = None
    """The broker's own time of the newest update, where it sends one."""
    last_stream_ns: int = 0
    """When the stream last brought something new of this order; 0 when it never did."""
    amo: bool | None = None
    """Sent after the market, to wait at the broker until it opens."""
    change_reason: str | None = None
    """Of an order that has ended: why a change of it was refused before. A book may go on saying it."""

    @property
    def awaits_market(self) -> bool:
        """Whether it may still reach the exchange on a day after that on which it was sent."""
        return self.status is OrderStatus.PENDING or (self.amo is True and not self.status.is_final)

    @property
    def broker_name(self) -> str:
        return self.key[0]

    @property
    def trading_day(self) -> date:
        return self.key[1]

    @property
    def order_id(self) -> str:
        return self.key[2]


class Standing(Enum):
    """How an update stands to what is known of its order."""

    STALE = "something newer is known"
    CURRENT = "nothing newer is known"
    CERTAIN = "it is newer than all that is known"


def standing_of(state: OrderState, update: OrderUpdate, newest_book_ns: int) -> Standing:
    """Whether an update is news. ``newest_book_ns`` is when the newest book so far was received."""
    filled, known = update.filled_quantity, state.filled_quantity or 0.0
    if filled is not None and filled != known:
        return Standing.CERTAIN if filled > known else Standing.STALE
    if update.as_of_ns is not None and max(state.last_stream_ns, newest_book_ns) > update.as_of_ns:
        return Standing.STALE
    if update.event_time_ns is not None and state.last_event_ns is not None:
        is_older = update.event_time_ns < state.last_event_ns
    else:
        is_dated = update.as_of_ns is not None or update.event_time_ns is not None
        is_older = not is_dated and _looks_older(state, update)
    return Standing.STALE if is_older else Standing.CURRENT


def merge(state: OrderState, update: OrderUpdate, standing: Standing, book_second: int | None) -> bool:
    """Take an update into a state, in place; whether it changed anything.

    ``book_second`` is the broker's own second in the newest row of a book.
    """
    changed = _merge_details(state, update, standing)
    changed |= _merge_fill(state, update)
    was_final = state.status.is_final
    changed |= _merge_status(state, update, standing, book_second)
    changed |= _merge_reason(state, update, standing, was_final)
    if standing is not Standing.STALE:
        _follow_brokers_clock(state, update, changed)
    return changed


def join_fills(state: OrderState, waiting: WaitingFills) -> bool:
    """Count fills of a trade book that the cumulative quantity covers, in place; those leave ``waiting``.

    One beyond it happened after all that is known of the order: it waits, for a status that does not go
    with it would be shown.
    """
    fills = fills_of(state.fills)
    covered = waiting.take((state.filled_quantity or 0.0) - fills.quantity)
    if not covered:
        return False
    state.fills = fills.and_all(covered)
    if state.average_price is None:
        state.average_price = _average_of_fills(state)
    return True


def _is_last_word(update: OrderUpdate, standing: Standing) -> bool:
    """Whether it is a book's row that no message of the stream has overtaken."""
    return update.as_of_ns is not None and standing is not Standing.STALE


def _follow_brokers_clock(state: OrderState, update: OrderUpdate, changed: bool) -> None:
    if update.event_time_ns is not None:
        state.last_event_ns = update.event_time_ns
    elif changed and update.as_of_ns is not None and update.order_time_ns is not None:
        # Also back: a broker's clock that was set right again must not make all that follows look old.
        known = state.last_event_ns
        if known is None or known // NS_PER_S != update.order_time_ns // NS_PER_S:
            state.last_event_ns = update.order_time_ns


def _merge_details(state: OrderState, update: OrderUpdate, standing: Standing) -> bool:
    changed = False
    is_current = standing is not Standing.STALE and not state.status.is_final
    may_change = is_current or _is_last_word(update, standing)
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
    filled = update.filled_quantity
    if update.fill_id is not None and update.fill_quantity is not None:
        if update.fill_id not in state.fills:
            fills = fills_of(state.fills)
            state.fills = fills.and_one(update.fill_id, update.fill_quantity, update.fill_price)
            changed = True
        if filled is None:
            filled = fills_of(state.fills).quantity
    if filled is not None and (state.filled_quantity is None or filled > state.filled_quantity):
        state.filled_quantity = filled
        state.average_price = _average_price(state, update)
        changed = True
    elif update.average_price is not None and update.filled_quantity == state.filled_quantity and filled:
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
    return _average_of_fills(state)


def _average_of_fills(state: OrderState) -> float | None:
    fills = fills_of(state.fills)
    return fills.average_price if fills.quantity == state.filled_quantity else None


def _merge_status(
    state: OrderState, update: OrderUpdate, standing: Standing, book_second: int | None
) -> bool:
    if update.status is None:
        if update.raw_status is None or state.raw_status is not None:
            return False
        state.raw_status = update.raw_status
        return True
    is_over = state.status.is_final and not _lives_after_all(state, update, standing)
    if update.status.is_final:
        # A final word is true however late it comes; between two of them a book's row decides.
        if is_over and not _is_last_word(update, standing):
            return False
    elif standing is Standing.STALE or is_over:
        return False
    if (
        _goes_back(state, update.status)
        and standing is not Standing.CERTAIN
        and not _may_go_back(state, update, book_second)
    ):
        return False
    same_report = update.report_type is None or update.report_type == state.report_type
    # A word that is not known is all there is to tell the next such word from it.
    same_word = update.status is not OrderStatus.UNKNOWN or update.raw_status == state.raw_status
    if update.status == state.status and same_report and same_word:
        return False
    state.status = update.status
    state.raw_status = update.raw_status
    if update.report_type is not None:
        state.report_type = update.report_type
    return True


def _lives_after_all(state: OrderState, update: OrderUpdate, standing: Standing) -> bool:
    """Whether an order that was called rejected goes on to be filled: then a change of it was refused."""
    return state.status is OrderStatus.REJECTED and standing is Standing.CERTAIN


_ENDS = frozenset({ReportType.CANCELED, ReportType.REJECTED})


def _merge_reason(state: OrderState, update: OrderUpdate, standing: Standing, was_final: bool) -> bool:
    """A final state has the reason that was given for it, and none of those for which changes were refused.

    Those stay in the history. Books go on saying them after the end, so the latest is kept to
    know it by.
    """
    reason, before = update.reject_reason, state.reject_reason
    if not state.status.is_final:
        if was_final:
            # What was taken for its end was none, and so the reason is that of a change.
            state.change_reason = None
        if reason is not None and standing is not Standing.STALE:
            state.reject_reason = reason
        return state.reject_reason != before
    if not was_final:
        state.change_reason, state.reject_reason = before, None
    if state.status is OrderStatus.COMPLETE:
        state.reject_reason = None
    elif reason is not None and update.status is state.status:
        is_own = reason != state.change_reason or state.status is OrderStatus.REJECTED
        if is_own and (state.reject_reason is None or update.report_type in _ENDS):
            state.reject_reason = reason
    return state.reject_reason != before


def _looks_older(state: OrderState, update: OrderUpdate) -> bool:
    """Of a message that has no time, only its place in an order's life tells its age."""
    if update.status is None or update.status == state.status:
        return False
    is_of_before_fills = bool(state.filled_quantity) and update.filled_quantity is None
    return _goes_back(state, update.status) or (is_of_before_fills and update.fill_id is None)


def _goes_back(state: OrderState, status: OrderStatus) -> bool:
    return _RANK[status] < _RANK[state.status]


def _may_go_back(state: OrderState, update: OrderUpdate, book_second: int | None) -> bool:
    """Whether an update that is not stale may lead an open order back to pending."""
    if update.as_of_ns is not None:
        return (
            update.status is OrderStatus.TRIGGER_PENDING
            or update.report_type in _STEPS_BACK
            or update.as_of_ns - state.last_stream_ns > _BOOK_LAG_NS
        )
    # Without the broker's clock a late repeat can't be told from a real step back, nor within the second
    # that a book's row tells.
    return (
        update.report_type in _STEPS_BACK
        and update.event_time_ns is not None
        and (book_second is None or update.event_time_ns // NS_PER_S > book_second)
    )
