"""Which part of an order the market takes now. Pure: quote, order, dice and time come as arguments."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import NamedTuple

from dualbroker.simulator.trading.orders import Order, OrderTerms

__all__ = ["Part", "executable_price", "is_triggered", "next_part"]

_SHORTEST_WAIT_NS = 100_000_000
_LONGEST_WAIT_NS = 1_500_000_000
_CHANCE_OF_ALL = 0.5


class Part(NamedTuple):
    """An execution that is due."""

    quantity: int
    price: float
    wait_ns: int
    """How long the rest of the order waits before its next part."""


def is_triggered(terms: OrderTerms, quote: Mapping[str, float]) -> bool:
    """Whether the last price has reached a stop order's trigger."""
    last = quote.get("ltp", math.nan)
    return last >= terms.trigger_price if terms.side == "B" else 0 < last <= terms.trigger_price


def executable_price(terms: OrderTerms, quote: Mapping[str, float]) -> float | None:
    """The best opposite price when the order may trade at it, else None (also on an empty side)."""
    best = quote.get("ask" if terms.side == "B" else "bid", 0.0)
    if not best > 0:  # NaN too
        return None
    if terms.is_market:
        return best
    crosses = best <= terms.price if terms.side == "B" else best >= terms.price
    return best if crosses else None


def next_part(order: Order, quote: Mapping[str, float], running_ns: int, dice: random.Random) -> Part | None:
    """The part of an open order that trades now, None when nothing does.

    Whole lots, no more than the market shows at its best price, and often less than is left, so that
    orders fill in parts.
    """
    if running_ns < order.next_part_ns:
        return None
    terms = order.terms
    price = executable_price(terms, quote)
    if price is None:
        return None
    shown = quote.get("ask_quantity" if terms.side == "B" else "bid_quantity", 0.0)
    lot = max(terms.instrument.lot_size, 1)
    lots_left = math.ceil(order.remaining / lot)
    lots_shown = int(shown // lot) if shown > 0 else 0
    if lots_shown == 0:
        return None
    lots = min(lots_left, lots_shown)
    if lots > 1 and dice.random() > _CHANCE_OF_ALL:
        lots = dice.randint(1, lots)
    quantity = min(lots * lot, order.remaining)
    return Part(quantity, price, dice.randint(_SHORTEST_WAIT_NS, _LONGEST_WAIT_NS))
