"""By how much one broker shows an index later than another one: indices have no volume to compare. Pure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dualbroker.referee.tape import Floats, Tape

__all__ = ["price_shift"]

LARGEST_SHIFT_S = 5.0
COARSE_S, FINE_S = 0.1, 0.01
PARTS = 8
"""Stretches that are compared by themselves: their scatter gives the error."""
PHASE_PART = 0.5
"""Of the spread of two phases: the part that stays in the error however long it is measured."""
FEWEST_UPDATES = 8
"""Of either broker in a stretch."""


def price_shift(a: Tape, b: Tape, until: float) -> tuple[float, float]:
    """Seconds by which ``b``'s prices have to be moved back to lie best on ``a``'s, and the standard error.

    The shift is the one at which the mean of ``|b(t + shift) - a(t)|`` is least, for each of eight stretches;
    their mean is returned. Both are NaN where too few of them have prices that move.
    """
    if not len(a) or not len(b):
        return np.nan, np.nan
    begin = max(a.times[0], b.times[0]) + LARGEST_SHIFT_S
    edges = np.linspace(begin, max(begin, until - LARGEST_SHIFT_S), PARTS + 1)
    shifts = np.array([_shift(a, b, low, high) for low, high in pairwise(edges.tolist())])
    known = shifts[np.isfinite(shifts)]
    if len(known) < PARTS // 2:
        return np.nan, np.nan
    # Phases of conflation that never change move all stretches alike.
    phases = PHASE_PART * np.hypot(a.interval, b.interval) / np.sqrt(12)
    return float(known.mean()), float(np.hypot(known.std(ddof=1) / np.sqrt(len(known)), phases))


def _shift(a: Tape, b: Tape, low: float, high: float) -> float:
    moments = np.arange(low, high, 0.05)
    prices = a.at(moments)[1]
    updates = min(int(np.count_nonzero((each.times > low) & (each.times < high))) for each in (a, b))
    if updates < FEWEST_UPDATES or len(np.unique(prices)) < FEWEST_UPDATES // 2:
        return np.nan
    best = 0.0
    for step, reach in ((COARSE_S, LARGEST_SHIFT_S), (FINE_S, COARSE_S)):
        steps = round(reach / step)
        tried = best + step * np.arange(-steps, steps + 1, dtype=np.float64)
        best = _least(b, moments, prices, tried)
    return best


def _least(b: Tape, moments: Floats, prices: Floats, shifts: Floats) -> float:
    shown = b.at((moments[None, :] + shifts[:, None]).ravel())[1].reshape(len(shifts), -1)
    differences = np.nanmean(np.abs(shown - prices[None, :]), axis=1)
    # Step functions agree alike over a whole stretch of shifts: its middle favours nobody.
    least = shifts[differences <= differences.min() * (1 + 1e-9)]
    return float((least[0] + least[-1]) / 2)
