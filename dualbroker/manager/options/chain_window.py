"""Which strikes an option chain shows, and when it moves on with the money. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

__all__ = ["HYSTERESIS", "Window", "nearest", "window"]

HYSTERESIS = 0.75
"""Of the distance to the next strike: so far the price has to go before the middle follows it. At half of it
the next strike is the nearer one already; between the two, a price that swings changes nothing."""


class Window(msgspec.Struct, frozen=True):
    """The strikes around the money."""

    middle: float
    """The strike that it was last centred at, rupees."""
    strikes: tuple[float, ...]
    """Neighbours on the ladder, the lowest first."""


def nearest(strikes: Sequence[float], price: float) -> float:
    """The strike nearest to a price, the lower one of two; ``strikes`` ascend, and there is at least one."""
    place = bisect_left(strikes, price)
    around = strikes[max(0, place - 1) : place + 1]
    return min(around, key=lambda strike: abs(strike - price))


def window(strikes: Sequence[float], price: float, each_side: int, current: float | None = None) -> Window:
    """The strikes to be shown at a price, given where the window is centred now.

    Parameters
    ----------
    strikes
        The whole ladder, rupees, ascending, at least one.
    price
        The underlying's, rupees.
    each_side
        Strikes on each side of the middle; fewer where the ladder ends.
    current
        The current middle; None, or one that is not on the ladder any more, starts over at the money.
    """
    middle = nearest(strikes, price)
    if current is not None and current != middle:
        place = bisect_left(strikes, current)
        is_listed = place < len(strikes) and strikes[place] == current
        neighbour = place + (1 if price > current else -1)
        if is_listed and 0 <= neighbour < len(strikes):
            needed = HYSTERESIS * abs(strikes[neighbour] - current)
            if abs(price - current) < needed:
                middle = current
    place = bisect_left(strikes, middle)
    return Window(middle, tuple(strikes[max(0, place - each_side) : place + each_side + 1]))
