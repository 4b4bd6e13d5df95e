"""REST endpoints for orders and books (protocol: section 1.5)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dualbroker.noren.fields import number, whole
from dualbroker.simulator.answers import INVALID_INPUT, NO_DATA, ORDER_NOT_FOUND, Refusal
from dualbroker.simulator.catalogue import Catalogue
from dualbroker.simulator.order_wire import PRODUCT_NAMES, book_row, history_row, trade_row
from dualbroker.simulator.orders import OrderTerms
from dualbroker.simulator.trading import TradingAccount

__all__ = [
    "cancel_order",
    "modify_order",
    "order_book",
    "order_history",
    "place_order",
    "position_book",
    "trade_book",
]

_PRICE_TYPES = frozenset({"LMT", "MKT", "SL-LMT", "SL-MKT"})
_RETENTIONS = frozenset({"DAY", "IOC", "EOS"})

Rows = list[dict[str, str]]


def place_order(trading: TradingAccount, catalogue: Catalogue, fields: Mapping[str, str]) -> str:
    """Place an order; returns its number. One that is rejected has a number too.

    The official client's ``trgprc: "None"`` and ``amo: "NO"`` are taken as absent.

    Raises
    ------
    Refusal
        The request makes no sense: unknown scrip, no quantity, no such price type …
    """
    index = catalogue.index_of_symbol(fields.get("exch", ""), fields.get("tsym", ""))
    if index is None:
        raise Refusal(INVALID_INPUT)
    terms = OrderTerms(
        instrument=catalogue.instruments[index],
        index=index,
        side=fields.get("trantype", ""),
        quantity=_quantity(fields),
        price=_price(fields),
        trigger_price=number(fields.get("trgprc")) or 0.0,
        price_type=fields.get("prctyp", ""),
        product=fields.get("prd", ""),
        retention=fields.get("ret", "DAY"),
        disclosed_quantity=whole(fields.get("dscqty")) or 0,
        remarks=fields.get("remarks", ""),
    )
    _require_sense(terms)
    return trading.place(terms).number


def modify_order(trading: TradingAccount, fields: Mapping[str, str]) -> str:
    """Change an open order; ``qty`` is the total, filled units included.

    Raises
    ------
    Refusal
        No such open order, or the change makes no sense.
    """
    order = trading.desk.open.get(fields.get("norenordno", ""))
    if order is None:
        raise Refusal(ORDER_NOT_FOUND)
    before = order.terms
    terms = msgspec.structs.replace(
        before,
        quantity=_quantity(fields) if "qty" in fields else before.quantity,
        price=_price(fields) if "prc" in fields else before.price,
        trigger_price=number(fields.get("trgprc")) or before.trigger_price,
        price_type=fields.get("prctyp", before.price_type),
        retention=fields.get("ret", before.retention),
    )
    _require_sense(terms)
    return trading.modify(order.number, terms).number


def cancel_order(trading: TradingAccount, fields: Mapping[str, str]) -> str:
    """Cancel an open order.

    Raises
    ------
    Refusal
        No such open order.
    """
    return trading.cancel(fields.get("norenordno", "")).number


def order_book(trading: TradingAccount, fields: Mapping[str, str]) -> Rows:
    """All orders of the day, newest first, of one product if ``prd`` says so."""
    product = fields.get("prd")
    orders = reversed(trading.desk.orders.values())
    return _or_no_data([book_row(order) for order in orders if product in (None, order.terms.product)])


def order_history(trading: TradingAccount, fields: Mapping[str, str]) -> Rows:
    """All steps of one order's life, newest first."""
    order = trading.desk.orders.get(fields.get("norenordno", ""))
    return _or_no_data([history_row(order, event) for event in reversed(order.events)] if order else [])


def trade_book(trading: TradingAccount) -> Rows:
    """All fills of the day, newest order first."""
    orders = reversed(trading.desk.orders.values())
    return _or_no_data([trade_row(order, fill) for order in orders for fill in reversed(order.fills)])


def position_book(trading: TradingAccount) -> Rows:
    """All positions of the day, flat ones too."""
    return _or_no_data(trading.positions.rows(trading.account.uid))


def _or_no_data(rows: Rows) -> Rows:
    if not rows:
        raise Refusal(NO_DATA)
    return rows


def _quantity(fields: Mapping[str, str]) -> int:
    quantity = whole(fields.get("qty"))
    if quantity is None or quantity <= 0:
        raise Refusal(INVALID_INPUT)
    return quantity


def _price(fields: Mapping[str, str]) -> float:
    price = number(fields.get("prc"))
    if price is None or price < 0:
        raise Refusal(INVALID_INPUT)
    return price


def _require_sense(terms: OrderTerms) -> None:
    sensible = (
        terms.side in ("B", "S")
        and terms.price_type in _PRICE_TYPES
        and terms.product in PRODUCT_NAMES
        and terms.retention in _RETENTIONS
        and (terms.price > 0 or terms.is_market)
        and (terms.trigger_price > 0 or not terms.is_stop)
    )
    if not sensible:
        raise Refusal(INVALID_INPUT)
