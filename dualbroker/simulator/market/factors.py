"""How prices move: one factor that carries the whole market, and what moves each one alone."""

from __future__ import annotations

import numpy as np

from dualbroker.simulator.market.pricing import Floats
from dualbroker.simulator.market.universe import Universe

__all__ = ["Factors"]

_SESSION_YEAR_S = 252 * 22_500
"""Seconds of trading in a year: a simulated second moves prices as much as one of a real session."""
_PULL_S = 21_600.0
"""Time constant with which deviations from the base decay, so that weeks of running stay sensible."""
_FURTHEST = 0.08
"""No price ends up further than this share from its base, which lies inside every price band."""
_FURTHEST_VOLATILITY = 0.6
_OPENING_GAP = 0.003


class Factors:
    """Levels of all underlyings, moved by a mean-reverting one-factor model.

    The log-deviation of an underlying from its base is the market's, times beta, plus its own. India VIX
    is one of them, with a negative beta: it rises when the market falls.
    """

    def __init__(self, universe: Universe, random: np.random.Generator) -> None:
        underlyings = universe.underlyings
        self._random = random
        self._vix = universe.volatility_index
        self._base: Floats = np.array([item.base_price for item in underlyings])
        self._beta: Floats = np.array([item.beta for item in underlyings])
        self._own_volatility: Floats = np.array([item.own_volatility for item in underlyings])
        self._market_volatility = self._base[self._vix] / 100.0
        self._furthest: Floats = np.full(len(underlyings), _FURTHEST)
        self._furthest[self._vix] = _FURTHEST_VOLATILITY
        self._deviation: Floats = np.zeros(len(underlyings))
        self.levels: Floats = self._base.copy()
        """Rupees or points, one for each of ``universe.underlyings``; yesterday's close until ``open``."""

    @property
    def volatility(self) -> float:
        """At-the-money implied volatility of NIFTY, annual: India VIX / 100."""
        return float(self.levels[self._vix]) / 100.0

    def open(self) -> None:
        """Gap away from yesterday's close."""
        self._deviation = self._beta * (_OPENING_GAP * self._random.standard_normal())
        self._update_levels()

    def step(self, seconds: float) -> None:
        """Move on by some seconds."""
        scale = np.sqrt(seconds / _SESSION_YEAR_S)
        market = self._market_volatility * scale * self._random.standard_normal()
        own = self._own_volatility * scale * self._random.standard_normal(self._base.size)
        self._deviation = self._deviation * np.exp(-seconds / _PULL_S) + self._beta * market + own
        self._update_levels()

    def _update_levels(self) -> None:
        bounded = self._furthest * np.tanh(self._deviation / self._furthest)
        self.levels = self._base * (1.0 + bounded)
