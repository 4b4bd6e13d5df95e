"""Implied volatility and sensitivities of options on a forward, by Black (1976). Pure, vectorised.

Options of Indian exchanges on indices, shares, currencies and commodity futures are European, so one formula
serves them all.
The forward comes from calls and puts (``manager.options.parity``), so neither dividends nor the underlying's
own price have to be known. Arrays of any shape that broadcast; rupees; years of 365 days; NaN is unknown.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "DAYS_PER_YEAR",
    "INTEREST_RATE",
    "NS_PER_YEAR",
    "Greeks",
    "black76",
    "greeks",
    "implied_volatility",
]

Floats = NDArray[np.float64]

INTEREST_RATE = 0.065
"""A year's, continuous, by which a premium that is paid today is set against a payment at expiry. A
percentage point more lifts the volatility of a monthly option at the money by about 0.01 points."""
DAYS_PER_YEAR = 365
NS_PER_YEAR = DAYS_PER_YEAR * 86_400 * 1_000_000_000

LEAST_YEARS = 60 / (365 * 86_400)
"""In the last minute nothing is known: brokers' times are whole seconds, and what is left of a price is less
than the tick it lies on."""
_LEAST_TIME_VALUE = 1e-9
"""In units of sqrt(forward * strike); below it lies what rounding leaves. A tick of NIFTY is 2e-6."""
_STEPS = 24
_NEAR_ENOUGH = 1e-10


class Greeks(msgspec.Struct, frozen=True):
    """What options react to; arrays in the shape of what was asked."""

    delta: Floats
    """Rupees for each rupee of the forward."""
    gamma: Floats
    """Delta for each rupee of the forward."""
    theta: Floats
    """Rupees a calendar day, as nothing but time passes; below 0 for what loses."""
    vega: Floats
    """Rupees for each percentage point of volatility."""


def black76(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
    rate: float = INTEREST_RATE,
) -> Floats:
    """Value today of a European option on a forward, rupees; of ``volatility`` 0.14 is 14 % a year.

    Once no time is left, or without volatility, what exercise would bring.
    """
    forward, strike, years, volatility, call = _arrays(forward, strike, years, volatility, is_call)
    years = np.maximum(years, 0.0)
    sign = np.where(call, 1.0, -1.0)
    d1, d2 = _distances(np.log(forward / strike), volatility * np.sqrt(years))
    value: Floats = sign * (forward * _below(sign * d1) - strike * _below(sign * d2)) * np.exp(-rate * years)
    return value


def greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
    rate: float = INTEREST_RATE,
) -> Greeks:
    """The sensitivities of options whose volatility is known; unknown in the last minute."""
    forward, strike, years, volatility, call = _arrays(forward, strike, years, volatility, is_call)
    lives = (years >= LEAST_YEARS) & (volatility > 0)
    years, volatility = np.where(lives, years, np.nan), np.where(lives, volatility, np.nan)
    sign, discount, root = np.where(call, 1.0, -1.0), np.exp(-rate * years), np.sqrt(years)
    d1, d2 = _distances(np.log(forward / strike), volatility * root)
    density = discount * forward * np.exp(-0.5 * d1 * d1) / math.sqrt(2 * math.pi)
    inside = _below(sign * d1)
    value = sign * discount * (forward * inside - strike * _below(sign * d2))
    return Greeks(
        delta=sign * discount * inside,
        gamma=density / (forward * forward * volatility * root),
        theta=(rate * value - density * volatility / (2 * root)) / DAYS_PER_YEAR,
        vega=density * root / 100,
    )


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    rate: float = INTEREST_RATE,
) -> Floats:
    """The volatility at which an option is worth its price: 0.14 is 14 % a year.

    NaN where there is none: less than a minute left, a price at or below what exercise would bring, or one
    that no volatility reaches (a call above the forward, a put above its strike).

    Solved for ``volatility * sqrt(years)`` by Newton's method, on the time value alone in units of
    ``sqrt(forward * strike)``. Where that is less than at its inflection the inverse root of its logarithm is
    solved instead, which is nearly a straight line there (after Jäckel, "Let's be rational", 2015).
    """
    price, forward, strike, years, call = _arrays(price, forward, strike, years, is_call)
    shape = price.shape
    price, forward, strike, years, call = (each.ravel() for each in (price, forward, strike, years, call))
    found = np.full(price.size, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.sqrt(forward * strike)
        exercise = np.maximum(np.where(call, forward - strike, strike - forward), 0.0)
        time_value = (price * np.exp(rate * years) - exercise) / unit
        away = -np.abs(np.log(forward / strike))
        is_priced = (time_value > _LEAST_TIME_VALUE) & (time_value < np.exp(away / 2) - _LEAST_TIME_VALUE)
        has_one = is_priced & (years >= LEAST_YEARS) & np.isfinite(away)
    at = np.flatnonzero(has_one)
    found[at] = _deviation(time_value[at], away[at]) / np.sqrt(years[at])
    return found.reshape(shape)


def _deviation(value: Floats, away: Floats) -> Floats:
    """The standard deviation to expiry of an option out of the money by ``away`` (logarithm, 0 or below)."""
    inflection = np.sqrt(-2.0 * away)
    is_small = value < _normalised(inflection, away)
    # At the money no time value exceeds s / sqrt(2 pi), and farther away it is less.
    deviation = np.maximum(inflection, math.sqrt(2 * math.pi) * value)
    for _ in range(_STEPS):
        now = _normalised(deviation, away)
        slope = np.exp(-0.5 * ((away / deviation) ** 2 + 0.25 * deviation**2)) / math.sqrt(2 * math.pi)
        with np.errstate(invalid="ignore", divide="ignore"):  # of the way that is not taken
            depth = -np.log(now)
            bent = ((-np.log(value)) ** -0.5 - depth**-0.5) * 2.0 * now * depth**1.5
        step = np.where(is_small, bent, value - now) / slope
        following = np.clip(deviation + step, deviation / 8, deviation * 8)
        if np.all(np.abs(following - deviation) <= _NEAR_ENOUGH * following):
            return following
        deviation = following
    return deviation


def _normalised(deviation: Floats, away: Floats) -> Floats:
    """Time value in units of sqrt(forward * strike)."""
    d1, d2 = _distances(away, deviation)
    return np.exp(away / 2) * _below(d1) - np.exp(-away / 2) * _below(d2)


def _distances(away: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """d1 and d2 by the logarithm of forward by strike; infinite where nothing can move any more."""
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.where(deviation == 0, np.copysign(np.inf, away), away / deviation)
    return middle + deviation / 2, middle - deviation / 2


def _below(x: Floats) -> Floats:
    """Probability that a standard normal variable is below ``x``, to the last digit also far out."""
    scaled = (x * -math.sqrt(0.5)).ravel().tolist()
    return 0.5 * np.fromiter(map(math.erfc, scaled), float, len(scaled)).reshape(x.shape)


def _arrays(*values: ArrayLike) -> list[Floats]:
    return list(np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in values)))
