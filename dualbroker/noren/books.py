"""Trade books, histories of orders, and GetQuotes answers (protocol: sections 1.5 to 1.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dualbroker.errors import WireError
from dualbroker.model import FillReport, InstrumentKey, OrderUpdate, UpdateSource
from dualbroker.noren.fields import (
    order_number,
    price,
    quantity,
    read_struct,
    said,
    short_text,
    shorten,
)
from dualbroker.noren.orders import order_trading_day, order_update_from_row, side
from dualbroker.noren.quotes import DepthSnapshot
from dualbroker.noren.times import epoch_ns, wall_time_ns

__all__ = ["DELIVERY", "fill_from_row", "history_from_rows", "quote_from_answer"]

DELIVERY = "C"
"""``prd`` of what is delivered (CNC)."""


def fill_from_row(row: Mapping[str, Any], *, broker_name: str, receive_time_ns: int) -> FillReport:
    """One row of a trade book.

    Raises
    ------
    WireError
        The row has no order number.
    """
    order_id = order_number(row)
    order_time_ns = wall_time_ns(row.get("norentm")) or said(row, "ordenttm", epoch_ns)
    fill_time_ns = said(row, "fltm", wall_time_ns)
    exchange = short_text(row.get("exch")) or None
    return FillReport(
        broker_name=broker_name,
        order_id=order_id,
        trading_day=order_trading_day(order_id, order_time_ns or fill_time_ns, receive_time_ns),
        fill_id=short_text(row.get("flid")) or None,
        quantity=quantity(row.get("flqty")),
        price=price(row.get("flprc"), exchange) or None,
        exchange=exchange,
        token=short_text(row.get("token")) or None,
        symbol=short_text(row.get("tsym")) or None,
        product=said(row, "pcode", short_text) or None,
        side=side(short_text(row.get("trantype"))),
        fill_time_ns=fill_time_ns,
    )


def history_from_rows(
    rows: Sequence[Mapping[str, Any]],
    *,
    order_id: str,
    broker_name: str,
    receive_time_ns: int,
    as_of_ns: int,
) -> list[OrderUpdate]:
    """All rows of one SingleOrdHist as order updates, oldest first, whichever end came first.

    Raises
    ------
    WireError
        A row can't be read, or is of another order: with a step missing, the rest would mislead.
    """
    updates = [
        order_update_from_row(
            row,
            broker_name=broker_name,
            receive_time_ns=receive_time_ns,
            source=UpdateSource.RECONCILE,
            as_of_ns=as_of_ns,
        )
        for row in rows
    ]
    for update in updates:
        if update.order_id != order_id:
            raise WireError(
                f"expected the history of order {shorten(order_id, 30)}, found a row of order "
                f"{shorten(update.order_id, 30)}: the broker answered for another order; ask again"
            )
    if updates and (updates[0].order_time_ns or 0) >= (updates[-1].order_time_ns or 0):
        # Protocol 1.5: newest first. Several steps have the same second, so no sort by time would do.
        updates.reverse()
    return updates


def quote_from_answer(answer: Mapping[str, Any], *, expected: InstrumentKey) -> DepthSnapshot:
    """A GetQuotes answer as a depth snapshot; ``feed_time`` is its last update (``lut``).

    Raises
    ------
    WireError
        It is the quote of another instrument: Shoonya answers so now and then, with all else in order
        (protocol: section 1.8).
    """
    found = (short_text(answer.get("exch")), short_text(answer.get("token")))
    if found != expected:
        raise WireError(
            f"expected a quote of {expected[0]}|{expected[1]}, found one of {shorten(found[0], 10)}"
            f"|{shorten(found[1], 20)}: the broker answered for another instrument; ask again"
        )
    renamed = {"e": "exch", "tk": "token", "ts": "tsym", "52h": "wk52_h", "52l": "wk52_l", "ft": "lut"}
    return read_struct(
        DepthSnapshot, {**answer, **{name: answer.get(source) for name, source in renamed.items()}}
    )
