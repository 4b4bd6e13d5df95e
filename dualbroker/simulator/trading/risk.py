"""The broker's risk check, the exchange's order checks, and an account's limits.

Margins are rules of thumb (the broker's own are not public): the premium for a bought option, a fifth
of the value for everything else. No source states the full wording of rejects but for their ``RED:``
prefix, the margin and the circuit (protocol: section 9); the rest of each text is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dualbroker.model import InstrumentKind
from dualbroker.simulator.market.names import multiplier
from dualbroker.simulator.trading.orders import Order, OrderTerms, Reject
from dualbroker.simulator.trading.positions import PositionKeeper

__all__ = ["Margin", "blocked_margin", "check_order", "limits_row", "order_margin", "reducing_quantity"]

_MARGIN_FRACTION = 0.2
_OPTION_WRITER_FRACTION = 0.12
"""Of the strike's value, for a sold option."""


class Margin(NamedTuple):
    """Rupees."""

    needed: float
    """By one more order."""
    used: float
    """By what is held and what rests in the market."""
    cash: float
    """With what was made and lost today, before ``used``."""


def order_margin(terms: OrderTerms, quantity: int, price: float) -> float:
    """Rupees needed to hold so many units bought or sold at a price."""
    instrument = terms.instrument
    if instrument.kind is InstrumentKind.OPTION:
        if terms.side == "B":
            return quantity * price
        return quantity * (instrument.strike or price) * _OPTION_WRITER_FRACTION
    return quantity * price * multiplier(instrument) * _MARGIN_FRACTION


def reducing_quantity(terms: OrderTerms, positions: PositionKeeper, in_depository: int = 0) -> int:
    """Units of an order that only close what is held, and so need no margin.

    Parameters
    ----------
    in_depository
        Units that can be delivered when they are sold as CNC.
    """
    net = positions.net_quantity(terms.instrument, terms.product)
    against = -net if terms.side == "B" else net
    if terms.side == "S" and terms.product == "C":
        against += in_depository
    return max(0, min(against, terms.quantity))


def blocked_margin(open_orders: Iterable[Order], positions: PositionKeeper) -> float:
    """Rupees bound by what is held and by what rests in the market."""
    total = 0.0
    for position in positions.held():
        net = position.net_quantity
        if position.product == "C" and net < 0:
            continue  # sold out of the depository
        if position.instrument.kind is InstrumentKind.OPTION and net < 0:
            total += -net * (position.instrument.strike or 0.0) * _OPTION_WRITER_FRACTION
        else:
            share = 1.0 if position.instrument.kind is InstrumentKind.OPTION else _MARGIN_FRACTION
            total += abs(net) * position.net_average_price * multiplier(position.instrument) * share
    for order in open_orders:
        new_units = order.remaining - reducing_quantity(order.terms, positions)
        total += order_margin(order.terms, max(0, new_units), order.terms.price)
    return total


def check_order(
    terms: OrderTerms,
    *,
    uid: str,
    reference_price: float,
    band: tuple[float, float] | None,
    available: float,
    needed: float,
    market_orders_allowed: bool,
    market_is_open: bool = True,
) -> Reject | None:
    """Why an order is turned down, None when it may go to the market.

    Parameters
    ----------
    reference_price
        What a market order is expected to trade at, rupees.
    band
        Lower and upper price band, rupees.
    available, needed
        Rupees free on the account, and those the order needs.
    market_orders_allowed
        False is the rule for API users since April 2026.
    market_is_open
        While it is closed the exchange takes no order; an after-market one waits at the broker.
    """
    instrument = terms.instrument
    if instrument.kind is InstrumentKind.INDEX:
        return Reject(f"RED:{instrument.symbol} is an index and can not be traded", "RED")
    if terms.is_market and not market_orders_allowed:
        return Reject(f"RED:{terms.price_type} orders are not allowed for API users", "RED")
    if terms.quantity % max(instrument.lot_size, 1):
        lot = instrument.lot_size
        return Reject(f"RED:Quantity {terms.quantity} is not a multiple of the lot size {lot}", "RED")
    if needed > available:
        missing = needed - available
        words = f"Margin Shortfall:INR {missing:.2f} Available:INR {available:.2f} for C-{uid} [RISK2]"
        return Reject(f"RED:{words}", "RED")
    price = reference_price if terms.is_market else terms.price
    if band is not None and not band[0] <= price <= band[1]:
        limits = f"LowerCircuit:INR {band[0]:.2f} UpperCircuit:INR {band[1]:.2f}"
        rule = "RULE:{Check circuit limit including square off order}"
        symbol = f"{instrument.exchange}.{instrument.symbol}"
        return Reject(f"RED:{rule}Current:INR {price:.2f} {limits}:{symbol} for C-{uid} [RISK2]", "RED")
    if not market_is_open and not terms.after_market:
        return Reject("16278 The markets have not been opened for trading", "")
    return None


def limits_row(
    cash: float, used: float, positions: PositionKeeper, open_orders: Sequence[Order]
) -> dict[str, str]:
    """The answer of Limits: rupees as texts."""
    pending = sum(order.remaining * (order.terms.price or order.terms.trigger_price) for order in open_orders)
    return {
        "stat": "Ok",
        "prfname": "SIMULATED",
        "cash": f"{cash:.2f}",
        "aux_daycash": "0.00",
        "aux_brkcollamt": "0.00",
        "aux_unclearedcash": "0.00",
        "remarks_amt": "0.00",
        "blk_amt": "0.00",
        "turnover": f"{positions.turnover():.2f}",
        "pendordval": f"{pending:.2f}",
        "margincurper": f"{100 * used / cash if cash else 0:.2f}",
        "payin": "0.00",
        "payout": "0.00",
        "brkcollamt": "0.00",
        "unclearedcash": "0.00",
        "daycash": "0.00",
        "turnoverlmt": "999999999999.00",
        "pendordvallmt": "999999999999.00",
        "marginused": f"{used:.2f}",
        "urmtom": f"{positions.unrealised_profit():.2f}",
        "rpnl": f"{positions.realised_profit():.2f}",
    }
