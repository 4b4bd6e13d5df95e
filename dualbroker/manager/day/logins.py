"""Logs one broker in at start-up: trouble on the way is tried again, a refusal never."""

from __future__ import annotations

import asyncio
import logging
import random

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    RateLimitedError,
    RetryableBrokerError,
    WireError,
)
from dualbroker.stores.health import BrokerState

__all__ = ["log_in"]

logger = logging.getLogger("dualbroker")


async def log_in(broker: Broker, rng: random.Random) -> bool:
    """Whether the broker has a session now; False when it is parked, and its health says why."""
    backoff = Backoff(rng)
    health = broker.health
    told: set[type[Exception]] = set()
    while True:
        try:
            await broker.login()
        except (ConnectionFailedError, RetryableBrokerError, RateLimitedError, WireError) as error:
            pause = backoff.next_s()
            health.problem = f"no login yet: {error}; trying again in {pause:.1f} s"
            logger.warning("%s: %s", broker.name, health.problem)
            # By its kind: the words of one and the same trouble may differ with each try.
            if type(error) not in told:
                told.add(type(error))
                broker.context.note(broker.name, f"no login yet: {error}", "it is tried again by itself")
            await asyncio.sleep(pause)
        except DualBrokerError as error:
            health.state, health.problem = BrokerState.PARKED, str(error)
            logger.error("%s is parked: %s", broker.name, error)
            return False
        except Exception as error:
            # A fault of ours, or of a broker type from outside: the other brokers go on, and it is told.
            health.state = BrokerState.PARKED
            health.problem = f"the login failed in an unforeseen way: {type(error).__name__}"
            logger.exception("%s is parked: %s", broker.name, health.problem)
            return False
        else:
            return True
