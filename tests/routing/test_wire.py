from __future__ import annotations

from dualbroker.model import FeedType
from dualbroker.routing.commands import AskAgain, Subscribe, Unsubscribe
from dualbroker.routing.wire import Purpose, Wire

A, B, THERE = ("NSE", "1"), ("NFO", "2"), ("NSE", "77")
SOURCE, HAND_OVER = Purpose.SOURCE, Purpose.HAND_OVER
TOUCHLINE, DEPTH = FeedType.TOUCHLINE, FeedType.DEPTH


def connected_wire() -> Wire:
    wire = Wire()
    wire.add_broker("a")
    wire.connected("a")
    return wire


def test_the_end_of_one_purpose_ends_no_other_one() -> None:
    wire = connected_wire()
    wire.claim("a", A, THERE, SOURCE, TOUCHLINE)
    assert wire.difference() == [Subscribe("a", (THERE,), TOUCHLINE)]
    wire.claim("a", A, THERE, HAND_OVER, TOUCHLINE)
    assert wire.difference() == [AskAgain("a", (THERE,))], "a hand-over begins with a full quote"
    wire.release("a", A, HAND_OVER)
    assert wire.difference() == []
    wire.release("a", A, SOURCE)
    assert wire.difference() == [Unsubscribe("a", (THERE,))]
    wire.release("a", A, SOURCE)
    assert wire.difference() == []


def test_depth_for_one_purpose_is_depth_on_the_wire_for_as_long_as_that_lasts() -> None:
    wire = connected_wire()
    wire.claim("a", A, A, SOURCE, TOUCHLINE)
    wire.claim("a", A, A, HAND_OVER, DEPTH)
    assert wire.difference() == [Subscribe("a", (A,), DEPTH)]
    wire.release("a", A, HAND_OVER)
    assert wire.difference() == [Subscribe("a", (A,), TOUCHLINE)]


def test_what_is_claimed_and_released_before_it_was_sent_is_never_sent() -> None:
    wire = connected_wire()
    wire.claim("a", A, A, HAND_OVER, TOUCHLINE)
    wire.release("a", A, HAND_OVER)
    assert wire.difference() == []


def test_nothing_is_sent_without_a_connection_and_everything_on_the_next_one() -> None:
    wire = connected_wire()
    wire.claim("a", A, A, SOURCE, DEPTH)
    wire.difference()
    wire.disconnected("a")
    wire.claim("a", B, B, HAND_OVER, TOUCHLINE)
    assert wire.difference() == []
    wire.connected("a")
    assert wire.difference() == [Subscribe("a", (B,), TOUCHLINE), Subscribe("a", (A,), DEPTH)]
    assert wire.difference() == []


def test_a_key_that_another_instrument_has_from_now_on_brings_a_full_quote_of_it() -> None:
    wire = connected_wire()
    wire.claim("a", A, THERE, SOURCE, TOUCHLINE)
    wire.difference()
    wire.release("a", A, SOURCE)
    wire.claim("a", B, THERE, SOURCE, TOUCHLINE)
    assert wire.difference() == [AskAgain("a", (THERE,))]
    wire.release("a", B, SOURCE)
    wire.claim("a", A, THERE, SOURCE, DEPTH)
    assert wire.difference() == [Subscribe("a", (THERE,), DEPTH)], "another kind brings one, too"
