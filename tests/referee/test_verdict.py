"""Which lags count."""

from __future__ import annotations

import math

import msgspec
import pytest

from dualbroker.referee.comparison import Summary, summarise
from dualbroker.referee.verdict import counting_lags

NOTHING = summarise([], 0)


def lag(seconds: float, error: float) -> Summary:
    return msgspec.structs.replace(NOTHING, lag=seconds, lag_error=error)


def test_a_lag_that_is_small_or_uncertain_or_unknown_counts_as_none() -> None:
    figures = {
        "reference": lag(0.0, math.nan),
        "small": lag(0.2, 0.001),
        "uncertain": lag(0.9, 0.31),
        "unknown": NOTHING,
        "late": lag(0.5, 0.1),
    }
    assert counting_lags(figures) == {
        "reference": 0.0, "small": 0.0, "uncertain": 0.0, "unknown": 0.0, "late": 0.5,
    }  # fmt: skip


def test_lags_are_against_the_soonest() -> None:
    found = counting_lags(
        {"reference": lag(0.0, math.nan), "sooner": lag(-0.6, 0.05), "late": lag(0.4, 0.05)}
    )
    assert found == pytest.approx({"reference": 0.6, "sooner": 0.0, "late": 1.0})
    assert counting_lags({}) == {}
