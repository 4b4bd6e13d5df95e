"""A difference is explained by the broker's rule computed again, or it is not explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.desk.accounting import Trade, fifo, pooled, unrealised
from dualbroker.desk.check import Check, check, tolerance
from tests.desk.made import position

CARRIED, ENTRY, SETTLED, LTP, FACTOR = 2.0, 85.10, 84.90, 85.60, 1000.0
DAY = [Trade(-3, 85.30), Trade(1, 85.20), Trade(4, 85.00)]
TRADES = [Trade(CARRIED, ENTRY), *DAY]


def row_of(realised: float | None, gain: float | None, **fields: Any) -> Check:
    row = position(
        net_quantity=4.0,
        carried_price=ENTRY,
        settlement_price=SETTLED,
        price_factor=FACTOR,
        ltp=LTP,
        realised_profit=realised,
        unrealised_profit=gain,
        **fields,
    )
    return check(
        row, DAY, carried=CARRIED, multiplier=FACTOR, multiplier_source="prcftr", ltp=86.0, method="pooled"
    )


def right() -> tuple[float | None, float | None]:
    outcome = pooled(TRADES, FACTOR)
    return outcome.realised, unrealised(outcome, LTP, FACTOR)


def dropped_factor() -> tuple[float | None, float | None]:
    outcome = pooled(TRADES)
    return outcome.realised, unrealised(outcome, LTP)


def doubled_multiplier() -> tuple[float | None, float | None]:
    outcome = pooled(TRADES, FACTOR * FACTOR)
    return outcome.realised, unrealised(outcome, LTP, FACTOR * FACTOR)


def fifo_for_pooled() -> tuple[float | None, float | None]:
    outcome = fifo(TRADES, FACTOR)
    return outcome.realised, unrealised(outcome, LTP, FACTOR)


def omitted_carry() -> tuple[float | None, float | None]:
    outcome = pooled(DAY, FACTOR)
    return outcome.realised, unrealised(outcome, LTP, FACTOR)


def test_the_broker_s_own_rule_is_explained_and_names_what_differs() -> None:
    found = row_of(*right())
    assert found.explained is True
    assert found.rule == "carried at the entry price; multiplier 1000 (prcftr); price of another moment"
    assert found.difference == pytest.approx(4 * (86.0 - LTP) * FACTOR)


def test_a_broker_that_counts_from_the_last_settlement_is_explained_and_says_so() -> None:
    outcome = pooled([Trade(CARRIED, SETTLED), *DAY], FACTOR)
    found = row_of(outcome.realised, unrealised(outcome, LTP, FACTOR))
    assert found.explained is True
    assert "carried at the last settlement" in found.rule


@pytest.mark.parametrize(
    "wrong",
    [dropped_factor, doubled_multiplier, fifo_for_pooled, omitted_carry],
    ids=lambda each: each.__name__,
)
def test_a_wrong_formula_comes_out_unexplained(
    wrong: Callable[[], tuple[float | None, float | None]],
) -> None:
    found = row_of(*wrong())
    assert (found.explained, found.rule) == (False, "unexplained")


@pytest.mark.parametrize("wrong_here", ["factor", "twice", "carry"])
def test_a_wrong_formula_of_ours_comes_out_unexplained_too(wrong_here: str) -> None:
    realised, gain = right()
    row = position(
        net_quantity=4.0,
        carried_price=ENTRY,
        settlement_price=SETTLED,
        ltp=LTP,
        realised_profit=realised,
        unrealised_profit=gain,
    )
    factor = {"factor": 1.0, "twice": FACTOR * FACTOR}.get(wrong_here, FACTOR)
    carried = 0.0 if wrong_here == "carry" else CARRIED
    found = check(row, DAY, carried=carried, multiplier=factor, multiplier_source="", ltp=LTP)
    assert found.explained is False


def test_fifo_here_is_explained_by_pooling_there_and_only_by_it() -> None:
    row = position(
        net_quantity=10.0, ltp=115.0, realised_profit=0.0, unrealised_profit=50.0, unit_multiplier=None
    )
    day = [Trade(10, 100.0), Trade(-10, 110.0), Trade(10, 120.0)]
    found = check(row, day, carried=0, multiplier=1, multiplier_source="", ltp=115.0, method="fifo")
    assert (found.ours_realised, found.ours_unrealised, found.difference) == (100.0, -50.0, 0.0)
    assert (found.explained, found.rule) == (True, "first in, first out here, pooled by day there")


def test_a_quantity_that_differs_is_never_explained() -> None:
    row = position(net_quantity=0.0, ltp=100.0, realised_profit=0.0, unrealised_profit=0.0)
    found = check(row, [Trade(-65, 100.0)], carried=0, multiplier=1, multiplier_source="", ltp=100.0)
    assert found.explained is False
    assert "fills and what is carried give -65, the broker's row 0" in found.rule


def test_fills_since_the_read_are_left_out_of_what_is_computed_again() -> None:
    row = position(net_quantity=10.0, ltp=101.0, realised_profit=0.0, unrealised_profit=10.0)
    then = [Trade(10, 100.0)]
    found = check(
        row,
        [*then, Trade(5, 101.0)],
        carried=0,
        multiplier=1,
        multiplier_source="",
        ltp=101.0,
        fills_then=then,
    )
    assert (found.explained, found.rule) == (True, "fills since the read")


def test_what_can_t_be_compared_is_neither_explained_nor_not() -> None:
    def found(**fields: Any) -> Check:
        row = position(net_quantity=1.0, **fields)
        return check(row, [Trade(1, 100.0)], carried=0, multiplier=1, multiplier_source="", ltp=1.0)

    assert found().explained is None
    assert found(unrealised_profit=5.0).rule == "a price is unknown, so it can't be computed again"
    assert check(
        position(net_quantity=None), [], carried=0, multiplier=1, multiplier_source="", ltp=1.0
    ).rule == ("the broker's quantity can't be read")


def test_a_zero_of_the_broker_is_a_figure() -> None:
    # A mapper that takes "0" for missing would miss that the multiplier is dropped.
    row = position(net_quantity=1.0, ltp=101.0, realised_profit=0.0, unrealised_profit=0.0)
    found = check(row, [Trade(1, 100.0)], carried=0, multiplier=1000, multiplier_source="mult", ltp=101.0)
    assert found.explained is False


@given(st.integers(-1_000_000, 1_000_000), st.sampled_from([0.1, 1.0, 1000.0]), st.integers(1, 10**6))
def test_an_average_that_is_rounded_to_paise_stays_within_the_tolerance(
    quantity: int, multiplier: float, mills: int
) -> None:
    exact = mills / 1000
    off = abs(quantity * (exact - round(exact, 2)) * multiplier)
    assert off <= tolerance(quantity, multiplier) * (1 + 1e-9)
