"""The strikes around the money, and when they follow it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.manager.options.chain_window import HYSTERESIS, nearest, window

LADDER = [float(strike) for strike in range(25_000, 27_050, 50)]

ladders = st.lists(
    st.integers(1, 4000).map(lambda number: number * 2.5), min_size=1, max_size=60, unique=True
).map(sorted)
prices = st.floats(0.05, 12_000)


@pytest.mark.parametrize(
    ("price", "middle"), [(26_010.0, 26_000.0), (26_025.0, 26_000.0), (26_025.05, 26_050.0)]
)
def test_it_begins_at_the_money(price: float, middle: float) -> None:
    found = window(LADDER, price, 2)
    assert found.middle == middle
    assert found.strikes == tuple(middle + step * 50 for step in range(-2, 3))


def test_a_price_that_swings_between_two_strikes_moves_nothing() -> None:
    middle = 26_000.0
    for price in (26_024.0, 26_026.0, 26_037.0, 26_020.0, 25_964.0):
        assert window(LADDER, price, 5, middle).middle == middle
    assert window(LADDER, 26_038.0, 5, middle).middle == 26_050.0
    assert window(LADDER, 25_962.0, 5, middle).middle == 25_950.0


def test_it_jumps_to_the_money_however_far_that_went() -> None:
    assert window(LADDER, 26_412.0, 5, 26_000.0).middle == 26_400.0


def test_it_ends_with_the_ladder() -> None:
    assert window(LADDER, 30_000.0, 2).strikes == (26_900.0, 26_950.0, 27_000.0)
    assert window(LADDER, 1.0, 2, 25_000.0).strikes == (25_000.0, 25_050.0, 25_100.0)


def test_a_middle_that_is_no_strike_any_more_begins_anew() -> None:
    assert window(LADDER, 26_010.0, 1, 12.0).middle == 26_000.0
    assert window(LADDER, 26_030.0, 1, 26_013.0).middle == 26_050.0


@given(ladders, prices, st.integers(1, 20), st.none() | st.integers(0, 59))
def test_the_window_is_a_piece_of_the_ladder_near_the_money(
    ladder: Sequence[float], price: float, each_side: int, at: int | None
) -> None:
    current = None if at is None else ladder[at % len(ladder)]
    found = window(ladder, price, each_side, current)
    first = ladder.index(found.strikes[0])
    assert list(found.strikes) == ladder[first : first + len(found.strikes)]
    place = found.strikes.index(found.middle)
    assert place == min(each_side, ladder.index(found.middle))
    assert len(found.strikes) - place - 1 == min(each_side, len(ladder) - 1 - ladder.index(found.middle))
    closest = nearest(ladder, price)
    widest = max((high - low for low, high in pairwise(ladder)), default=0.0)
    assert abs(found.middle - price) <= max(abs(closest - price), HYSTERESIS * widest)


@given(ladders, prices, st.integers(1, 20), st.integers(0, 59))
def test_it_comes_to_rest_at_once_and_needs_a_way_to_move_again(
    ladder: Sequence[float], price: float, each_side: int, at: int
) -> None:
    found = window(ladder, price, each_side, ladder[at % len(ladder)])
    assert window(ladder, price, each_side, found.middle) == found


@given(st.lists(st.floats(-30.0, 30.0), max_size=50))
def test_it_moves_no_more_often_than_the_price_goes_half_a_step(steps: list[float]) -> None:
    price, middle, way, moves = 26_000.0, 26_000.0, 0.0, 0
    for step in steps:
        price = min(max(price + step, LADDER[0]), LADDER[-1])
        way += abs(step)
        fresh = window(LADDER, price, 3, middle).middle
        moves += fresh != middle
        middle = fresh
        assert abs(price - middle) <= HYSTERESIS * 50
    # From one middle to the next it is 75 % of a step there, and at least half of one after each move.
    assert moves <= way / 25
