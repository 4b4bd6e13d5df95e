"""One message for each cause, whatever comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.alerts.engine import (
    CALM_S,
    EVENT_WINDOW_S,
    RAISED_AGAIN_AFTER_S,
    AlertEngine,
    Condition,
)
from dualbroker.alerts.quiet import is_quiet
from dualbroker.stores.alerts import Alert
from tests.alerts.moments import ns_at

DOWN = Condition("broker_down", "broker1 is down", "broker1 is live again", "broker1", after_s=10.0)
LEVEL = Condition("price", "NIFTY above 26000", "NIFTY above 26000 no longer", symbol="NIFTY")


def said(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.state, alert.words) for alert in alerts]


def seconds(engine: AlertEngine, first: int, last: int, **given: object) -> list[tuple[str, str]]:
    """What is told from a second to another, both included."""
    told = []
    for second in range(first, last + 1):
        told += said(engine.observe(second, given.get("holding", {}), given.get("unknown", ())))  # type: ignore[arg-type]
    return told


def test_a_condition_is_told_once_it_has_held_for_long_enough_and_once_it_is_over() -> None:
    engine = AlertEngine()
    assert seconds(engine, 0, 9, holding={"a": DOWN}) == []
    assert seconds(engine, 10, 500, holding={"a": DOWN}) == [("raised", "broker1 is down")]
    assert [condition.rule for condition in engine.raised] == ["broker_down"]
    assert seconds(engine, 501, 500 + int(CALM_S) - 1) == []
    assert seconds(engine, 505, 700) == [("resolved", "broker1 is live again")]
    assert engine.raised == []


def test_what_lasts_for_a_moment_only_is_nobodys_concern() -> None:
    engine = AlertEngine()
    assert seconds(engine, 0, 8, holding={"a": DOWN}) == []
    assert seconds(engine, 9, 15) == []
    assert seconds(engine, 16, 24, holding={"a": DOWN}) == [], "it begins to count again"


def test_one_that_comes_and_goes_is_told_once_a_minute_at_most() -> None:
    engine = AlertEngine()
    told = []
    for second in range(600):
        told += engine.observe(second, {"a": LEVEL} if second % 12 < 6 else {})
    raised = [alert for alert in told if alert.state == "raised"]
    resolved = [alert for alert in told if alert.state == "resolved"]
    assert 2 <= len(raised) <= 600 / RAISED_AGAIN_AFTER_S + 1
    assert 0 <= len(raised) - len(resolved) <= 1


def test_a_short_doubt_does_not_make_it_over() -> None:
    engine = AlertEngine()
    told = []
    for second in range(300):
        told += said(engine.observe(second, {} if second % 4 == 3 else {"a": LEVEL}))
    assert told == [("raised", LEVEL.words)]


def test_what_nobody_knows_neither_begins_nor_ends_anything() -> None:
    engine = AlertEngine()
    assert seconds(engine, 0, 50, unknown={"a"}) == []
    assert seconds(engine, 51, 60, holding={"a": DOWN}) == [], "it has not held before for all that is known"
    assert seconds(engine, 61, 70, holding={"a": DOWN}) == [("raised", DOWN.words)]
    assert seconds(engine, 71, 900, unknown={"a"}) == []
    assert seconds(engine, 901, 903) == []
    assert seconds(engine, 904, 910) == [("resolved", DOWN.over)]


@given(st.lists(st.sampled_from(["holds", "not", "unknown"]), max_size=300))
def test_raised_and_resolved_take_turns(story: list[str]) -> None:
    engine = AlertEngine()
    told = []
    for second, what in enumerate(story):
        told += engine.observe(
            second, {"a": LEVEL} if what == "holds" else {}, {"a"} if what == "unknown" else ()
        )
    states = [alert.state for alert in told]
    assert states == [("raised", "resolved")[place % 2] for place in range(len(states))]
    if "holds" in story:
        assert states[:1] == ["raised"]


def test_events_of_one_cause_come_as_one_after_the_first() -> None:
    engine = AlertEngine()

    def event(number: int) -> Alert:
        return Alert(state="event", rule="reject", words=f"rejected {number}")

    told = [alert for number in range(50) for alert in engine.happened(number / 10, "margin", event(number))]
    assert [alert.words for alert in told] == ["rejected 0"]
    assert engine.happened(5.0, "another reason", event(99)) == [event(99)]
    assert engine.due(EVENT_WINDOW_S - 1) == []
    [rest] = engine.due(EVENT_WINDOW_S)
    assert rest.words == "rejected 49 (and 48 more like it within a minute)"
    assert engine.due(2 * EVENT_WINDOW_S) == []
    assert engine.happened(3 * EVENT_WINDOW_S, "margin", event(1)) == [event(1)], "news again"


def test_quiet_hours_may_span_midnight() -> None:
    night = (22 * 60, 7 * 60 + 30)
    assert [is_quiet(night, ns_at(*moment)) for moment in ((21, 59), (22, 0), (3, 0), (7, 29), (7, 30))] == [
        False,
        True,
        True,
        True,
        False,
    ]
    noon = (12 * 60, 13 * 60)
    assert [is_quiet(noon, ns_at(*moment)) for moment in ((11, 59), (12, 0), (13, 0))] == [False, True, False]
    assert not is_quiet(None, ns_at(3, 0))
