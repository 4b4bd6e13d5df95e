"""Random lives of one order, and what a broker, a stream and books say of it on their way to a ledger.

Chance is a ``random.Random``: hypothesis has one that it can shrink, and a seeded one tries more widely.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import msgspec

from dualbroker.model import FillReport, OrderStatus, OrderUpdate, ReportType, UpdateSource
from dualbroker.stores.orders import Ledger, OrderEvent

DAY = date(2026, 1, 15)
KEY = ("broker1", DAY, "26011500000001")
NS_PER_MS = 1_000_000
START_MS = 1_768_450_000_000
QUANTITY = 100.0


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The order as it truly stood after one step."""

    at_ms: int
    status: OrderStatus
    report_type: ReportType
    quantity: float = QUANTITY
    price: float = 50.0
    filled: float = 0.0
    fill: tuple[str, float, float] | None = None
    cancelled: float = 0.0


def filled_in_two(
    *, asked_ms: int, open_ms: int, first_ms: int, second_ms: int, second_price: float = 50.0
) -> list[Moment]:
    """A life of four moments: asked for, open, filled by 40, filled by the other 60."""
    return [
        Moment(at_ms=asked_ms, status=OrderStatus.PENDING, report_type=ReportType.NEW_ACK),
        Moment(at_ms=open_ms, status=OrderStatus.OPEN, report_type=ReportType.NEW),
        Moment(
            at_ms=first_ms,
            status=OrderStatus.OPEN,
            report_type=ReportType.FILL,
            filled=40.0,
            fill=("1", 40.0, 50.0),
        ),
        Moment(
            at_ms=second_ms,
            status=OrderStatus.COMPLETE,
            report_type=ReportType.FILL,
            filled=100.0,
            fill=("2", 60.0, second_price),
        ),
    ]


def life_of(chance: Random) -> list[Moment]:
    """A life from its first acknowledgement on, perhaps to an end."""
    at_ms = START_MS
    stop_order = chance.choice((True, False))
    resting = OrderStatus.TRIGGER_PENDING if stop_order else OrderStatus.OPEN
    life = [Moment(at_ms=at_ms, status=OrderStatus.PENDING, report_type=ReportType.NEW_ACK)]

    def add(status: OrderStatus, report: ReportType, pause_ms: int = 0, **changes: Any) -> None:
        nonlocal at_ms
        at_ms += max(1, pause_ms)
        base: dict[str, Any] = {"fill": None, "at_ms": at_ms, "status": status, "report_type": report}
        life.append(msgspec.structs.replace(life[-1], **(base | changes)))

    def pause() -> int:
        return chance.choice((1, 30, 400, 2_000, 30_000))

    if chance.randint(0, 7) == 7:
        add(OrderStatus.REJECTED, ReportType.REJECTED)
        return life
    add(OrderStatus.PENDING, ReportType.PENDING_NEW)
    add(resting, ReportType.NEW)
    for number in range(chance.randint(0, 8)):
        last = life[-1]
        kind = chance.choice(("fill", "fill", "modify", "refused", "cancel", "trigger"))
        if kind == "fill" and last.status is OrderStatus.OPEN:
            part = chance.choice((10.0, 30.0, last.quantity - last.filled))
            part = min(part, last.quantity - last.filled)
            total = last.filled + part
            status = OrderStatus.COMPLETE if total == last.quantity else OrderStatus.OPEN
            add(status, ReportType.FILL, pause(), filled=total, fill=(str(number), part, last.price))
        elif kind == "trigger" and last.status is OrderStatus.TRIGGER_PENDING:
            add(OrderStatus.OPEN, ReportType.NEW, pause())
        elif kind == "modify":
            add(last.status, ReportType.MOD_ACK, pause())
            add(OrderStatus.PENDING, ReportType.PENDING_REPLACE)
            status = chance.choice((OrderStatus.OPEN, last.status))
            price = chance.choice((50.0, 51.0))
            quantity = max(last.filled + 10, chance.choice((60.0, QUANTITY)))
            add(status, ReportType.REPLACED, price=price, quantity=quantity)
        elif kind == "refused":
            add(last.status, ReportType.MOD_ACK, pause())
            add(last.status, ReportType.REPLACE_REJECTED)
        elif kind == "cancel":
            add(last.status, ReportType.CAN_ACK, pause())
            add(OrderStatus.PENDING, ReportType.PENDING_CANCEL)
            left = last.quantity - last.filled
            add(OrderStatus.CANCELED, ReportType.CANCELED, cancelled=left)
        if life[-1].status.is_final:
            break
    return life


