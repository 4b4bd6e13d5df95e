"""How bad it is: the one table from which every dot, border, header, tab title and word of a state derives.

Pure. The page, the live notebook and what is left without a kernel all draw what is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from dualbroker.manager.source import FeedSource
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.problems import broker_problems, feed_problems
from dualbroker.view.rows import healths
from dualbroker.view.unknown import quote_sources

__all__ = ["SEVERITY_OF_STATE", "Severity", "broker_severity", "state_words", "verdict"]


class Severity(StrEnum):
    """The value is the word that a person reads."""

    OK = "ok"
    DEGRADED = "degraded"
    """It works, and not all of it."""
    DOWN = "down"
    """Nothing comes from it."""
    OFF = "off"
    """Nothing comes from it, as somebody wants it."""


SEVERITY_OF_STATE: dict[BrokerState, Severity] = {
    BrokerState.LIVE: Severity.OK,
    BrokerState.POLLING: Severity.OK,
    BrokerState.CONNECTING: Severity.DEGRADED,
    BrokerState.RECONNECTING: Severity.DOWN,
    BrokerState.PARKED: Severity.DOWN,
    BrokerState.CLOSED: Severity.OFF,
}
"""Of a broker with nothing else to tell."""


def broker_severity(state: BrokerState, problems: Sequence[str]) -> Severity:
    """Of a broker in this state, with what is wrong with it (``view.problems.broker_problems``).

    One that works and has a problem is degraded; one that connects and tells more than that has failed to.
    """
    severity = SEVERITY_OF_STATE[state]
    if state is BrokerState.CONNECTING and any(problem != state.value for problem in problems):
        return Severity.DOWN
    return Severity.DEGRADED if severity is Severity.OK and problems else severity


def state_words(health: BrokerHealth, severity: Severity) -> str:
    """A broker's state in words that agree with its colour: ``live``, ``polling · degraded``, ``parked``,
    ``closed, was live``."""
    words = health.state.value
    if health.state is BrokerState.CLOSED and health.state_at_close is not None:
        words = f"{words}, was {health.state_at_close.value}"
    return words if SEVERITY_OF_STATE[health.state] is severity else f"{words} · {severity.value}"


def verdict(manager: FeedSource) -> dict[str, Any]:
    """The feed as a whole.

    Returns
    -------
    dict
        ``severity``, and of the two lines of the headline ``quotes`` and ``orders``, each a
        :class:`Severity`'s value. ``words``: for the header (``all well``, ``down · 2 problems``).
        ``title``: for the browser's tab.
    """
    brokers = healths(manager)
    own = {health.broker_name: broker_problems(manager, health) for health in brokers}
    each = {health.broker_name: broker_severity(health.state, own[health.broker_name]) for health in brokers}
    problems = feed_problems(manager)
    orders = _of_orders(list(each.values()))
    begins = any(
        health.state is BrokerState.CONNECTING and each[health.broker_name] is Severity.DEGRADED
        for health in brokers
    )
    of_no_broker = len(problems) - sum(map(len, own.values()))
    quotes = _of_quotes(manager, each, of_no_broker=of_no_broker, begins=begins)
    if Severity.DOWN in (quotes, orders):
        severity = Severity.DOWN
    elif quotes is Severity.OFF:
        severity = Severity.OFF
    else:
        severity = Severity.DEGRADED if problems else Severity.OK
    return {
        "severity": severity.value,
        "quotes": quotes.value,
        "orders": orders.value,
        "words": _words(severity, len(problems)),
        "title": _title(
            severity, [name for name, found in each.items() if found in (Severity.DEGRADED, Severity.DOWN)]
        ),
    }


def _of_orders(brokers: Sequence[Severity]) -> Severity:
    """Each broker brings its own: down when none brings any."""
    if all(each is Severity.OFF for each in brokers):
        return Severity.OFF
    if all(each in (Severity.DOWN, Severity.OFF) for each in brokers):
        return Severity.DOWN
    return Severity.OK if all(each is Severity.OK for each in brokers) else Severity.DEGRADED


def _of_quotes(
    manager: FeedSource, brokers: Mapping[str, Severity], *, of_no_broker: int, begins: bool
) -> Severity:
    """One broker brings them for all; ``of_no_broker`` counts the feed's problems that are no broker's,
    ``begins`` says whether one may be about to bring them."""
    if all(each is Severity.OFF for each in brokers.values()):
        return Severity.OFF
    sources = [health.broker_name for health in quote_sources(manager)]
    if not sources:
        return Severity.DEGRADED if begins else Severity.DOWN
    whole = not of_no_broker and all(brokers[name] is Severity.OK for name in sources)
    return Severity.OK if whole else Severity.DEGRADED


def _words(severity: Severity, problems: int) -> str:
    if severity is Severity.OFF:
        return "closed"
    if not problems:
        return "all well" if severity is Severity.OK else severity.value
    return f"{severity.value} · {problems} problem{'' if problems == 1 else 's'}"


def _title(severity: Severity, bad: Sequence[str]) -> str:
    if severity in (Severity.OK, Severity.OFF):
        return "dualbroker"
    return " · ".join(("▲ " + ": ".join(filter(None, (severity.value, ", ".join(bad)))), "dualbroker"))
