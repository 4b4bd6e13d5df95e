"""Whether our profit and the broker's are the same figure, and if not, by which rule they differ. Pure.

The broker's own rule is computed again from fills, with the last price that its row states. Only if that
gives the broker's figure is a difference explained: a rule that leaves something over explains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dualbroker.desk.accounting import Method, Outcome, Trade, match, pooled, unrealised
from dualbroker.model import Position

__all__ = ["Check", "check", "tolerance"]

_LEAST_RUPEES = 0.05
_HALF_A_PAISA = 0.005
"""Brokers write averages with two decimals, so each unit may be off by so much."""


class Check(NamedTuple):
    """Our figure beside the broker's. Rupees; None is unknown."""

    method: Method
    ours_realised: float | None
    ours_unrealised: float | None
    broker_realised: float | None
    broker_unrealised: float | None
    again_realised: float | None
    """By the broker's rule, from fills and the row's own last price."""
    again_unrealised: float | None
    explained: bool | None
    """None where the broker gives no figure, or nothing can be computed."""
    rule: str
    """What makes the two differ, or why they can't be compared."""

    @property
    def ours(self) -> float | None:
        return _sum(self.ours_realised, self.ours_unrealised)

    @property
    def brokers(self) -> float | None:
        return _sum(self.broker_realised, self.broker_unrealised)

    @property
    def difference(self) -> float | None:
        ours, theirs = self.ours, self.brokers
        return None if ours is None or theirs is None else ours - theirs


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def tolerance(quantity: float, multiplier: float) -> float:
    """Rupees by which a recomputed figure may be off: half a paisa for each unit, at least five paise."""
    return max(_LEAST_RUPEES, _HALF_A_PAISA * abs(quantity) * multiplier)


def check(
    row: Position,
    fills: Sequence[Trade],
    *,
    carried: float,
    multiplier: float,
    multiplier_source: str,
    ltp: float | None,
    method: Method = "pooled",
    fills_then: Sequence[Trade] | None = None,
) -> Check:
    """Compare our profit of one position with the row of the broker's book.

    Parameters
    ----------
    fills
        Of the day, oldest first, as they are known now.
    carried
        Units from the days before; their prices are the row's.
    ltp
        The price by which ours is marked.
    fills_then
        Those that were known when the row was read; the same unless given.
    """
    then = fills if fills_then is None else fills_then
    entry = [Trade(carried, row.carried_price)] if carried else []
    ours = match(method, [*entry, *fills], multiplier)
    shown = unrealised(ours, ltp, multiplier)
    bases = [("entry price", row.carried_price)]
    if carried and row.settlement_price is not None:
        bases.append(("last settlement", row.settlement_price))
    best: tuple[float, str, Outcome, float | None] | None = None
    for words, price in bases:
        start = [Trade(carried, price)] if carried else []
        again = pooled([*start, *then], multiplier)
        marked = unrealised(again, row.ltp, multiplier)
        off = _worst(row, again, marked, multiplier)
        if off is not None and (best is None or off < best[0]):
            best = off, words, again, marked
    found = Check(
        method=method,
        ours_realised=ours.realised,
        ours_unrealised=shown,
        broker_realised=row.realised_profit,
        broker_unrealised=row.unrealised_profit,
        again_realised=None if best is None else best[2].realised,
        again_unrealised=None if best is None else best[3],
        explained=None,
        rule="",
    )
    total = carried + sum(trade.quantity for trade in then)
    if row.net_quantity is None:
        return found._replace(rule="the broker's quantity can't be read")
    if total != row.net_quantity:
        words = f"quantity: fills and what is carried give {total:g}, the broker's row {row.net_quantity:g}"
        return found._replace(explained=False, rule=words)
    if row.realised_profit is None and row.unrealised_profit is None:
        return found._replace(rule="the broker's row states no profit")
    if best is None:
        return found._replace(rule="a price is unknown, so it can't be computed again")
    if best[0] > 1:
        return found._replace(explained=False, rule="unexplained")
    rules = []
    if method == "fifo" and ours != match("pooled", [*entry, *fills], multiplier):
        rules.append("first in, first out here, pooled by day there")
    if carried:
        rules.append(f"carried at the {best[1]}")
    if multiplier != 1:
        rules.append(f"multiplier {multiplier:g} ({multiplier_source})")
    if len(fills) != len(then):
        rules.append("fills since the read")
    if ltp != row.ltp and row.net_quantity:
        rules.append("price of another moment")
    return found._replace(explained=True, rule="; ".join(rules) or "pooled by day")


def _worst(row: Position, again: Outcome, marked: float | None, multiplier: float) -> float | None:
    """How far the recomputed figures are off, in tolerances; None where one can't be computed."""
    worst = 0.0
    for theirs, ours, quantity in (
        (row.unrealised_profit, marked, again.quantity),
        (row.realised_profit, again.realised, again.closed),
    ):
        if theirs is None:
            continue
        if ours is None:
            return None
        worst = max(worst, abs(theirs - ours) / tolerance(quantity, multiplier))
    return worst
