"""What keeps the feed from doing its job, in words that say what to do. Pure."""

from __future__ import annotations

from dualbroker.manager import WebSocketManager
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.market import subscribed_exchanges
from dualbroker.view.rows import age_s, healths

__all__ = ["broker_problems", "feed_problems"]

SIMULATED_SILENCE_S = 15.0
LIVE_SILENCE_S = 60.0

_WORKING = (BrokerState.LIVE, BrokerState.POLLING)


def feed_problems(manager: WebSocketManager, now_ns: int) -> list[str]:
    """Everything that is wrong with the feed, each in a line of its own; empty when it does its job.

    Parameters
    ----------
    now_ns
        UTC, by the manager's own clock.
    """
    problems = [
        f"{health.broker_name}: {problem}"
        for health in healths(manager)
        for problem in broker_problems(manager, health, now_ns)
    ]
    if manager.primary is None and not problems:
        problems.append("no broker carries quotes yet")
    return problems


def broker_problems(manager: WebSocketManager, health: BrokerHealth, now_ns: int) -> list[str]:
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
    silence = _silence(manager, health, now_ns)
    return [*problems, silence] if silence else problems


def _silence(manager: WebSocketManager, health: BrokerHealth, now_ns: int) -> str | None:
    """A stream of quotes that is open and says nothing while the market is open."""
    if health.state is not BrokerState.LIVE or health.role is not Role.PRIMARY or not health.subscriptions:
        return None
    moments = [moment for moment in (health.last_quote_ns, health.connected_since_ns) if moment is not None]
    silent_s = age_s(max(moments, default=None), now_ns)
    if silent_s is None:
        return None
    if health.simulated:
        simulator = manager.config.simulator
        if silent_s < SIMULATED_SILENCE_S or simulator.market == "replay" or simulator.hold:
            return None
        return f"no quote for {silent_s:.0f} s; the simulated market has stopped: start it again"
    hours = manager.market_hours
    openings = [hours.open_since_ns(exchange, now_ns) for exchange in subscribed_exchanges(manager)]
    open_s = age_s(max((moment for moment in openings if moment is not None), default=None), now_ns)
    if open_s is None or min(silent_s, open_s) < LIVE_SILENCE_S:
        return None
    return (
        f"no quote for {min(silent_s, open_s):.0f} s in market hours; unless this is a holiday that "
        "market_hours in config.yaml should know, check whether another program took over this login's "
        "one socket"
    )
