"""Lays what a quote message says over what is known. Pure, and on the path of every tick."""

from __future__ import annotations

from copy import copy

from dualbroker.model import DepthLevel, QuoteUpdate

__all__ = ["in_units", "merge", "merge_levels"]

_QUANTITIES = ("bid_quantity", "ask_quantity", "volume", "open_interest", "prev_open_interest")
_DEPTH_QUANTITIES = tuple(f"{side}_quantity{level}" for side in ("bid", "ask") for level in range(2, 6))


def in_units(update: QuoteUpdate, unit: int) -> QuoteUpdate:
    """A copy of a message that counts lots of this many units, with its quantities in units."""
    scaled = copy(update)
    for name in (*_QUANTITIES, *_DEPTH_QUANTITIES) if update.has_depth else _QUANTITIES:
        lots = getattr(update, name, None)
        if lots is not None:
            setattr(scaled, name, lots * unit)
    return scaled


def merge(row: list[float], update: QuoteUpdate) -> None:
    """Lay what a message says over what is known; what it does not say stays.

    Spelled out field by field: a loop over names costs three times as much, on every tick.
    """
    if (seconds := update.feed_time) is not None:
        row[1] = seconds
    if (value := update.ltp) is not None:
        row[2] = value
    if (value := update.change_percent) is not None:
        row[3] = value
    if (value := update.bid) is not None:
        row[4] = value
    if (value := update.bid_quantity) is not None:
        row[5] = value
    if (value := update.ask) is not None:
        row[6] = value
    if (value := update.ask_quantity) is not None:
        row[7] = value
    if (value := update.volume) is not None:
        row[8] = value
    if (value := update.open) is not None:
        row[9] = value
    if (value := update.high) is not None:
        row[10] = value
    if (value := update.low) is not None:
        row[11] = value
    if (value := update.prev_close) is not None:
        row[12] = value
    if (value := update.average_price) is not None:
        row[13] = value
    if (value := update.open_interest) is not None:
        row[14] = value
    if (value := update.prev_open_interest) is not None:
        row[15] = value


def merge_levels(old: list[DepthLevel], new: list[DepthLevel]) -> list[DepthLevel]:
    """Five levels of one side, field by field: a delta may leave out whole levels."""
    return [
        DepthLevel(
            then.price if now.price is None else now.price,
            then.quantity if now.quantity is None else now.quantity,
            then.orders if now.orders is None else now.orders,
        )
        for then, now in zip(old, new, strict=True)
    ]
