"""Orders of one simulated account and the life each of them leads.

Life cycles (protocol: section 2.4), as ``status/reporttype``::

    limit    PENDING/NewAck, PENDING/PendingNew, OPEN/New, OPEN/Fill …, COMPLETE/Fill
    stop     PENDING/NewAck, PENDING/PendingNew, TRIGGER_PENDING/New, OPEN/New once triggered, …
    modify   …/ModAck, …/PendingReplace, OPEN/Replaced (or …/ReplaceRejected)
    cancel   …/CanAck, …/PendingCancel, CANCELED/Canceled
    reject   PENDING/NewAck, REJECTED/Rejected (by the exchange: PendingNew in between)
    after the market   PENDING/NewAck, OPEN/New (no number of the exchange); at the opening as limit or stop
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dualbroker.model import Instrument, OrderStatus, ReportType
from dualbroker.noren.times import ist_day
from dualbroker.simulator.answers import INVALID_INPUT, ORDER_NOT_FOUND, ORDER_NOT_FOUND_TO_CANCEL, Refusal

__all__ = ["Fill", "Order", "OrderDesk", "OrderEvent", "OrderNumbers", "OrderTerms", "Reject"]

_EVENT_SPACING_NS = 150_000
"""Time between two events of one burst, so that no two of an account carry the same ``tm`` and ``ntm``."""


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. Prices in rupees, quantities in units."""

    instrument: Instrument
    index: int
    """The instrument's position in the market."""
    side: str
    """B or S."""
    quantity: int
    price: float
    """0 for market orders."""
    trigger_price: float
    """0 for orders without one."""
    price_type: str
    """LMT, MKT, SL-LMT, SL-MKT."""
    product: str
    retention: str = "DAY"
    disclosed_quantity: int = 0
    remarks: str = ""
    after_market: bool = False
    """Sent while the market is closed, for its next opening (``amo``)."""
    book_loss: float = 0.0
    """Where a cover or bracket order's stop waits; 0 for every other order."""
    book_profit: float = 0.0
    """Where a bracket order takes its profit."""
    entry_number: str = ""
    """Of a leg: the number of the cover or bracket order it belongs to."""
    leg: str = ""
    """``0`` of a leg that takes the profit, ``1`` of one that stops the loss."""

    @property
    def is_stop(self) -> bool:
        return self.price_type.startswith("SL-")

    @property
    def is_market(self) -> bool:
        return self.price_type.endswith("MKT")


class Reject(msgspec.Struct, frozen=True):
    """Why an order is turned down."""

    reason: str
    by: str
    """``RED`` for the broker's risk check; empty for the exchange."""


class Fill(msgspec.Struct, frozen=True):
    """One execution."""

    fill_id: str
    quantity: int
    price: float
    time_ns: int


class OrderEvent(msgspec.Struct, frozen=True, gc=False):
    """The order as it stood after one step of its life. Becomes an ``om`` frame and a row of history."""

    status: OrderStatus
    report_type: ReportType
    time_ns: int
    version: int
    terms: OrderTerms
    filled_quantity: int = 0
    average_price: float = 0.0
    cancelled_quantity: int = 0
    exchange_order_id: str = ""
    fill: Fill | None = None
    reject: Reject | None = None


class Order(msgspec.Struct, kw_only=True):
    """An order and everything that has happened to it."""

    number: str
    uid: str
    entry_time_ns: int
    events: list[OrderEvent]
    fills: list[Fill]
    next_part_ns: int = 0
    """Simulator's own running time before which no further part is filled."""

    @property
    def last(self) -> OrderEvent:
        return self.events[-1]

    @property
    def terms(self) -> OrderTerms:
        return self.last.terms

    @property
    def status(self) -> OrderStatus:
        return self.last.status

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the market's opening, not yet at the exchange."""
        return self.terms.after_market and not self.last.exchange_order_id

    @property
    def remaining(self) -> int:
        """Units not yet filled."""
        return self.terms.quantity - self.last.filled_quantity


class OrderNumbers:
    """Numbers that one broker gives out, for orders (YYMMDD and eight digits), exchange and fills."""

    def __init__(self, first: int) -> None:
        self._next_order = first
        self._next_exchange_order = first
        self._next_fill = 380_000_000 + first

    def order(self, time_ns: int) -> str:
        self._next_order += 1
        return f"{ist_day(time_ns):%y%m%d}{self._next_order:08d}"

    def exchange_order(self) -> str:
        self._next_exchange_order += 1
        return f"1{self._next_exchange_order:015d}"

    def fill(self) -> str:
        self._next_fill += 1
        return str(self._next_fill)


