"""Every right value that public pages and recorded rows give, and what holds of any trades."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.desk.accounting import (
    METHODS,
    Outcome,
    Sides,
    Trade,
    day_mtm,
    fifo,
    match,
    multiplier_of,
    pooled,
    sides_of,
    unrealised,
)

QUANTITIES = st.integers(-500, 500).filter(bool).map(float)
PRICES = st.integers(1, 2_000_000).map(lambda paise: paise / 100)
TRADES = st.lists(st.builds(Trade, QUANTITIES, PRICES), max_size=25)


@pytest.mark.parametrize(
    ("quantity", "price", "ltp", "gain"),
    [
        (80, 62.20, 63.10, 72.00),  # MSUMI, a recorded row
        (-1000, 5.45, 4.95, 500.00),  # FINNIFTY, a recorded row
        (-1000, 3.08, 2.95, 130.00),  # FINNIFTY, a recorded row
        (150, 10020.9, 9970.2, -7605.00),  # a NIFTY future, tradingqna 80710
        (16, 801.78125, 762.45, -629.30),  # a holding of SBIN, Kite's mocks
        (-65, 48.10, 91.40, -2814.50),  # openalgo#1631
    ],
)
def test_the_right_value_of_one_open_position(quantity: int, price: float, ltp: float, gain: float) -> None:
    for method in METHODS:
        outcome = match(method, [Trade(quantity, price)])
        assert unrealised(outcome, ltp) == pytest.approx(gain, abs=1e-9)
        assert outcome.realised == 0.0


def test_goldguinea_of_kite_s_mocks() -> None:
    # 3 overnight, which closed at 23232; bought 1 at 23388, sold 4 at 23340.
    day = [Trade(1, 23388.0), Trade(-4, 23340.0)]
    entry = 23057.0
    for method in METHODS:
        outcome = match(method, [Trade(3, entry), *day])
        assert outcome.quantity == 0.0
        assert outcome.realised == pytest.approx(801.0)
        assert unrealised(outcome, None) == 0.0
    assert day_mtm(3, 23232.0, sides_of(day), None) == pytest.approx(276.0)
    # The day's own row leaves out what is carried: three are short.
    of_day = pooled(day)
    assert of_day.quantity == -3
    assert (of_day.realised or 0) + (unrealised(of_day, 23355.0) or 0) == pytest.approx(-93.0)


def test_leadmini_of_kite_s_mocks_counts_its_thousand_once() -> None:
    outcome = pooled([Trade(1, 161.05)], 1000.0)
    value = -outcome.quantity * (outcome.average_price or 0) * 1000
    assert value == pytest.approx(-161_050.0)
    assert unrealised(outcome, 161.05, 1000.0) == 0.0


def test_naturalgas_of_an_mcx_lot() -> None:
    assert unrealised(pooled([Trade(1, 200.0)], 1250.0), 193.30, 1250.0) == pytest.approx(-8375.0)


def test_a_position_of_which_part_is_closed() -> None:
    # openalgo#1631: 65 are left of what was sold at 48.10; what was closed has lost 6178.25.
    lost = 6178.25
    trades = [Trade(-130, 48.10), Trade(65, 48.10 + lost / 65)]
    outcome = pooled(trades)
    assert outcome.quantity == -65.0
    assert outcome.average_price == pytest.approx(48.10)
    assert outcome.realised == pytest.approx(-lost)
    gain = unrealised(outcome, 91.40)
    assert gain == pytest.approx(-2814.50)
    assert (outcome.realised or 0) + (gain or 0) == pytest.approx(-8992.75)


def test_sail_by_day_adds_up_to_its_whole_profit() -> None:
    # Zerodha's page on MTM: 9,500 bought at 100, closes of 101, 100 and 101.5, sold at 102.
    days = [
        day_mtm(0, None, Sides(9500, 100.0), 101.0),
        day_mtm(9500, 101.0, Sides(), 100.0),
        day_mtm(9500, 100.0, Sides(), 101.5),
        day_mtm(9500, 101.5, Sides(0, None, 9500, 102.0), None),
    ]
    assert days == [9500.0, -9500.0, 14250.0, 4750.0]
    assert sum(day or 0 for day in days) == 19_000.0
    assert pooled([Trade(9500, 100.0), Trade(-9500, 102.0)]).realised == 19_000.0


def test_pooled_and_fifo_divide_the_same_profit_in_two_ways() -> None:
    trades = [Trade(10, 100.0), Trade(-10, 110.0), Trade(10, 120.0)]
    assert pooled(trades) == Outcome(10.0, 110.0, 0.0, 10.0)
    assert fifo(trades) == Outcome(10.0, 120.0, 100.0, 10.0)


def test_the_multiplier_is_taken_from_both_fields_and_never_twice() -> None:
    assert multiplier_of(1.0, 1.0) == (1.0, "")
    assert multiplier_of(None, None) == (1.0, "")
    assert multiplier_of(0.0, 0.0) == (1.0, "")
    assert multiplier_of(1000.0, 1.0) == (1000.0, "prcftr")
    assert multiplier_of(1.0, 1000.0) == (1000.0, "mult")
    assert multiplier_of(1000.0, 1000.0) == (1000.0, "prcftr and mult say the same, counted once")
    assert multiplier_of(0.1, 1.0) == (0.1, "prcftr")  # GOLDTEN
    both = multiplier_of(0.1, 100.0)
    assert both.value == pytest.approx(10.0)
    assert both.source == "prcftr × mult"


def test_a_price_that_is_unknown_makes_a_figure_unknown_and_never_nothing() -> None:
    for method in METHODS:
        assert match(method, [Trade(10, None), Trade(-5, 100.0)]).realised is None
        open_one = match(method, [Trade(10, None)])
        assert (open_one.average_price, unrealised(open_one, 100.0)) == (None, None)
        assert unrealised(match(method, [Trade(10, 100.0)]), None) is None
        flat = match(method, [Trade(10, 100.0), Trade(-10, 101.0)])
        assert unrealised(flat, None) == 0.0
    assert day_mtm(5, None, Sides(), 100.0) is None
    assert day_mtm(0, None, Sides(), None) == 0.0


def total(outcome: Outcome, ltp: float, multiplier: float = 1.0) -> float:
    gain = unrealised(outcome, ltp, multiplier)
    assert outcome.realised is not None
    assert gain is not None
    return outcome.realised + gain


@given(TRADES, PRICES)
def test_both_methods_have_the_cash_flow_s_profit_at_any_price(trades: list[Trade], ltp: float) -> None:
    cash = sum(-quantity * (price or 0) for quantity, price in trades)
    worth = sum(quantity for quantity, _ in trades) * ltp
    for method in METHODS:
        assert total(match(method, trades), ltp) == pytest.approx(cash + worth, rel=1e-9, abs=1e-2)


@given(TRADES, PRICES)
def test_flat_is_the_same_by_either_method(trades: list[Trade], exit_price: float) -> None:
    left = sum(quantity for quantity, _ in trades)
    closed = [*trades, Trade(-left, exit_price)] if left else trades
    one, other = pooled(closed), fifo(closed)
    assert one.quantity == other.quantity == 0.0
    assert one.realised == pytest.approx(other.realised, rel=1e-9, abs=1e-2)
    assert one.closed == pytest.approx(sum(quantity for quantity, _ in closed if quantity > 0))


@given(st.lists(TRADES, min_size=1, max_size=5), st.lists(PRICES, min_size=5, max_size=5))
def test_the_days_mtm_add_up_to_the_whole_profit(days: list[list[Trade]], closes: list[float]) -> None:
    carried, settlement, found = 0.0, None, 0.0
    for day, close in zip(days, closes, strict=False):
        sides = sides_of(day)
        of_day = day_mtm(carried, settlement, sides, close)
        assert of_day is not None
        found += of_day
        carried, settlement = carried + sides.net, close
    everything = [trade for day in days for trade in day]
    assert found == pytest.approx(total(pooled(everything), closes[len(days) - 1]), rel=1e-9, abs=1e-2)


@given(TRADES)
def test_pooled_forgets_the_order_of_the_trades(trades: list[Trade]) -> None:
    there, back = pooled(trades), pooled(trades[::-1])
    assert there.quantity == back.quantity
    assert there.realised == pytest.approx(back.realised, rel=1e-9, abs=1e-6)


@given(TRADES, st.sampled_from([0.1, 1.0, 1000.0]), PRICES)
def test_the_multiplier_scales_every_figure_once(trades: list[Trade], factor: float, ltp: float) -> None:
    for method in METHODS:
        plain = total(match(method, trades), ltp)
        scaled = total(match(method, trades, factor), ltp, factor)
        assert scaled == pytest.approx(factor * plain, rel=1e-9, abs=1e-2)