@dataclass(frozen=True)
class Broker:
    """Says what it knows of one life; its clock is apart from ours by ``skew_ms``."""

    life: list[Moment]
    skew_ms: int = 0
    has_fill_ids: bool = True
    dates_events: bool = True

    def until(self, at_ms: int) -> list[Moment]:
        return [moment for moment in self.life if moment.at_ms <= at_ms]

    def _update(self, moment: Moment, receive_ms: int, **more: Any) -> OrderUpdate:
        dated_ms = moment.at_ms + self.skew_ms
        return OrderUpdate(
            broker_name=KEY[0],
            trading_day=DAY,
            order_id=KEY[2],
            receive_time_ns=receive_ms * NS_PER_MS,
            status=moment.status,
            quantity=moment.quantity,
            price=moment.price,
            filled_quantity=moment.filled or None,
            cancelled_quantity=moment.cancelled or None,
            order_time_ns=dated_ms // 1000 * 1000 * NS_PER_MS,
            **more,
        )

    def message(self, moment: Moment, receive_ms: int) -> OrderUpdate:
        """What the stream says of a step."""
        fill: dict[str, Any] = {}
        if moment.fill is not None:
            fill = {"fill_quantity": moment.fill[1], "fill_price": moment.fill[2]}
            fill["fill_id"] = moment.fill[0] if self.has_fill_ids else None
        event_time_ns = (moment.at_ms + self.skew_ms) * NS_PER_MS
        return self._update(
            moment,
            receive_ms,
            source=UpdateSource.STREAM,
            report_type=moment.report_type,
            event_time_ns=event_time_ns if self.dates_events else None,
            **fill,
        )

    def book(self, asked_ms: int, made_ms: int, received_ms: int) -> list[OrderUpdate]:
        return [
            self._update(moment, received_ms, source=UpdateSource.RECONCILE, as_of_ns=asked_ms * NS_PER_MS)
            for moment in self.until(made_ms)[-1:]
        ]

    def history(self, asked_ms: int, made_ms: int, received_ms: int) -> list[OrderUpdate]:
        return [
            self._update(
                moment,
                received_ms,
                source=UpdateSource.RECONCILE,
                report_type=moment.report_type,
                as_of_ns=asked_ms * NS_PER_MS,
            )
            for moment in self.until(made_ms)
        ]

    def trades(self, made_ms: int) -> list[FillReport]:
        """Newest first, as a trade book is."""
        return [
            FillReport(
                broker_name=KEY[0],
                order_id=KEY[2],
                trading_day=DAY,
                fill_id=moment.fill[0] if self.has_fill_ids else None,
                quantity=moment.fill[1],
                price=moment.fill[2],
                fill_time_ns=(moment.at_ms + self.skew_ms) // 1000 * 1000 * NS_PER_MS,
            )
            for moment in reversed(self.until(made_ms))
            if moment.fill is not None
        ]


def broker_of(chance: Random) -> Broker:
    """One with a life and habits of its own."""
    return Broker(
        life_of(chance),
        skew_ms=chance.choice((0, 0, 420_000, -420_000)),
        has_fill_ids=chance.choice((True, True, False)),
        dates_events=chance.choice((True, True, False)),
    )


class TradeBook(msgspec.Struct):
    fills: list[FillReport]


Delivery = OrderUpdate | list[OrderUpdate] | TradeBook


def deliveries(chance: Random, broker: Broker, *, drops: bool = True) -> list[tuple[int, Delivery]]:
    """All that reaches a ledger, by time of receipt in ms: some of it late, twice, crossed or never."""
    arriving: list[tuple[int, Delivery]] = []
    delays = (1, 1, 1, 60, 900, 5_000)
    for moment in broker.life:
        copies = chance.choice((1, 1, 0, 2) if drops else (1, 1, 2))
        for _ in range(copies):
            at_ms = moment.at_ms + chance.choice(delays)
            arriving.append((at_ms, broker.message(moment, at_ms)))
    first_ms, last_ms = broker.life[0].at_ms, broker.life[-1].at_ms
    for _ in range(chance.randint(0, 5)):
        near = chance.choice(broker.life).at_ms + chance.randint(-3, 3)
        anywhere = chance.randint(first_ms, last_ms + 3_000)
        made_ms = chance.choice((near, anywhere))
        asked_ms = made_ms - chance.choice(delays)
        at_ms = made_ms + chance.choice(delays)
        kind = chance.choice(("book", "book and history", "trades", "history"))
        if "history" in kind:
            arriving.append((at_ms, broker.history(asked_ms, made_ms, at_ms)))
        if "book" in kind:
            arriving += [(at_ms, row) for row in broker.book(asked_ms, made_ms, at_ms)]
        if kind == "trades":
            arriving.append((at_ms, TradeBook(broker.trades(made_ms))))
    return sorted(arriving, key=lambda item: item[0])


def take(ledger: Ledger, delivery: Delivery, at_ms: int) -> list[OrderEvent]:
    """Apply whatever was delivered; the events that it brought."""
    if isinstance(delivery, list):
        return ledger.apply_history(KEY, delivery)
    if isinstance(delivery, TradeBook):
        return ledger.apply_trade_book(delivery.fills, at_ms * NS_PER_MS)
    event = ledger.apply(delivery)
    return [] if event is None else [event]


def reconcile(ledger: Ledger, broker: Broker, at_ms: int, *, histories: bool = True) -> list[OrderEvent]:
    """What a quiet reconcile does, in its order."""
    events: list[OrderEvent] = []
    trades = broker.trades(at_ms)
    for row in broker.book(at_ms, at_ms, at_ms):
        if histories and ledger.differs(row):
            events += take(ledger, broker.history(at_ms + 1, at_ms + 1, at_ms + 1), at_ms)
        events += take(ledger, row, at_ms)
    return events + take(ledger, TradeBook(trades), at_ms)
