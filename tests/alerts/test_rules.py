"""What is worth an alert."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from dualbroker.alerts.engine import Condition
from dualbroker.alerts.rules import (
    DayLimits,
    PriceLevel,
    broker_conditions,
    failover_alert,
    margin_conditions,
    order_alert,
    price_condition,
    profit_conditions,
    stop_conditions,
)
from dualbroker.desk.desk import LimitsLine, Profit
from dualbroker.desk.stops import COVERED, NO_STOP, NOT_READ, TRIGGERED, StopLine
from dualbroker.model import Limits, OrderStatus, OrderUpdate, ReportType, Side, UpdateSource
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover
from dualbroker.stores.orders import OrderEvent
from tests.alerts.moments import ns_at

NOW = ns_at(11, 0)


def health(state: BrokerState, problem: str = "") -> BrokerHealth:
    return BrokerHealth(
        broker_name="broker1",
        broker_type="shoonya",
        account="FA**89",
        simulated=False,
        state=state,
        problem=problem,
    )


@pytest.mark.parametrize(
    ("state", "problem", "holding", "unknown"),
    [
        (BrokerState.LIVE, "", set(), set()),
        (BrokerState.POLLING, "", set(), set()),
        (BrokerState.RECONNECTING, "no route", {"broker_down"}, {"login_needed"}),
        (BrokerState.PARKED, "wrong password", {"login_needed"}, {"broker_down"}),
        (BrokerState.CONNECTING, "", set(), {"broker_down", "login_needed"}),
        (BrokerState.CONNECTING, "no route", {"broker_down"}, {"login_needed"}),
        (BrokerState.CLOSED, "", set(), {"broker_down", "login_needed"}),
    ],
)
def test_a_broker_that_is_down_or_parked_is_told_of(
    state: BrokerState, problem: str, holding: set[str], unknown: set[str]
) -> None:
    found, not_known = broker_conditions([health(state, problem)])
    assert set(found) == {(rule, "broker1") for rule in holding}
    assert not_known == {(rule, "broker1") for rule in unknown}
    assert all(problem in condition.words for condition in found.values())


def event(status: OrderStatus, **changes: object) -> OrderEvent:
    update = OrderUpdate(
        broker_name="broker2",
        receive_time_ns=NOW,
        source=UpdateSource.STREAM,
        order_id="1",
        trading_day=date(2026, 3, 2),
        side=Side.BUY,
        quantity=300.0,
    )
    update = msgspec.structs.replace(update, **changes)
    return OrderEvent(1, update, status, update.filled_quantity, None, "NIFTY10MAR26C26000")


def test_a_rejection_names_broker_instrument_and_reason() -> None:
    found = order_alert(
        event(OrderStatus.REJECTED, report_type=ReportType.REJECTED, reject_reason="margin"), NOW
    )
    assert found is not None
    assert found[1].words == "broker2: BUY NIFTY10MAR26C26000 rejected: margin"
    other = order_alert(
        event(OrderStatus.REJECTED, report_type=ReportType.REJECTED, reject_reason="margin", order_id="2"),
        NOW,
    )
    assert other is not None
    assert found[0] == other[0], "a hundred orders without margin are one cause"
    assert order_alert(event(OrderStatus.OPEN), NOW) is None


def test_a_fill_says_how_much_of_it_there_is() -> None:
    found = order_alert(
        event(OrderStatus.OPEN, fill_quantity=75.0, fill_price=212.4, filled_quantity=150.0), NOW
    )
    assert found is not None
    assert found[1].words == "broker2: BUY NIFTY10MAR26C26000 filled 75 at ₹212.40, 150 of 300 in all"
    assert found[1].rule == "fill"


def test_what_a_book_tells_of_the_morning_is_no_news() -> None:
    old = {"source": UpdateSource.RECONCILE, "event_time_ns": ns_at(9, 20)}
    assert order_alert(event(OrderStatus.REJECTED, **old), NOW) is None
    assert order_alert(event(OrderStatus.REJECTED, **old | {"event_time_ns": ns_at(10, 58)}), NOW) is not None


def test_a_failover_says_from_where_to_where_and_why() -> None:
    failover = Failover(
        number=1,
        time_ns=NOW,
        from_broker="broker1",
        to_broker="broker2",
        why="broker1 was reset",
        planned=False,
        detected_after_s=0.1,
        instruments=3,
    )
    assert failover_alert(failover)[1].words == "quotes move from broker1 to broker2: broker1 was reset"


def test_a_price_level_is_reached_from_its_own_side_and_left_by_a_little_more() -> None:
    above, below = PriceLevel("NIFTY", above=26_000.0), PriceLevel("NIFTY", below=25_000.0)

    def reached(level: PriceLevel, low: float, high: float, was_there: bool = False) -> bool:
        return isinstance(price_condition(level, low, high, was_there), Condition)

    assert not reached(above, 25_900, 25_999.95)
    assert reached(above, 25_900, 26_000), "a spike within the second counts"
    assert reached(above, 25_995, 25_995, was_there=True)
    assert not reached(above, 25_980, 25_980, was_there=True)
    assert reached(below, 25_000, 25_100)
    assert not reached(below, 25_000.05, 25_100)
    assert reached(below, 25_010, 25_010, was_there=True)
    assert not reached(below, 25_020, 25_020, was_there=True)
    found = price_condition(above, 26_000, 26_010.5, False)
    assert found is not None
    assert found.words == "NIFTY at or above ₹26,000.00: ₹26,010.50"


def stop_line(state: str, **fields: Any) -> StopLine:
    return StopLine(broker_name="broker1", exchange="NFO", symbol="NIFTY", product="M", state=state, **fields)


def test_a_position_without_a_stop_and_a_stop_that_does_not_fill_are_told_and_doubt_is_not() -> None:
    naked, late = stop_line(NO_STOP, position_quantity=75), stop_line(TRIGGERED, order_id="7")
    holding, unknown = stop_conditions([naked, late, stop_line(COVERED, order_id="8")])
    assert {each.rule: each.words for each in holding.values()} == {
        "no_stop": "broker1: no stop seen for 75 NIFTY",
        "triggered": "broker1: the stop of NIFTY is triggered and not filled",
    }
    assert unknown == set()
    in_doubt = [msgspec.structs.replace(each, doubt="a read failed") for each in (naked, late)]
    nothing, not_known = stop_conditions(in_doubt)
    assert nothing == {}
    assert not_known >= holding.keys()
    nothing, not_known = stop_conditions([stop_line(NOT_READ, position_quantity=75)])
    assert nothing == {}
    assert not_known


def profit(total: float, unknown: int = 0, doubt: str = "") -> Profit:
    return Profit("all", "all", 2, 0.0, total, total, total, unknown, doubt)


def test_a_day_that_loses_too_much_is_told_and_a_part_of_a_sum_decides_nothing() -> None:
    limits = DayLimits(max_loss=1000.0, max_drawdown=500.0)
    assert profit_conditions(limits, profit(-999.0), -600.0) == ({}, set())
    holding, _ = profit_conditions(limits, profit(-1000.0), 200.0)
    assert holding["max_loss"].words == "all positions have lost ₹1,000 today, of ₹1,000 allowed"
    assert holding["max_drawdown"].words == "the day's profit is ₹1,200 below its highest, ₹200"
    for partial in (profit(-5000.0, unknown=1), profit(-5000.0, doubt="broker2: not read")):
        assert profit_conditions(limits, partial, 200.0) == ({}, {"max_loss", "max_drawdown"})
    assert profit_conditions(DayLimits(), profit(-5000.0), 200.0) == ({}, set())


def margin(used: float | None, free: float | None, doubt: str = "") -> LimitsLine:
    limits = Limits(broker_name="broker1", margin_used=used, margin_available=free)
    return LimitsLine("broker1", limits, 1, None, doubt)


def test_an_account_that_uses_its_margin_up_is_told_and_an_unknown_one_is_not() -> None:
    holding, unknown = margin_conditions(90.0, [margin(95.0, 5.0)])
    assert [each.words for each in holding.values()] == ["broker1 uses 95 % of its margin"]
    assert unknown == set()
    assert margin_conditions(90.0, [margin(80.0, 20.0)]) == ({}, set())
    assert margin_conditions(None, [margin(95.0, 5.0)]) == ({}, set())
    for line in (margin(95.0, None), margin(0.0, 0.0), margin(95.0, 5.0, "a read failed")):
        assert margin_conditions(90.0, [line]) == ({}, {("margin", "broker1")})
