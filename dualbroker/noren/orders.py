"""Order updates: ``om`` messages and rows of OrderBook and SingleOrdHist (protocol: sections 1.6, 2.4).

REST and stream name some fields differently (``rpt`` and ``reporttype``, ``prd`` and ``pcode``), and some are
spelt in more than one way; every spelling is read from either (`fields.SPELLINGS`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from dualbroker.model import OrderStatus, OrderUpdate, ReportType, Side, UpdateSource
from dualbroker.noren.fields import (
    EpochSeconds,
    Price,
    Quantity,
    Text,
    Whole,
    Word,
    normal_word,
    order_number,
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
    rename={
        "order_number": "norenordno",
        "exchange": "exch",
        "symbol": "tsym",
        "side": "trantype",
        "quantity": "qty",
        "price": "prc",
        "trigger_price": "trgprc",
        "price_type": "prctyp",
        "product": "pcode",
        "retention": "ret",
        "report": "reporttype",
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

    order_number: Word
    exchange: Text = None
    token: Text = None
    symbol: Text = None
    side: Text = None
    quantity: Quantity = None
    price: Price = None
    trigger_price: Price = None
    price_type: Text = None
    product: Text = None
    retention: Text = None
    status: Text = None
    report: Text = None
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
    amo: Text = None

    @property
    def order_id(self) -> str:
        """The order number, without what stands around it."""
        return self.order_number.strip()


_STATUSES = {
    word: status
    for status, words in {
        # What has not reached the exchange. An after-market order waits at the broker for it to open.
        OrderStatus.PENDING: (
            "PENDING",
            "ORDER ACK",
            "ORDER PENDING",
            "OPEN PENDING",
            "VALIDATION PENDING",
            "PUT ORDER REQ RECEIVED",
            "AMO OPEN",
            "AMO MODIFIED",
            "AMO REQ RECEIVED",
            "MODIFY AMO REQ RECEIVED",
            "AFTER MARKET ORDER REQ RECEIVED",
            "MODIFY AFTER MARKET ORDER REQ RECEIVED",
        ),
        OrderStatus.OPEN: ("OPEN", "NEW", "REPLACED", "PARTIALLY FILLED"),
        OrderStatus.TRIGGER_PENDING: ("TRIGGER PENDING",),
        OrderStatus.COMPLETE: ("COMPLETE", "COMPLETED", "FILLED"),
        OrderStatus.CANCELED: (
            "CANCELED",
            "CANCELLED",
            "AMO CANCELED",
            "AMO CANCELLED",
            "CANCELLED AMO",
            "CANCELLED AFTER MARKET ORDER",
            # Its time is up, and the exchange takes back what is left of it.
            "EXPIRED",
        ),
        OrderStatus.REJECTED: ("REJECT", "REJECTED"),
    }.items()
    for word in words
}
"""What is sure. Other words (``MODIFY PENDING``, ``NOT CANCELLED``) leave open how the order itself
stands: those are UNKNOWN, and the broker's own word is shown."""

_REPORTS = {report.value.upper(): report for report in ReportType}

_REFUSED_CHANGES = frozenset({ReportType.REPLACE_REJECTED, ReportType.CANCEL_REJECTED})

_CHANGE_REFUSED = re.compile(
    r"(?:\border is not open|\border not found|\bnot open) to (?P<change>cancel|modify)\b", re.IGNORECASE
)
"""A reason that speaks of a change of an order, not of the order (``SAF:order is not open to cancel``)."""

_REFUSALS = {"cancel": ReportType.CANCEL_REJECTED, "modify": ReportType.REPLACE_REJECTED}

