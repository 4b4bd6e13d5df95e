"""The estimator against made-up tapes with set faults: it finds what was set, and finds nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.referee.comparison import Compared, compare, summarise
from dualbroker.referee.price_shift import price_shift
from dualbroker.referee.tape import Span, Tape
from tests.referee.tapes import Shown, Trades, make_trades

SEEDS = range(10)
RATES = (0.3, 1.0, 3.0, 10.0)
PAIRS = {
    "the same": (Shown(), Shown()),
    "delay": (Shown(), Shown(delay=0.3)),
    "one conflates": (Shown(period=1.0, phase=0.2), Shown()),
    "other phase": (Shown(period=1.0, phase=0.2), Shown(period=1.0, phase=0.7)),
    "other period": (Shown(period=1.0, phase=0.2), Shown(period=0.5, phase=0.9)),
    "loss": (Shown(), Shown(loss=0.2)),
    "conflation and delay": (Shown(period=1.0, phase=0.6), Shown(period=1.0, phase=0.3, delay=0.25)),
    "all together": (Shown(period=0.7, delay=0.05), Shown(period=1.3, phase=0.6, delay=0.4, loss=0.1)),
}


def seconds_for(rate: float) -> float:
    return max(120.0, 600.0 / rate)


def is_within(found: float, expected: float, error: float) -> bool:
    return abs(found - expected) <= max(0.010, 0.1 * abs(expected), 3 * error)


def compared(first: Shown, second: Shown, trades: Trades, seed: int) -> Compared:
    return compare(first.tape(trades, seed), second.tape(trades, seed + 1000), trades.seconds)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_lag_is_what_delay_and_conflation_come_to(pair: str, rate: float) -> None:
    first, second = PAIRS[pair]
    expected = second.expected_lateness(rate) - first.expected_lateness(rate)
    for seed in SEEDS:
        found = compared(first, second, make_trades(seed, rate, seconds_for(rate)), seed)
        assert is_within(found.lag, expected, found.lag_error), (seed, found.lag, expected, found.lag_error)


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_several_instruments_together_are_as_true_and_more_certain(rate: float) -> None:
    first, second = PAIRS["all together"]
    expected = second.expected_lateness(rate) - first.expected_lateness(rate)
    for seed in SEEDS:
        each = [
            compared(first, second, make_trades(100 * seed + n, rate, 60.0), 100 * seed + n) for n in range(8)
        ]
        together = summarise(each, 8)
        assert is_within(together.lag, expected, together.lag_error)
        assert together.lag_error < 0.6 * np.mean([one.lag_error for one in each])


def exact_match(first: Tape, second: Tape) -> tuple[float, float]:
    """The obvious way that is wrong: the same volume shown by both, the difference of the two times."""
    a, b = first.rises(), second.rises()
    _, at_a, at_b = np.intersect1d(a.levels[1:], b.levels[1:], return_indices=True)
    differences = b.times[1:][at_b] - a.times[1:][at_a]
    if len(differences) < 2:
        return np.nan, np.nan
    return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))


def test_an_estimator_that_matches_equal_levels_does_not_pass() -> None:
    passed = {}
    for pair, (first, second) in PAIRS.items():
        expected = second.expected_lateness(10.0) - first.expected_lateness(10.0)
        right = 0
        for seed in SEEDS:
            trades = make_trades(seed, 10.0, seconds_for(10.0))
            found, error = exact_match(first.tape(trades, seed), second.tape(trades, seed + 1000))
            right += is_within(found, expected, error)
        passed[pair] = right
    assert passed["delay"] == len(SEEDS)
    wrong = ("one conflates", "other period", "loss", "conflation and delay", "all together")
    assert all(passed[pair] < len(SEEDS) for pair in wrong)
    assert passed["one conflates"] == 0


def test_the_error_is_that_of_two_phases_where_brokers_only_conflate() -> None:
    for seed in SEEDS:
        trades = make_trades(seed, 1.0, 900.0)
        found = compared(Shown(period=1.0), Shown(period=0.6, phase=0.3), trades, seed)
        of_phases = np.sqrt((1.0**2 + 0.6**2) / 12) / np.sqrt(found.points)
        assert 0.7 * of_phases < found.lag_error < 1.3 * of_phases


@pytest.mark.parametrize("rate", RATES)
def test_stalls_are_found_and_none_is_invented(rate: float) -> None:
    length = max(30.0, 20 / rate)
    for seed in SEEDS:
        trades = make_trades(seed, rate, 6 * length)
        stalled = Shown(period=1.0, phase=0.4, stalls=((length, 2 * length), (4 * length, 5 * length)))
        found = compared(Shown(period=1.0), stalled, trades, seed)
        assert len(found.stalls) == 2
        ends = [span.end for span in found.stalls]
        # Trades held back come with the first moment of conflation after the end.
        assert all(abs(end - set_) < 1.0 for end, set_ in zip(ends, (2 * length, 5 * length), strict=True))
        backwards = compared(stalled, Shown(period=1.0), trades, seed)
        assert backwards.stalls == ()
        assert is_within(found.lag, 0.0, found.lag_error)
        quiet_pair = compared(Shown(loss=0.2), Shown(period=1.3, delay=2.0, loss=0.3), trades, seed)
        assert quiet_pair.stalls == ()


def test_a_broker_that_stands_still_to_the_end_stalls() -> None:
    trades = make_trades(1, 3.0, 60.0)
    found = compared(Shown(), Shown(stalls=((20.0, 1000.0),)), trades, 1)
    (stall,) = found.stalls
    assert 20.0 <= stall.begin < 22.0
    assert stall.end == 60.0


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_the_resolution_is_the_share_of_levels_shown(rate: float) -> None:
    for seed in SEEDS:
        trades = make_trades(seed, rate, 600.0)
        found = compared(Shown(), Shown(period=2.0, phase=0.3), trades, seed)
        told = len(np.unique(np.ceil((trades.times - 0.6) / 2.0))) / len(trades.times)
        assert abs(found.shown / found.shown_by_any - told) < 0.02
        lossy = compared(Shown(), Shown(loss=0.25), trades, seed)
        assert abs(lossy.shown / lossy.shown_by_any - 0.75) < 0.02 + 3 * np.sqrt(0.19 / len(trades.times))


def test_coverage_is_less_where_updates_are_lost_and_not_where_they_are_late_or_coarse() -> None:
    for seed in SEEDS:
        trades = make_trades(seed, 0.3, 4000.0)
        coarse = compared(Shown(), Shown(period=1.0, delay=0.5), trades, seed)
        assert coarse.quiet > 20
        assert coarse.newest == coarse.quiet
        lossy = compared(Shown(), Shown(loss=0.3), trades, seed)
        share = lossy.newest / lossy.quiet
        assert abs(share - 0.7) < 4 * np.sqrt(0.21 / lossy.quiet)
        assert lossy.contradictions == 0


def test_a_constant_offset_of_the_volume_is_reported_and_does_not_move_the_lag() -> None:
    trades = make_trades(2, 0.5, 2000.0)
    found = compared(Shown(), Shown(delay=0.3, offset=1500.0), trades, 2)
    assert found.offset == 1500.0
    assert found.contradictions == 0
    assert is_within(found.lag, 0.3, found.lag_error)


def test_another_instrument_unit_or_price_contradicts_at_every_quiet_point() -> None:
    for seed in SEEDS:
        trades = make_trades(seed, 0.3, 20_000.0)
        tape = Shown().tape(trades, seed)
        other = Shown().tape(make_trades(seed + 500, 0.3, 20_000.0, base=9_000_000.0), seed)
        in_lots = Tape(tape.times, tape.volumes / 75, tape.prices)
        other_price = Tape(tape.times, tape.volumes, tape.prices + 3)
        for wrong in (other, in_lots, other_price):
            found = compare(tape, wrong, 20_000.0)
            assert found.contradictions == found.quiet > 5
        briefly = Tape(tape.times, tape.volumes, tape.prices + 3.0 * (tape.times < 300))
        assert compare(tape, briefly, 20_000.0).contradictions == 0


def index_tape(seed: int, period: float, phase: float, delay: float, seconds: float) -> Tape:
    """An index that moves ten times a second, shown each period."""
    steps = np.arange(0.0, seconds, 0.1)
    prices = 25_000 + np.cumsum(np.random.default_rng(seed).normal(0, 1, len(steps)))
    moments = np.arange(phase * period, seconds - delay, period)
    shown = prices[np.minimum((moments / 0.1).astype(int), len(prices) - 1)]
    return Tape(moments + delay, np.full(len(moments), np.nan), shown)


def test_an_index_is_compared_by_the_shift_of_its_prices() -> None:
    for seed in SEEDS:
        for periods in ((0.5, 1.0), (1.0, 1.0), (0.1, 1.0), (1.0, 0.93)):
            first = index_tape(seed, periods[0], 0.3, 0.0, 300.0)
            second = index_tape(seed, periods[1], 0.2, 0.6, 300.0)
            shift, error = price_shift(first, second, 300.0)
            assert is_within(shift, 0.6 + (periods[1] - periods[0]) / 2, error)
            assert error < 0.3
        found = compare(first, second, 300.0)
        assert (found.lag, found.has_volume) == (shift, False)


def test_nothing_is_claimed_from_little() -> None:
    trades = make_trades(3, 0.1, 30.0)
    found = compared(Shown(), Shown(delay=0.2), trades, 3)
    assert np.isnan([found.lag, found.lag_error, found.first_share]).all()
    none = Tape(np.empty(0), np.empty(0), np.empty(0))
    together = summarise([compare(none, none, 10.0)], 1)
    assert np.isnan([together.lag, together.resolution, together.coverage, together.updates_per_s]).all()


shown = st.builds(
    Shown,
    delay=st.floats(0, 2),
    period=st.sampled_from([0.0, 0.3, 1.0, 1.7]),
    phase=st.floats(0, 1),
    loss=st.floats(0, 0.5),
)


@settings(max_examples=60)
@given(shown, shown, st.integers(0, 1000), st.floats(-1e4, 1e4))
def test_moving_both_changes_nothing_and_swapping_turns_the_sign(
    first: Shown, second: Shown, seed: int, moved: float
) -> None:
    trades = make_trades(seed, 2.0, 60.0)
    a, b = first.tape(trades, seed), second.tape(trades, seed + 1)
    here = compare(a, b, 60.0)
    there = compare(
        Tape(a.times + moved, a.volumes, a.prices), Tape(b.times + moved, b.volumes, b.prices), 60.0 + moved
    )
    assert there.lag == pytest.approx(here.lag, abs=1e-6, nan_ok=True)
    assert there.shown_by_any == here.shown_by_any
    back = compare(b, a, 60.0)
    assert back.lag == pytest.approx(-here.lag, abs=1e-9, nan_ok=True)
    assert back.lag_error == pytest.approx(here.lag_error, abs=1e-9, nan_ok=True)
    itself = compare(a, a, 60.0)
    assert itself.lag == 0 or np.isnan(itself.lag)
    assert itself.shown == itself.shown_by_any
    assert itself.newest == itself.quiet


def test_stalls_of_several_instruments_at_the_same_time_are_one() -> None:
    one = Compared(seconds=60.0, updates=5, has_volume=True, stalls=(Span(10.0, 30.0),))
    two = Compared(seconds=60.0, updates=5, has_volume=True, stalls=(Span(12.0, 31.0), Span(40.0, 55.0)))
    together = summarise([one, two], 2)
    assert (together.stalls, together.stalled) == (2, 36.0)
