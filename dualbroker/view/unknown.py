"""What is not known of a broker, and why: an empty table alone would read as a fact. Pure."""

from __future__ import annotations

from dualbroker.manager.source import FeedSource
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.rows import healths

__all__ = ["carrying", "no_quotes_because", "order_sources", "quote_sources", "unread_order_books"]

_WORKING = (BrokerState.LIVE, BrokerState.POLLING)


def carrying(manager: FeedSource) -> list[BrokerHealth]:
    """The brokers that carry something: given a role, and not parked since."""
    return [
        health
        for health in healths(manager)
        if health.role is not Role.NONE and health.state is not BrokerState.PARKED
    ]


def quote_sources(manager: FeedSource) -> list[BrokerHealth]:
    """The brokers that stream quotes and are of use for it now, so neither down nor stale."""
    return [
        health
        for health in carrying(manager)
        if health.role in (Role.PRIMARY, Role.SOME_QUOTES) and manager.serves(health.broker_name)
    ]


def order_sources(manager: FeedSource) -> list[str]:
    """The brokers whose order updates come now; one that is down brings none until it is back."""
    return [health.broker_name for health in carrying(manager) if health.state in _WORKING]


def unread_order_books(manager: FeedSource, *, brief: bool = False) -> list[dict[str, str]]:
    """Brokers whose orders are unknown, for their order book was never read: ``broker_name``, ``why``.

    ``brief`` leaves out the broker's own words, where its card stands beside and has them.
    """
    return [
        {"broker_name": health.broker_name, "why": _why_unread(health, brief)}
        for health in healths(manager)
        if health.last_book_ns is None
    ]


def no_quotes_because(manager: FeedSource, *, brief: bool = False) -> list[dict[str, str]]:
    """Why each broker carries no quotes (``broker_name``, ``why``); empty when one carries them, and of a
    closed feed, which says itself that it is.

    ``brief`` leaves out the broker's own words, where its card stands beside and has them.
    """
    if quote_sources(manager) or all(each.state is BrokerState.CLOSED for each in healths(manager)):
        return []
    return [
        {"broker_name": health.broker_name, "why": _why_no_quotes(manager, health, brief)}
        for health in healths(manager)
    ]


def _why_unread(health: BrokerHealth, brief: bool) -> str:
    if health.state not in _WORKING:
        return _not_working(health, brief)
    if health.book_problem:
        return (
            "its order book could not be read"
            if brief
            else f"its order book could not be read: {_without_name(health, health.book_problem)}"
        )
    return "its order book has not been read yet"


def _why_no_quotes(manager: FeedSource, health: BrokerHealth, brief: bool) -> str:
    if stale := manager.why_stale(health.broker_name):
        return "it is stale" if brief else f"it is stale: {stale}"
    return _not_working(health, brief) if health.state not in _WORKING else f"it carries {health.role.value}"


def _not_working(health: BrokerHealth, brief: bool) -> str:
    problem = "" if brief else _without_name(health, health.problem)
    return f"it is {health.state.value}: {problem}" if problem else f"it is {health.state.value}"


def _without_name(health: BrokerHealth, problem: str) -> str:
    return problem.removeprefix(f"{health.broker_name}: ")
