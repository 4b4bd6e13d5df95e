"""The same order in two accounts."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.desk.mirror import Pair, mirror
from dualbroker.model import OrderStatus
from dualbroker.stores.order_state import OrderState
from tests.desk.made import NS, T0


def order(broker: str, number: int, second: float = 0.0, **fields: Any) -> OrderState:
    made: dict[str, Any] = {
        "key": (broker, date(2027, 1, 15), str(number)),
        "status": OrderStatus.COMPLETE,
        "exchange": "NFO",
        "symbol": "X",
        "side": "BUY",
        "quantity": 75.0,
        "filled_quantity": 75.0,
        "average_price": 100.0,
        "order_time_ns": T0 + int(second * NS),
    }
    return OrderState(**made | fields)


def only(*orders: OrderState, **settings: Any) -> Pair:
    (pair,) = mirror(orders, "broker1", "broker2", **settings)
    return pair


def test_a_pair_says_what_the_second_account_paid_more_and_came_later() -> None:
    pair = only(order("broker1", 1), order("broker2", 1, 1.0, average_price=100.35, quantity=150.0))
    assert pair.verdict.startswith("partly filled at broker2")
    assert (pair.quantity_ratio, pair.time_difference_s) == (2.0, 1.0)
    assert pair.price_difference is not None
    assert round(pair.price_difference, 2) == 0.35
    sold = only(
        order("broker1", 1, side="SELL"), order("broker2", 1, side="SELL", average_price=99.0, quantity=75.0)
    )
    assert (sold.verdict, sold.price_difference) == ("mirrored", 1.0)


def test_what_is_wrong_with_a_pair_is_said_and_of_which_side() -> None:
    good = order("broker1", 1)
    for fields, verdict in (
        ({"status": OrderStatus.REJECTED, "filled_quantity": 0.0}, "rejected at broker2"),
        ({"status": OrderStatus.OPEN, "filled_quantity": 25.0}, "partly filled at broker2"),
        ({"status": OrderStatus.OPEN, "filled_quantity": 0.0}, "still open at broker2"),
        ({"doubt": "not in the book"}, "in doubt at broker2"),
    ):
        assert only(good, order("broker2", 1, **fields)).verdict == verdict
    assert only(good).verdict == "missing at broker2"
    assert only(order("broker2", 1)).verdict == "missing at broker1"
    assert (
        only(good, order("broker2", 1), ratio=2.0).verdict
        == "quantity at broker2 is not 2 times that at broker1"
    )


def test_the_nearest_in_time_belong_together_and_each_order_is_used_once() -> None:
    orders = [order("broker1", 1, 0), order("broker1", 2, 3), order("broker2", 7, 2.5)]
    pairs = {pair.first.order_id: pair for pair in mirror(orders, "broker1", "broker2") if pair.first}
    assert pairs["1"].second is None
    assert pairs["2"].second is not None
    assert mirror(orders, "broker1", "broker2", window_s=0.1)[0].verdict.startswith("missing")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["broker1", "broker2", "broker3"]), st.integers(0, 30), st.sampled_from("XY")
        ),
        max_size=20,
    )
)
def test_every_order_of_the_two_stands_in_one_pair(made: list[tuple[str, int, str]]) -> None:
    orders = [order(broker, n, second, symbol=symbol) for n, (broker, second, symbol) in enumerate(made)]
    pairs = mirror(orders, "broker1", "broker2")
    seen = [each.key for pair in pairs for each in (pair.first, pair.second) if each is not None]
    assert sorted(seen) == sorted(each.key for each in orders if each.broker_name != "broker3")
    for pair in pairs:
        if pair.first and pair.second:
            assert pair.first.symbol == pair.second.symbol
            assert abs(pair.time_difference_s or 0) <= 5.0
