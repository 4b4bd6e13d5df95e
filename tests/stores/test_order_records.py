"""A ledger that is made anew from what another one has written down."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.model import OrderStatus, ReportType, UpdateSource
from dualbroker.stores.order_records import (
    OrderEvent,
    OrderRecord,
    StateNote,
    decode_event,
    decode_record,
    encode_record,
)
from dualbroker.stores.orders import Ledger
from tests.stores.order_lives import KEY, START_MS, Broker, Moment, broker_of, deliveries, reconcile, take
from tests.stores.test_order_reconcile import (
    assert_equals_truth,
    assert_no_contradiction,
    assert_told_once,
    end_ms,
)

shrinkable = st.randoms(use_true_random=False)


def written(ledger: Ledger) -> list[bytes]:
    """All that the ledger writes down from now on, as bytes."""
    records: list[bytes] = []
    ledger.recorders.append(lambda record: records.append(encode_record(record)))
    return records


def restored(records: Iterable[bytes]) -> Ledger:
    ledger = Ledger()
    ledger.restore(map(decode_record, records))
    return ledger


def give_what_is_not_written(source: Ledger, target: Ledger) -> None:
    """What only memory holds, and the next reading of the books brings again."""
    target._waiting = copy.deepcopy(source._waiting)
    for key, record in source._records.items():
        twin = target._record(key)
        twin.book_ns, twin.book_second = record.book_ns, record.book_second


def prove_one_restart(chance: Random) -> None:
    """Killed at any moment, a ledger is made anew as it was, and goes on as if nothing had been."""
    broker = broker_of(chance)
    arriving = deliveries(chance, broker)
    cut = chance.randint(0, len(arriving))
    whole = Ledger()
    records = written(whole)
    for at_ms, delivery in arriving[:cut]:
        take(whole, delivery, at_ms)
        if KEY in whole.states and chance.randint(0, 9) == 0:
            whole.set_doubt(KEY, chance.choice(("", "not in the book")))
    told = whole.events_snapshot()

    anew = restored(records)
    assert anew.states == whole.states
    assert anew.events == whole.events
    assert anew.event_count == whole.event_count
    remembering = restored(records)
    give_what_is_not_written(whole, remembering)

    for at_ms, delivery in arriving[cut:]:
        expected = take(whole, delivery, at_ms)
        assert take(remembering, delivery, at_ms) == expected
        take(anew, delivery, at_ms)
    assert remembering.states == whole.states
    assert restored(records).states == whole.states

    reconcile(anew, broker, end_ms(broker))
    assert_equals_truth(anew.states[KEY], broker)
    events = anew.events_snapshot()
    assert events[: len(told)] == told
    assert_no_contradiction(events, broker)
    assert_told_once(events, broker)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    for at_ms, delivery in arriving:
        take(anew, delivery, at_ms)
    assert anew.event_count == len(events), "all of it again brings no event"


@settings(max_examples=200)
@given(shrinkable)
def test_a_ledger_made_anew_from_any_prefix_goes_on_as_the_one_that_was_never_ended(chance: Random) -> None:
    prove_one_restart(chance)


def test_the_same_of_thousands_of_lives() -> None:
    for seed in range(2_000):
        try:
            prove_one_restart(Random(seed))
        except AssertionError as error:
            raise AssertionError(f"the life of seed {seed}: {error}") from error


@given(shrinkable)
def test_a_ledger_that_follows_another_by_its_records_equals_it_after_each(chance: Random) -> None:
    broker = broker_of(chance)
    leading, following = Ledger(), Ledger()
    leading.recorders.append(lambda record: assert_adopted(following, decode_record(encode_record(record))))
    for at_ms, delivery in deliveries(chance, broker):
        take(leading, delivery, at_ms)
        assert following.states == leading.states
        assert following.events == leading.events


def assert_adopted(ledger: Ledger, record: OrderRecord) -> None:
    assert ledger.adopt(record)


def some_events() -> list[OrderEvent]:
    ledger = Ledger()
    life = [
        Moment(at_ms=START_MS, status=OrderStatus.PENDING, report_type=ReportType.NEW_ACK),
        Moment(at_ms=START_MS + 5, status=OrderStatus.OPEN, report_type=ReportType.NEW),
        Moment(
            at_ms=START_MS + 9,
            status=OrderStatus.COMPLETE,
            report_type=ReportType.FILL,
            filled=100.0,
            fill=("7", 100.0, 50.0),
        ),
    ]
    for moment in life:
        ledger.apply(Broker(life).message(moment, moment.at_ms))
    return ledger.events_snapshot()


def test_an_event_that_is_known_is_not_adopted_again_and_none_may_be_missing() -> None:
    first, second, third = some_events()
    ledger = Ledger()
    assert ledger.adopt(first)
    assert not ledger.adopt(first)
    with pytest.raises(ValueError, match="expected the order event 2, found 3"):
        ledger.adopt(third)
    assert ledger.adopt(second)
    assert ledger.event_count == 2


def test_a_ledger_can_begin_in_the_middle_with_the_states_of_before() -> None:
    events = some_events()
    early = Ledger()
    early.restore(events[:2])
    late = Ledger()
    late.restore(events[2:], states=early.snapshot())
    whole = Ledger()
    whole.restore(events)
    assert late.states == whole.states
    assert (late.event_count, late.dropped_events) == (3, 0)


def test_the_numbering_goes_on_after_events_that_were_not_loaded() -> None:
    ledger = Ledger()
    ledger.restore([], last_sequence=41)
    assert ledger.dropped_events == 0
    event = ledger.apply(some_events()[0].update)
    assert event is not None
    assert event.sequence == 42


def test_an_event_is_the_same_after_its_way_through_bytes_and_what_is_unknown_is_passed_over() -> None:
    for event in some_events():
        content = encode_record(event)
        assert decode_event(content) == event
        assert decode_event(content).update.source is UpdateSource.STREAM
        assert len(content) < 700
    newer = msgspec.msgpack.decode(content[1:])
    newer["a field of a later version"] = 1
    assert decode_event(content[:1] + msgspec.msgpack.encode(newer)) == event


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "version 1, found nothing"),
        (b"\x02\x80", "version 1, found 2"),
        (b"\x01", "truncated"),
        (b"\x01\x80", "missing required field"),
        (b"\x01nonsense", "Expected `object`"),
        (encode_record(StateNote(KEY, b"\x80")), "expected an order event, found StateNote"),
    ],
)
def test_what_is_no_event_says_so(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode_event(content)
