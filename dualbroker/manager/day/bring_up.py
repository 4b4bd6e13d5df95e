"""Start-up: every broker logs in side by side, and the first that may carries the quotes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker, OrderCallback, QuoteCallback
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    RateLimitedError,
    RetryableBrokerError,
    WireError,
)
from dualbroker.model import Role
from dualbroker.routing.choice import LoginOutcome, choose_primary
from dualbroker.routing.driver import Routing
from dualbroker.stores.health import BrokerHealth, BrokerState

__all__ = ["BringUp", "log_in"]

logger = logging.getLogger("dualbroker")


class BringUp:
    """Brings all brokers up and gives out the roles.

    Parameters
    ----------
    routing
        Learns who is the primary.
    on_down
        Told of a broker that is parked, and why.
    on_primary
        Awaited when a broker that comes after all others has become the primary.
    """

    def __init__(
        self,
        brokers: Mapping[str, Broker],
        health: Mapping[str, BrokerHealth],
        routing: Routing,
        *,
        rng: random.Random,
        on_order: OrderCallback,
        on_quotes: QuoteCallback,
        on_down: Callable[[str, str], None],
        on_primary: Callable[[], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._brokers = brokers
        self._health = health
        self._routing = routing
        self._standing = routing.machine.standing
        self._random = rng
        self._on_order = on_order
        self._on_quotes = on_quotes
        self._on_down = on_down
        self._on_primary = on_primary
        self._spawn = spawn
        self._outcomes: dict[str, LoginOutcome] = {}
        self._outcome_changed = asyncio.Event()
        self._roles_decided = asyncio.Event()
        self._pending: set[str] = set()
        """Brokers that are neither up nor parked yet."""
        self._none_pending = asyncio.Event()
        self._is_over = False

    async def run(self, timeout_s: float) -> None:
        """Return when every broker is up or parked, or the time is up; the rest goes on trying."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        self._outcomes.update(dict.fromkeys(self._brokers, LoginOutcome.WAITING))
        self._pending.update(self._brokers)
        for broker in self._brokers.values():
            self._spawn(self._bring_up(broker))
        while not self._decide_primary(time_is_up=loop.time() >= deadline):
            self._outcome_changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._outcome_changed.wait()
            except TimeoutError:
                self._decide_primary(time_is_up=True)
                break
        self._roles_decided.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - loop.time()) + 1.0):
                await self._none_pending.wait()
        self._routing.announce_roles()
        self._is_over = True

    def _decide_primary(self, *, time_is_up: bool) -> bool:
        candidates = [name for name, broker in self._brokers.items() if broker.config.orders == "stream"]
        candidates.sort(key=lambda name: name != self._standing.preferred)
        choice = choose_primary(candidates, self._outcomes, time_is_up=time_is_up)
        if choice.primary is not None:
            self._standing.primary = choice.primary
            self._routing.say_primary(choice.primary, choice.reason)
        return choice.final

    async def _bring_up(self, broker: Broker) -> None:
        """Log one broker in and start its stream with the callbacks of its role."""
        while not await log_in(broker, self._random):
            self._note(broker.name, LoginOutcome.FAILED)
            self._on_down(broker.name, broker.health.problem)
            self._settle(broker.name)
            # What a person has to do may be done at any time; the other brokers go on without it.
            await broker.wait_for_login()
        self._note(broker.name, LoginOutcome.IN)
        await self._roles_decided.wait()
        if self._standing.primary is None and broker.config.orders == "stream":
            self._standing.primary = broker.name
            self._routing.say_primary(broker.name, "the first to log in")
        is_primary = self._standing.primary == broker.name
        self._health[broker.name].role = Role.PRIMARY if is_primary else Role.SECONDARY
        try:
            await broker.start_websocket(self._on_order, self._on_quotes if is_primary else None)
        except DualBrokerError as error:
            logger.warning("%s: %s", broker.name, error)
        finally:
            self._settle(broker.name)
        if self._is_over:
            # It has come after all others were up: what the start did, it did without this one.
            self._routing.announce_roles()
            if is_primary:
                await self._on_primary()

    def _settle(self, name: str) -> None:
        self._pending.discard(name)
        if not self._pending:
            self._none_pending.set()

    def _note(self, name: str, outcome: LoginOutcome) -> None:
        self._outcomes[name] = outcome
        self._outcome_changed.set()


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
