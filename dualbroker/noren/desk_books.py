"""Rows of PositionBook and Holdings, and the answer of Limits (protocol: sections 1.5 and 1.7).

A field that says nothing is unknown, "-0.00" is a zero that was received, and what can't be read in one field
costs that field only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dualbroker.errors import WireError
from dualbroker.model import Holding, Limits, Position
from dualbroker.noren.fields import money, net_quantity, price, quantity, said, short_text

__all__ = ["holding_from_row", "limits_from_answer", "position_from_row"]


def position_from_row(row: Mapping[str, Any], *, broker_name: str) -> Position:
    """One row of a position book. A net quantity that can't be read is unknown, never flat.

    ``openbuyqty`` and ``opensellqty`` are of orders that wait, and no part of the position. What is carried
    has its entry price in ``cforgavgprc`` or ``upldprc``; where one of these says something, the ``cf``
    averages are those of the last settlement (inferred from the fields' names; no recorded row shows it).

    Raises
    ------
    WireError
        The row does not say which instrument it is of.
    """
    exchange, symbol = short_text(row.get("exch")), short_text(row.get("tsym"))
    if not exchange or not symbol:
        raise WireError(
            "expected exch and tsym in a position's row, found " + (exchange or symbol or "neither")
        )
    carried = _carried(row)
    entry = next((known for name in ("cforgavgprc", "upldprc") if (known := money(row.get(name)))), None)
    average = money(row.get("cfbuyavgprc" if (carried or 0) > 0 else "cfsellavgprc")) or None
    return Position(
        broker_name=broker_name,
        exchange=exchange,
        token=short_text(row.get("token")) or None,
        symbol=symbol,
        product=said(row, "pcode", short_text) or None,
        net_quantity=net_quantity(row.get("netqty")),
        net_average_price=money(row.get("netavgprc")),
        day_buy_quantity=quantity(row.get("daybuyqty")),
        day_sell_quantity=quantity(row.get("daysellqty")),
        day_buy_price=_average(row, "daybuy"),
        day_sell_price=_average(row, "daysell"),
        carried_quantity=carried,
        carried_price=entry or average if carried else None,
        settlement_price=average if carried and entry else None,
        price_factor=quantity(row.get("prcftr")),
        unit_multiplier=quantity(row.get("mult")),
        ltp=price(row.get("lp"), exchange),
        realised_profit=money(row.get("rpnl")),
        unrealised_profit=money(row.get("urmtom")),
    )


def _carried(row: Mapping[str, Any]) -> float | None:
    bought, sold = quantity(row.get("cfbuyqty")), quantity(row.get("cfsellqty"))
    return None if bought is None or sold is None else bought - sold


def _average(row: Mapping[str, Any], side: str) -> float | None:
    """The average price of a side: out of its amount where that fits, for the average is rounded to paise."""
    units, amount = quantity(row.get(f"{side}qty")), money(row.get(f"{side}amt"))
    average = money(row.get(f"{side}avgprc"))
    if not units:
        return None
    if amount is None or average is None:
        return average
    exact = amount / units
    # An amount that has the multiplier in it is another figure.
    return exact if abs(exact - average) <= 0.005 + 0.01 / units else average


_UNITS = {
    "bought_yesterday": "btstqty",
    "settled": "holdqty",
    "broker_collateral": "brkcolqty",
    "unpledged": "unplgdqty",
    "beneficiary": "benqty",
    "non_poa": "npoadqty",
    "depository": "dpqty",
    "used": "usedqty",
}
"""Each kind of units in a row of holdings, and its field."""


def holding_from_row(row: Mapping[str, Any], *, broker_name: str) -> Holding:
    """One row of Holdings.

    Its units are ``btst + hold + brkcol + unplgd + ben + max(npoad, dp) − used`` (Shoonya's documentation). A
    kind of units that the row does not name is one that there is none of; one that can't be read makes the
    whole unknown.

    Raises
    ------
    WireError
        The row does not say which share it is of, or names no units at all.
    """
    listed = row.get("exch_tsym")
    listings = [
        (exchange, short_text(each.get("token")) or "", symbol)
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
        and (exchange := short_text(each.get("exch")))
        and (symbol := short_text(each.get("tsym")))
    ]
    named = {kind: row[field] for kind, field in _UNITS.items() if row.get(field) not in (None, "")}
    if not listings or not named:
        missing = "exch_tsym with exch and tsym" if not listings else "quantities (holdqty, dpqty …)"
        raise WireError(f"expected {missing} in a row of holdings, found none")
    units = {kind: quantity(value) for kind, value in named.items()}
    owned: float | None = None
    if None not in units.values():
        known = {kind: value or 0.0 for kind, value in units.items()}
        twice = max(known.pop("non_poa", 0.0), known.pop("depository", 0.0))
        used = known.pop("used", 0.0)
        owned = sum(known.values()) + twice - used
    return Holding(
        broker_name=broker_name,
        listings=listings,
        product=said(row, "pcode", short_text) or None,
        quantity=owned,
        bought_yesterday=units.get("bought_yesterday"),
        pledged=units.get("broker_collateral"),
        used=units.get("used"),
        average_price=money(row.get("upldprc")),
    )


_PARTS = ("i", "m", "c")
"""Endings of figures that Limits divides by product: MIS, NRML, CNC."""


def limits_from_answer(answer: Mapping[str, Any], *, broker_name: str) -> Limits:
    """The answer of Limits. What is available is computed, for Noren does not state it.

    ``cash + payin − payout + brkcollamt − blk_amt − marginused``; unknown where cash or what is used is.
    """

    def said_money(*names: str) -> float | None:
        return next((value for name in names if (value := money(answer.get(name))) is not None), None)

    unrealised = said_money("urmtom", "unmtom")
    if unrealised is None:
        parts = [
            value
            for segment in ("e", "d", "f", "c")
            for part in _PARTS
            if (value := money(answer.get(f"uzpnl_{segment}_{part}"))) is not None
        ]
        unrealised = sum(parts) if parts else None
    cash, used = said_money("cash"), said_money("marginused")
    collateral, blocked = said_money("brkcollamt", "collateral"), said_money("blk_amt")
    pay_in, pay_out = said_money("payin"), said_money("payout")
    available: float | None = None
    if cash is not None and used is not None:
        available = cash + (pay_in or 0) - (pay_out or 0) + (collateral or 0) - (blocked or 0) - used
    return Limits(
        broker_name=broker_name,
        cash=cash,
        pay_in=pay_in,
        pay_out=pay_out,
        collateral=collateral,
        margin_used=used,
        margin_available=available,
        available_how="" if available is None else "computed: cash, pay-in and collateral less what is used",
        span=said_money("span"),
        exposure=said_money("expo"),
        premium=said_money("premium"),
        realised_profit=said_money("rpnl"),
        unrealised_profit=unrealised,
    )
