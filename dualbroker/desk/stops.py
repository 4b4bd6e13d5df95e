"""Stop orders and the positions that they cover. Pure.

Only what is in the order book is known: a stop that waits at the broker as a GTT or an OCO, or in somebody's
program, is not. So a position without one is said to have no stop *seen*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from dualbroker.desk.books import PositionKey, position_key
from dualbroker.desk.positions import HeldPosition, Mark
from dualbroker.model import OrderStatus
from dualbroker.stores.order_state import OrderState

__all__ = ["COVERED", "DIFFERS", "ENTRY", "NOT_READ", "NO_STOP", "ORPHAN", "TRIGGERED", "StopLine", "stops"]

COVERED = "covered"
DIFFERS = "quantity differs"
TRIGGERED = "triggered, not filled"
ORPHAN = "orphan: the position is closed"
ENTRY = "entry: no position yet"
NO_STOP = "no stop seen"
NOT_READ = "not read"


class StopLine(msgspec.Struct, frozen=True, kw_only=True):
    """A stop order, or a position of which no stop is seen. Quantities are units, prices rupees."""

    broker_name: str
    exchange: str
    symbol: str
    product: str
    state: str
    order_id: str | None = None
    side: str | None = None
    quantity: float | None = None
    """That the stop has still to buy or sell."""
    trigger_price: float | None = None
    limit_price: float | None = None
    ltp: float | None = None
    distance: float | None = None
    """Rupees that the price has still to go; below zero once it is past the trigger."""
    distance_percent: float | None = None
    position_quantity: float | None = None
    covered_quantity: float | None = None
    """What all stops of the position would close together."""
    doubt: str = ""


def is_stop(order: OrderState) -> bool:
    return (order.price_type or "").upper().startswith("SL") and bool(order.trigger_price)


def stops(
    orders: Sequence[OrderState],
    positions: Sequence[HeldPosition],
    mark_of: Callable[[str, str], Mark | None],
    *,
    unread: Callable[[str], str],
) -> list[StopLine]:
    """Every living stop order with what it covers, then every position of which no stop is seen.

    A stop is one that would reduce the position: the legs of a bracket or cover order too, each counted once,
    and never the entry. A sale out of the holdings is no position that wants one.

    Parameters
    ----------
    mark_of
        The newest price by exchange and symbol.
    unread
        Of a broker's name: why its order book is not known; empty where it is.
    """
    held: dict[tuple[str, PositionKey], HeldPosition] = {
        (each.broker_name, (each.exchange, each.symbol, each.product)): each for each in positions
    }
    living: dict[tuple[str, PositionKey], list[OrderState]] = {}
    for order in orders:
        if is_stop(order) and order.status.is_open and order.exchange and order.symbol:
            key = (order.broker_name, position_key(order.exchange, order.symbol, order.product))
            living.setdefault(key, []).append(order)
    lines = []
    covered: dict[tuple[str, PositionKey], float] = {}
    for key, found in living.items():
        position = held.get(key)
        net = None if position is None else position.exposed_quantity
        closing = [order for order in found if net and _closes(order, net)]
        covered[key] = sum(_left(order) or 0.0 for order in closing)
        lines += [
            _line(order, position, net, covered[key] if order in closing else None, mark_of)
            for order in found
        ]
    for key, position in held.items():
        net = position.exposed_quantity
        if net == 0 or covered.get(key):
            continue
        why = unread(position.broker_name)
        mark = mark_of(position.exchange, position.symbol)
        lines.append(
            StopLine(
                broker_name=position.broker_name,
                exchange=position.exchange,
                symbol=position.symbol,
                product=position.product,
                state=NOT_READ if why or net is None else NO_STOP,
                ltp=None if mark is None else mark.price,
                position_quantity=net,
                covered_quantity=None if why or net is None else 0.0,
                doubt=why or position.doubt,
            )
        )
    return lines


def _closes(order: OrderState, net: float) -> bool:
    return (order.side == "SELL") == (net > 0)


def _left(order: OrderState) -> float | None:
    return None if order.quantity is None else order.quantity - (order.filled_quantity or 0.0)


def _line(
    order: OrderState,
    position: HeldPosition | None,
    net: float | None,
    covered: float | None,
    mark_of: Callable[[str, str], Mark | None],
) -> StopLine:
    exchange, symbol = order.exchange or "", order.symbol or ""
    mark = mark_of(exchange, symbol)
    ltp = None if mark is None else mark.price
    distance = None
    if ltp is not None and order.trigger_price is not None:
        distance = ltp - order.trigger_price if order.side == "SELL" else order.trigger_price - ltp
    return StopLine(
        broker_name=order.broker_name,
        exchange=exchange,
        symbol=symbol,
        product=order.product or "",
        state=_state(order, position, net, covered),
        order_id=order.order_id,
        side=order.side,
        quantity=_left(order),
        trigger_price=order.trigger_price,
        limit_price=order.price or None,
        ltp=ltp,
        distance=distance,
        distance_percent=None if distance is None or not ltp else 100 * distance / ltp,
        position_quantity=net,
        covered_quantity=covered,
        doubt=order.doubt or ("" if position is None else position.doubt),
    )


def _state(order: OrderState, position: HeldPosition | None, net: float | None, covered: float | None) -> str:
    if order.status is OrderStatus.OPEN:
        return TRIGGERED
    if position is not None and net is None:
        return NOT_READ
    if not net:
        traded = position is not None and bool(
            position.sides.bought or position.sides.sold or position.carried_quantity
        )
        return ORPHAN if traded else ENTRY
    if covered is None:
        return ENTRY
    return COVERED if covered == abs(net) else DIFFERS
