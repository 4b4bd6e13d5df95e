"""Where the money is by calls and puts alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.manager.options.parity import implied_forward, option_prices

UNKNOWN = float("nan")


def test_an_option_is_worth_the_middle_of_bid_and_ask_or_else_what_was_paid_last() -> None:
    bid = np.array([10.0, 10.0, 0.0, UNKNOWN, 12.0, UNKNOWN])
    ask = np.array([11.0, 0.0, 11.0, UNKNOWN, 11.0, UNKNOWN])
    ltp = np.array([99.0, 8.0, 9.0, 7.5, 6.0, 0.0])
    prices = option_prices(bid, ask, ltp)
    assert prices[:5].tolist() == [10.5, 8.0, 9.0, 7.5, 6.0], "a crossed or one-sided quote says nothing"
    assert math.isnan(prices[5]), "0 is no price"


@given(
    forward=st.floats(20_000, 30_000),
    strikes=st.lists(st.integers(380, 620), min_size=1, max_size=40, unique=True),
    time_value=st.floats(0.05, 500),
)
def test_calls_and_puts_that_fit_together_give_their_forward_back_at_whatever_strikes(
    forward: float, strikes: list[int], time_value: float
) -> None:
    ladder = np.array(sorted(strikes)) * 50.0
    calls = np.maximum(forward - ladder, 0) + time_value
    puts = np.maximum(ladder - forward, 0) + time_value
    assert implied_forward(ladder, calls, puts) == pytest.approx(forward)


def test_a_stale_price_at_one_strike_decides_nothing() -> None:
    ladder = np.array([24_400.0, 24_450.0, 24_500.0, 24_550.0, 24_600.0])
    calls = np.array([190.0, 150.0, 112.0, 80.0, 55.0])
    puts = np.array([41.0, 51.0, 110.0, 131.0, 156.0])
    assert implied_forward(ladder, calls, puts) == pytest.approx(24_502, abs=3)
    calls[1] = 51.0  # that of hours ago: at this strike alone the money would seem to be
    assert implied_forward(ladder, calls, puts) == pytest.approx(24_500, abs=3)


def test_nothing_is_implied_where_no_strike_has_both_prices() -> None:
    ladder = np.array([100.0, 110.0])
    assert math.isnan(implied_forward(ladder, np.array([5.0, UNKNOWN]), np.array([UNKNOWN, 4.0])))
    assert math.isnan(implied_forward(np.array([]), np.array([]), np.array([])))
    one = implied_forward(ladder, np.array([5.0, 2.0]), np.array([UNKNOWN, 4.0]))
    assert one == 108.0
