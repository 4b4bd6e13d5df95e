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


def book(as_of: int, **fields: Any) -> OrderUpdate:
    """A row of a book that was asked for at that time."""
    return update(source=UpdateSource.RECONCILE, as_of_ns=as_of, at=as_of + 1, **fields)


def test_a_book_may_say_again_what_it_said_before() -> None:
    ledger = Ledger()
    for number, price in enumerate((50.0, 51.0, 50.0), 1):
        ledger.apply(book(as_of=number, status=OrderStatus.OPEN, price=price))
        assert state(ledger).price == price


def test_a_book_that_the_stream_has_overtaken_takes_nothing_back() -> None:
    ledger = Ledger()
    ledger.apply(update(at=5, status=OrderStatus.OPEN, report_type=ReportType.NEW, price=50.0))
    ledger.apply(update(at=20, status=OrderStatus.OPEN, report_type=ReportType.REPLACED, price=51.0))
    assert ledger.apply(book(as_of=10, status=OrderStatus.OPEN, price=50.0)) is None
    assert state(ledger).price == 51.0


def test_the_book_corrects_a_final_state_and_what_led_there_was_missed() -> None:
    ledger = Ledger()
    ledger.apply(update(at=5, status=OrderStatus.COMPLETE, quantity=100.0, price=50.0))
    ledger.apply(book(as_of=10, status=OrderStatus.OPEN, quantity=100.0))
    assert state(ledger).status is OrderStatus.COMPLETE, "a book that lags does not reopen an order"
    ledger.apply(book(as_of=20, status=OrderStatus.REJECTED, quantity=75.0, price=51.0))
    assert (state(ledger).status, state(ledger).quantity, state(ledger).price) == ("REJECTED", 75.0, 51.0)


def test_a_final_word_counts_although_it_lacks_the_nanoseconds_of_the_one_before() -> None:
    ledger = Ledger()
    ledger.apply(update(status=OrderStatus.OPEN, report_type=ReportType.NEW, event_time_ns=5_591_773_356))
    ledger.apply(fill(1, 100, 100, event_time_ns=5_000_000_000))
    assert state(ledger).status is OrderStatus.COMPLETE


def test_a_fill_that_crosses_a_cancellation_is_counted() -> None:
    ledger = Ledger()
    for u in (new(), fill(1, 40, 40), update(status=OrderStatus.CANCELED, cancelled_quantity=30.0)):
        ledger.apply(u)
    ledger.apply(fill(2, 30, 70, status=OrderStatus.OPEN))
    assert (state(ledger).status, state(ledger).filled_quantity) == ("CANCELED", 70)


def test_one_order_with_a_flood_of_updates_stays_quick() -> None:
    ledger = Ledger(max_events=10)
    for price in range(20_000):
        ledger.apply(update(status=OrderStatus.OPEN, report_type=ReportType.REPLACED, price=float(price)))
    assert state(ledger).updates == 20_000


@given(st.data())
def test_whatever_was_lost_repeated_or_crossed_one_more_book_makes_it_equal(data: st.DataObject) -> None:
    """A broker's order lives on while messages get lost and books arrive late."""
    steps: list[dict[str, Any]] = [{"status": OrderStatus.OPEN, "report_type": ReportType.NEW}]
    truth: list[dict[str, Any]] = [{"quantity": 100.0, "price": 50.0, "filled_quantity": 0.0}]
    for number in range(data.draw(st.integers(0, 6))):
        now = dict(truth[-1])
        if data.draw(st.booleans()):
            now |= {"price": float(data.draw(st.sampled_from((50, 51, 52))))}
            now |= {"quantity": max(now["filled_quantity"] + 10, data.draw(st.sampled_from((60.0, 100.0))))}
            step: dict[str, Any] = {"status": OrderStatus.OPEN, "report_type": ReportType.REPLACED}
        else:
            now["filled_quantity"] += 10.0
            step = {"status": OrderStatus.OPEN, "report_type": ReportType.FILL}
            step |= {"fill_id": str(number), "fill_quantity": 10.0, "fill_price": now["price"]}
        steps.append(step)
        truth.append(now)
    last = data.draw(st.sampled_from((OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.COMPLETE)))
    steps.append({"status": last})
    truth.append(dict(truth[-1]))

    ledger, sent = Ledger(), []
    for number, (step, now) in enumerate(zip(steps, truth, strict=True), 1):
        message = update(at=number * 100, **step, **now)
        if data.draw(st.booleans(), label="arrives"):
            ledger.apply(message)
        sent.append(message)
        if data.draw(st.booleans(), label="an old one again"):
            ledger.apply(data.draw(st.sampled_from(sent)))
        if data.draw(st.booleans(), label="a book comes, perhaps an old one"):
            seen = data.draw(st.integers(0, number - 1))
            ledger.apply(book(as_of=(seen + 1) * 100 + 1, status=steps[seen]["status"], **truth[seen]))
    ledger.apply(book(as_of=len(steps) * 100 + 50, status=last, **truth[-1]))
    end = state(ledger)
    assert (end.status, end.quantity, end.price, end.filled_quantity or 0.0) == (
        last,
        truth[-1]["quantity"],
        truth[-1]["price"],
        truth[-1]["filled_quantity"],
    )
    assert sum(quantity for quantity, _ in end.fills.values()) <= truth[-1]["filled_quantity"]


REFUSED = "16278 The price is out of the range"
ENDED = "16388 Cancelled by the exchange"


