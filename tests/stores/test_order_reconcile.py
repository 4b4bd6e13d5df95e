"""The ledger between a stream that loses, repeats and crosses, and books that come in between."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.model import FillReport, OrderStatus, OrderUpdate, ReportType, UpdateSource
from dualbroker.stores.orders import Ledger, OrderEvent, OrderState
from tests.stores.order_lives import (
    DAY,
    KEY,
    NS_PER_MS,
    START_MS,
    Broker,
    Moment,
    deliveries,
    lives,
    reconcile,
    take,
)

brokers = st.builds(
    Broker, lives(), skew_ms=st.sampled_from((0, 0, 420_000, -420_000)), has_fill_ids=st.booleans()
)


def end_ms(broker: Broker) -> int:
    return broker.life[-1].at_ms + 20_000


def assert_equals_truth(state: OrderState, broker: Broker) -> None:
    truth = broker.life[-1]
    assert state.status is truth.status
    assert (state.filled_quantity or 0.0) == truth.filled
    assert (state.quantity, state.price) == (truth.quantity, truth.price)
    assert (state.cancelled_quantity or 0.0) == truth.cancelled
    if broker.has_fill_ids:
        assert state.fills == {m.fill[0]: m.fill[1:] for m in broker.life if m.fill is not None}


def assert_no_contradiction(events: list[OrderEvent], broker: Broker) -> None:
    true_pairs = {(moment.status, moment.filled) for moment in broker.life}
    for event in events:
        assert (event.status, event.filled_quantity or 0.0) in true_pairs


@settings(max_examples=400)
@given(st.data())
def test_whatever_was_lost_late_or_crossed_a_quiet_reconcile_makes_the_ledger_equal(data: st.DataObject) -> None:
    broker = data.draw(brokers)
    arriving = data.draw(deliveries(broker))
    ledger = Ledger()
    events: list[OrderEvent] = []
    final, filled = None, 0.0
    for at_ms, delivery in arriving:
        events += take(ledger, delivery, at_ms)
        state = ledger.states.get(KEY)
        if state is None:
            continue
        now = state.filled_quantity or 0.0
        assert filled <= now <= broker.life[-1].filled, "a fill is never taken back, nor counted twice"
        assert sum(quantity for quantity, _ in state.fills.values()) <= now
        assert final is None or state.status is final, "a final state is never left"
        final = state.status if state.status.is_final else None
        filled = now
    events += reconcile(ledger, broker, end_ms(broker), histories=data.draw(st.booleans(), label="histories"))
    assert_equals_truth(ledger.states[KEY], broker)
    assert_no_contradiction(events, broker)

    before, count = ledger.states[KEY], ledger.event_count
    for at_ms, delivery in arriving:
        take(ledger, delivery, at_ms)
    reconcile(ledger, broker, end_ms(broker) + 5_000)
    assert ledger.event_count == count, "all of it again brings no event"
    assert ledger.states[KEY] == before


@settings(max_examples=300)
@given(st.data())
def test_a_step_is_told_once_whether_the_stream_or_a_history_brings_it_first(data: st.DataObject) -> None:
    broker = data.draw(brokers)
    ledger = Ledger()
    told: list[tuple[object, ...]] = []
    for at_ms, delivery in data.draw(deliveries(broker)):
        for event in take(ledger, delivery, at_ms):
            update = event.update
            second = None if update.order_time_ns is None else update.order_time_ns // 10**9
            # A fill's id joins its step where only the stream says it: the one thing that may come later.
            if update.report_type is not None and update.fill_id is None and not isinstance(delivery, FillReport):
                told.append((update.status, update.report_type, update.filled_quantity or 0, update.price, second))
    true_steps = [
        (m.status, m.report_type, m.filled, m.price, (m.at_ms + broker.skew_ms) // 1000) for m in broker.life
    ]
    for step in told:
        assert told.count(step) <= true_steps.count(step), "told more often than it happened"


@given(lives(), st.data())
def test_a_stream_that_loses_nothing_is_never_behind_once_all_has_come(
    life: list[Moment], data: st.DataObject
) -> None:
    broker = Broker(life)
    ledger = Ledger()
    for at_ms, delivery in data.draw(deliveries(broker, drops=False)):
        take(ledger, delivery, at_ms)
    reconcile(ledger, broker, end_ms(broker))
    assert not ledger.behind_stream(KEY)
    assert all(ledger.stream_has_brought(row) for row in broker.history(0, end_ms(broker), 0))
