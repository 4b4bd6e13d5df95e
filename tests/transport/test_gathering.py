from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.transport.gathering import Gathering


def moment_at(rate: float, longest_s: float = 0.02) -> float:
    """What it comes to once a feed has had this rate for a second, in reads of 5 ms."""
    gathering = Gathering(longest_s)
    moment_s = 0.0
    for step in range(1, 201):
        moment_s = gathering.moment_s(round(step * rate / 200) - round((step - 1) * rate / 200), step / 200)
    return moment_s


@pytest.mark.parametrize(
    ("rate", "expected_s"),
    [(0, 0.0), (20, 0.0), (1_000, 0.02), (5_000, 0.02), (10_000, 0.01), (50_000, 0.002), (500_000, 0.0)],
)
def test_the_moment_follows_the_rate(rate: float, expected_s: float) -> None:
    assert moment_at(rate) == pytest.approx(expected_s, rel=0.1)


def test_a_burst_after_silence_is_not_kept_waiting_and_a_feed_that_ends_waits_no_more() -> None:
    gathering = Gathering(0.02)
    assert gathering.moment_s(1_000, 60.0) == 0.0
    assert gathering.moment_s(1_000, 60.5) == 0.02
    assert gathering.moment_s(1, 62.0) == 0.0


@given(st.lists(st.tuples(st.integers(0, 5_000), st.floats(0, 1)), max_size=50), st.floats(0, 0.5))
def test_it_is_never_longer_than_allowed(reads: list[tuple[int, float]], longest_s: float) -> None:
    gathering = Gathering(longest_s)
    now_s = 0.0
    for messages, passed_s in reads:
        now_s += passed_s
        assert 0.0 <= gathering.moment_s(messages, now_s) <= longest_s