class OrderDesk:
    """All orders of one account on one day.

    Parameters
    ----------
    uid
        The account.
    numbers
        The broker's, shared by its accounts.
    now_ns
        Market time, UTC nanoseconds.
    on_event
        Told of every event, in order.
    """

    def __init__(
        self,
        uid: str,
        numbers: OrderNumbers,
        now_ns: Callable[[], int],
        on_event: Callable[[Order, OrderEvent], None],
    ) -> None:
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        """Those that rest in the market or wait for their trigger."""
        self.earlier: dict[str, Order] = {}
        """Orders of the days before, which no book shows any more."""
        self._uid = uid
        self._numbers = numbers
        self._now_ns = now_ns
        self._on_event = on_event
        self._last_event_ns = 0

    def place(self, terms: OrderTerms, reject: Reject | None = None) -> Order:
        """Take an order in; with a ``reject`` it goes straight to REJECTED."""
        time_ns = self._event_time()
        order = Order(
            number=self._numbers.order(time_ns), uid=self._uid, entry_time_ns=time_ns, events=[], fills=[]
        )
        self.orders[order.number] = order
        self._add(order, OrderEvent(OrderStatus.PENDING, ReportType.NEW_ACK, time_ns, 1, terms))
        if not terms.after_market and (reject is None or not reject.by):
            self._next(order, ReportType.PENDING_NEW)
        if reject is not None:
            number = "" if reject.by else self._numbers.exchange_order()
            self._next(
                order, ReportType.REJECTED, OrderStatus.REJECTED, reject=reject, exchange_order_id=number
            )
            return order
        self.open[order.number] = order
        if terms.after_market:
            self._next(order, ReportType.NEW, OrderStatus.OPEN)
        else:
            self._rest(order)
        return order

    def send_on(self, order: Order) -> None:
        """The market has opened: an order that came after its close goes to the exchange."""
        self._next(order, ReportType.PENDING_NEW)
        self._rest(order)

    def modify(self, number: str, terms: OrderTerms, reject: Reject | None = None) -> Order:
        """Change an open order; ``terms.quantity`` is the total, filled units included.

        Raises
        ------
        Refusal
            No such open order, or the new total is not above what is filled.
        """
        order = self.open.get(number)
        if order is None:
            raise Refusal(ORDER_NOT_FOUND)
        if terms.quantity <= order.last.filled_quantity:
            raise Refusal(INVALID_INPUT)
        self._next(order, ReportType.MOD_ACK)
        if reject is not None:
            self._next(order, ReportType.REPLACE_REJECTED, reject=reject)
            return order
        self._next(order, ReportType.PENDING_REPLACE)
        waits = terms.is_stop and (order.status is OrderStatus.TRIGGER_PENDING or not order.terms.is_stop)
        status = OrderStatus.TRIGGER_PENDING if waits else OrderStatus.OPEN
        self._next(order, ReportType.REPLACED, status, terms=terms, version=order.last.version + 1)
        return order

    def cancel(self, number: str) -> Order:
        """Cancel what is left of an open order.

        Raises
        ------
        Refusal
            No such open order.
        """
        order = self.open.get(number)
        if order is None:
            raise Refusal(ORDER_NOT_FOUND_TO_CANCEL)
        self._next(order, ReportType.CAN_ACK)
        self._next(order, ReportType.PENDING_CANCEL)
        self.withdraw(order)
        return order

    def withdraw(self, order: Order) -> None:
        """Cancel without a request: what is left of an immediate-or-cancel order."""
        self._next(order, ReportType.CANCELED, OrderStatus.CANCELED, cancelled_quantity=order.remaining)

    def begin_day(self) -> None:
        """A new day: what was is in no book any more, but what is meant for the next opening."""
        kept = {number: order for number, order in self.open.items() if order.is_waiting}
        self.earlier |= {number: order for number, order in self.orders.items() if number not in kept}
        self.orders = kept
        self.open = dict(kept)

    def trigger(self, order: Order) -> None:
        """A stop order's trigger price has traded: it rests in the market from now on."""
        self._next(order, ReportType.NEW, OrderStatus.OPEN)

    def fill(self, order: Order, quantity: int, price: float) -> Fill:
        """Execute a part of an open order, or all that is left of it."""
        last = order.last
        total = last.filled_quantity + quantity
        average = (last.average_price * last.filled_quantity + price * quantity) / total
        status = OrderStatus.COMPLETE if total == last.terms.quantity else OrderStatus.OPEN
        fill = Fill(self._numbers.fill(), quantity, price, self._event_time())
        order.fills.append(fill)
        self._next(order, ReportType.FILL, status, filled_quantity=total, average_price=average, fill=fill)
        return fill

    def _rest(self, order: Order) -> None:
        status = OrderStatus.TRIGGER_PENDING if order.terms.is_stop else OrderStatus.OPEN
        self._next(order, ReportType.NEW, status, exchange_order_id=self._numbers.exchange_order())

    def _next(
        self, order: Order, report_type: ReportType, status: OrderStatus | None = None, **changes: object
    ) -> None:
        """Carry the last event on, changed."""
        base: dict[str, object] = {"fill": None, "reject": None, "time_ns": self._event_time()}
        status = status or order.status
        event = msgspec.structs.replace(
            order.last, report_type=report_type, status=status, **(base | changes)
        )
        self._add(order, event)

    def _add(self, order: Order, event: OrderEvent) -> None:
        order.events.append(event)
        if event.status.is_final:
            self.open.pop(order.number, None)
        self._on_event(order, event)

    def _event_time(self) -> int:
        self._last_event_ns = max(self._now_ns(), self._last_event_ns + _EVENT_SPACING_NS)
        return self._last_event_ns
