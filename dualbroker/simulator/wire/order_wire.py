"""Orders of a simulated account as Noren messages: ``om`` frames and rows of the books."""

from __future__ import annotations

from typing import Any

from dualbroker.clock import NS_PER_S
from dualbroker.model import OrderStatus, ReportType
from dualbroker.noren.times import exchange_time_text, order_time_text
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.market.names import (
    PRODUCT_NAMES,
    display_name,
    instrument_type,
    multiplier,
    precision,
)
from dualbroker.simulator.trading.orders import Fill, Order, OrderEvent

__all__ = ["book_row", "history_row", "order_update", "trade_row"]

_INTERNAL_STATUS = {ReportType.NEW_ACK: "ORDER ACK", ReportType.PENDING_NEW: "ORDER PENDING"}


def order_update(order: Order, event: OrderEvent) -> dict[str, str]:
    """The fields of an ``om`` message (protocol: section 2.4).

    ``fl…`` fields are on fills only, an exchange's number and time only once it has the order; the product
    is ``pcode``, as in every real frame, and no reason is one space.
    """
    message = _common(order, event)
    message |= {
        "pcode": event.terms.product,
        "reporttype": event.report_type.value,
        "mult": "1",
        "prcftr": f"{multiplier(event.terms.instrument):.6f}",
        "tm": str(event.time_ns // NS_PER_S),
        "ntm": str(event.time_ns % NS_PER_S),
        "rejreason": event.reject.reason if event.reject else " ",
    }
    if event.fill is not None:
        message |= _fill_fields(event.fill, precision(event.terms.instrument))
    return message


def history_row(order: Order, event: OrderEvent) -> dict[str, str]:
    """A row of SingleOrdHist."""
    return _book_fields(order, event) | {"rpt": event.report_type.value}


def book_row(order: Order) -> dict[str, str]:
    """A row of OrderBook: the order as it stands (protocol: section 1.6)."""
    row = _book_fields(order, order.last)
    rejects = [event.reject for event in order.events if event.reject is not None]
    if order.status is OrderStatus.REJECTED and rejects:
        row |= {"rejreason": rejects[-1].reason, "rejby": rejects[-1].by}
    return row


def trade_row(order: Order, fill: Fill) -> dict[str, str]:
    """A row of TradeBook."""
    row = _book_fields(order, order.last)
    row |= _fill_fields(fill, precision(order.terms.instrument))
    return row | {"exch_tm": exchange_time_text(fill.time_ns), "cstFrm": "N"}


def _common(order: Order, event: OrderEvent) -> dict[str, str]:
    terms = event.terms
    instrument = terms.instrument
    decimals = precision(instrument)
    fields = {
        "norenordno": order.number,
        "uid": order.uid,
        "actid": order.uid,
        "exch": instrument.exchange,
        "tsym": instrument.symbol,
        "token": instrument.token,
        "trantype": terms.side,
        "qty": str(terms.quantity),
        "prc": f"{terms.price:.{decimals}f}",
        "prctyp": terms.price_type,
        "ret": terms.retention,
        "dscqty": str(terms.disclosed_quantity),
        "remarks": terms.remarks,
        "status": event.status.value,
        "st_intrn": _INTERNAL_STATUS.get(event.report_type, event.status.value),
        "kidid": str(event.version),
        "pp": str(decimals),
        "ls": str(instrument.lot_size),
        "ti": f"{instrument.tick_size or DEFAULT_TICK_SIZE:.{decimals}f}",
        "norentm": order_time_text(event.time_ns),
        "exchordid": event.exchange_order_id,
    }
    if terms.is_stop:
        fields["trgprc"] = f"{terms.trigger_price:.{decimals}f}"
    if terms.after_market:
        fields["amo"] = "Yes"
    for name, price in (("blprc", terms.book_loss), ("bpprc", terms.book_profit)):
        if price:
            fields[name] = f"{price:.{decimals}f}"
    if terms.leg:
        fields |= {"snonum": terms.entry_number, "snoordt": terms.leg}
    if event.filled_quantity:
        fields["fillshares"] = str(event.filled_quantity)
        fields["avgprc"] = f"{event.average_price:.{decimals}f}"
    if event.cancelled_quantity:
        fields["cancelqty"] = str(event.cancelled_quantity)
    if event.exchange_order_id:
        fields["exch_tm"] = exchange_time_text(event.time_ns)
    return fields


def _book_fields(order: Order, event: OrderEvent) -> dict[str, Any]:
    terms = event.terms
    fields = {"stat": "Ok", **_common(order, event)}
    fields |= {
        "prd": terms.product,
        "s_prdt_ali": PRODUCT_NAMES.get(terms.product, ""),
        "instname": instrument_type(terms.instrument),
        "ordenttm": str(order.entry_time_ns // NS_PER_S),
        "ordersource": "API",
        "src_uid": "",
        "brnchid": "HO",
        "rqty": fields["qty"],
        "rprc": fields.get("avgprc", fields["prc"]),
        "mult": "1",
        "prcftr": f"{multiplier(terms.instrument):.6f}",
    }
    if name := display_name(terms.instrument):
        fields["dname"] = name
    if event.version > 1:
        first = order.events[0].terms
        decimals = precision(terms.instrument)
        fields |= {"rorgqty": str(first.quantity), "rorgprc": f"{first.price:.{decimals}f}"}
    if event.reject is not None:
        fields |= {"rejreason": event.reject.reason, "rejby": event.reject.by}
    return fields


def _fill_fields(fill: Fill, decimals: int) -> dict[str, str]:
    return {
        "flid": fill.fill_id,
        "flqty": str(fill.quantity),
        "flprc": f"{fill.price:.{decimals}f}",
        "fltm": exchange_time_text(fill.time_ns),
    }
