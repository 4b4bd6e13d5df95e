"""What things are worth: forwards with carry, options by Black-76 with a smile, two-sided quotes.

Pure arithmetic on numpy arrays. Prices and strikes are rupees, times are years of 365 days,
volatilities are annual (0.14 is 14 %).
"""

from __future__ import annotations

from datetime import UTC, datetime, time

import numpy as np
from numpy.typing import NDArray

from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.market.universe import Universe

__all__ = [
    "INDEX_STEP",
    "FairValues",
    "Floats",
    "Integers",
    "black76",
    "normal_cdf",
    "smile_volatility",
    "two_sided",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INTEREST_RATE = 0.065
CARRY_RATE = 0.055
"""Interest less dividends: what a future costs above its spot, per year."""
INDEX_STEP = 0.05
"""Levels of NSE's indices lie on this grid (protocol: section 9)."""
_FINE_INDEX_STEP = 0.01
"""India VIX and BSE's indices have two decimals and no grid."""
YEAR_S = 365 * 86_400
_LEAST_SECONDS_LEFT = 3_600.0
"""The simulated market never closes, so an expiry day's options keep an hour of life after it."""
_EXPIRY_TIME_UTC = time(10, 0, tzinfo=UTC)
"""15:30 IST."""
_SKEW, _CURVATURE, _WIDEST = -0.06, 0.03, 5.0
_OUTRIGHT_HALF_SPREAD = 3e-5
_OPTION_HALF_SPREAD = 6e-4
_AWAY_HALF_SPREAD = 1.5e-3

# Zelen and Severo's rational approximation of the normal integral, absolute error below 7.5e-8
# (Abramowitz and Stegun 26.2.17): a thirtieth of a tick on an index of 26,000.
_CDF_SCALE = 0.2316419
_CDF_POLYNOMIAL = (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530)


def normal_cdf(x: Floats) -> Floats:
    """Probability that a standard normal variable is below ``x``; ``normal_cdf(-x)`` is its complement."""
    t = 1.0 / (1.0 + _CDF_SCALE * np.abs(x))
    polynomial = np.zeros_like(t)
    for coefficient in _CDF_POLYNOMIAL:
        polynomial = (polynomial + coefficient) * t
    tail: Floats = polynomial * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)
    return np.where(x >= 0.0, 1.0 - tail, tail)


def smile_volatility(forward: Floats, strike: Floats, years: Floats, at_the_money: Floats) -> Floats:
    """Implied volatility of a strike: low strikes expensive (the equity skew), both wings above the money."""
    away = np.clip(moneyness(forward, strike, years, at_the_money), -_WIDEST, _WIDEST)
    relative: Floats = 1.0 + _SKEW * away + _CURVATURE * away * away
    return at_the_money * relative


def moneyness(forward: Floats, strike: Floats, years: Floats, volatility: Floats) -> Floats:
    """Distance of a strike from the forward in standard deviations to expiry, positive above it."""
    return np.log(strike / forward) / (volatility * np.sqrt(years))


def black76(
    forward: Floats, strike: Floats, years: Floats, volatility: Floats, is_call: NDArray[np.bool_]
) -> Floats:
    """Value today of a European option on a forward."""
    deviation = volatility * np.sqrt(years)
    d1 = np.log(forward / strike) / deviation + 0.5 * deviation
    sign = np.where(is_call, 1.0, -1.0)
    value = sign * (forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * (d1 - deviation)))
    return np.maximum(value, 0.0) * np.exp(-INTEREST_RATE * years)


def two_sided(
    fair: Floats, half_spread: Floats, tick: Floats, lowest: Floats, highest: Floats
) -> tuple[Floats, Floats]:
    """Bid and ask around a fair value: on the tick, a tick apart at least, inside the price band.

    ``lowest`` and ``highest`` are the band in ticks; bid and ask are returned in ticks too.
    """
    bid = np.clip(np.floor((fair - half_spread) / tick), lowest, highest - 1.0)
    ask = np.clip(np.ceil((fair + half_spread) / tick), bid + 1.0, highest)
    return bid, ask


class FairValues:
    """Values the instruments of a universe, given the levels of their underlyings."""

    def __init__(self, universe: Universe) -> None:
        instruments = universe.instruments
        self.underlying: Integers = np.array(universe.underlying_of, dtype=np.int64)
        self.is_option = np.array([item.kind is InstrumentKind.OPTION for item in instruments])
        self.tick: Floats = np.array([_tick_size(item) for item in instruments])
        self._is_call = np.array([item.option_type == "CE" for item in instruments])
        self._strike: Floats = np.array([item.strike or 1.0 for item in instruments])
        self._expiry_s: Floats = np.array([_expiry_s(item) for item in instruments])
        ratios = np.array([underlying.volatility_ratio for underlying in universe.underlyings])
        self._volatility_ratio: Floats = ratios[self.underlying]

    def years_left(self, which: Integers, now_s: float) -> Floats:
        """Years to expiry; 0 for what has none."""
        seconds = np.maximum(self._expiry_s[which] - now_s, _LEAST_SECONDS_LEFT)
        return np.where(np.isnan(seconds), 0.0, seconds / YEAR_S)

    def moneyness(self, which: Integers, levels: Floats, volatility: float, now_s: float) -> Floats:
        """Standard deviations between forward and strike, positive above the forward; 0 for no option."""
        away = np.zeros(which.size)
        options = which[self.is_option[which]]
        years = self.years_left(options, now_s)
        forward = levels[self.underlying[options]] * np.exp(CARRY_RATE * years)
        at_the_money = volatility * self._volatility_ratio[options]
        away[self.is_option[which]] = moneyness(forward, self._strike[options], years, at_the_money)
        return away

    def values(
        self, which: Integers, levels: Floats, volatility: float, now_s: float
    ) -> tuple[Floats, Floats]:
        """Fair values and half spreads in rupees.

        Parameters
        ----------
        which
            Positions of the instruments to value.
        levels
            Present level of every underlying.
        volatility
            At-the-money implied volatility of NIFTY (India VIX / 100).
        now_s
            Market time, epoch seconds.
        """
        years = self.years_left(which, now_s)
        fair = levels[self.underlying[which]] * np.exp(CARRY_RATE * years)
        half_spread = fair * _OUTRIGHT_HALF_SPREAD
        chosen = np.flatnonzero(self.is_option[which])
        if chosen.size:
            options = which[chosen]
            forward, strike, life = fair[chosen], self._strike[options], years[chosen]
            at_the_money = volatility * self._volatility_ratio[options]
            smile = smile_volatility(forward, strike, life, at_the_money)
            value = black76(forward, strike, life, smile, self._is_call[options])
            away = np.minimum(np.abs(moneyness(forward, strike, life, at_the_money)), _WIDEST)
            fair[chosen] = value
            half_spread[chosen] = (
                value * (_OPTION_HALF_SPREAD + _AWAY_HALF_SPREAD * away * away) * (1.0 + 4.0 * life)
            )
        return fair, half_spread


def _tick_size(instrument: Instrument) -> float:
    if instrument.kind is InstrumentKind.INDEX:
        return _FINE_INDEX_STEP if instrument.exchange != "NSE" or "VIX" in instrument.name else INDEX_STEP
    return instrument.tick_size or DEFAULT_TICK_SIZE


def _expiry_s(instrument: Instrument) -> float:
    if instrument.expiry is None:
        return float("nan")
    return datetime.combine(instrument.expiry, _EXPIRY_TIME_UTC).timestamp()
