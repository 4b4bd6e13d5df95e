"""Ticks on their way come out equal to the last bit, whatever is in them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.remote.tick_frames import Ticks, pack_ticks, unpack_ticks
from dualbroker.stores.tick_blocks import TICK_DTYPE

NAMES = (TICK_DTYPE.names or ())[1:]

numbers = st.one_of(
    st.just(math.nan),
    st.integers(-(2**31), 2**31).map(float),
    st.integers(0, 10_000_000).map(lambda paise: paise / 100),
    st.integers(0, 10_000_000).map(lambda quarters: quarters / 400),
    st.floats(),
)
rows = st.lists(
    st.tuples(st.integers(0, 2**62), st.integers(0, 2**31 - 1), st.lists(numbers, min_size=15, max_size=15)),
    max_size=20,
)


def ticks_of(given_rows: list[tuple[int, int, list[float]]]) -> Ticks:
    table = np.empty(len(given_rows), TICK_DTYPE)
    for place, (time_ns, _, values) in enumerate(given_rows):
        table[place] = (time_ns, *values)
    count = len(given_rows)
    return Ticks(
        table,
        np.array([index for _, index, _ in given_rows], np.int32),
        np.arange(count, dtype=np.uint8),
        np.arange(count, dtype=np.uint8) % 2,
    )


@settings(max_examples=50)
@given(rows)
def test_they_come_out_as_they_went_in(given_rows: list[tuple[int, int, list[float]]]) -> None:
    ticks = ticks_of(given_rows)
    again = unpack_ticks(pack_ticks(ticks))
    assert again.rows["receive_time"].tolist() == ticks.rows["receive_time"].tolist()
    for name in NAMES:
        then, now = ticks.rows[name], again.rows[name]
        known = ~np.isnan(then)
        # One NaN is as good as another; all else is the same bits, a zero with a minus included.
        assert np.isnan(now[~known]).all()
        assert now[known].tobytes() == then[known].tobytes()
    assert again.instruments.tolist() == ticks.instruments.tolist()
    assert again.brokers.tolist() == ticks.brokers.tolist()
    assert again.snapshots.tolist() == ticks.snapshots.tolist()


@given(st.binary(max_size=200))
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        unpack_ticks(data)


def test_it_is_small() -> None:
    times_ns = [10**18 + number * 10**6 for number in range(1000)]
    prices = [26_000 + number % 50 / 20 for number in range(1000)]
    ticks = ticks_of([(time_ns, 7, [price] * 15) for time_ns, price in zip(times_ns, prices, strict=True)])
    assert len(pack_ticks(ticks)) < 10 * len(prices)
