from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.liveness import MarketEvidence, SocketClocks, silent_among_fellows
from dualbroker.noren.stream import decode

KEY = ("NSE", "22")


def quote(**fields: str) -> Any:
    body = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
    return decode(f'{{"t":"tk","e":"NSE","tk":"22",{body}}}'.encode())


def test_a_clock_counts_only_once_it_has_been_answered() -> None:
    clocks = SocketClocks(pong_within_s=10, heartbeat_within_s=15)
    clocks.asked("ping", 0)
    clocks.asked("heartbeat", 0)
    assert clocks.verdict(1000) is None
    clocks.answered("ping")
    assert clocks.verdict(2000) is None
    clocks.asked("ping", 2000)
    assert clocks.verdict(2009.9) is None
    assert clocks.verdict(2010) == "nobody answers: no sign of life for 10.0 s after a ping"


def test_the_oldest_unanswered_question_counts_and_any_message_answers_it() -> None:
    clocks = SocketClocks(10, 15)
    clocks.answered("heartbeat")
    clocks.asked("heartbeat", 100)
    clocks.asked("heartbeat", 110)
    assert clocks.verdict(116) is not None
    clocks.heard()
    assert clocks.verdict(116) is None
    clocks.asked("heartbeat", 120)
    assert clocks.verdict(134) is None
    assert clocks.verdict(135) is not None


@given(st.lists(st.sampled_from(["ping", "pong", "heartbeat", "hk", "heard"]), max_size=40))
def test_whoever_hears_something_every_nine_seconds_never_gives_up(events: list[str]) -> None:
    clocks = SocketClocks(10, 15)
    for number, event in enumerate(events):
        now = number * 3.0
        if event in ("ping", "heartbeat"):
            clocks.asked(event, now)
        elif event == "pong":
            clocks.answered("ping")
        elif event == "hk":
            clocks.answered("heartbeat")
        if event == "heard" or number % 3 == 0:
            clocks.heard()
        assert clocks.verdict(now) is None


def test_more_volume_than_the_stream_has_brought_proves_a_move() -> None:
    evidence = MarketEvidence()
    assert not evidence.has_moved("a", KEY, quote(lp="10", v="500"), 500.0)
    assert not evidence.has_moved("b", KEY, quote(lp="11", v="400"), 500.0), "an answer may lag behind"
    assert evidence.has_moved("c", KEY, quote(lp="10", v="501"), 500.0)
    assert not evidence.has_moved("d", KEY, quote(lp="10", v="501"), 0.0), "feeds send a 0 now and then"
    assert not evidence.has_moved("e", KEY, quote(lp="10", v="501"), None)


def test_two_answers_of_one_broker_that_differ_prove_a_move() -> None:
    evidence = MarketEvidence()
    assert not evidence.has_moved("a", KEY, quote(lp="10"), None)
    assert not evidence.has_moved("a", KEY, quote(lp="10"), None)
    assert not evidence.has_moved("b", KEY, quote(lp="12"), None), "another broker, another time"
    assert evidence.has_moved("a", KEY, quote(lp="10.05"), None)
    evidence.clear()
    assert not evidence.has_moved("a", KEY, quote(lp="99"), None)
    assert not evidence.has_moved("a", KEY, quote(bp1="98"), None), "what is not said has not changed"


def test_silence_is_measured_by_what_is_usual() -> None:
    silent = np.array([59.0, 61.0, 500.0, 2500.0, 61.0])
    usual = np.array([0.0, 0.0, 30.0, 30.0, 0.0])
    assert silent_among_fellows(silent, usual, least_s=60.0).tolist() == [3, 4, 1]
    nothing = np.empty(0)
    assert silent_among_fellows(nothing, nothing, 60.0).tolist() == []
