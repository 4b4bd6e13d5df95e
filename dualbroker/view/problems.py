"""What keeps the feed from doing its job, in words that say what to do. Pure."""

from __future__ import annotations

from dualbroker.manager.source import FeedSource
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.remembered import Remembered
from dualbroker.view.rows import healths

__all__ = ["broker_problems", "feed_problems"]

NAMES_SHOWN = 3

_remembered = Remembered()
_WORKING = (BrokerState.LIVE, BrokerState.POLLING)


def feed_problems(manager: FeedSource) -> list[str]:
    """Everything that is wrong with the feed, each in a line of its own; empty when it does its job.

    Silence alone is none: the manager asks the market what it means, and says ``stale`` only of a source
    that is silent while the market moves.
    """
    brokers = healths(manager)
    if brokers and all(health.state is BrokerState.CLOSED for health in brokers):
        # Nothing begins again by itself: what is left is a snapshot.
        return ["the feed is closed; what is shown is its last state"]
    problems = [
        f"{health.broker_name}: {problem}"
        for health in brokers
        for problem in broker_problems(manager, health)
    ]
    if manager.primary is None and not problems:
        problems.append("no broker carries quotes yet")
    return [*problems, *_without_source(manager)]


def broker_problems(manager: FeedSource, health: BrokerHealth) -> list[str]:
    """What is wrong with one broker."""
    problems = []
    if health.state not in _WORKING:
        problems.append(health.words)
    elif health.problem:
        problems.append(health.problem)
    if health.book_problem:
        problems.append(
            f"the order book could not be read, so orders may be missing: {health.book_problem}; "
            "it is read again by itself"
        )
    missing = health.subscriptions - health.acknowledged
    if health.state is BrokerState.LIVE and missing > 0:
        problems.append(
            f"{missing} of {health.subscriptions} instruments have no quote yet; "
            "if that stays so, the broker does not know them"
        )
    stale = manager.why_stale(health.broker_name)
    return [*problems, f"stale: {stale}"] if stale else problems


def _without_source(manager: FeedSource) -> list[str]:
    """Instruments that are wanted and that no broker of use streams, in one line."""
    store = manager.quotes
    serving = frozenset(name for name in manager.streaming_brokers() if manager.serves(name))
    mark = manager.arrangement, serving
    left = _remembered.of(
        store,
        "without source",
        mark,
        lambda: [key for key in manager.wanted() if manager.source_of(key) not in serving],
    )
    if not left:
        return []
    named = [
        store.instruments[index].qualified_name
        for key in left[:NAMES_SHOWN]
        if (index := store.index_of(key)) is not None
    ]
    more = f" and {len(left) - NAMES_SHOWN} more" if len(left) > NAMES_SHOWN else ""
    return [f"no broker streams {', '.join(named)}{more}; it begins again by itself when one can"]
