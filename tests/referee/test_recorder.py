"""What is written down of a sample, and where its stretches end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dualbroker.referee.recorder import Recorder
from dualbroker.referee.tape import Tape
from tests.referee.tapes import Shown, make_trades

KEY = ("NSE", "2885")
OTHER = ("NFO", "55320")
SECOND = 1_000_000_000
START = 1_780_000_000 * SECOND


def updates(tape: Tape) -> Iterator[tuple[int, float, float]]:
    for time, volume, price in zip(tape.times, tape.volumes, tape.prices, strict=True):
        yield START + round(time * SECOND), float(volume), float(price)


def record(
    recorder: Recorder, seconds: float = 120.0, *, key: tuple[str, str] = KEY, shift: float = 0.0
) -> None:
    trades = make_trades(5, 4.0, seconds)
    tapes = {"broker1": Shown().tape(trades, 1), "broker2": Shown(period=1.0, delay=0.2).tape(trades, 2)}
    rows = [
        (time, name, volume, price) for name, tape in tapes.items() for time, volume, price in updates(tape)
    ]
    for time, name, volume, price in sorted(rows):
        recorder.note(name, key, time + round(shift * SECOND), volume, price)


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def test_the_reference_comes_first_and_lags_nothing() -> None:
    recorder = Recorder()
    recorder.set_reference("broker1")
    record(recorder)
    found = recorder.summaries(at(120))
    assert list(found) == ["broker1", "broker2"]
    assert found["broker1"].lag == 0
    assert np.isnan(found["broker1"].lag_error)
    assert found["broker2"].lag == pytest.approx(0.7, abs=0.1)
    assert found["broker1"].resolution == 1 > found["broker2"].resolution
    assert found["broker1"].updates_per_s == pytest.approx(4, rel=0.2)
    assert found["broker2"].updates_per_s == pytest.approx(1, rel=0.2)


def test_nothing_is_known_without_a_reference() -> None:
    recorder = Recorder()
    record(recorder)
    assert recorder.summaries(at(120)) == {}
    recorder.set_reference("broker3")
    record(recorder)
    assert recorder.summaries(at(120)) == {}


@pytest.mark.parametrize("broker", ["broker1", "broker2"])
def test_a_new_connection_begins_a_stretch_and_keeps_the_one_before(broker: str) -> None:
    recorder = Recorder()
    recorder.set_reference("broker1")
    record(recorder)
    recorder.restart(broker, at(120))
    before = recorder.summaries(at(120))["broker2"]
    # A day later its volume begins at the same base, far below what was shown.
    record(recorder, shift=86_400)
    after = recorder.summaries(at(86_400 + 120))["broker2"]
    assert after.points == pytest.approx(2 * before.points, rel=0.05)
    assert after.lag == pytest.approx(before.lag, abs=0.05)
    assert after.stalls == 0


def test_a_volume_that_falls_begins_a_stretch_for_everybody() -> None:
    recorder = Recorder()
    recorder.set_reference("broker1")
    record(recorder)
    record(recorder, shift=86_400)
    found = recorder.summaries(at(86_400 + 120))["broker2"]
    assert found.lag == pytest.approx(0.7, abs=0.1)
    assert found.stalls == 0


def test_another_reference_begins_from_nothing() -> None:
    recorder = Recorder()
    recorder.set_reference("broker1")
    record(recorder)
    recorder.set_reference("broker2")
    assert recorder.summaries(at(120)) == {}
    record(recorder)
    assert recorder.summaries(at(120))["broker1"].lag == pytest.approx(-0.7, abs=0.1)


def test_what_is_no_longer_sampled_still_counts() -> None:
    recorder = Recorder()
    recorder.set_reference("broker1")
    record(recorder)
    recorder.end([KEY], at(120))
    record(recorder, key=OTHER)
    assert recorder.summaries(at(120))["broker2"].instruments == 2


def test_a_wrong_mapping_takes_five_quiet_points_in_a_row_over_stretches() -> None:
    recorder = Recorder()
    recorder.set_reference("broker1")

    def quiet_points(count: int, begin: float, price: float) -> None:
        for number in range(count):
            # Each round three updates, then twenty seconds of nothing.
            for step in range(3):
                moment = at(begin + 20 * number + step)
                volume = 1000.0 + 10 * (begin + 3 * number + step)
                recorder.note("broker1", KEY, moment, volume, 100.0)
                recorder.note("broker2", KEY, moment, volume, price)

    quiet_points(3, 0, 104.0)
    assert recorder.contradictions(at(59)) == {}
    recorder.restart("broker2", at(59))
    quiet_points(3, 60, 104.0)
    (words,) = recorder.contradictions(at(119)).values()
    assert "104 rupees" in words
    recorder.restart("broker2", at(119))
    quiet_points(1, 120, 100.0)
    quiet_points(3, 140, 104.0)
    assert recorder.contradictions(at(199)) == {}
