"""The same order in two accounts: which belongs to which, and by what they differ. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.model import OrderStatus
from dualbroker.stores.order_state import OrderState

__all__ = ["Pair", "mirror"]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """An order in one account and the same in the other; one of them may be missing."""

    first: OrderState | None
    second: OrderState | None
    verdict: str
    """``mirrored``, or what is wrong with which side."""

    @property
    def either(self) -> OrderState:
        found = self.first or self.second
        assert found is not None
        return found

    @property
    def quantity_ratio(self) -> float | None:
        """Units of the second for each of the first."""
        if self.first is None or self.second is None or not self.first.quantity:
            return None
        return None if self.second.quantity is None else self.second.quantity / self.first.quantity

    @property
    def time_difference_s(self) -> float | None:
        """Seconds by which the second came later, each by its broker's clock, so give or take a second."""
        if self.first is None or self.second is None:
            return None
        return (_time(self.second) - _time(self.first)) / NS_PER_S

    @property
    def price_difference(self) -> float | None:
        """Rupees by which the second did worse than the first: paid more, or got less."""
        if self.first is None or self.second is None:
            return None
        one, other = self.first.average_price, self.second.average_price
        if one is None or other is None or not self.first.filled_quantity or not self.second.filled_quantity:
            return None
        return other - one if self.first.side == "BUY" else one - other


def mirror(
    orders: Sequence[OrderState],
    first: str,
    second: str,
    *,
    window_s: float = 5.0,
    ratio: float | None = None,
) -> list[Pair]:
    """Pair the orders of two accounts: same instrument and side, nearest in time, each used once.

    Parameters
    ----------
    first, second
        Names of the brokers.
    window_s
        Seconds that two of a pair may be apart.
    ratio
        Units of the second for each of the first; None takes whatever a pair has.
    """
    sides: dict[str, list[OrderState]] = {first: [], second: []}
    for order in sorted(orders, key=_time):
        if order.broker_name in sides and order.symbol is not None and order.side is not None:
            sides[order.broker_name].append(order)
    near = sorted(
        (abs(_time(one) - _time(other)), number, place)
        for number, one in enumerate(sides[first])
        for place, other in enumerate(sides[second])
        if _is_same(one, other) and abs(_time(one) - _time(other)) <= window_s * NS_PER_S
    )
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for _, number, place in near:
        if number not in partners and place not in taken:
            partners[number] = place
            taken.add(place)
    pairs = []
    for number, one in enumerate(sides[first]):
        place = partners.get(number, -1)
        partner = sides[second][place] if place >= 0 else None
        pairs.append(Pair(first=one, second=partner, verdict=_verdict(one, partner, first, second, ratio)))
    for place, other in enumerate(sides[second]):
        if place not in taken:
            pairs.append(Pair(first=None, second=other, verdict=_verdict(None, other, first, second, ratio)))
    return sorted(pairs, key=lambda pair: _time(pair.either), reverse=True)


def _time(order: OrderState) -> int:
    return order.order_time_ns or order.first_seen_ns


def _is_same(one: OrderState, other: OrderState) -> bool:
    return (one.exchange, one.symbol, one.side) == (other.exchange, other.symbol, other.side)


def _verdict(
    one: OrderState | None, other: OrderState | None, first: str, second: str, ratio: float | None
) -> str:
    if one is None or other is None:
        return f"missing at {first if one is None else second}"
    said = []
    for order, name in ((one, first), (other, second)):
        if order.status is OrderStatus.REJECTED:
            said.append(f"rejected at {name}")
        elif order.doubt:
            said.append(f"in doubt at {name}")
        elif 0 < (order.filled_quantity or 0.0) < (order.quantity or 0.0):
            said.append(f"partly filled at {name}")
    if not said and one.status.is_final is not other.status.is_final:
        said.append(f"still open at {second if one.status.is_final else first}")
    if ratio is not None and one.quantity and other.quantity != ratio * one.quantity:
        said.append(f"quantity at {second} is not {ratio:g} times that at {first}")
    return "; ".join(said) or "mirrored"
