"""The one WebSocket of a Noren login: hello, subscriptions, heartbeat, reconnect.

What a read brought is decoded, tagged and handed on within the read; nothing here waits on a tick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import BrokerContext, OrderCallback, QuoteCallback
from dualbroker.brokers.noren_subscriptions import NorenSubscriptions
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    LoginHeldError,
    LoginRefusedError,
    SessionExpiredError,
    WireError,
)
from dualbroker.log_limit import LogLimit
from dualbroker.model import MessageKind, QuoteBatch, QuoteUpdate
from dualbroker.noren import frames
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.orders import OrderMessage, to_order_update
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import ConnectAck, HeartbeatAck, StreamMessage, decode
from dualbroker.stores.health import BrokerState
from dualbroker.transport.base import CloseReason, WebSocket

__all__ = ["NorenSession", "NorenStream"]

logger = logging.getLogger("dualbroker")

QUOTES = (TouchlineDelta, TouchlineSnapshot, DepthDelta, DepthSnapshot)
HELLO_TIMEOUT_S = 10.0
STEADY_AFTER_S = 60.0
"""A connection that lived this long starts the backoff anew."""
EVICTION_CODE = 1000
"""With this code Flattrade tells the older of two sockets of one login to go (protocol: section 4)."""


class NorenSession:
    """What a hello needs: whose session, and its token. Its repr shows no token."""

    __slots__ = ("account_id", "token", "user_id")

    def __init__(self, user_id: str, account_id: str, token: str) -> None:
        self.user_id = user_id
        self.account_id = account_id
        self.token = token

    def __repr__(self) -> str:
        return "NorenSession(token=hidden)"


class NorenStream:
    """Keeps one WebSocket up and its subscriptions alive.

    Parameters
    ----------
    open_session
        Gives a session to say hello with; asked anew with ``True`` when the broker refused the last.
    """

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        context: BrokerContext,
        open_session: Callable[[bool], Awaitable[NorenSession]],
        order_callback: OrderCallback,
        quote_callback: QuoteCallback | None,
    ) -> None:
        self._name = name
        self._dialect = dialect
        self._context = context
        self._health = context.health
        self._quotes, self._orders, self._control = (context.traffic[kind] for kind in MessageKind)
        self._open_session = open_session
        self._on_order = order_callback
        self.on_quotes = quote_callback
        self.subscriptions = NorenSubscriptions(dialect, context.health)
        self._socket: WebSocket | None = None
        self._hello_answer: asyncio.Future[ConnectAck] | None = None
        self._unreadable_log = LogLimit()
        self._not_taken_log = LogLimit()
        self._closing = False
        self._needs_session = False
        self._session_is_fresh = False
        self.settled = asyncio.Event()
        """Set once the first attempt to connect has ended, one way or the other."""

    # Life of the connection

    async def run(self) -> None:
        """Stay connected until closed, or until only a person can help (then the broker is parked)."""
        backoff = Backoff(self._context.random)
        loop = asyncio.get_running_loop()
        while not self._closing:
            started = loop.time()
            refused = False
            try:
                reason = await self._connect_and_stay()
                if reason.code == EVICTION_CODE and not self._closing:
                    self._park(
                        "the broker closed the socket with code 1000, as it does when another program "
                        "takes this login. Stop the other program, or set orders: poll for this broker"
                    )
                    return
                problem = reason.reason
            except SessionExpiredError as error:
                if self._session_is_fresh:
                    self._park(f"a fresh session was refused too: {error}")
                    return
                self._needs_session = refused = True
                problem = str(error)
            except (LoginRefusedError, LoginHeldError) as error:
                self._park(str(error))
                return
            except DualBrokerError as error:
                problem = str(error)
            except Exception as error:
                # Whatever a network or a server thinks of next, it must not leave orders unwatched.
                logger.exception("%s: the connection failed in an unforeseen way", self._name)
                problem = f"{type(error).__name__}: {error}"
            if self._closing:
                return
            if loop.time() - started > STEADY_AFTER_S:
                backoff.reset()
            pause = 0.0 if refused else backoff.next_s()
            self._health.state = BrokerState.RECONNECTING
            self._health.problem = f"{problem}; trying again in {pause:.1f} s"
            self._health.reconnects += 1
            self.settled.set()
            logger.warning("%s: %s; trying again in %.1f s", self._name, problem, pause)
            await asyncio.sleep(pause)

    async def _connect_and_stay(self) -> CloseReason:
        session = await self._open_session(self._needs_session)
        # Once renewed, a session is kept until the broker refuses it: no login for a lost network.
        if self._needs_session:
            self._needs_session, self._session_is_fresh = False, True
        loop = asyncio.get_running_loop()
        self._hello_answer = loop.create_future()
        socket = await self._context.transport.open_websocket(self._dialect.websocket_url, self._on_read)
        heartbeat: asyncio.Task[None] | None = None
        try:
            await self._say_hello(socket, session, self._hello_answer)
            self._session_is_fresh = False
            taken_back = self._hello_answer = loop.create_future()
            self._socket = socket
            heartbeat = asyncio.create_task(self._keep_alive(socket))
            if self._dialect.subscribes_orders:
                # Asked for before the many instruments: no order waits behind their snapshots.
                socket.send(frames.subscribe_orders(session.account_id))
            self._went_live()
            await self.subscriptions.restore(socket)
            reason = await _answer_or_end(socket, taken_back)
            if reason is None:
                raise SessionExpiredError("the broker took the session back while it was in use")
            return reason
        finally:
            self._socket = None
            self.subscriptions.lose_socket()
            self._health.connected_since_ns = None
            if heartbeat is not None:
                heartbeat.cancel()
            await socket.close()

    async def _say_hello(
        self, socket: WebSocket, session: NorenSession, answer: asyncio.Future[ConnectAck]
    ) -> None:
        socket.send(
            frames.hello(
                self._dialect.hello,
                user_id=session.user_id,
                account_id=session.account_id,
                token=session.token,
            )
        )
        reason = await _answer_or_end(socket, answer, HELLO_TIMEOUT_S)
        if answer.done():
            if not answer.result().ok:
                # Protocol 2.1: a refusal leaves the socket open; the client has to close it.
                raise SessionExpiredError("the broker refused the session token on the WebSocket")
            return
        if reason is not None:
            if reason.code == 1008:
                raise SessionExpiredError("the broker refused the session token (close code 1008)")
            raise ConnectionFailedError(f"{reason.reason} before the hello was answered")
        raise ConnectionFailedError(f"no answer to the hello within {HELLO_TIMEOUT_S:.0f} s")

    def _went_live(self) -> None:
        self._health.state = BrokerState.LIVE
        self._health.problem = ""
        self._health.connected_since_ns = self._context.clock.now_ns()
        self.settled.set()
        self._context.on_connected(self._name)

    def _park(self, problem: str) -> None:
        self._health.state = BrokerState.PARKED
        self._health.problem = problem
        self.settled.set()
        logger.error("%s is parked: %s", self._name, problem)

    async def _keep_alive(self, socket: WebSocket) -> None:
        while True:
            self._health.round_trip_s = socket.round_trip_s
            socket.send(frames.heartbeat())
            await asyncio.sleep(self._dialect.heartbeat_s)

    async def close(self) -> None:
        """Close the socket for good."""
        self._closing = True
        if self._socket is not None:
            await self._socket.close()

    # Reading: the path every tick takes

    def _on_read(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        if not messages and self._socket is not None:
            # A pong, most likely: what brings no message tells the round trip.
            self._health.round_trip_s = self._socket.round_trip_s
        quotes: list[QuoteUpdate] = []
        others: list[StreamMessage] = []
        quote_bytes = order_bytes = orders = 0
        note_snapshot = self.subscriptions.note_snapshot
        for raw in messages:
            size = len(raw)
            size += 2 if size < 126 else 4 if size < 65536 else 10
            try:
                message = decode(raw)
            except WireError as error:
                self._note_unreadable(error)
                continue
            if isinstance(message, QUOTES):
                quotes.append(message)
                quote_bytes += size
                if message.is_snapshot:
                    note_snapshot((message.exchange, message.token))
            else:
                if isinstance(message, OrderMessage):
                    order_bytes += size
                    orders += 1
                others.append(message)
        self._quotes.bytes += quote_bytes
        self._quotes.messages += len(quotes)
        self._orders.bytes += order_bytes
        self._orders.messages += orders
        self._control.bytes += wire_bytes - quote_bytes - order_bytes
        self._control.messages += len(messages) - len(quotes) - orders
        clock = self._context.clock
        if quotes and (feed_time := quotes[-1].feed_time) is not None:
            clock.follow(feed_time)
        now = clock.now_ns()
        if others:
            # Before the quotes of the same read: an order never waits behind them.
            self._take_others(others, now)
        if not quotes:
            return
        if self.on_quotes is None:
            self._health.unexpected_quotes += len(quotes)
            return
        self._health.last_quote_ns = now
        try:
            self.on_quotes(QuoteBatch(self._name, now, quotes))
        except Exception:
            # Whatever a consumer does wrong, the socket lives on.
            self._note_not_taken("a batch of quotes")

    def _take_others(self, messages: list[StreamMessage], now: int) -> None:
        for message in messages:
            if isinstance(message, OrderMessage):
                self._health.last_order_ns = now
                try:
                    self._on_order(to_order_update(message, broker_name=self._name, receive_time_ns=now))
                except Exception:
                    self._note_not_taken("an order update")
            elif isinstance(message, ConnectAck):
                answer = self._hello_answer
                # Once live, an OK says nothing new; a refusal takes the session back.
                if answer is not None and not answer.done() and not (self._socket and message.ok):
                    answer.set_result(message)
            elif isinstance(message, HeartbeatAck) and message.time_s is not None:
                # A replay's time also before its first tick, and in a gap of the record.
                self._context.clock.follow(message.time_s)

    def _note_unreadable(self, error: WireError) -> None:
        self._health.unreadable_messages += 1
        if (held_back := self._unreadable_log.let_through()) is not None:
            logger.warning("%s: a message that can't be read: %s%s", self._name, error, held_back)

    def _note_not_taken(self, what: str) -> None:
        """Called while an exception is handled."""
        if (held_back := self._not_taken_log.let_through()) is not None:
            logger.exception("%s: %s could not be taken in%s", self._name, what, held_back)


async def _answer_or_end(
    socket: WebSocket, answer: asyncio.Future[ConnectAck], timeout_s: float | None = None
) -> CloseReason | None:
    """Why the socket closed before there was an answer; None when there is one, or the time is up."""
    closed = asyncio.ensure_future(socket.wait_closed())
    either: set[asyncio.Future[Any]] = {answer, closed}
    try:
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return closed.result() if closed.done() and not answer.done() else None
    finally:
        closed.cancel()
