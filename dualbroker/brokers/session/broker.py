"""A broker whose session is kept alive here: a family adds its wire, its login calls and its reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, TypeVar

from dualbroker.brokers.base import Broker, BrokerContext, OrderCallback, QuoteCallback, StoredLogin
from dualbroker.brokers.session.login import LoginCalls, SessionLogin
from dualbroker.brokers.session.outage import End, Evicted
from dualbroker.brokers.session.polling import OrderPoll
from dualbroker.brokers.session.standing import Standing
from dualbroker.brokers.session.stream import Stream
from dualbroker.brokers.session.wire import Session, Wire
from dualbroker.config.schema import BrokerConfig
from dualbroker.errors import ConfigError, ConnectionFailedError, WireError
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.stores.health import BrokerState

__all__ = ["SessionBroker"]

logger = logging.getLogger("dualbroker")

Row = TypeVar("Row")


class SessionBroker(Broker):
    """One login, its socket or its polls, for as long as there is a session."""

    can_probe = True

    def __init__(self, config: BrokerConfig, context: BrokerContext, wire: Wire, calls: LoginCalls) -> None:
        super().__init__(config, context)
        self._wire = wire
        self._login = SessionLogin(config, context, calls)
        self._standing: Standing | None = None
        self._stream: Stream | None = None
        self._poll: OrderPoll | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def login(self) -> None:
        await self._login.open(renew=False)

    async def _session(self, renew: bool) -> Session:
        return await self._login.open(renew=renew)

    async def start_websocket(
        self, order_callback: OrderCallback, quote_callback: QuoteCallback | None = None
    ) -> None:
        standing = self._standing = Standing(self.name, self.context)
        if self.config.orders == "poll":
            if quote_callback is not None:
                raise ConfigError(f"brokers.{self.name}.orders: a polled broker opens no socket for quotes")
            self._poll = OrderPoll(self, standing, self.config.poll_every, self._session, order_callback)
            self._go(self._keep_polling(self._poll, standing))
            await standing.first_word(BrokerState.POLLING)
            return
        self._stream = Stream(
            self._wire, self.context, standing, self._session, order_callback, quote_callback
        )
        self._go(self._stay_connected(self._stream, standing))
        await standing.first_word(BrokerState.LIVE)

    def _go(self, life: Coroutine[Any, Any, None]) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(life)

    async def _stay_connected(self, stream: Stream, standing: Standing) -> None:
        """The stream for as long as it can be; then what is left: orders by REST, or a person's login."""
        while True:
            ended = await stream.run()
            if isinstance(ended, Evicted):
                # Ends when the session does; the next one's socket may well be free.
                await self._poll_instead(stream, standing, ended.code)
            elif ended is not End.NEEDS_PERSON:
                return
            await self.wait_for_login()
            if self._poll is not None:
                self._poll = None
                stream.drop("its session has ended", renew_session=True)
            logger.info("%s: a new session is there; connecting again", self.name)
            standing.now(BrokerState.CONNECTING)

    async def _keep_polling(self, poll: OrderPoll, standing: Standing) -> None:
        """Orders by REST for as long as there is a session, and again once a person has logged in."""
        while True:
            ended = await poll.run()
            # Where no password can be sent, a person's login is the way out of a refused session as well.
            if ended is not End.NEEDS_PERSON and self._login.opens_by_itself:
                return
            await self.wait_for_login()
            logger.info("%s: a new session is there; orders are read again", self.name)
            standing.now(BrokerState.CONNECTING)

    async def _poll_instead(self, stream: Stream, standing: Standing, code: int | None) -> None:
        """Another program holds this login's one socket: it keeps it, and no order is missed here."""
        words = (
            f"the broker closed the socket with code {code}, as it does when another program takes this "
            "login; it is not fought over, and orders are read by REST. To have the socket back, stop the "
            f'other program, then feed.reconnect("{self.name}")'
        )
        logger.error("%s: %s", self.name, words)
        self.health.problem = words
        self._poll = OrderPoll(
            self, standing, self.config.poll_every, self._session, stream.reader.on_order, because=words
        )
        await self._poll.run()

    def reconnect(self, why: str) -> None:
        stream, standing = self._stream, self._standing
        if standing is None or self._task is None:
            return
        if stream is None:
            # Without a socket: it may be parked, and a person asks for another try.
            if self._poll is not None and self.health.state is BrokerState.PARKED:
                standing.now(BrokerState.CONNECTING, why)
                self._go(self._keep_polling(self._poll, standing))
        elif self._task.done() or self._poll is not None:
            # Parked or evicted: a person asks for another try.
            self._poll = None
            standing.now(BrokerState.CONNECTING, why)
            self._go(self._stay_connected(stream, standing))
        else:
            stream.drop(why)

    def renew_session(self, why: str) -> None:
        if self._stream is None or self._poll is not None:
            return
        if self._login.opens_by_itself:
            self._stream.drop(why, renew_session=True)
        elif self._renewal is None or self._renewal.done():
            # Somebody else has to log in, and a socket that still brings something is not given up for that.
            way_out = self._login.way_out
            self.health.problem = f"{why}. {way_out[0].upper()}{way_out[1:]}"
            logger.warning("%s: %s", self.name, self.health.problem)
            self.context.note(self.name, why, way_out)
            self._renewal = asyncio.create_task(self._renew_once_logged_in(self._stream, why))

    async def _renew_once_logged_in(self, stream: Stream, why: str) -> None:
        await self.wait_for_login()
        stream.drop(why, renew_session=True)

    def session_has_ended(self) -> bool:
        return self._login.is_of_yesterday()

    async def wait_for_login(self) -> None:
        await self._login.wait_for_saved_session()

    @property
    def stored_login(self) -> StoredLogin:
        return self._login

    def set_quote_callback(self, quote_callback: QuoteCallback | None) -> None:
        self._open_stream.reader.on_quotes = quote_callback

    def set_probes(self, keys: Collection[InstrumentKey], callback: QuoteCallback) -> None:
        if self._stream is not None:
            self._stream.reader.probed, self._stream.reader.on_probes = frozenset(keys), callback

    @property
    def _open_stream(self) -> Stream:
        if self._stream is None:
            raise ConnectionFailedError(f"{self.name} has no socket for quotes")
        return self._stream

    async def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        await self._open_stream.subscriptions.subscribe(keys, feed_type)

    async def unsubscribe(self, keys: Sequence[InstrumentKey]) -> None:
        await self._open_stream.subscriptions.unsubscribe(keys)

    async def wait_acknowledged(
        self, keys: Collection[InstrumentKey], timeout_s: float
    ) -> set[InstrumentKey]:
        return await self._open_stream.subscriptions.wait_acknowledged(keys, timeout_s)

    async def refresh(self, keys: Collection[InstrumentKey] | None = None) -> None:
        if self._stream is not None:
            await self._stream.subscriptions.refresh(keys)

    def unacknowledged(self, for_s: float) -> list[InstrumentKey]:
        return [] if self._stream is None else self._stream.subscriptions.unacknowledged(for_s)

    def readable(self, rows: Sequence[dict[str, Any]], read: Callable[[dict[str, Any]], Row]) -> list[Row]:
        """The rows of a book that can be read; one that can't is counted, and keeps none of the others out.

        Raises
        ------
        WireError
            None can be read: a book of garbage is no empty book.
        """
        found: list[Row] = []
        problem: WireError | None = None
        for row in rows:
            try:
                found.append(read(row))
            except WireError as error:
                problem = error
            except (LookupError, TypeError, ValueError) as error:
                problem = WireError(self.context.conceal(f"{type(error).__name__}: {error}"))
        if problem is not None:
            unreadable = len(rows) - len(found)
            self.health.unreadable_messages += unreadable
            if not found:
                raise problem
            logger.warning("%s: %d of %d rows can't be read: %s", self.name, unreadable, len(rows), problem)
        return found

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()
        tasks = [task for task in (self._task, self._renewal) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._login.release()
        # What only a person can mend is still to be mended after the end.
        if self.health.state is not BrokerState.PARKED:
            self.health.close()

    async def logout(self) -> None:
        await self._login.logout()