_AMO_WORD = re.compile(r"\bAMO\b|\bAFTER MARKET\b")
_YES = frozenset({"YES", "Y", "TRUE", "1"})
_NO = frozenset({"NO", "N", "FALSE", "0"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Line breaks, tabs and the like: a text from outside takes one line, in a table as in a log."""

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

    It is the day on which the order was sent. An after-market order belongs to the evening on which it was
    sent, also when it fills on the next day or the one after a holiday: nothing in a message of that
    morning tells for certain what it is, and its key must not change overnight.

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

    What contradicts itself is settled here, so that nobody takes a refused order for a filled one:

    * a reason that speaks of a change (``SAF:order is not open to cancel``) makes a report Rejected one of
      the change, whatever else the message says.
    * status COMPLETE in a report Rejected, with no cumulative fill, is REJECTED. A report Rejected says
      that the order itself was refused (a refused change is ReplaceRejected or CancelRejected);
      ``raw_status`` keeps what was sent, and a reconcile with the order book decides for good.
    * status REJECTED in a report ReplaceRejected or CancelRejected says nothing of the order: it is the
      change that was refused, and the order lives on.
    * fill fields (``flqty`` …) are taken only from a report Fill, or one whose type is unknown: in any
      other they contradict it (protocol: section 2.4).
    * an after-market order without an exchange's number is not at the exchange, though it be called OPEN.
    * a price of nothing for what was filled, or nothing filled of what is COMPLETE, can't be true: what
      the rest of the message says counts, else it is unknown.
    """
    order_time_ns = wall_time_ns(message.order_time) or epoch_ns(message.order_entry_time)
    reason = _words(message.reject_reason)
    exchange_order_id = _words(message.exchange_order_id)
    report, status = _report_and_status(message, reason)
    filled = message.filled_quantity
    if status is OrderStatus.COMPLETE and not filled:
        filled = message.quantity or filled
    is_fill = report in (ReportType.FILL, ReportType.UNKNOWN, None)
    fill_quantity = message.fill_quantity if is_fill else None
    fill_price = message.fill_price or None if is_fill else None
    average_price = message.average_price or None
    if average_price is None and filled and fill_quantity == filled:
        average_price = fill_price
    amo = _after_market(message)
    if amo and status in _AT_EXCHANGE and exchange_order_id is None and not filled:
        status = OrderStatus.PENDING
    return OrderUpdate(
        broker_name=broker_name,
        receive_time_ns=receive_time_ns,
        source=source,
        as_of_ns=as_of_ns,
        order_id=message.order_id,
        trading_day=order_trading_day(message.order_id, order_time_ns, receive_time_ns),
        exchange=_said(message.exchange),
        token=_said(message.token),
        symbol=_words(message.symbol),
        side=side(message.side),
        quantity=message.quantity,
        price=message.price,
        trigger_price=message.trigger_price,
        price_type=_words(message.price_type),
        product=_words(message.product),
        retention=_words(message.retention),
        status=status,
        raw_status=_words(message.status),
        report_type=report,
        filled_quantity=filled,
        average_price=average_price,
        cancelled_quantity=message.cancelled_quantity,
        fill_id=_said(message.fill_id) if is_fill else None,
        fill_quantity=fill_quantity,
        fill_price=fill_price,
        fill_time_ns=wall_time_ns(message.fill_time) if is_fill else None,
        reject_reason=reason,
        exchange_order_id=exchange_order_id,
        remarks=_words(message.remarks),
        order_time_ns=order_time_ns,
        exchange_time_ns=wall_time_ns(message.exchange_time),
        event_time_ns=_event_time_ns(message),
        amo=amo,
    )


_AT_EXCHANGE = (OrderStatus.OPEN, OrderStatus.TRIGGER_PENDING)


def _report_and_status(
    message: OrderMessage, reason: str | None
) -> tuple[ReportType | None, OrderStatus | None]:
    """What is reported, and how the order stands by it."""
    report, status = report_type(message.report), order_status(message.status)
    if ReportType.REJECTED is report or OrderStatus.REJECTED is status:
        change = _CHANGE_REFUSED.search(reason or "")
        if change is not None:
            report = _REFUSALS[change["change"].lower()]
    if status is OrderStatus.COMPLETE and report is ReportType.REJECTED and not message.filled_quantity:
        status = OrderStatus.REJECTED
    if status is OrderStatus.REJECTED and report in _REFUSED_CHANGES:
        status = None
    return report, status


def _after_market(message: OrderMessage) -> bool | None:
    """Whether it was sent after the market; None where the message does not say."""
    if _AMO_WORD.search(normal_word(message.status)):
        return True
    word = normal_word(message.amo)
    return True if word in _YES else False if word in _NO else None


def _event_time_ns(message: OrderMessage) -> int | None:
    second_ns = epoch_ns(message.event_second)
    if second_ns is None:
        return None
    nanosecond = message.event_nanosecond or 0
    return second_ns + (nanosecond if 0 <= nanosecond < 10**9 else 0)


def read_order_message(wire: Mapping[str, Any]) -> OrderMessage:
    """Read an order message or a book's row field by field; what can't be read is unknown.

    Raises
    ------
    WireError
        It has no order number.
    """
    order_number(wire)  # said first, for its error names what a person looks for
    return read_struct(OrderMessage, wire)


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


def _words(value: str | None) -> str | None:
    """A text that people or brokers fill as they like, on one line; None where it says nothing."""
    return _said(value if value is None else _CONTROL.sub(" ", value))


def _said(value: str | None) -> str | None:
    """The text, or None where it says nothing: frames without a reject carry ``rejreason: " "``."""
    return value if value and not value.isspace() else None
