from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.model import InstrumentKey
from dualbroker.routing.choice import LoginOutcome, assign, choose_primary, choose_source
from dualbroker.stores.stability import Stability

IN, FAILED, WAITING = LoginOutcome.IN, LoginOutcome.FAILED, LoginOutcome.WAITING


def test_the_first_in_the_file_carries_quotes_however_late_the_others_are() -> None:
    choice = choose_primary(["a", "b"], {"a": IN, "b": WAITING}, time_is_up=False)
    assert (choice.primary, choice.final) == ("a", True)


def test_a_quick_second_waits_for_the_first_until_the_time_is_up() -> None:
    outcomes = {"a": WAITING, "b": IN}
    assert choose_primary(["a", "b"], outcomes, time_is_up=False).primary is None
    choice = choose_primary(["a", "b"], outcomes, time_is_up=True)
    assert choice.primary == "b"
    assert "a did not log in" in choice.reason


def test_a_failed_first_is_passed_over_at_once() -> None:
    assert choose_primary(["a", "b", "c"], {"a": FAILED, "b": IN}, time_is_up=False).primary == "b"


def test_nobody_in_is_final_only_when_nobody_is_on_the_way() -> None:
    assert not choose_primary(["a", "b"], {"a": FAILED, "b": WAITING}, time_is_up=True).final
    assert choose_primary(["a", "b"], {"a": FAILED, "b": FAILED}, time_is_up=False).final
    assert choose_primary([], {}, time_is_up=False).final


def broker(name: str, **measured: Any) -> Stability:
    return Stability(name=name, **{"is_serving": True, "steady_s": 600.0, **measured})


def test_healthy_quotes_stay_where_they_are() -> None:
    rows = [broker("a", round_trip_s=0.03), broker("b", round_trip_s=0.01)]
    assert choose_source(rows, "a").primary == "a"
    assert choose_source(rows, "b").primary == "b"


def test_a_source_that_does_not_serve_is_replaced_by_the_steadiest() -> None:
    rows = [
        broker("a", is_serving=False, why_not="closed by the broker"),
        broker("b", disconnects=2),
        broker("c"),
    ]
    choice = choose_source(rows, "a")
    assert choice.primary == "c"
    assert choice.reason == "a: closed by the broker"
    assert choose_source(rows[:1], "a").primary == "a", "with nobody else it keeps its role"


def test_a_broker_in_trouble_is_left_for_a_clearly_better_one_and_the_reason_says_so() -> None:
    rows = [broker("a", disconnects=4), broker("b")]
    choice = choose_source(rows, "a")
    assert choice.primary == "b"
    assert choice.reason == "a reconnected 4 times in 10 minutes"
    assert choose_source([broker("a", disconnects=1), broker("b")], "a").primary == "a", "one slip is none"
    fresh = [broker("a", disconnects=4), broker("b", steady_s=10.0)]
    assert choose_source(fresh, "a").primary == "a", "the other one has not proved itself yet"


def test_a_broker_that_shows_trades_clearly_later_is_left_and_a_little_later_is_not() -> None:
    late = choose_source([broker("a", lag_s=0.6), broker("b")], "a")
    assert (late.primary, late.reason) == ("b", "a shows trades 600 ms later than the soonest broker")
    assert choose_source([broker("a", lag_s=0.3), broker("b")], "a").primary == "a"


def test_a_broker_that_quotes_often_had_to_leave_must_be_steady_for_longer() -> None:
    for steady_s, expected in ((479.0, "a"), (480.0, "b")):
        rows = [broker("a", disconnects=4), broker("b", failures=4, steady_s=steady_s)]
        assert choose_source(rows, "a").primary == expected


def test_quotes_return_to_the_preferred_broker_only_when_it_has_been_steady_and_later_each_time() -> None:
    for failures, needed_s in ((0, 60.0), (1, 60.0), (2, 120.0), (4, 480.0), (20, 1800.0)):
        for steady_s, expected in ((needed_s - 1, "b"), (needed_s, "a")):
            rows = [broker("a", steady_s=steady_s, failures=failures), broker("b")]
            assert choose_source(rows, "b", preferred="a").primary == expected


def test_a_preferred_broker_is_not_left_for_being_in_trouble_while_it_serves() -> None:
    assert choose_source([broker("a", disconnects=9), broker("b")], "a", preferred="a").primary == "a"


BROKERS = st.lists(
    st.builds(
        Stability,
        name=st.just("x"),
        is_serving=st.booleans(),
        disconnects=st.integers(0, 9),
        stales=st.integers(0, 4),
        unacknowledged=st.integers(0, 200),
        round_trip_s=st.none() | st.floats(0, 2),
        steady_s=st.floats(0, 5000),
        failures=st.integers(0, 9),
    ),
    min_size=1,
    max_size=4,
).map(lambda rows: [msgspec.structs.replace(row, name=f"b{place}") for place, row in enumerate(rows)])


@given(BROKERS, st.integers(0, 3), st.none() | st.integers(0, 3))
def test_a_choice_always_serves_where_anybody_does_and_is_then_kept(
    rows: list[Stability], now: int, preferred: int | None
) -> None:
    current = rows[now % len(rows)].name
    wish = None if preferred is None else rows[preferred % len(rows)].name
    choice = choose_source(rows, current, preferred=wish)
    serving = {row.name for row in rows if row.is_serving}
    assert choice.reason
    if serving:
        assert choice.primary in serving
        again = choose_source(rows, choice.primary, preferred=wish)
        third = choose_source(rows, again.primary, preferred=wish)
        assert third.primary == again.primary, "the same measurements never let it swing"
    else:
        assert choice.primary == current


KEYS = [("NSE", str(number)) for number in range(6)]


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    st.sampled_from([None, "a", "b", "c"]),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sets(st.sampled_from(KEYS))),
)
def test_each_instrument_goes_to_one_serving_broker_that_takes_it_the_primary_first(
    serving: list[str], primary: str | None, refused: dict[str, set[InstrumentKey]]
) -> None:
    for key, name in assign(KEYS, primary, serving, refused).targets.items():
        takers = [each for each in serving if key not in refused.get(each, ())]
        assert (name in takers) if takers else name is None
        if primary in takers:
            assert name == primary
