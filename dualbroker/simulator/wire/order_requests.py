"""REST endpoints for orders and books (protocol: section 1.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dualbroker.noren.fields import number, whole
from dualbroker.simulator.answers import (
    AFTER_MARKET,
    INSUFFICIENT_BALANCE,
    INVALID_INPUT,
    INVALID_TRIGGER,
    NO_DATA,
    ORDER_NOT_FOUND,
    Refusal,
    invalid_symbol,
)
from dualbroker.simulator.market.names import PRODUCT_NAMES
from dualbroker.simulator.trading.orders import OrderTerms
from dualbroker.simulator.trading.trading import TradingAccount
from dualbroker.simulator.wire.catalogue import Catalogue
from dualbroker.simulator.wire.order_wire import book_row, history_row, trade_row

__all__ = [
    "basket_margin",
    "cancel_order",
    "convert_product",
    "exit_order",
    "modify_order",
    "order_book",
    "order_history",
    "order_margin",
    "place_order",
    "position_book",
    "trade_book",
]

_PRICE_TYPES = frozenset({"LMT", "MKT", "SL-LMT", "SL-MKT"})
_BRACKET = "B"
_WITH_LEGS = frozenset({_BRACKET, "H"})
_RETENTIONS = frozenset({"DAY", "IOC", "EOS"})

Rows = list[dict[str, str]]


def place_order(trading: TradingAccount, catalogue: Catalogue, fields: Mapping[str, str]) -> str:
    """Place an order; returns its number. One that is rejected has a number too.

    The official client's ``trgprc: "None"`` and ``amo: "NO"`` are taken as absent. An order with the product
    H or B gets legs when it is filled: ``blprc`` is where its stop waits, ``bpprc`` where B takes its profit.

    Raises
    ------
    Refusal
        The request makes no sense: unknown scrip, no quantity, no such price type …, or it is meant for
        after the market while that is open.
    """
    terms = _terms(catalogue, fields)
    _require_sense(terms)
    if terms.after_market and trading.market_is_open:
        raise Refusal(AFTER_MARKET)
    return trading.place(terms).number


def order_margin(
    trading: TradingAccount, catalogue: Catalogue, fields: Mapping[str, str]
) -> dict[str, object]:
    """GetOrderMargin: what an order would need. ``marginused`` goes with the order placed.

    Raises
    ------
    Refusal
        As for placing it.
    """
    terms = _terms(catalogue, fields)
    _require_sense(terms)
    margin = trading.margin(terms)
    is_enough = margin.used + margin.needed <= margin.cash
    return {
        "stat": "Ok",
        "cash": f"{margin.cash:.2f}",
        "marginused": f"{margin.used + margin.needed:.2f}",
        "marginusedprev": f"{margin.used:.2f}",
        "ordermargin": f"{margin.needed:.2f}",
        "remarks": "" if is_enough else INSUFFICIENT_BALANCE,
    }


def basket_margin(
    trading: TradingAccount,
    catalogue: Catalogue,
    fields: Mapping[str, str],
    others: Sequence[Mapping[str, str]],
) -> dict[str, object]:
    """GetBasketMargin: the first order in ``fields``, the others in ``basketlists``.

    ``marginused`` is needed to place them all, ``marginusedtrade`` once they are filled. Here both are the
    same: no margin is saved by what hedges what.

    Raises
    ------
    Refusal
        As for placing one of them.
    """
    baskets = [_terms(catalogue, {"uid": "", **each}) for each in (fields, *others)]
    for terms in baskets:
        _require_sense(terms)
    margins = [trading.margin(terms) for terms in baskets]
    used = margins[0].used
    total = used + sum(margin.needed for margin in margins)
    return {
        "stat": "Ok",
        "marginused": f"{total:.2f}",
        "marginusedtrade": f"{total:.2f}",
        "marginusedprev": f"{used:.2f}",
        "remarks": "" if total <= margins[0].cash else INSUFFICIENT_BALANCE,
    }


def convert_product(trading: TradingAccount, catalogue: Catalogue, fields: Mapping[str, str]) -> None:
    """ProductConversion: put ``qty`` units of ``prevprd`` under ``prd``.

    Raises
    ------
    Refusal
        The request makes no sense, or less than that is held.
    """
    index = _index(catalogue, fields)
    before, after, side = fields.get("prevprd", ""), fields.get("prd", ""), fields.get("trantype", "")
    if not {before, after} <= PRODUCT_NAMES.keys() or before == after or side not in ("B", "S"):
        raise Refusal(INVALID_INPUT)
    terms = OrderTerms(
        instrument=catalogue.instruments[index],
        index=index,
        side=side,
        quantity=_quantity(fields),
        price=0.0,
        trigger_price=0.0,
        price_type="MKT",
        product=before,
    )
    if not trading.positions.convert(terms, after):
        raise Refusal(INVALID_INPUT)


def exit_order(trading: TradingAccount, fields: Mapping[str, str]) -> str:
    """ExitSNOOrder: leave a cover or bracket order; returns its number.

    Raises
    ------
    Refusal
        There is no such order, or nothing of it is left.
    """
    return trading.exit_set(fields.get("norenordno", "")).number


def _terms(catalogue: Catalogue, fields: Mapping[str, str]) -> OrderTerms:
    index = _index(catalogue, fields)
    after_market = fields.get("amo", "").upper()
    if after_market not in ("", "NO", "YES"):
        raise Refusal(AFTER_MARKET)
    return OrderTerms(
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
        after_market=after_market == "YES",
        book_loss=number(fields.get("blprc")) or 0.0,
        book_profit=number(fields.get("bpprc")) or 0.0,
    )


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
    trigger = number(fields.get("trgprc"))
    terms = msgspec.structs.replace(
        before,
        quantity=_quantity(fields) if "qty" in fields else before.quantity,
        price=_price(fields) if "prc" in fields else before.price,
        trigger_price=before.trigger_price if trigger is None else trigger,
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
    return _or_no_data(trading.positions.rows(trading.account.uid, trading.desk.open.values()))


def _or_no_data(rows: Rows) -> Rows:
    if not rows:
        raise Refusal(NO_DATA)
    return rows


def _index(catalogue: Catalogue, fields: Mapping[str, str]) -> int:
    symbol = fields.get("tsym", "")
    index = catalogue.index_of_symbol(fields.get("exch", ""), symbol)
    if index is None:
        raise invalid_symbol(symbol)
    return index


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
        and (terms.book_loss > 0) == (terms.product in _WITH_LEGS)
        and (terms.book_profit > 0) == (terms.product == _BRACKET)
    )
    if not sensible:
        raise Refusal(INVALID_INPUT)
    towards = 1 if terms.side == "B" else -1
    if terms.is_stop and not terms.is_market and (terms.price - terms.trigger_price) * towards < 0:
        raise Refusal(INVALID_TRIGGER)
    entry = terms.price or terms.trigger_price
    wrong_stop = entry and terms.book_loss and (entry - terms.book_loss) * towards <= 0
    wrong_profit = entry and terms.book_profit and (terms.book_profit - entry) * towards <= 0
    if wrong_stop or wrong_profit:
        raise Refusal(INVALID_TRIGGER)
