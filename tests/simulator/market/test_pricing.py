from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.simulator.market.pricing import (
    INTEREST_RATE,
    Floats,
    black76,
    normal_cdf,
    smile_volatility,
    two_sided,
)


def row(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


@given(st.floats(-12, 12))
def test_normal_integral_agrees_with_the_error_function(x: float) -> None:
    exact = 0.5 * (1 + math.erf(x / math.sqrt(2)))
    assert abs(float(normal_cdf(row(x))[0]) - exact) < 7.5e-8


def test_a_known_option_value() -> None:
    # Undiscounted at-the-money forward value is F * (2 * N(vol * sqrt(T) / 2) - 1).
    value = black76(row(100.0), row(100.0), row(0.25), row(0.2), np.array([True]))[0]
    expected = 100 * math.erf(0.05 / math.sqrt(2)) * math.exp(-INTEREST_RATE * 0.25)
    assert abs(value - expected) < 1e-4


options = {
    "forward": st.floats(10_000, 90_000),
    "relative_strike": st.floats(0.8, 1.2),
    "years": st.floats(1 / 8_760, 1.0),
    "volatility": st.floats(0.05, 0.6),
}


@given(**options)
def test_put_call_parity(forward: float, relative_strike: float, years: float, volatility: float) -> None:
    strike = forward * relative_strike
    both = np.array([True, False])
    call, put = black76(
        row(forward, forward), row(strike, strike), row(years, years), row(volatility, volatility), both
    )
    parity = (forward - strike) * math.exp(-INTEREST_RATE * years)
    assert abs((call - put) - parity) < 0.02
    assert call >= 0
    assert put >= 0


@given(**options)
def test_smile_is_positive_and_lowest_near_the_money(
    forward: float, relative_strike: float, years: float, volatility: float
) -> None:
    smile = smile_volatility(row(forward), row(forward * relative_strike), row(years), row(volatility))[0]
    assert 0.9 * volatility < smile < 2.2 * volatility


@given(
    st.floats(0.001, 90_000),
    st.floats(0, 50),
    st.sampled_from([0.01, 0.05, 0.1, 0.2, 1.0]),
    st.floats(0, 0.5),
)
def test_quotes_are_whole_ticks_inside_the_band(
    fair: float, half_spread: float, tick: float, reach: float
) -> None:
    lowest = max(1.0, math.ceil(fair * (1 - reach) / tick))
    highest = lowest + 1 + math.floor(fair * reach / tick)
    bid, ask = two_sided(row(fair), row(half_spread), row(tick), row(lowest), row(highest))
    assert lowest <= bid[0] < ask[0] <= highest
    assert bid[0] == round(bid[0])
    assert ask[0] == round(ask[0])
