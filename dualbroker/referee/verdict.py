"""Which lags are large and certain enough to choose a broker by. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dualbroker.referee.comparison import Summary

__all__ = ["ERRORS_THAT_COUNT", "LAG_THAT_COUNTS_S", "counting_lags"]

LAG_THAT_COUNTS_S = 0.25
"""A smaller one is no reason to move quotes."""
ERRORS_THAT_COUNT = 3.0


def counting_lags(figures: Mapping[str, Summary]) -> dict[str, float]:
    """By broker: seconds by which it shows trades later than the soonest one.

    A lag against the reference that is below 250 ms or three standard errors counts as none, and so does an
    unknown one.
    """

    def counted(found: Summary) -> float:
        error = 0.0 if found.lag_error != found.lag_error else found.lag_error
        counts = abs(found.lag) >= max(LAG_THAT_COUNTS_S, ERRORS_THAT_COUNT * error)
        return found.lag if counts else 0.0

    lags = {name: counted(found) for name, found in figures.items()}
    soonest = min(lags.values(), default=0.0)
    return {name: lag - soonest for name, lag in lags.items()}
