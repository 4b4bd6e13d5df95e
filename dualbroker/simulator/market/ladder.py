"""The five levels of an order book, worked out from its best prices and quantities."""

from __future__ import annotations

from dualbroker.model import DEPTH_LEVELS, DepthLevel

__all__ = ["ladder"]

_DEEPER_LOTS = 40
_EMPTY = DepthLevel(price=0.0, quantity=0.0, orders=0.0)


def ladder(price: float, quantity: float, *, step: float, lot_size: int, salt: int) -> list[DepthLevel]:
    """Five levels of one side, best first.

    The deeper ones follow from the best one alone, so that the book changes only when that does.

    Parameters
    ----------
    price, quantity
        Of the best level, rupees and units.
    step
        Rupees from level to level: negative for bids, positive for asks.
    lot_size
        Units; quantities are whole lots.
    salt
        Some number of the instrument's own, so that two books with equal best levels differ.
    """
    lots = int(quantity) // lot_size
    levels = [DepthLevel(price=price, quantity=quantity, orders=float(1 + lots % 7))]
    for level in range(1, DEPTH_LEVELS):
        deeper_price = round(price + level * step, 4)
        if deeper_price <= 0:
            levels.append(_EMPTY)
            continue
        deeper_lots = 1 + (lots * (2 * level + 1) + 13 * salt + 5 * level) % _DEEPER_LOTS
        levels.append(
            DepthLevel(
                price=deeper_price,
                quantity=float(deeper_lots * lot_size),
                orders=float(1 + (deeper_lots + level) % 9),
            )
        )
    return levels
