from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.model import FillReport, OrderStatus, OrderUpdate, UpdateSource
from dualbroker.stores.order_fills import Fills, WaitingFills
from dualbroker.stores.orders import Ledger

DAY = date(2026, 9, 25)
KEY = ("broker1", DAY, "1")

fill_ids = st.sampled_from("abcdefgh")
quantities = st.integers(1, 5).map(float)


@given(st.lists(st.tuples(st.integers(0, 9), fill_ids, quantities, st.none() | quantities), max_size=30))
def test_whatever_goes_on_from_whichever_each_keeps_what_it_had(
    steps: list[tuple[int, str, float, float | None]],
) -> None:
    made = [(Fills(), dict[str, tuple[float, float | None]]())]
    for back, fill_id, quantity, price in steps:
        fills, known = made[max(0, len(made) - 1 - back)]
        made.append((fills.and_one(fill_id, quantity, price), {fill_id: (quantity, price), **known}))
        if fill_id in known:
            assert made.pop()[0] is fills
    for fills, known in made:
        assert fills == known
        assert fills.quantity == sum(quantity for quantity, _ in known.values())
        priced = [quantity * price for quantity, price in known.values() if price is not None]
        is_known = known and len(priced) == len(known)
        assert fills.average_price == (sum(priced) / fills.quantity if is_known else None)
    for (earlier, _), (later, _) in pairwise(made):
        assert later.beyond(earlier) == {key: later[key] for key in later if key not in earlier}


def report(fill_id: str, quantity: float, second: int = 0) -> FillReport:
    return FillReport(
        broker_name="broker1",
        order_id="1",
        trading_day=DAY,
        fill_id=fill_id,
        quantity=quantity,
        price=50.0,
        fill_time_ns=second,
    )


@given(st.dictionaries(fill_ids, st.tuples(quantities, st.integers(0, 3))), st.integers(0, 20))
def test_the_oldest_that_are_covered_are_taken_once(
    fills: dict[str, tuple[float, int]], covered: int
) -> None:
    waiting = WaitingFills()
    for again in range(2):
        for fill_id, (quantity, second) in fills.items():
            waiting.add(fill_id, report(fill_id, quantity + again, second - again))
    expected, left = {}, float(covered)
    for fill_id, (quantity, _) in sorted(fills.items(), key=lambda item: item[1][1]):
        if quantity + 1 <= left:
            expected[fill_id] = (quantity + 1, 50.0)
            left -= quantity + 1
    assert waiting.take(covered) == expected
    assert {fill.fill_id for fill in waiting.reports()} == fills.keys() - expected.keys()


class Counted(float):
    """A quantity that counts how often anything is added to it or it to anything."""

    times = 0

    def __add__(self, other: float) -> float:
        Counted.times += 1
        return float(self) + other

    def __radd__(self, other: float) -> float:
        Counted.times += 1
        return other + float(self)


@pytest.mark.parametrize("from_stream", [True, False])
def test_a_fill_costs_no_more_for_those_that_the_order_has_already(from_stream: bool) -> None:
    ledger, count = Ledger(), 500
    before = Counted.times
    if from_stream:
        for number in range(count):
            ledger.apply(
                OrderUpdate(
                    broker_name="broker1",
                    order_id="1",
                    trading_day=DAY,
                    receive_time_ns=number,
                    source=UpdateSource.STREAM,
                    status=OrderStatus.OPEN,
                    fill_id=str(number),
                    fill_quantity=Counted(1.0),
                    fill_price=50.0,
                )
            )
    else:
        ledger.count_uncovered(KEY, float(count), "", 1)
        ledger.apply_trade_book([report(str(number), Counted(1.0)) for number in range(count)], 2)
    state = ledger.states[KEY]
    assert (len(state.fills), state.filled_quantity, state.average_price) == (count, count, 50.0)
    assert 0 < Counted.times - before <= 3 * count