def refused(**fields: Any) -> OrderUpdate:
    return update(
        status=OrderStatus.OPEN, report_type=ReportType.REPLACE_REJECTED, reject_reason=REFUSED, **fields
    )


def ended(status: OrderStatus, report: ReportType, reason: str | None = None, **fields: Any) -> OrderUpdate:
    return update(status=status, report_type=report, reject_reason=reason, **fields)


def booked(at: int, **fields: Any) -> OrderUpdate:
    return update(source=UpdateSource.RECONCILE, as_of_ns=at, at=at, **fields)


def reasons(ledger: Ledger) -> list[str | None]:
    return [event.update.reject_reason for event in ledger.events_snapshot()]


def test_the_end_of_an_order_has_its_own_reason_and_the_earlier_ones_stay_in_the_history() -> None:
    ledger = Ledger()
    for u in (new(), refused(), ended(OrderStatus.CANCELED, ReportType.CANCELED, ENDED)):
        ledger.apply(u)
    assert state(ledger).reject_reason == ENDED
    assert reasons(ledger) == [None, REFUSED, ENDED]


def test_while_an_order_is_open_the_reason_is_that_of_the_latest_refused_change() -> None:
    ledger = Ledger()
    ledger.apply(new())
    ledger.apply(refused())
    assert state(ledger).reject_reason == REFUSED
    ledger.apply(
        update(status=OrderStatus.OPEN, report_type=ReportType.CANCEL_REJECTED, reject_reason="another")
    )
    assert state(ledger).reject_reason == "another"


def test_a_filled_order_has_no_reason_whatever_its_book_goes_on_saying() -> None:
    ledger = Ledger()
    for u in (new(), refused(), fill(1, 100, 100)):
        ledger.apply(u)
    assert state(ledger).reject_reason is None
    assert (
        ledger.apply(
            booked(9 * 10**9, status=OrderStatus.COMPLETE, filled_quantity=100.0, reject_reason=REFUSED)
        )
        is None
    )
    assert state(ledger).reject_reason is None


def test_a_cancelled_order_does_not_take_the_reason_of_a_refused_change_from_its_book() -> None:
    ledger = Ledger()
    for u in (new(), refused(), ended(OrderStatus.CANCELED, ReportType.CANCELED)):
        ledger.apply(u)
    row = booked(9 * 10**9, status=OrderStatus.CANCELED, reject_reason=REFUSED)
    ledger.apply(row)
    assert state(ledger).reject_reason is None
    ledger.apply(booked(19 * 10**9, status=OrderStatus.CANCELED, reject_reason=ENDED))
    assert state(ledger).reject_reason == ENDED
    ledger.apply(booked(29 * 10**9, status=OrderStatus.CANCELED, reject_reason=REFUSED))
    assert state(ledger).reject_reason == ENDED


def test_what_the_stream_says_of_the_end_counts_more_than_a_book_s_row() -> None:
    ledger = Ledger()
    ledger.apply(new())
    ledger.apply(booked(9 * 10**9, status=OrderStatus.CANCELED, reject_reason=REFUSED))
    ledger.apply(ended(OrderStatus.CANCELED, ReportType.CANCELED, ENDED, at=10 * 10**9))
    assert state(ledger).reject_reason == ENDED


def test_an_order_that_was_called_rejected_and_then_fills_is_filled() -> None:
    ledger = Ledger()
    ledger.apply(new())
    ledger.apply(fill(1, 40, 40))
    ledger.apply(ended(OrderStatus.REJECTED, ReportType.REJECTED, "an unknown kind of refused change"))
    assert state(ledger).status is OrderStatus.REJECTED
    ledger.apply(fill(2, 60, 100))
    assert (state(ledger).status, state(ledger).filled_quantity) == (OrderStatus.COMPLETE, 100)
    assert state(ledger).reject_reason is None


def test_a_rejected_order_keeps_its_reason() -> None:
    ledger = Ledger()
    ledger.apply(ended(OrderStatus.REJECTED, ReportType.REJECTED, REFUSED))
    ledger.apply(booked(9 * 10**9, status=OrderStatus.REJECTED, reject_reason=REFUSED))
    assert (state(ledger).reject_reason, state(ledger).updates) == (REFUSED, 1)


def test_a_word_that_is_not_known_is_kept_and_the_next_one_is_news() -> None:
    ledger = Ledger()
    for word in ("MODIFY PENDING", "MODIFY PENDING", "NOT MODIFIED"):
        ledger.apply(update(status=OrderStatus.UNKNOWN, raw_status=word))
    assert (state(ledger).status, state(ledger).raw_status) == (OrderStatus.UNKNOWN, "NOT MODIFIED")
    assert state(ledger).updates == 2
    assert not state(ledger).status.is_open
    assert not state(ledger).status.is_final
    ledger.apply(new())
    assert state(ledger).status is OrderStatus.OPEN


def test_of_a_message_that_says_nothing_of_the_order_its_word_is_kept() -> None:
    ledger = Ledger()
    ledger.apply(update(raw_status="REJECTED", report_type=ReportType.CANCEL_REJECTED))
    assert (state(ledger).status, state(ledger).raw_status) == (OrderStatus.UNKNOWN, "REJECTED")


@given(st.permutations([refused(), fill(1, 100, 100), refused(at=5), new()]))
def test_in_whatever_order_a_filled_order_ends_without_a_reason(updates: list[OrderUpdate]) -> None:
    ledger = Ledger()
    for u in updates:
        ledger.apply(u)
    assert (state(ledger).status, state(ledger).reject_reason) == (OrderStatus.COMPLETE, None)
