"""What each broker does for the feed right now, in a few words. Pure."""

from __future__ import annotations

from typing import Any

from dualbroker.clock import ist
from dualbroker.figures import clock_time, duration, plural
from dualbroker.manager.source import FeedSource
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.incidents import newest_failover_of
from dualbroker.view.problems import broker_problems
from dualbroker.view.rows import broker_rows, healths
from dualbroker.view.severity import Severity, broker_severity, state_words

__all__ = ["card_rows", "failover_words"]


def card_rows(
    manager: FeedSource, market: dict[str, Any], failovers: list[dict[str, Any]], now_ns: int
) -> list[dict[str, Any]]:
    """Each broker's row with ``severity`` and ``state_words`` (``view.severity``), its ``duty``, ``market``,
    ``failover`` and ``problems``, all in words, and ``offers``: what a person may do about it (``reconnect``,
    ``carry_quotes``).

    ``market`` says why it is quiet while the market is closed, ``failover`` its part in the last one; both
    are empty when there is nothing to say.

    Parameters
    ----------
    market
        As ``view.market.market_state`` gives it.
    failovers
        As ``view.incidents.failover_rows`` gives them.
    now_ns
        UTC, by the manager's own clock.
    """
    rows = []
    for row, health in zip(broker_rows(manager), healths(manager), strict=True):
        name = health.broker_name
        problems = broker_problems(manager, health)
        severity = broker_severity(health.state, problems)
        rows.append(
            {
                **row,
                "severity": severity.value,
                "state_words": state_words(health, severity),
                "duty": _duty(manager, health),
                "market": _quiet_because(health, market),
                "failover": failover_words(newest_failover_of(failovers, name), name, now_ns),
                "problems": [said for problem in problems if (said := _without_state(problem, health))],
                "offers": _offers(manager, health, severity),
            }
        )
    return rows


def _without_state(problem: str, health: BrokerHealth) -> str:
    """A problem as it stands below the broker's state, which is said there."""
    return "" if problem == health.state.value else problem.removeprefix(f"{health.state.value}: ")


def _offers(manager: FeedSource, health: BrokerHealth, severity: Severity) -> list[str]:
    """To reconnect what is not well and has begun, and to move the quotes to one that can carry them."""
    name = health.broker_name
    offers = []
    if severity in (Severity.DEGRADED, Severity.DOWN) and name in manager.health:
        offers.append("reconnect")
    if name != manager.primary and name in manager.streaming_brokers() and manager.serves(name):
        offers.append("carry_quotes")
    return offers


def _duty(manager: FeedSource, health: BrokerHealth) -> str:
    """What it carries, and whether it could carry the quotes if their broker failed."""
    if health.state is BrokerState.PARKED or health.role is Role.NONE:
        return "carries nothing"
    if health.state is BrokerState.CLOSED:
        carried = {Role.PRIMARY: "quotes and orders", Role.SOME_QUOTES: "orders and some quotes"}
        return f"carried {carried.get(health.role, 'orders only')}"
    if health.role is Role.PRIMARY:
        serves = manager.serves(health.broker_name)
        return "quotes and orders" if serves else "quotes and orders, once it is back"
    if health.broker_name not in manager.streaming_brokers():
        return "orders only · by REST, so it can't take the quotes over"
    if health.role is Role.SOME_QUOTES:
        return f"orders, and quotes of {plural(health.subscriptions, 'instrument')}"
    if health.state is BrokerState.LIVE:
        return "orders only · ready to take the quotes over"
    return "orders only · can't take the quotes over now"


def _quiet_because(health: BrokerHealth, market: dict[str, Any]) -> str:
    """Silence after the close is no fault, where quotes are carried."""
    if market["open"] or health.role not in (Role.PRIMARY, Role.SOME_QUOTES):
        return ""
    words: str = market["words"]
    return words.partition(" · ")[0]


def failover_words(row: dict[str, Any] | None, broker_name: str, now_ns: int) -> str:
    """The part that a broker had in a failover, a row of ``view.incidents.failover_rows``."""
    if row is None:
        return ""
    at = "" if row["time"] is None else f" {clock_time(row['time'], ist(now_ns).isoformat())}"
    if row["from_broker"] == broker_name:
        verb = "handed the quotes to" if row["planned"] else "lost the quotes to"
        return f"{verb} {row['to_broker']}{at}: {row['why']}"
    verb = "was handed the quotes by" if row["planned"] else "took over from"
    return f"{verb} {row['from_broker']}{at}, {_cost(row)}"


def _cost(row: dict[str, Any]) -> str:
    if not row["finished"]:
        return f"{row['moved']} of {row['instruments']} instruments so far"
    left = f", {row['uncovered']} not covered" if row["uncovered"] else ""
    return f"{_gap(row)}{left}"


def _gap(row: dict[str, Any]) -> str:
    if row["gap_max"] is None:
        return "no gap measured"
    shown = duration(row["gap_max"])
    return f"gap {shown}" if row["moved"] == 1 else f"gap at most {shown}"
