from __future__ import annotations

from dualbroker.stores.stability import Stability, StabilityStore, Trouble


def test_trouble_counts_for_ten_minutes_and_failovers_for_longer() -> None:
    store = StabilityStore()
    store.note("a", Trouble.DISCONNECT, 100.0)
    store.note("a", Trouble.DISCONNECT, 200.0)
    store.note("a", Trouble.STALE, 300.0)
    store.note_failover("a", 300.0)
    assert store.counts("a", 400.0) == {Trouble.DISCONNECT: 2, Trouble.STALE: 1}
    assert store.counts("a", 750.0) == {Trouble.DISCONNECT: 1, Trouble.STALE: 1}
    assert not store.counts("a", 1000.0)
    assert not store.counts("b", 400.0)
    assert store.failures("a", 2000.0) == 1
    assert store.failures("a", 3000.0) == 0


def test_steadiness_counts_from_the_last_trouble_or_from_when_a_broker_came() -> None:
    store = StabilityStore()
    assert store.steady_s("a", 50.0) == 0.0
    store.first_seen("a", 10.0)
    store.first_seen("a", 40.0)
    assert store.steady_s("a", 50.0) == 40.0
    store.note("a", Trouble.STALE, 45.0)
    assert store.steady_s("a", 50.0) == 5.0


def test_what_was_measured_is_told_in_words() -> None:
    row = Stability(name="a", is_serving=True, disconnects=1, stales=2, unacknowledged=3, round_trip_s=0.8)
    assert row.words == (
        "reconnected once in 10 minutes, was mute 2 times in 10 minutes, does not stream 3 instruments, "
        "takes 800 ms to answer"
    )
    assert Stability(name="a", is_serving=True).words == "has had no trouble"


def test_more_of_anything_bad_is_more_trouble() -> None:
    base = Stability(name="a", is_serving=True)
    worse = [
        Stability(name="a", is_serving=True, disconnects=1),
        Stability(name="a", is_serving=True, stales=1),
        Stability(name="a", is_serving=True, unacknowledged=5),
        Stability(name="a", is_serving=True, round_trip_s=0.5),
        Stability(name="a", is_serving=True, tick_age_s=60.0),
    ]
    assert all(row.trouble > base.trouble for row in worse)


def test_one_late_pong_does_not_count_and_lasting_slowness_does() -> None:
    store = StabilityStore()
    for second in range(0, 60):
        store.note_round_trip("a", 0.9 if 20 <= second < 26 else 0.02, float(second))
    assert store.round_trip_s("a", 60.0) == 0.02
    for second in range(60, 200):
        store.note_round_trip("a", 0.9, float(second))
    assert store.round_trip_s("a", 200.0) == 0.9
    assert store.round_trip_s("a", 900.0) is None, "what is older than the window is forgotten"


def test_too_few_answers_are_no_measurement() -> None:
    store = StabilityStore()
    store.note_round_trip("a", 0.9, 0.0)
    store.note_round_trip("a", 0.02, 5.0)
    assert store.round_trip_s("a", 6.0) is None
