"""Positions as they are now: the broker's row, kept exact by the fills since, and marked at a price. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from dualbroker.desk.accounting import (
    Method,
    Multiplier,
    Outcome,
    Sides,
    Trade,
    day_mtm,
    match,
    multiplier_of,
    sides_of,
    unrealised,
)
from dualbroker.desk.books import (
    SETTLE_NS,
    AccountBooks,
    Adjustment,
    PositionKey,
    fill_time,
    in_one_day,
    position_key,
)
from dualbroker.desk.check import Check, check
from dualbroker.model import FillReport, Holding, Position

__all__ = ["HeldPosition", "Mark", "Marked", "check_of", "held_positions", "marked"]

DELIVERY = frozenset({"C", "CNC"})
"""Products under which shares are delivered: nobody can be short there, a sale is out of the holdings."""


class Mark(msgspec.Struct, frozen=True):
    """A price to mark by."""

    price: float
    time_ns: int | None = None
    """When it came; None where that is not known."""


class HeldPosition(msgspec.Struct):
    """One position of one account. Quantities are units, prices rupees before the multiplier."""

    broker_name: str
    exchange: str
    token: str | None
    symbol: str
    product: str
    carried_quantity: float
    """From the days before; below zero when short."""
    carried_price: float | None
    settlement_price: float | None
    sides: Sides
    """Bought and sold today."""
    quantity: float | None
    """Now; None where neither the broker nor the fills can say."""
    average_price: float | None
    realised: float | None
    """Rupees."""
    multiplier: float
    multiplier_source: str
    trades: list[Trade]
    """Of the day, oldest first; what no fill explains is one without a price."""
    outcome: Outcome
    row: Position | None
    """The broker's own; None where only fills tell of the position."""
    from_holdings: float = 0.0
    """Units of a sale that come out of the holdings: no short position."""
    doubt: str = ""
    """Why it may not be as shown; else empty."""

    @property
    def exposed_quantity(self) -> float | None:
        """Units whose price matters: a sale out of the holdings is done, whatever the price does."""
        return None if self.quantity is None else self.quantity + self.from_holdings


class Marked(msgspec.Struct, frozen=True):
    """A position's profit at a price, in rupees before charges; None is unknown."""

    ltp: float | None
    ltp_time_ns: int | None
    ltp_from: str
    """``stream``, or ``broker's read`` for the price of the book's row; empty where there is none."""
    unrealised: float | None
    total: float | None
    day_mtm: float | None


def held_positions(
    account: AccountBooks, *, method: Method = "pooled", doubt: str = ""
) -> list[HeldPosition]:
    """All positions of an account: those of its book, and those that only fills tell of.

    Parameters
    ----------
    doubt
        Why nothing of this account is certain now; empty where its books are.
    """
    doubt = doubt or account.positions.why_unknown()
    by_key: dict[PositionKey, list[FillReport]] = {}
    for fill in account.fills:
        if fill.exchange and fill.symbol:
            by_key.setdefault(position_key(fill.exchange, fill.symbol, fill.product), []).append(fill)
    averages = _holdings_by_name(account.holdings.rows)
    found = []
    for row in account.positions.rows:
        key = position_key(row.exchange, row.symbol, row.product)
        fills = by_key.pop(key, [])
        found.append(_held(row, key, fills, account, method, averages, doubt))
    if account.positions.offered:
        asked_ns = account.positions.asked_ns or 0
        for key, fills in by_key.items():
            if asked_ns and not any(in_one_day(fill_time(fill), asked_ns) for fill in fills):
                continue  # of the day before, and over
            why = doubt
            if asked_ns and all((fill.receive_time_ns or 0) < asked_ns - SETTLE_NS for fill in fills):
                why = why or "fills tell of it, and the broker's position book does not name it"
            found.append(_held(None, key, fills, account, method, averages, why))
    return found


def _holdings_by_name(holdings: Sequence[Holding]) -> dict[tuple[str, str], float | None]:
    return {
        (exchange, symbol): holding.average_price
        for holding in holdings
        for exchange, _, symbol in holding.listings
    }


def signed(fill: FillReport) -> Trade:
    quantity = fill.quantity or 0.0
    return Trade(quantity if fill.side == "BUY" else -quantity, fill.price)


