"""Compares what two plans report with each other and with the truth. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dualbroker.figures import number
from dualbroker.measure.figures import (
    Check,
    OrderFinal,
    Plan,
    PlanFigures,
    PlanReport,
    Saving,
    Truth,
)

__all__ = ["checks", "figures", "saving"]

HALF_A_PAISA = 0.005
"""Prices travel with two decimals."""
MOST_EXAMPLES = 3


def figures(report: PlanReport) -> PlanFigures:
    """The sums over all streams of a plan."""
    streams = report.streams.values()
    return PlanFigures(
        quote_bytes=sum(stream.quote_bytes for stream in streams),
        order_bytes=sum(stream.order_bytes for stream in streams),
        messages=sum(
            stream.quote_messages + stream.order_messages + stream.control_messages for stream in streams
        ),
        cpu_seconds=report.cpu_seconds,
        peak_memory_bytes=report.peak_memory_bytes,
    )


def saving(naive: PlanFigures, optimised: PlanFigures) -> Saving:
    """How much less the optimised plan took; negative where it took more."""
    return Saving(
        quote_bytes_percent=_less(naive.quote_bytes, optimised.quote_bytes),
        cpu_percent=_less(naive.cpu_seconds, optimised.cpu_seconds),
        memory_percent=_less(naive.peak_memory_bytes, optimised.peak_memory_bytes),
    )


def _less(before: float, after: float) -> float:
    return round(100.0 * (before - after) / before, 2) if before else 0.0


def checks(
    naive: PlanReport,
    optimised: PlanReport,
    truth: Truth,
    *,
    brokers: Sequence[str],
    subscribed: Sequence[str],
) -> list[Check]:
    """Everything that has to hold for the measurement to be fair and its result to be right.

    Parameters
    ----------
    brokers
        All names, the expected primary first.
    subscribed
        ``exchange|token`` of every instrument that was asked for.
    """
    reports = {Plan.NAIVE: naive, Plan.OPTIMISED: optimised}
    wanted = {key: truth.last_prices[key] for key in subscribed if key in truth.last_prices}
    primary = brokers[0]
    return [
        _check("same_last_prices", _price_problems(reports, wanted), f"{len(wanted)} instruments agree"),
        _check(
            "same_ticks",
            _tick_problems(naive, optimised.streams[primary].quote_messages),
            f"{number(optimised.streams[primary].quote_messages)} quote messages on each stream of quotes",
        ),
        *(
            _check(
                f"every_order_update_{plan.value}",
                _order_problems(report, truth, brokers),
                f"{number(sum(truth.order_updates.values()))} updates of "
                f"{number(sum(map(len, truth.orders.values())))} orders at {len(brokers)} brokers",
            )
            for plan, report in reports.items()
        ),
        _check(
            "every_message_bears_its_broker",
            _tag_problems(naive, set(brokers), "naive") + _tag_problems(optimised, {primary}, "optimised"),
            f"{number(sum(optimised.stored_quotes.values()))} quotes carry {primary}, "
            f"orders carry {', '.join(brokers)}",
        ),
        _check(
            "quotes_from_primary_only",
            [
                f"{name} carried {number(optimised.streams[name].quote_bytes)} quote bytes, expected 0"
                for name in brokers[1:]
                if optimised.streams[name].quote_bytes or optimised.streams[name].quote_messages
            ],
            f"all quote bytes come from {primary}; none from {', '.join(brokers[1:]) or 'others'}",
        ),
        _check(
            "connections_held",
            [f"{plan.value}: {r.reconnects} reconnects" for plan, r in reports.items() if r.reconnects],
            "no socket was lost in either plan",
        ),
    ]


def _check(name: str, problems: Sequence[str], when_ok: str) -> Check:
    if not problems:
        return Check(name, True, when_ok)
    more = len(problems) - MOST_EXAMPLES
    words = "; ".join(problems[:MOST_EXAMPLES]) + (f" (and {more} more)" if more > 0 else "")
    return Check(name, False, words)


def _price_problems(reports: Mapping[Plan, PlanReport], wanted: Mapping[str, float]) -> list[str]:
    problems = [] if wanted else ["the market has no prices of what was subscribed"]
    for plan, report in reports.items():
        for broker, prices in report.last_prices.items():
            for key, expected in wanted.items():
                found = prices.get(key)
                if found is None or not abs(found - expected) <= HALF_A_PAISA:
                    problems.append(
                        f"{plan.value}, {broker}, {key}: expected {expected:.2f} (the market's own), "
                        f"found {'no price' if found is None else f'{found:.2f}'}"
                    )
    return problems


def _tick_problems(naive: PlanReport, expected: int) -> list[str]:
    problems = [] if expected else ["no quote came in the measured time"]
    return problems + [
        f"naive, {name}: expected {number(expected)} quote messages as in the optimised plan, "
        f"found {number(stream.quote_messages)}"
        for name, stream in naive.streams.items()
        if stream.quote_messages != expected
    ]


def _order_problems(report: PlanReport, truth: Truth, brokers: Sequence[str]) -> list[str]:
    problems = [] if any(truth.order_updates.values()) else ["the brokers produced no order update"]
    for broker in brokers:
        produced, received = truth.order_updates[broker], report.streams[broker].order_messages
        if received != produced:
            problems.append(
                f"{broker}: expected {number(produced)} order updates, received {number(received)}"
            )
        mine: Mapping[str, OrderFinal] = report.orders.get(broker, {})
        for order_id, expected in truth.orders[broker].items():
            found = mine.get(order_id)
            if found != expected:
                problems.append(
                    f"{broker}, order {order_id}: expected {_words(expected)}, found {_words(found)}"
                )
        problems += [
            f"{broker}: order {number} is not one of this broker's"
            for number in mine
            if number not in truth.orders[broker]
        ]
    return problems


def _words(order: OrderFinal | None) -> str:
    return "none" if order is None else f"{order.status}, {order.filled_quantity:g} filled"


def _tag_problems(report: PlanReport, quote_brokers: set[str], plan: str) -> list[str]:
    problems = []
    if set(report.stored_quotes) != quote_brokers:
        problems.append(
            f"{plan}: expected quotes that carry {', '.join(sorted(quote_brokers))}, "
            f"found {', '.join(sorted(report.stored_quotes)) or 'none'}"
        )
    if strangers := set(report.stored_order_events) - set(report.streams):
        problems.append(f"{plan}: order updates name {', '.join(sorted(strangers))}, which is no broker here")
    if report.stray_quotes:
        problems.append(
            f"{plan}: {number(report.stray_quotes)} quotes came from a broker that is not their source"
        )
    return problems
