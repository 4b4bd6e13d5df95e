from __future__ import annotations

from dualbroker.routing.refusals import Refusals

KEY, OTHER = ("NSE", "22"), ("NFO", "22")


def test_a_refused_instrument_is_asked_for_again_ever_more_seldom() -> None:
    refusals = Refusals()
    waits = []
    now = 0.0
    for _ in range(6):
        assert refusals.add("a", KEY, now)
        assert not refusals.add("a", KEY, now)
        since = now
        while not (due := refusals.due(now)):
            now += 1
        waits.append(now - since)
        assert due == [("a", KEY)]
        refusals.strike_out("a", KEY)
    assert waits == [60, 120, 240, 480, 900, 900]


def test_refusals_are_by_broker_and_by_exchange_and_token() -> None:
    refusals = Refusals()
    refusals.add("a", KEY, 0.0)
    assert refusals.has("a", KEY)
    assert not refusals.has("a", OTHER)
    assert not refusals.has("b", KEY)
    assert refusals.of("a") == [KEY]
    assert refusals.count("b") == 0
    refusals.forget("a")
    assert not refusals.has("a", KEY)


def test_a_reconnect_is_a_new_chance_and_makes_the_next_wait_no_longer() -> None:
    refusals = Refusals()
    for now in (0.0, 10.0, 20.0, 30.0):
        assert refusals.add("a", KEY, now)
        refusals.forget("a")
    assert refusals.add("a", KEY, 40.0)
    assert refusals.due(99.0) == []
    assert refusals.due(100.0) == [("a", KEY)]
    refusals.strike_out("a", KEY)
    assert refusals.add("a", KEY, 100.0)
    assert refusals.due(219.0) == []
    assert refusals.due(220.0) == [("a", KEY)]


def test_what_was_left_silent_is_known_as_such_until_the_next_connection_or_try() -> None:
    refusals = Refusals()
    refusals.add("a", KEY, 0.0, is_silent=True)
    refusals.add("a", OTHER, 0.0)
    assert refusals.is_silent("a", KEY)
    assert not refusals.is_silent("a", OTHER)
    refusals.strike_out("a", KEY)
    assert refusals.add("a", KEY, 1e6)
    assert not refusals.is_silent("a", KEY), "not acknowledged, this time"
    refusals.strike_out("a", KEY)
    refusals.add("a", KEY, 1e9, is_silent=True)
    refusals.forget("a")
    assert not refusals.has("a", KEY)
    assert not refusals.is_silent("a", KEY)
