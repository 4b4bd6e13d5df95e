from __future__ import annotations

from dualbroker.manager.refusals import Refusals
from dualbroker.model import InstrumentKey

KEY, OTHER = ("NSE", "22"), ("NFO", "22")


def nobody(key: InstrumentKey) -> None:
    """Streams anything."""


def test_a_refused_instrument_is_asked_for_again_ever_more_seldom() -> None:
    refusals = Refusals()
    waits = []
    now = 0.0
    for _ in range(6):
        assert refusals.add("a", KEY, now)
        assert not refusals.add("a", KEY, now)
        since = now
        while not refusals.expire(now, nobody):
            now += 1
        waits.append(now - since)
    assert waits == [60, 120, 240, 480, 900, 900]


def test_refusals_are_by_broker_and_by_exchange_and_token() -> None:
    refusals = Refusals()
    refusals.add("a", KEY, 0.0)
    assert refusals.has("a", KEY)
    assert not refusals.has("a", OTHER)
    assert not refusals.has("b", KEY)
    assert refusals.of("a") == {KEY}
    assert refusals.count("b") == 0
    refusals.forget("a")
    assert not refusals.has("a", KEY)


def test_a_reconnect_is_a_new_chance_and_makes_the_next_wait_no_longer() -> None:
    refusals = Refusals()
    for now in (0.0, 10.0, 20.0, 30.0):
        assert refusals.add("a", KEY, now)
        refusals.forget("a")
    assert refusals.add("a", KEY, 40.0)
    assert refusals.expire(99.0, nobody) == []
    assert refusals.expire(100.0, nobody) == [("a", KEY)]
    assert refusals.add("a", KEY, 100.0)
    assert refusals.expire(219.0, nobody) == []
    assert refusals.expire(220.0, nobody) == [("a", KEY)]


def test_what_was_left_silent_stays_with_who_brings_it_until_the_next_connection() -> None:
    refusals = Refusals()
    for key in (KEY, OTHER):
        refusals.add("a", key, 0.0, is_silent=key is KEY)
    assert refusals.expire(1e6, lambda key: "b") == [("a", OTHER)]
    assert refusals.has("a", KEY)
    assert refusals.expire(1e6, lambda key: "a") == [("a", KEY)], "still there: asked for anew"
    assert refusals.add("a", KEY, 1e6)
    assert refusals.expire(1e9, lambda key: "b") == [("a", KEY)], "not acknowledged, this time"
    refusals.add("a", KEY, 1e9, is_silent=True)
    refusals.forget("a")
    assert not refusals.has("a", KEY)