def _held(
    row: Position | None,
    key: PositionKey,
    fills: Sequence[FillReport],
    account: AccountBooks,
    method: Method,
    averages: dict[tuple[str, str], float | None],
    doubt: str,
) -> HeldPosition:
    exchange, symbol, product = key
    trades = [signed(fill) for fill in fills]
    carried = 0.0
    if row is not None:
        carried = _carried(row)
        trades = [*trades, *_beyond_fills(row, sides_of(trades), account.adjustments.get(key))]
    # What is carried is worked out of all three: without one, nobody knows the quantity.
    unreadable = row is not None and None in (
        row.net_quantity,
        row.day_buy_quantity,
        row.day_sell_quantity,
    )
    if unreadable:
        doubt = doubt or "the broker's row has no quantity that can be read"
    factor = Multiplier(1.0, "") if row is None else multiplier_of(row.price_factor, row.unit_multiplier)
    carried_price = None if row is None else row.carried_price
    start = [Trade(carried, carried_price)] if carried else []
    outcome = match(method, [*start, *trades], factor.value)
    held = HeldPosition(
        broker_name=account.broker_name,
        exchange=exchange,
        token=(None if row is None else row.token) or next((f.token for f in fills if f.token), None),
        symbol=symbol,
        product=product,
        carried_quantity=carried,
        carried_price=carried_price,
        settlement_price=None if row is None else row.settlement_price,
        sides=sides_of(trades),
        quantity=None if unreadable else outcome.quantity,
        average_price=outcome.average_price,
        realised=outcome.realised,
        multiplier=factor.value,
        multiplier_source=factor.source,
        trades=trades,
        outcome=outcome,
        row=row,
        doubt=doubt,
    )
    if product in DELIVERY and outcome.quantity < 0 and not unreadable:
        held.from_holdings = -outcome.quantity
        paid = averages.get((exchange, symbol))
        sold_at = outcome.average_price
        if held.realised is None or paid is None or sold_at is None:
            held.realised = None
        else:
            held.realised += held.from_holdings * (sold_at - paid) * factor.value
    return held


def _carried(row: Position) -> float:
    if row.net_quantity is not None and None not in (row.day_buy_quantity, row.day_sell_quantity):
        return row.net_quantity - (row.day_buy_quantity or 0.0) + (row.day_sell_quantity or 0.0)
    return row.carried_quantity or 0.0


def _beyond_fills(row: Position, known: Sides, adjustment: Adjustment | None) -> list[Trade]:
    """What the row has bought and sold today beyond the fills that are known.

    A row that is ahead of the fills is right, for it is the broker's own; one that is behind has not heard of
    the newest. A difference that lasts over two reads counts whichever way it points.
    """
    beyond = []
    for sign, in_row, in_fills, lasting, price in (
        (1, row.day_buy_quantity, known.bought, adjustment and adjustment.bought, row.day_buy_price),
        (-1, row.day_sell_quantity, known.sold, adjustment and adjustment.sold, row.day_sell_price),
    ):
        if adjustment is not None and adjustment.is_lasting:
            more = lasting or 0.0
        else:
            more = max(0.0, (in_row or 0.0) - in_fills)
        if more:
            own = known.bought_price if sign > 0 else known.sold_price
            beyond.append(Trade(sign * more, _price_beyond(in_row, price, in_fills, own)))
    return beyond


def _price_beyond(
    in_row: float | None, row_price: float | None, in_fills: float, own: float | None
) -> float | None:
    """The average price of what a row has beyond the fills, so that both together have the row's average."""
    if not in_fills:
        return row_price
    if in_row == 0:
        return own  # a row of no units states no price that counts
    if in_row is None or row_price is None or own is None or in_row == in_fills:
        return None
    return (in_row * row_price - in_fills * own) / (in_row - in_fills)


def marked(held: HeldPosition, mark_of: Callable[[HeldPosition], Mark | None]) -> Marked:
    """A position's profit at the newest price that is known of it.

    Parameters
    ----------
    mark_of
        The price of the stream; None where the instrument is not streamed.
    """
    mark, source = mark_of(held), "stream"
    if mark is None and held.row is not None and held.row.ltp is not None:
        mark, source = Mark(held.row.ltp), "broker's read"
    ltp = None if mark is None else mark.price
    gain: float | None = None
    if held.quantity is not None:
        gain = 0.0 if held.from_holdings else unrealised(held.outcome, ltp, held.multiplier)
    realised = held.realised
    of_day = None
    if held.quantity is not None and not held.from_holdings:
        of_day = day_mtm(held.carried_quantity, held.settlement_price, held.sides, ltp, held.multiplier)
    return Marked(
        ltp=ltp,
        ltp_time_ns=None if mark is None else mark.time_ns,
        ltp_from="" if mark is None else source,
        unrealised=gain,
        total=None if gain is None or realised is None else realised + gain,
        day_mtm=of_day,
    )


def check_of(held: HeldPosition, ltp: float | None, method: Method) -> Check | None:
    """Our profit of a position against the broker's row; None where only fills tell of it."""
    if held.row is None:
        return None
    return check(
        held.row,
        held.trades,
        carried=held.carried_quantity,
        multiplier=held.multiplier,
        multiplier_source=held.multiplier_source,
        ltp=ltp,
        method=method,
        fills_then=_known_to(held.row, held.trades),
    )


def _known_to(row: Position, trades: Sequence[Trade]) -> Sequence[Trade]:
    """The first of the trades, as many as the row's quantities of the day are made of; all where none are."""
    wanted = (row.day_buy_quantity, row.day_sell_quantity)
    bought = sold = 0.0
    known = 0 if wanted == (0.0, 0.0) else len(trades)
    for count, (quantity, _) in enumerate(trades, 1):
        bought, sold = bought + max(quantity, 0.0), sold - min(quantity, 0.0)
        if (bought, sold) == wanted:
            known = count
    return trades[:known]
