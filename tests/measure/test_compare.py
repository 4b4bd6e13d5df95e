from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dualbroker.measure.compare import checks, figures, saving
from dualbroker.measure.figures import Check, OrderFinal, PlanFigures, PlanReport, StreamCounts, Truth

BROKERS = ["broker1", "broker2"]
SUBSCRIBED = ["NSE|1", "NFO|2"]
PRICES = {"NSE|1": 100.0, "NFO|2": 0.05}
ORDERS = {
    "broker1": {"11": OrderFinal("COMPLETE", 75.0)},
    "broker2": {"21": OrderFinal("CANCELED", 0.0), "22": OrderFinal("OPEN", 25.0)},
}
TRUTH = Truth(last_prices={**PRICES, "NFO|3": 7.0}, orders=ORDERS, order_updates={"broker1": 3, "broker2": 5})
NO_QUOTES = {"quote_bytes": 0, "quote_messages": 0}


def stream(**changes: int) -> StreamCounts:
    values = {"quote_bytes": 1000, "quote_messages": 10, "order_bytes": 90, "control_messages": 2}
    return StreamCounts(**{**values, "order_messages": 3, **changes})


def report(**changes: Any) -> PlanReport:
    """The naive plan's, when all is well."""
    values: dict[str, Any] = {
        "streams": {"broker1": stream(), "broker2": stream(order_messages=5)},
        "last_prices": {"broker1": PRICES, "broker2": PRICES},
        "orders": ORDERS,
        "stored_quotes": {"broker1": 12, "broker2": 12},
        "stored_order_events": {"broker1": 3, "broker2": 5},
        "stray_quotes": 0,
        "reconnects": 0,
        "cpu_seconds": 2.0,
        "peak_memory_bytes": 100,
    }
    return PlanReport(**{**values, **changes})


NAIVE = report()
OPTIMISED = report(
    streams={"broker1": stream(), "broker2": stream(order_messages=5, **NO_QUOTES)},
    last_prices={"broker1": PRICES},
    stored_quotes={"broker1": 12},
    cpu_seconds=1.5,
    peak_memory_bytes=90,
)


def failed(naive: PlanReport = NAIVE, optimised: PlanReport = OPTIMISED, truth: Truth = TRUTH) -> list[Check]:
    every = checks(naive, optimised, truth, brokers=BROKERS, subscribed=SUBSCRIBED)
    assert len({check.name for check in every}) == len(every)
    assert all(check.details for check in every)
    return [check for check in every if not check.ok]


def changed(base: PlanReport, **changes: Any) -> PlanReport:
    return msgspec.structs.replace(base, **changes)


def test_all_holds_when_all_is_well() -> None:
    assert failed() == []


def test_sums_and_savings() -> None:
    naive, optimised = figures(NAIVE), figures(OPTIMISED)
    assert naive == PlanFigures(2000, 180, 32, 2.0, 100)
    assert optimised.quote_bytes == 1000
    result = saving(naive, optimised)
    assert (result.quote_bytes_percent, result.cpu_percent, result.memory_percent) == (50.0, 25.0, 10.0)


def test_nothing_saves_nothing() -> None:
    nothing = PlanFigures(0, 0, 0, 0.0, 0)
    assert saving(nothing, nothing).quote_bytes_percent == 0.0


@pytest.mark.parametrize(
    ("name", "plans"),
    [
        ("same_last_prices", {"naive": {"last_prices": {"broker1": PRICES, "broker2": {"NSE|1": 100.0}}}}),
        ("same_last_prices", {"optimised": {"last_prices": {"broker1": {**PRICES, "NSE|1": 100.05}}}}),
        ("same_last_prices", {"optimised": {"last_prices": {"broker1": {**PRICES, "NSE|1": float("nan")}}}}),
        (
            "same_ticks",
            {
                "naive": {
                    "streams": {"broker1": stream(quote_messages=9), "broker2": NAIVE.streams["broker2"]}
                }
            },
        ),
        (
            "every_order_update_optimised",
            {"optimised": {"streams": {**OPTIMISED.streams, "broker2": stream(**NO_QUOTES)}}},
        ),
        (
            "every_order_update_optimised",
            {"optimised": {"orders": {**ORDERS, "broker1": {"11": OrderFinal("OPEN", 0.0)}}}},
        ),
        ("every_order_update_optimised", {"optimised": {"orders": {**ORDERS, "broker1": {}}}}),
        (
            "every_order_update_naive",
            {"naive": {"orders": {**ORDERS, "broker1": {**ORDERS["broker1"], **ORDERS["broker2"]}}}},
        ),
        ("every_message_bears_its_broker", {"optimised": {"stored_quotes": {"broker1": 9, "broker2": 3}}}),
        ("every_message_bears_its_broker", {"naive": {"stored_order_events": {"broker1": 3, "": 5}}}),
        ("every_message_bears_its_broker", {"optimised": {"stray_quotes": 1}}),
        (
            "quotes_from_primary_only",
            {"optimised": {"streams": {**OPTIMISED.streams, "broker2": stream(order_messages=5)}}},
        ),
        ("connections_held", {"naive": {"reconnects": 1}}),
    ],
)
def test_each_check_finds_its_fault(name: str, plans: dict[str, dict[str, Any]]) -> None:
    found = failed(changed(NAIVE, **plans.get("naive", {})), changed(OPTIMISED, **plans.get("optimised", {})))
    assert [check.name for check in found] == [name]


def test_a_measurement_of_nothing_fails() -> None:
    silent = {name: stream(order_messages=0, **NO_QUOTES) for name in BROKERS}
    truth = Truth(
        last_prices=PRICES, orders={name: {} for name in BROKERS}, order_updates=dict.fromkeys(BROKERS, 0)
    )
    found = failed(
        changed(NAIVE, streams=silent, orders={}), changed(OPTIMISED, streams=silent, orders={}), truth
    )
    names = {check.name for check in found}
    assert names == {"same_ticks", "every_order_update_naive", "every_order_update_optimised"}


def test_many_problems_are_told_by_some_examples() -> None:
    found = failed(changed(NAIVE, last_prices={name: {} for name in ("a", "b", "c")}))
    assert found[0].details.endswith("(and 3 more)")
