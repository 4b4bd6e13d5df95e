"""Rows of trade and position books, histories of orders, and the quote of the wrong instrument."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from dualbroker.errors import WireError
from dualbroker.model import OrderUpdate, Position, Side, UpdateSource
from dualbroker.noren.books import fill_from_row, history_from_rows, quote_from_answer
from dualbroker.noren.desk_books import position_from_row

RECEIVED = int(datetime(2026, 3, 2, 5, 0, tzinfo=UTC).timestamp()) * 10**9


def test_a_trade() -> None:
    row = {
        "stat": "Ok",
        "norenordno": "24101600000017",
        "exch": "NFO",
        "tsym": "BANKNIFTY16OCT24P50500",
        "trantype": "B",
        "flid": "100200300",
        "flqty": "30",
        "flprc": "2.85",
        "fltm": "16-10-2024 11:15:20",
    }
    fill = fill_from_row(row, broker_name="broker1", receive_time_ns=RECEIVED)
    assert (fill.broker_name, fill.order_id, fill.trading_day) == (
        "broker1",
        "24101600000017",
        date(2024, 10, 16),
    )
    assert (fill.fill_id, fill.quantity, fill.price) == ("100200300", 30.0, 2.85)
    assert (fill.exchange, fill.symbol, fill.side) == ("NFO", "BANKNIFTY16OCT24P50500", Side.BUY)
    assert fill.fill_time_ns == 1729057520_000000000


def test_a_trade_says_what_it_does_not_know() -> None:
    fill = fill_from_row({"norenoordno": "X1", "flqty": "NA"}, broker_name="b", receive_time_ns=RECEIVED)
    assert (fill.trading_day, fill.fill_id, fill.quantity, fill.price, fill.side) == (
        date(2026, 3, 2),
        None,
        None,
        None,
        None,
    )
    with pytest.raises(WireError, match="order number"):
        fill_from_row({"flid": "1"}, broker_name="b", receive_time_ns=RECEIVED)


def test_a_position_that_cant_be_read_is_not_flat() -> None:
    row = {"exch": "NFO", "tsym": "X", "netqty": "NA", "pcode": "M"}
    assert position_from_row(row, broker_name="b") == Position(
        broker_name="b", exchange="NFO", token=None, symbol="X", product="M", net_quantity=None
    )
    assert position_from_row({**row, "netqty": "0"}, broker_name="b").net_quantity == 0.0
    for missing in ("exch", "tsym"):
        with pytest.raises(WireError, match="exch and tsym"):
            position_from_row({**row, missing: ""}, broker_name="b")


@pytest.mark.parametrize(
    "answer",
    [
        {"exch": "NSE", "token": "26000", "lp": "22000"},
        {"exch": "NSE", "token": "43210", "lp": "22000"},
        {"exch": "NFO", "lp": "22000"},
        {"token": "43210", "lp": "22000"},
        {},
    ],
)
def test_another_instruments_quote_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="another instrument"):
        quote_from_answer(answer, expected=("NFO", "43210"))


def test_a_quote_without_optional_fields() -> None:
    quote = quote_from_answer({"exch": "NSE", "token": "26000", "lp": "NA"}, expected=("NSE", "26000"))
    assert (quote.exchange, quote.token, quote.ltp, quote.feed_time) == ("NSE", "26000", None, None)
    assert quote.is_snapshot
    assert quote.has_depth


def test_what_no_book_can_hold_is_unknown() -> None:
    fill = fill_from_row(
        {"norenordno": "26030200000061", "exch": "NFO", "flqty": "-65", "flprc": "-1"},
        broker_name="broker1",
        receive_time_ns=1,
    )
    assert (fill.quantity, fill.price) == (None, None)
    position = position_from_row(
        {
            "exch": "NFO",
            "tsym": "X",
            "netqty": "-65",
            "netavgprc": "-800.00",
            "daybuyqty": "-1",
            "lp": "1e30",
        },
        broker_name="broker1",
    )
    assert (position.net_quantity, position.net_average_price) == (-65.0, -800.0)
    assert (position.day_buy_quantity, position.ltp) == (None, None)


def test_a_trade_of_an_order_without_a_number_that_can_be_one_is_refused() -> None:
    for number in ("7" * 65, "x" * 1_000_000, float("inf"), " "):
        with pytest.raises(WireError, match="norenordno"):
            fill_from_row({"norenordno": number}, broker_name="broker1", receive_time_ns=1)


def history(*rows: dict[str, str], order_id: str = "26011500000081") -> list[OrderUpdate]:
    return history_from_rows(
        [{"norenordno": "26011500000081", **row} for row in rows],
        order_id=order_id,
        broker_name="broker1",
        receive_time_ns=2,
        as_of_ns=1,
    )


NEWEST_FIRST = (
    {"status": "OPEN", "rpt": "Fill", "fillshares": "5", "norentm": "14:39:40 15-01-2026"},
    {"status": "OPEN", "rpt": "New", "norentm": "14:39:38 15-01-2026"},
    {"status": "PENDING", "rpt": "PendingNew", "norentm": "14:39:38 15-01-2026"},
    {"status": "PENDING", "rpt": "NewAck", "norentm": "14:39:38 15-01-2026"},
)
OLDEST_FIRST = ["NewAck", "PendingNew", "New", "Fill"]


def test_a_history_is_turned_to_begin_with_the_oldest_whichever_end_the_broker_begins_with() -> None:
    assert [update.report_type for update in history(*NEWEST_FIRST)] == OLDEST_FIRST
    assert [update.report_type for update in history(*reversed(NEWEST_FIRST))] == OLDEST_FIRST
    assert [update.report_type for update in history(*NEWEST_FIRST[1:])] == OLDEST_FIRST[:3]
    assert history() == []


def test_a_history_bears_when_it_was_asked_for_and_is_marked_as_reconciled() -> None:
    for update in history(*NEWEST_FIRST):
        assert (update.source, update.as_of_ns, update.receive_time_ns) == (UpdateSource.RECONCILE, 1, 2)


def test_a_history_with_a_row_of_another_order_is_refused() -> None:
    with pytest.raises(WireError, match="expected the history of order 26011500000082"):
        history(*NEWEST_FIRST, order_id="26011500000082")
