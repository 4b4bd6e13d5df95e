"""Which stop covers what, and which position has none that can be seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dualbroker.desk import stops as words
from dualbroker.desk.books import DeskStore
from dualbroker.desk.positions import HeldPosition, Mark, held_positions
from dualbroker.desk.stops import StopLine, stops
from dualbroker.model import OrderStatus
from dualbroker.stores.order_state import OrderState
from tests.desk.made import T0, holding, position


def order(number: str = "1", **fields: Any) -> OrderState:
    made: dict[str, Any] = {
        "key": ("broker1", date(2027, 1, 15), number),
        "status": OrderStatus.TRIGGER_PENDING,
        "exchange": "NFO",
        "symbol": "X",
        "product": "M",
        "side": "SELL",
        "quantity": 75.0,
        "price_type": "SL-LMT",
        "trigger_price": 90.0,
        "price": 89.0,
    }
    return OrderState(**made | fields)


def held(net: float, **fields: Any) -> list[HeldPosition]:
    store = DeskStore()
    bought, sold = (net, 0.0) if net > 0 else (0.0, -net)
    made = {"net_quantity": net, "day_buy_quantity": bought, "day_sell_quantity": sold}
    store.take_positions("broker1", [position(**made | fields)], T0)
    return held_positions(store.account("broker1"))


def lines(orders: list[OrderState], positions: list[HeldPosition], unread: str = "") -> list[StopLine]:
    return stops(orders, positions, lambda *_: Mark(100.0), unread=lambda _: unread)


def states(orders: list[OrderState], positions: list[HeldPosition]) -> list[str]:
    return [line.state for line in lines(orders, positions)]


def test_a_stop_says_how_far_the_price_is_from_it_and_what_it_covers() -> None:
    (line,) = lines([order()], held(75))
    assert (line.state, line.trigger_price, line.limit_price, line.ltp) == (words.COVERED, 90.0, 89.0, 100.0)
    assert (line.distance, line.distance_percent, line.position_quantity) == (10.0, 10.0, 75)
    (short,) = lines([order(side="BUY", trigger_price=95.0)], held(-75))
    assert (short.state, short.distance) == (words.COVERED, -5.0)


def test_a_position_without_a_stop_has_no_stop_seen_and_is_not_called_naked() -> None:
    (line,) = lines([], held(75))
    assert (line.state, line.order_id, line.position_quantity) == ("no stop seen", None, 75)


def test_a_position_of_unknown_quantity_is_not_read_and_no_alarm() -> None:
    positions = held(75)
    positions[0].quantity = None
    (line,) = lines([], positions)
    assert (line.state, line.position_quantity, line.covered_quantity) == (words.NOT_READ, None, None)


def test_an_order_book_that_was_not_read_raises_no_alarm() -> None:
    (line,) = lines([], held(75), unread="the order book could not be read")
    assert (line.state, line.covered_quantity, line.doubt) == (
        words.NOT_READ,
        None,
        "the order book could not be read",
    )


@pytest.mark.parametrize(
    ("fields", "net", "expected"),
    [
        ({"quantity": 50.0}, 75, [words.DIFFERS]),
        ({"filled_quantity": 25.0, "status": OrderStatus.OPEN}, 50, [words.TRIGGERED]),
        ({"status": OrderStatus.OPEN}, 75, [words.TRIGGERED]),
        ({"side": "BUY", "trigger_price": 110.0}, 75, [words.ENTRY, words.NO_STOP]),
        ({"status": OrderStatus.COMPLETE}, 75, [words.NO_STOP]),
        ({"price_type": "LMT"}, 75, [words.NO_STOP]),
        ({"product": "I"}, 75, [words.ENTRY, words.NO_STOP]),
    ],
)
def test_what_a_stop_is_to_a_position(fields: dict[str, Any], net: float, expected: list[str]) -> None:
    assert states([order(**fields)], held(net)) == expected


def test_a_stop_that_outlives_its_position_is_an_orphan_and_one_that_awaits_it_an_entry() -> None:
    closed = held(0, day_buy_quantity=75.0, day_sell_quantity=75.0)
    assert states([order()], closed) == [words.ORPHAN]
    assert states([order()], []) == [words.ENTRY]


def test_two_stops_of_one_position_count_together_and_each_once() -> None:
    both = [order("1", quantity=50.0), order("2", quantity=25.0, product="M")]
    assert states(both, held(75)) == [words.COVERED, words.COVERED]
    legs = [
        order("1", product="B"),
        order("2", product="B", price_type="LMT", trigger_price=None, price=120.0),
    ]
    assert states(legs, held(75, product="B")) == [words.COVERED]


def test_a_sale_out_of_the_holdings_wants_no_stop() -> None:
    store = DeskStore()
    row = position(exchange="NSE", symbol="X-EQ", product="C", net_quantity=-4.0, day_sell_quantity=4.0)
    store.take_positions("broker1", [row], T0)
    store.take_holdings("broker1", [holding()], T0)
    assert lines([], held_positions(store.account("broker1"))) == []
