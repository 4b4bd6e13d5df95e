"""Which instruments are streamed at all brokers for a while, so that these can be compared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["LEAST_ACTIVITY", "choose_sample"]

K = TypeVar("K")

LEAST_ACTIVITY = 0.1
"""Updates a second below which an instrument says too little to be worth its bytes."""
MOST_SAMPLED = 10


def choose_sample(
    activity: Mapping[K, float], others: int, budget_percent: float | None, times: Mapping[K, int]
) -> list[K]:
    """The liveliest instruments that the budget allows, those first that were sampled least often.

    Parameters
    ----------
    activity
        Updates a second of each instrument that is streamed and may be sampled.
    others
        How many brokers would stream each of the sample beside its source.
    budget_percent
        Of all updates; None sets no limit, and takes quiet instruments too.
    times
        How often each was sampled before.

    Returns
    -------
    list
        At most ten; empty where even one instrument is over the budget.
    """
    least = 0.0 if budget_percent is None else LEAST_ACTIVITY
    ranked = sorted(activity, key=lambda key: (times.get(key, 0), -activity[key]))
    budget = float("inf") if budget_percent is None else sum(activity.values()) * budget_percent / 100
    chosen: list[K] = []
    for key in ranked:
        costs = activity[key] * others
        if activity[key] >= least and costs <= budget and len(chosen) < MOST_SAMPLED:
            chosen.append(key)
            budget -= costs
    return chosen
