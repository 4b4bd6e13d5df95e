from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.model import OrderStatus, OrderUpdate, ReportType, UpdateSource
from dualbroker.stores.orders import Ledger, OrderState

DAY = date(2026, 1, 15)


def update(order_id: str = "1", broker: str = "broker1", at: int = 1, **fields: Any) -> OrderUpdate:
    return OrderUpdate(
        broker_name=broker,
        receive_time_ns=at,
        source=fields.pop("source", UpdateSource.STREAM),
        order_id=order_id,
        trading_day=DAY,
        **fields,
    )


def new() -> OrderUpdate:
    return update(
        status=OrderStatus.OPEN, report_type=ReportType.NEW, symbol="TCS-EQ", quantity=100.0, price=50.0
    )


def fill(number: int, quantity: float, cumulative: float, **fields: Any) -> OrderUpdate:
    fields.setdefault("status", OrderStatus.COMPLETE if cumulative == 100 else OrderStatus.OPEN)
    return update(
        report_type=ReportType.FILL,
        fill_id=str(number),
        fill_quantity=quantity,
        fill_price=50.0 + number,
        filled_quantity=cumulative,
        **fields,
    )


def state(ledger: Ledger, order_id: str = "1", broker: str = "broker1") -> OrderState:
    return ledger.states[broker, DAY, order_id]


def test_an_order_lives_from_open_over_fills_to_complete() -> None:
    ledger = Ledger()
    events = [ledger.apply(u) for u in (new(), fill(1, 40, 40), fill(2, 60, 100))]
    assert [event.status for event in events if event] == ["OPEN", "OPEN", "COMPLETE"]
    assert [event.sequence for event in events if event] == [1, 2, 3]
    assert state(ledger).filled_quantity == 100
    assert state(ledger).average_price == (40 * 51.0 + 60 * 52.0) / 100
    assert state(ledger).symbol == "TCS-EQ"


def test_a_repeat_changes_nothing() -> None:
    ledger = Ledger()
    for u in (new(), fill(1, 40, 40)):
        assert ledger.apply(u) is not None
    before = state(ledger)
    assert ledger.apply(fill(1, 40, 40)) is None
    assert ledger.apply(new()) is None
    assert state(ledger) == before
    assert ledger.repeat_count == 2


def test_a_final_state_is_never_left() -> None:
    ledger = Ledger()
    ledger.apply(fill(1, 100, 100))
    ledger.apply(new())
    assert state(ledger).status is OrderStatus.COMPLETE
    assert state(ledger).quantity == 100, "what was not known is still filled in"


def test_fills_without_a_cumulative_figure_are_summed_by_their_id() -> None:
    ledger = Ledger()
    ledger.apply(new())
    for number in (1, 1, 2):
        ledger.apply(
            update(
                status=OrderStatus.OPEN, report_type=ReportType.FILL, fill_id=str(number), fill_quantity=30.0
            )
        )
    assert state(ledger).filled_quantity == 60


def test_the_book_never_takes_back_a_fill_that_the_stream_brought() -> None:
    ledger = Ledger()
    ledger.apply(new())
    ledger.apply(fill(1, 40, 40))
    ledger.apply(update(source=UpdateSource.RECONCILE, status=OrderStatus.OPEN, filled_quantity=0.0))
    assert state(ledger).filled_quantity == 40


def test_the_book_brings_what_the_stream_missed_and_is_marked() -> None:
    ledger = Ledger()
    ledger.apply(new())
    event = ledger.apply(
        update(
            source=UpdateSource.RECONCILE,
            status=OrderStatus.CANCELED,
            filled_quantity=0.0,
            cancelled_quantity=100.0,
        )
    )
    assert event is not None
    assert event.update.source is UpdateSource.RECONCILE
    assert state(ledger).status is OrderStatus.CANCELED


def test_by_the_brokers_clock_an_old_update_is_known_as_old() -> None:
    ledger = Ledger()
    ledger.apply(
        update(status=OrderStatus.OPEN, report_type=ReportType.REPLACED, price=51.0, event_time_ns=20)
    )
    ledger.apply(
        update(status=OrderStatus.PENDING, report_type=ReportType.NEW_ACK, price=50.0, event_time_ns=10)
    )
    assert state(ledger).status is OrderStatus.OPEN
    assert state(ledger).price == 51.0


def test_a_modification_steps_back_to_pending_only_when_the_broker_dates_it() -> None:
    ledger = Ledger()
    ledger.apply(update(status=OrderStatus.OPEN, report_type=ReportType.NEW, event_time_ns=10))
    ledger.apply(update(status=OrderStatus.PENDING, report_type=ReportType.PENDING_REPLACE, event_time_ns=20))
    assert state(ledger).status is OrderStatus.PENDING
    ledger.apply(
        update(status=OrderStatus.OPEN, report_type=ReportType.REPLACED, event_time_ns=30, price=9.0)
    )
    ledger.apply(update(status=OrderStatus.PENDING, report_type=ReportType.PENDING_REPLACE))
    assert state(ledger).status is OrderStatus.OPEN
    assert state(ledger).price == 9.0


def test_equal_order_numbers_of_two_brokers_and_two_days_are_different_orders() -> None:
    ledger = Ledger()
    ledger.apply(update(broker="broker1", status=OrderStatus.OPEN))
    ledger.apply(update(broker="broker2", status=OrderStatus.REJECTED))
    later = update(status=OrderStatus.COMPLETE)
    later.trading_day = date(2026, 1, 16)
    ledger.apply(later)
    assert len(ledger.states) == 3
    assert state(ledger).status is OrderStatus.OPEN
    assert state(ledger, broker="broker2").status is OrderStatus.REJECTED


def test_events_have_a_bound_and_states_have_none() -> None:
    ledger = Ledger(max_events=10)
    for number in range(25):
        ledger.apply(update(order_id=str(number), status=OrderStatus.OPEN))
    assert len(ledger.events_snapshot()) == 10
    assert ledger.dropped_events == 15
    assert len(ledger.snapshot()) == 25


LIFE = (
    update(status=OrderStatus.PENDING, report_type=ReportType.NEW_ACK, quantity=100.0, event_time_ns=1),
    update(status=OrderStatus.PENDING, report_type=ReportType.PENDING_NEW, event_time_ns=2),
    update(status=OrderStatus.OPEN, report_type=ReportType.NEW, event_time_ns=3),
    fill(1, 40, 40, event_time_ns=4),
    fill(2, 60, 100, event_time_ns=5),
)


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE)))
def test_any_order_and_any_repeats_end_in_the_same_state(
    order: list[OrderUpdate], repeats: list[OrderUpdate]
) -> None:
    ledger = Ledger()
    filled = 0.0
    for u in (*order, *repeats):
        ledger.apply(u)
        now = state(ledger).filled_quantity or 0.0
        assert now >= filled, "a fill is never taken back"
        filled = now
    assert state(ledger).status is OrderStatus.COMPLETE
    assert state(ledger).filled_quantity == 100
    assert len(state(ledger).fills) == 2
    assert ledger.event_count <= len(LIFE)
