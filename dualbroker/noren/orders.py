"""Order updates: ``om`` messages and rows of OrderBook and SingleOrdHist (protocol: sections 1.6, 2.4).

REST and stream name some fields differently (``rpt`` and ``reporttype``, ``prd`` and ``pcode``), and one
document spells the order number ``norenoordno``; both spellings of each are read from either.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from dualbroker.errors import WireError
from dualbroker.model import OrderStatus, OrderUpdate, ReportType, Side, UpdateSource
from dualbroker.noren.fields import (
    LONGEST_ORDER_NUMBER,
    EpochSeconds,
    Price,
    Quantity,
    Text,
    Whole,
    normal_word,
    read_struct,
)
from dualbroker.noren.times import epoch_ns, ist_day, wall_time_ns

__all__ = [
    "OrderMessage",
    "order_status",
    "order_trading_day",
    "order_update_from_row",
    "read_order_message",
    "report_type",
    "side",
    "to_order_update",
]


class OrderMessage(
    msgspec.Struct,
    kw_only=True,
    gc=False,
    tag_field="t",
    tag="om",
    rename={
        "order_number": "norenordno",
        "order_number_misspelt": "norenoordno",
        "exchange": "exch",
        "symbol": "tsym",
        "side": "trantype",
        "quantity": "qty",
        "price": "prc",
        "trigger_price": "trgprc",
        "price_type": "prctyp",
        "product_code": "pcode",
        "product": "prd",
        "retention": "ret",
        "report": "reporttype",
        "report_short": "rpt",
        "filled_quantity": "fillshares",
        "average_price": "avgprc",
        "cancelled_quantity": "cancelqty",
        "fill_id": "flid",
        "fill_quantity": "flqty",
        "fill_price": "flprc",
        "fill_time": "fltm",
        "reject_reason": "rejreason",
        "exchange_order_id": "exchordid",
        "order_time": "norentm",
        "order_entry_time": "ordenttm",
        "exchange_time": "exch_tm",
        "event_second": "tm",
        "event_nanosecond": "ntm",
    },
):
    """An order message as it is on the wire, numbers read, words and times left as they came."""

    order_number: Text = None
    order_number_misspelt: Text = None
    exchange: Text = None
    token: Text = None
    symbol: Text = None
    side: Text = None
    quantity: Quantity = None
    price: Price = None
    trigger_price: Price = None
    price_type: Text = None
    product_code: Text = None
    product: Text = None
    retention: Text = None
    status: Text = None
    report: Text = None
    report_short: Text = None
    filled_quantity: Quantity = None
    average_price: Price = None
    cancelled_quantity: Quantity = None
    fill_id: Text = None
    fill_quantity: Quantity = None
    fill_price: Price = None
    fill_time: Text = None
    reject_reason: Text = None
    exchange_order_id: Text = None
    remarks: Text = None
    order_time: Text = None
    order_entry_time: Text = None
    exchange_time: Text = None
    event_second: EpochSeconds = None
    event_nanosecond: Whole = None

    @property
    def order_id(self) -> str:
        """The order number, whichever way it was spelt; never empty."""
        return (self.order_number or self.order_number_misspelt or "").strip()

    def __post_init__(self) -> None:
        if not 0 < len(self.order_id) <= LONGEST_ORDER_NUMBER:
            found = f"one of {len(self.order_id)} characters" if self.order_id else "none"
            raise ValueError(f"expected an order number (norenordno), found {found}")


_STATUSES = {
    "PENDING": OrderStatus.PENDING,
    "ORDER ACK": OrderStatus.PENDING,
    "ORDER PENDING": OrderStatus.PENDING,
    # An after-market order waits at the broker for the exchange to open.
    "AMO OPEN": OrderStatus.PENDING,
    "AMO MODIFIED": OrderStatus.PENDING,
    "AMO CANCELED": OrderStatus.CANCELED,
    "AMO CANCELLED": OrderStatus.CANCELED,
    "OPEN": OrderStatus.OPEN,
    "REPLACED": OrderStatus.OPEN,
    "TRIGGER PENDING": OrderStatus.TRIGGER_PENDING,
    "COMPLETE": OrderStatus.COMPLETE,
    "CANCELED": OrderStatus.CANCELED,
    "CANCELLED": OrderStatus.CANCELED,
    "REJECT": OrderStatus.REJECTED,
    "REJECTED": OrderStatus.REJECTED,
}

_REPORTS = {report.value.upper(): report for report in ReportType}

_REFUSED_CHANGES = frozenset({ReportType.REPLACE_REJECTED, ReportType.CANCEL_REJECTED})

_SIDES = {"B": Side.BUY, "BUY": Side.BUY, "S": Side.SELL, "SELL": Side.SELL}


def order_status(word: str | None) -> OrderStatus | None:
    """The normalised status; UNKNOWN for a word that is none, None where nothing was said."""
    if not _said(word):
        return None
    return _STATUSES.get(normal_word(word), OrderStatus.UNKNOWN)


def report_type(word: str | None) -> ReportType | None:
    """The normalised report type; UNKNOWN for a word that is none, None where nothing was said."""
    if not _said(word):
        return None
    return _REPORTS.get(normal_word(word).replace(" ", ""), ReportType.UNKNOWN)


def side(word: str | None) -> Side | None:
    """BUY or SELL of ``trantype``; None for what is neither."""
    return _SIDES.get(normal_word(word))


def order_trading_day(order_id: str, order_time_ns: int | None, receive_time_ns: int) -> date:
    """The day an order belongs to: part of its key, so it must be the same in every message.

    The number itself says it (14 digits that begin YYMMDD, protocol: section 1.5), and it is in every
    message, which ``norentm`` is not and after a change need not stay the same. For a number of another
    form it is the day of ``norentm``, and without that the Indian day of receipt.
    """
    if len(order_id) == 14 and order_id.isascii() and order_id.isdigit():
        try:
            return date(2000 + int(order_id[0:2]), int(order_id[2:4]), int(order_id[4:6]))
        except ValueError:
            pass
    return ist_day(receive_time_ns if order_time_ns is None else order_time_ns)


def to_order_update(
    message: OrderMessage,
    *,
    broker_name: str,
    receive_time_ns: int,
    source: UpdateSource = UpdateSource.STREAM,
    as_of_ns: int | None = None,
) -> OrderUpdate:
    """Turn a wire message into the update that stores and people see.

    Three contradictions are settled here, so that nobody takes a refused order for a filled one:

    * status COMPLETE in a report Rejected, with no cumulative fill, is REJECTED. A report Rejected says
      that the order itself was refused (a refused change is ReplaceRejected or CancelRejected);
      ``raw_status`` keeps what was sent, and a reconcile with the order book decides for good.
    * status REJECTED in a report ReplaceRejected or CancelRejected says nothing of the order: it is the
      change that was refused, and the order lives on.
    * fill fields (``flqty`` …) are taken only from a report Fill, or one whose type is unknown: in any
      other they contradict it (protocol: section 2.4).
    """
    order_time_ns = wall_time_ns(message.order_time) or epoch_ns(message.order_entry_time)
    report = report_type(_said(message.report) or message.report_short)
    status = order_status(message.status)
    if status is OrderStatus.COMPLETE and report is ReportType.REJECTED and not message.filled_quantity:
        status = OrderStatus.REJECTED
    if status is OrderStatus.REJECTED and report in _REFUSED_CHANGES:
        status = None
    is_fill = report in (ReportType.FILL, ReportType.UNKNOWN, None)
    event_time_ns = None
    if message.event_second is not None:
        nanosecond = message.event_nanosecond or 0
        event_time_ns = message.event_second * 1_000_000_000 + (nanosecond if 0 <= nanosecond < 10**9 else 0)
    return OrderUpdate(
        broker_name=broker_name,
        receive_time_ns=receive_time_ns,
        source=source,
        as_of_ns=as_of_ns,
        order_id=message.order_id,
        trading_day=order_trading_day(message.order_id, order_time_ns, receive_time_ns),
        exchange=_said(message.exchange),
        token=_said(message.token),
        symbol=_said(message.symbol),
        side=side(message.side),
        quantity=message.quantity,
        price=message.price,
        trigger_price=message.trigger_price,
        price_type=_said(message.price_type),
        product=_said(message.product_code) or _said(message.product),
        retention=_said(message.retention),
        status=status,
        raw_status=_said(message.status),
        report_type=report,
        filled_quantity=message.filled_quantity,
        average_price=message.average_price,
        cancelled_quantity=message.cancelled_quantity,
        fill_id=_said(message.fill_id) if is_fill else None,
        fill_quantity=message.fill_quantity if is_fill else None,
        fill_price=message.fill_price if is_fill else None,
        fill_time_ns=wall_time_ns(message.fill_time) if is_fill else None,
        reject_reason=_said(message.reject_reason),
        exchange_order_id=_said(message.exchange_order_id),
        remarks=_said(message.remarks),
        order_time_ns=order_time_ns,
        exchange_time_ns=wall_time_ns(message.exchange_time),
        event_time_ns=event_time_ns,
    )


def read_order_message(wire: Mapping[str, Any]) -> OrderMessage:
    """Read an order message or a book's row field by field; what can't be read is unknown.

    Raises
    ------
    WireError
        It has no order number.
    """
    try:
        return read_struct(OrderMessage, wire)
    except ValueError as error:
        raise WireError(str(error)) from None


def order_update_from_row(
    row: Mapping[str, Any],
    *,
    broker_name: str,
    receive_time_ns: int,
    source: UpdateSource,
    as_of_ns: int | None = None,
) -> OrderUpdate:
    """One row of OrderBook or SingleOrdHist as an order update.

    ``as_of_ns`` is when the book was asked for.

    Raises
    ------
    WireError
        The row has no order number.
    """
    return to_order_update(
        read_order_message(row),
        broker_name=broker_name,
        receive_time_ns=receive_time_ns,
        source=source,
        as_of_ns=as_of_ns,
    )


def _said(value: str | None) -> str | None:
    """The text, or None where it says nothing: frames without a reject carry ``rejreason: " "``."""
    return value if value and not value.isspace() else None
