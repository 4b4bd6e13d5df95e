"""By how much one broker shows the same trades later than another one. Pure.

Brokers conflate: about one update a second, each in its own phase, so the same message rarely comes twice,
and levels taken from either broker's own updates are biased towards it. Volume is the exchange's own number
and only rises, so the moment at which a broker first showed *at least* v is known for each v, whether or not
it ever showed v itself. The mean of the differences over all v, each unit of volume counted alike, is
``(d_B - d_A) + (T_B - T_A) / 2`` for delays d and periods of conflation T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualbroker.referee.tape import Floats, Rises, Span

__all__ = ["FEWEST_POINTS", "Lags", "compare_levels", "stalls_of"]

FEWEST_POINTS = 8
"""Independent points below which a mean and its error say nothing."""
GUARD_INTERVALS = 3.0
"""The last levels of a comparison are those that were shown so many update intervals before its end: else
those that a late broker shows late would be missing."""


@dataclass(frozen=True)
class Lags:
    """Differences of one pair of brokers, in seconds; positive: the second one is later."""

    values: Floats
    weights: Floats
    """Units of volume that each stands for."""
    clusters: tuple[NDArray[np.int64], NDArray[np.int64]]
    """Which of them came with the same update of either broker, and so are not independent."""

    @property
    def points(self) -> float:
        """Independent points that the weights amount to: an update with a huge trade is one point still."""
        if not len(self.values):
            return 0.0
        weights = [np.bincount(clusters, self.weights) for clusters in self.clusters]
        return min(float(each.sum() ** 2 / (each**2).sum()) for each in weights)

    @property
    def mean(self) -> float:
        """NaN with too few points."""
        if self.points < FEWEST_POINTS:
            return np.nan
        return float(np.average(self.values, weights=self.weights))

    @property
    def standard_error(self) -> float:
        """Of the mean, from the scatter between updates of the coarser broker; NaN with too few points.

        Where brokers conflate in independent phases this is ``sqrt((T_A^2 + T_B^2) / 12) / sqrt(points)`` or
        less; other scatter, as of the network, is in it too. It is widened where few updates make the
        scatter up, so that three of it hold what three of a normal distribution's do.
        """
        mean = self.mean
        return mean if mean != mean else max(self._error(mean, clusters) for clusters in self.clusters)

    def _error(self, mean: float, clusters: NDArray[np.int64]) -> float:
        squares = np.bincount(clusters, self.weights * (self.values - mean)) ** 2
        total = float(squares.sum())
        if not total:
            return 0.0
        count = len(squares)
        error = np.sqrt(count / (count - 1) * total) / self.weights.sum()
        kurtosis = count * float((squares**2).sum()) / total**2
        return float(error) * widening(2 * count / max(kurtosis - 1, 1e-9))

    def quantiles(self, *shares: float) -> tuple[float, ...]:
        """Of the differences of single levels, which include what conflation adds and takes by chance."""
        if self.points < FEWEST_POINTS:
            return (np.nan,) * len(shares)
        return weighted_quantiles(self.values, self.weights, shares)

    @property
    def first_share(self) -> float:
        """Share of the volume that the second broker showed before the first one."""
        if self.points < FEWEST_POINTS:
            return np.nan
        return float(self.weights[self.values < 0].sum() / self.weights.sum())


def widening(freedom: float) -> float:
    """Student's t over the normal deviate at three standard errors, by the first terms of its expansion.

    Parameters
    ----------
    freedom
        Degrees of freedom.
    """
    return 1 + 2.5 / freedom + 5.75 / freedom**2


def weighted_quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> tuple[float, ...]:
    """The smallest values that, with all below, have at least these shares of the weight."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1])
    return tuple(values[order][np.minimum(places, len(values) - 1)].tolist())


def compare_levels(
    a: Rises, b: Rises, until: float, guard: float, skip: tuple[list[Span], list[Span]]
) -> Lags:
    """How much later ``b`` shows each level of volume than ``a``.

    Parameters
    ----------
    until
        End of the comparison, in the tapes' seconds.
    guard
        Seconds before it after which nothing begins any more.
    skip
        Stalls of ``a`` and of ``b``: what came with their end does not count here.
    """
    nothing = Lags(np.empty(0), np.empty(0), (np.empty(0, np.int64),) * 2)
    if len(a) < 2 or len(b) < 2:
        return nothing
    begin = max(a.times[0], b.times[0])
    low = max(a.level_at(begin), b.level_at(begin))
    # Both ends by what either has shown by then: any other rule favours the early levels of one broker.
    high = min(max(a.level_at(until - guard), b.level_at(until - guard)), a.levels[-1], b.levels[-1])
    if high <= low:
        return nothing
    levels = np.union1d(a.levels, b.levels)
    edges = np.concatenate(([low], levels[(levels > low) & (levels < high)], [high]))
    at_a = np.searchsorted(a.levels, edges[1:])
    at_b = np.searchsorted(b.levels, edges[1:])
    counts = ~(_within(a.times[at_a], skip[0]) | _within(b.times[at_b], skip[1]))
    if not counts.any():
        return nothing
    at_a, at_b = at_a[counts], at_b[counts]
    return Lags(
        values=b.times[at_b] - a.times[at_a],
        weights=np.diff(edges)[counts],
        clusters=(_numbered(at_a), _numbered(at_b)),
    )


def stalls_of(own: Rises, other: Rises, until: float, bound: float) -> list[Span]:
    """When a broker showed no rise for longer than ``bound`` seconds although the other one did.

    A stall begins with the first level that the other showed and this one did not, or with this one's last
    rise where that was later; a broker that is late and goes on rising never stalls.
    """
    if not len(own) or not len(other):
        return []
    places = np.searchsorted(other.levels, own.levels, side="right")
    # What the other showed before this one's first message is no stall of this one.
    shown = np.append(other.times, np.inf)[places]
    begin = np.maximum(shown, own.times)
    end = np.append(own.times[1:], until)
    return [Span(float(begin[at]), float(end[at])) for at in np.flatnonzero(end - begin > bound)]


def _numbered(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """From 0 without gaps."""
    return np.unique(places, return_inverse=True)[1].astype(np.int64).ravel()


def _within(times: Floats, spans: list[Span]) -> NDArray[np.bool_]:
    """Which of the times lie in a span or at its end."""
    found = np.zeros(len(times), bool)
    for span in spans:
        found |= (times > span.begin) & (times <= span.end)
    return found
