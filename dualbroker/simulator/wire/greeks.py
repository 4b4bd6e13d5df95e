"""GetOptionGreek: value and sensitivities of a call and a put by Black and Scholes. Pure arithmetic."""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["option_greeks"]

_NORMAL = NormalDist()
_DAYS = 365


def option_greeks(
    *, spot: float, strike: float, days: float, interest_percent: float, volatility_percent: float
) -> dict[str, str]:
    """The fields of the answer as texts with six decimals; ``vego`` is spelled as the real one spells it.

    Parameters
    ----------
    spot, strike
        Rupees, above 0.
    days
        To expiry, above 0; ``theta`` is per day.
    volatility_percent
        Annual, above 0; ``vego`` and ``rho`` are per percentage point.
    """
    years, rate, volatility = days / _DAYS, interest_percent / 100, volatility_percent / 100
    deviation = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / deviation
    d2 = d1 - deviation
    discounted = strike * math.exp(-rate * years)
    density = _NORMAL.pdf(d1)
    decay = spot * density * volatility / (2 * math.sqrt(years))
    gamma, vega = density / (spot * deviation), spot * density * math.sqrt(years) / 100
    figures: dict[str, float] = {}
    for side, sign in (("cal", 1), ("put", -1)):
        inside, outside = _NORMAL.cdf(sign * d1), _NORMAL.cdf(sign * d2)
        figures |= {
            f"{side}_price": sign * (spot * inside - discounted * outside),
            f"{side}_delta": sign * inside,
            f"{side}_gamma": gamma,
            f"{side}_theta": (-decay - sign * rate * discounted * outside) / _DAYS,
            f"{side}_rho": sign * discounted * years * outside / 100,
            f"{side}_vego": vega,
        }
    return {name: f"{value:.6f}" for name, value in figures.items()}
