from __future__ import annotations

from datetime import date

import numpy as np

from dualbroker.simulator.market.factors import Factors
from dualbroker.simulator.market.universe import build_universe

UNIVERSE = build_universe(date(2026, 11, 23), strikes_each_side=1)
BASES = np.array([underlying.base_price for underlying in UNIVERSE.underlyings])


def test_it_starts_at_yesterdays_close_and_opens_with_a_gap() -> None:
    factors = Factors(UNIVERSE, np.random.default_rng(1))
    assert np.array_equal(factors.levels, BASES)
    assert factors.volatility == 0.135
    factors.open()
    follows_the_market = np.array([each.beta != 0 for each in UNIVERSE.underlyings])
    assert np.array_equal(np.isclose(factors.levels, BASES, rtol=1e-6), ~follows_the_market)


def test_no_time_moves_nothing() -> None:
    factors = Factors(UNIVERSE, np.random.default_rng(1))
    factors.step(0.0)
    assert np.array_equal(factors.levels, BASES)


def test_weeks_of_running_stay_near_the_base() -> None:
    factors = Factors(UNIVERSE, np.random.default_rng(1))
    factors.open()
    vix = UNIVERSE.volatility_index
    for _ in range(30 * 24 * 4):
        factors.step(900.0)
        away = np.abs(factors.levels / BASES - 1)
        assert np.delete(away, vix).max() < 0.08
        assert away[vix] < 0.6


def test_a_day_moves_the_index_as_much_as_its_volatility_says() -> None:
    moves = []
    for seed in range(300):
        factors = Factors(UNIVERSE, np.random.default_rng(seed))
        factors.step(3_600.0)
        moves.append(np.log(factors.levels[0] / BASES[0]))
    hourly = 0.135 * np.sqrt(3_600 / (252 * 22_500))
    assert 0.85 * hourly < np.std(moves) < 1.15 * hourly
