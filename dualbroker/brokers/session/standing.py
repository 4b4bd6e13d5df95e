"""How a session stands: said in the broker's health, in the log, and to whatever runs the broker."""

from __future__ import annotations

import asyncio
import logging

from dualbroker.brokers.base import BrokerContext
from dualbroker.errors import ConnectionFailedError, LoginRefusedError
from dualbroker.stores.health import BrokerState

__all__ = ["Standing"]

logger = logging.getLogger("dualbroker")


class Standing:
    """Says how one broker's session stands."""

    def __init__(self, name: str, context: BrokerContext) -> None:
        self.name = name
        self._context = context
        self._health = context.health
        self._first: asyncio.Future[BrokerState] = asyncio.get_running_loop().create_future()

    async def first_word(self, up: BrokerState) -> None:
        """Return when orders flow, or raise what keeps them away.

        Raises
        ------
        LoginRefusedError
            It is parked.
        ConnectionFailedError
            The first try has failed; the next ones go on.
        """
        state = await self._first
        if state is BrokerState.PARKED:
            raise LoginRefusedError(f"{self.name}: {self._health.problem}")
        if state is not up:
            raise ConnectionFailedError(f"{self.name}: {self._health.problem}")

    def _settle(self, state: BrokerState, problem: str) -> None:
        self.now(state, problem)
        if not self._first.done():
            self._first.set_result(state)

    def now(self, state: BrokerState, problem: str = "") -> None:
        """A state on the way to another one."""
        self._health.state, self._health.problem = state, problem

    def up(self, state: BrokerState, problem: str = "") -> None:
        """Orders flow."""
        self._settle(state, problem)
        self._health.connected_since_ns = self._context.clock.now_ns()
        self._context.on_connected(self.name)

    def retrying(self, problem: str) -> None:
        """The last try has failed, and another one follows."""
        self._settle(BrokerState.RECONNECTING, problem)
        logger.warning("%s: %s", self.name, problem)

    def parked(self, problem: str) -> None:
        """Nothing is tried until a person does something."""
        self._settle(BrokerState.PARKED, problem)
        logger.error("%s is parked: %s", self.name, problem)
        self._context.on_down(self.name, problem)
