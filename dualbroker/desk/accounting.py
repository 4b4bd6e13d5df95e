"""The arithmetic of a position: pooled by day or first in, first out; realised, unrealised, day's MTM.

What matching method is chosen only divides a profit into realised and unrealised: their sum is the same at
any price. All figures are rupees before charges; None is unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

__all__ = [
    "METHODS",
    "Method",
    "Multiplier",
    "Outcome",
    "Sides",
    "Trade",
    "day_mtm",
    "fifo",
    "match",
    "multiplier_of",
    "pooled",
    "sides_of",
    "unrealised",
]

Method = Literal["pooled", "fifo"]
METHODS: tuple[Method, ...] = ("pooled", "fifo")


class Trade(NamedTuple):
    """Units that were bought (above zero) or sold (below), and the price of one in rupees."""

    quantity: float
    price: float | None


class Sides(NamedTuple):
    """All that was bought and all that was sold: units, and their average prices in rupees."""

    bought: float = 0.0
    bought_price: float | None = None
    sold: float = 0.0
    sold_price: float | None = None

    @property
    def net(self) -> float:
        return self.bought - self.sold


class Outcome(msgspec.Struct, frozen=True):
    """What is left of some trades, and what they have brought."""

    quantity: float
    """Units; below zero when short."""
    average_price: float | None
    """Of what is left, rupees; None when nothing is, or when a price is unknown."""
    realised: float | None
    """Rupees, the multiplier included."""
    closed: float
    """Units that were both bought and sold."""


class Multiplier(NamedTuple):
    """Rupees in one rupee of price and one unit of quantity, and which fields of the row say so."""

    value: float
    source: str


def multiplier_of(price_factor: float | None, unit_multiplier: float | None) -> Multiplier:
    """The multiplier of a position from its row's two fields, each taken once.

    Which of ``prcftr`` and ``mult`` carries the 1,000 of a currency is not known. So both count, and where
    both state the same figure it is taken for one that is told twice. A zero is no multiplier.
    """
    said = [
        (name, value)
        for name, value in (("prcftr", price_factor), ("mult", unit_multiplier))
        if value is not None and value > 0 and value != 1
    ]
    if not said:
        return Multiplier(1.0, "")
    if len(said) == 2 and said[0][1] == said[1][1]:
        return Multiplier(said[0][1], "prcftr and mult say the same, counted once")
    value = 1.0
    for _, factor in said:
        value *= factor
    return Multiplier(value, " × ".join(name for name, _ in said))


def sides_of(trades: Iterable[Trade]) -> Sides:
    """What trades add up to; an average over an unknown price is unknown."""
    bought, bought_amount, sold, sold_amount = 0.0, 0.0, 0.0, 0.0
    bought_known = sold_known = True
    for quantity, price in trades:
        if quantity > 0:
            bought += quantity
            bought_known &= price is not None
            bought_amount += quantity * (price or 0.0)
        elif quantity < 0:
            sold -= quantity
            sold_known &= price is not None
            sold_amount -= quantity * (price or 0.0)
    return Sides(
        bought,
        bought_amount / bought if bought and bought_known else None,
        sold,
        sold_amount / sold if sold and sold_known else None,
    )


def pooled(trades: Sequence[Trade], multiplier: float = 1.0) -> Outcome:
    """All that was bought against all that was sold, at the average price of each, whatever the order.

    So do Shoonya and Flattrade, by day and product: ``rpnl = sold × (average sale − average purchase)``. What
    is carried is a trade as well, at the price at which the day begins with it.
    """
    sides = sides_of(trades)
    closed = min(sides.bought, sides.sold)
    realised: float | None = 0.0
    if closed:
        if sides.bought_price is None or sides.sold_price is None:
            realised = None
        else:
            realised = closed * (sides.sold_price - sides.bought_price) * multiplier
    left = sides.net
    price = None if not left else sides.bought_price if left > 0 else sides.sold_price
    return Outcome(left, price, realised, closed)


def fifo(trades: Sequence[Trade], multiplier: float = 1.0) -> Outcome:
    """Each trade closes the oldest that is open on the other side; what is carried comes first."""
    lots: deque[Trade] = deque()
    realised: float | None = 0.0
    closed = 0.0
    for quantity, price in trades:
        left = quantity
        while left and lots and lots[0].quantity * left < 0:
            lot = lots[0]
            part = min(abs(lot.quantity), abs(left))
            sign = 1 if lot.quantity > 0 else -1
            closed += part
            if realised is None or price is None or lot.price is None:
                realised = None
            else:
                realised += sign * part * (price - lot.price) * multiplier
            rest = lot.quantity - sign * part
            if rest:
                lots[0] = Trade(rest, lot.price)
            else:
                lots.popleft()
            left += sign * part
        if left:
            lots.append(Trade(left, price))
    sides = sides_of(lots)
    # What is open lies on one side only.
    return Outcome(sides.net, sides.bought_price if sides.net > 0 else sides.sold_price, realised, closed)


def match(method: Method, trades: Sequence[Trade], multiplier: float = 1.0) -> Outcome:
    """The outcome by the method of that name."""
    return pooled(trades, multiplier) if method == "pooled" else fifo(trades, multiplier)


def unrealised(outcome: Outcome, ltp: float | None, multiplier: float = 1.0) -> float | None:
    """What would be gained by leaving at the last price, rupees; 0 when nothing is left, at any price."""
    if not outcome.quantity:
        return 0.0
    if ltp is None or outcome.average_price is None:
        return None
    return outcome.quantity * (ltp - outcome.average_price) * multiplier


def day_mtm(
    carried_quantity: float,
    settlement_price: float | None,
    sides: Sides,
    ltp: float | None,
    multiplier: float = 1.0,
) -> float | None:
    """What the day has brought, rupees: what is carried counts from its last settlement on.

    Sales less purchases less what was carried, plus what is left, each at its price.
    """
    worth = 0.0
    for quantity, price in (
        (-carried_quantity, settlement_price),
        (-sides.bought, sides.bought_price),
        (sides.sold, sides.sold_price),
        (carried_quantity + sides.net, ltp),
    ):
        if not quantity:
            continue
        if price is None:
            return None
        worth += quantity * price
    return worth * multiplier
