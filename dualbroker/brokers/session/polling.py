"""Orders by REST every few seconds, for an account whose one socket belongs to another program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker, OrderCallback
from dualbroker.brokers.session.outage import End
from dualbroker.brokers.session.standing import Standing
from dualbroker.errors import DualBrokerError, LoginNeededError, LoginRefusedError, SessionExpiredError
from dualbroker.model import UpdateSource
from dualbroker.stores.health import BrokerState

__all__ = ["OrderPoll"]

logger = logging.getLogger("dualbroker")


class OrderPoll:
    """Reads a broker's order book over and over; opens no socket at all.

    The trade book, orders that went missing in the book and an empty book that can't be true are the
    reconciler's, here as for a stream.

    Parameters
    ----------
    because
        Why it polls where it should stream, in words; then a dead session is not replaced either, for a new
        one might end the other program's.
    """

    def __init__(
        self,
        broker: Broker,
        standing: Standing,
        every_s: float,
        open_session: Callable[[bool], Awaitable[Any]],
        order_callback: OrderCallback,
        *,
        because: str = "",
    ) -> None:
        self._broker = broker
        self._standing = standing
        self._every_s = every_s
        self._open_session = open_session
        self._on_order = order_callback
        self._because = because

    async def run(self) -> End:
        """Poll until cancelled, or until the broker is parked; returns why."""
        broker, health, standing = self._broker, self._broker.health, self._standing
        backoff = Backoff(broker.context.random, first_s=self._every_s, cap_s=60.0)
        needs_session = session_is_fresh = is_up = False
        own_problem = ""
        while True:
            try:
                if needs_session:
                    await self._open_session(True)
                    needs_session, session_is_fresh = False, True
                for update in await broker.order_book():
                    health.last_order_ns = broker.context.clock.now_ns()
                    self._on_order(msgspec.structs.replace(update, source=UpdateSource.POLL))
            except SessionExpiredError as error:
                if self._because:
                    standing.parked(f"{self._because}. Since then its session has ended: {error}")
                    return End.REFUSED
                if session_is_fresh:
                    standing.parked(f"a fresh session was refused too: {error}")
                    return End.REFUSED
                needs_session = True
                continue
            except LoginRefusedError as error:
                standing.parked(str(error))
                return End.NEEDS_PERSON if isinstance(error, LoginNeededError) else End.REFUSED
            except Exception as error:
                if not isinstance(error, DualBrokerError):
                    logger.exception("%s: a poll failed in an unforeseen way", broker.name)
                pause, is_up = backoff.next_s(), False
                health.book_problem = own_problem = str(error)
                standing.retrying(f"the order book could not be read: {error}; trying again in {pause:.1f} s")
                await asyncio.sleep(pause)
                continue
            if not is_up:
                is_up = True
                standing.up(BrokerState.POLLING, self._because)
            health.last_book_ns = broker.context.clock.now_ns()
            if health.book_problem == own_problem:
                # Of a book that can be read and not be believed, the reconciler says so and takes it back.
                health.book_problem = ""
            session_is_fresh = False
            backoff.reset()
            await asyncio.sleep(self._every_s)
