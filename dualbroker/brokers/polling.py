"""Orders by REST every few seconds, for an account whose one socket belongs to another program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker, OrderCallback
from dualbroker.errors import DualBrokerError, LoginNeededError, LoginRefusedError, SessionExpiredError
from dualbroker.model import UpdateSource
from dualbroker.stores.health import BrokerState

__all__ = ["OrderPoll"]

logger = logging.getLogger("dualbroker")


class OrderPoll:
    """Reads a broker's order book over and over; opens no socket at all.

    The trade book, orders that went missing in the book and an empty book that can't be true are the
    reconciler's, here as for a stream.
    """

    def __init__(
        self,
        broker: Broker,
        every_s: float,
        open_session: Callable[..., Awaitable[Any]],
        order_callback: OrderCallback,
        *,
        because: str = "",
    ) -> None:
        self._because = because
        """Why it polls where it should stream, in words; then a dead session is not replaced either, for
        a new one might end the other program's."""
        self._broker = broker
        self._every_s = every_s
        self._open_session = open_session
        self._on_order = order_callback
        self.settled = asyncio.Event()
        """Set once the first poll has ended, one way or the other."""
        self.needs_person = False
        """Parked until a person has logged in."""

    async def run(self) -> None:
        """Poll until cancelled, or until only a person can help (then the broker is parked)."""
        broker, health = self._broker, self._broker.health
        backoff = Backoff(broker.context.random, first_s=self._every_s, cap_s=60.0)
        needs_session = session_is_fresh = False
        own_problem = ""
        is_up = self.needs_person = False
        while True:
            try:
                if needs_session:
                    await self._open_session(renew=True)
                    needs_session, session_is_fresh = False, True
                for update in await broker.order_book():
                    health.last_order_ns = broker.context.clock.now_ns()
                    self._on_order(msgspec.structs.replace(update, source=UpdateSource.POLL))
            except SessionExpiredError as error:
                if self._because:
                    self._park(f"{self._because}. Since then its session has ended: {error}")
                    return
                if session_is_fresh:
                    self._park(f"a fresh session was refused too: {error}")
                    return
                needs_session = True
                continue
            except LoginRefusedError as error:
                self.needs_person = isinstance(error, LoginNeededError)
                self._park(str(error))
                return
            except Exception as error:
                if not isinstance(error, DualBrokerError):
                    logger.exception("%s: a poll failed in an unforeseen way", broker.name)
                pause, is_up = backoff.next_s(), False
                own_problem = str(error)
                health.state, health.book_problem = BrokerState.RECONNECTING, own_problem
                health.problem = f"the order book could not be read: {error}; trying again in {pause:.1f} s"
                logger.warning("%s: %s", broker.name, health.problem)
                self.settled.set()
                await asyncio.sleep(pause)
                continue
            if not is_up:
                is_up = True
                health.state, health.problem = BrokerState.POLLING, self._because
                health.connected_since_ns = broker.context.clock.now_ns()
                broker.context.on_connected(broker.name)
            health.last_book_ns = broker.context.clock.now_ns()
            if health.book_problem == own_problem:
                # Of a book that can be read and not be believed, the reconciler says so and takes it back.
                health.book_problem = ""
            session_is_fresh = False
            self.settled.set()
            backoff.reset()
            await asyncio.sleep(self._every_s)

    def _park(self, problem: str) -> None:
        self._broker.health.state = BrokerState.PARKED
        self._broker.health.problem = problem
        self.settled.set()
        logger.error("%s is parked: %s", self._broker.name, problem)
        self._broker.context.on_down(self._broker.name, problem)
