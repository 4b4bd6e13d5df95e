"""The one WebSocket of a Noren login: hello, subscriptions, signs of life, reconnect."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import BrokerContext, OrderCallback, QuoteCallback
from dualbroker.brokers.noren_reader import NorenReader
from dualbroker.brokers.noren_subscriptions import NorenSubscriptions
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    LoginHeldError,
    LoginNeededError,
    LoginRefusedError,
    SessionExpiredError,
)
from dualbroker.liveness import SocketClocks
from dualbroker.noren import frames
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.stream import ConnectAck
from dualbroker.stores.health import BrokerState
from dualbroker.transport.base import CloseReason, WebSocket

__all__ = ["NorenSession", "NorenStream"]

logger = logging.getLogger("dualbroker")

HELLO_TIMEOUT_S = 10.0
STEADY_AFTER_S = 60.0
"""A connection that lived this long starts the backoff anew."""
FRESH_FOR_S = 30.0
"""After its login a session is; a connection and its hello take less."""
REFUSED_AGAIN_S = 30.0
"""Before the socket is tried again after a fresh session was refused on it; grows to a quarter of an hour."""
EVICTION_CODE = 1000
"""With this code and no reason Flattrade tells the older of two sockets of one login to go (protocol: section
4). The "goodbye" of the reports is what the reporters' client logs at any close: it tells nothing apart."""
CHECKS_PER_LIMIT = 8
"""How finely the clocks of life are looked at, within the shortest of their limits."""


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
        self._open_session = open_session
        self.subscriptions = NorenSubscriptions(dialect, context.health)
        self.reader = NorenReader(
            name,
            context,
            order_callback=order_callback,
            quote_callback=quote_callback,
            note_snapshot=self.subscriptions.note_snapshot,
            on_connect_ack=self._take_connect_ack,
            on_heartbeat=self._take_heartbeat,
        )
        self._clocks = self._fresh_clocks()
        self._socket: WebSocket | None = None
        self._hello_answer: asyncio.Future[ConnectAck] | None = None
        self._dropped: asyncio.Future[str] | None = None
        self._closing = False
        self._needs_session = False
        self._renewed_s = -math.inf
        """Loop time of the login to which no hello was answered with yes so far."""
        self._is_refused_fresh = False
        """Whether the session of now was refused at once: a login more would not help."""
        self._is_told_down = self._is_told_refused = False
        """Whether somebody was told of the outage of now, and that a fresh session was refused in it."""
        self._try_now = asyncio.Event()
        self.evicted = False
        """Another program took this login's one socket; whoever runs this decides what comes next."""
        self.needs_person = False
        """Parked until a person has logged in."""
        self.settled = asyncio.Event()
        """Set once the first attempt to connect has ended, one way or the other."""

    def _fresh_clocks(self) -> SocketClocks:
        limits = self._context.liveness
        return SocketClocks(limits.pong_within, limits.heartbeat_within)

    # Life of the connection

    async def run(self) -> None:
        """Stay connected until closed, evicted, or until only a person can help (then it is parked)."""
        backoff = Backoff(self._context.random)
        refusals = Backoff(self._context.random, first_s=REFUSED_AGAIN_S, cap_s=900.0)
        loop = asyncio.get_running_loop()
        self.evicted = self.needs_person = False
        self._is_told_down = self._is_told_refused = False
        while not self._closing:
            started = loop.time()
            pause: float | None = None
            try:
                reason = await self._connect_and_stay()
                if reason.code == EVICTION_CODE and not self._closing:
                    # Coming back would throw the other program out, and it us, for ever.
                    self.evicted = True
                    self.settled.set()
                    return
                problem = self._context.conceal(reason.reason)
            except SessionExpiredError as error:
                waited_s = loop.time() - self._renewed_s
                if self._is_refused_fresh or waited_s < FRESH_FOR_S:
                    # Another login would change nothing, and many of them may block the account.
                    self._is_refused_fresh = True
                    problem = f"a fresh session was refused too: {error}"
                    pause = refusals.next_s()
                else:
                    # Also one that was renewed: while no socket could be opened it may have ended again.
                    self._needs_session, pause = True, 0.0
                    problem = str(error)
            except (LoginRefusedError, LoginHeldError) as error:
                self.needs_person = isinstance(error, LoginNeededError)
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
                if not self._is_refused_fresh:
                    refusals.reset()
            if pause is None:
                pause = backoff.next_s()
            self._health.state = BrokerState.RECONNECTING
            self._health.problem = f"{problem}; trying again in {pause:.1f} s"
            self._health.reconnects += 1
            self.settled.set()
            logger.warning("%s: %s; trying again in %.1f s", self._name, problem, pause)
            if pause > 0:
                # Not before a session that was refused has been renewed: most often that was all it lacked.
                self._tell_down(problem)
            await self._wait(pause)

    async def _wait(self, pause_s: float) -> None:
        """Until it is time for the next try, or there is a reason why it may end otherwise than the last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._try_now.wait()
        self._try_now.clear()

    async def _connect_and_stay(self) -> CloseReason:
        loop = asyncio.get_running_loop()
        session = await self._open_session(self._needs_session)
        # Once renewed, a session is kept until the broker refuses it: no login for a lost network.
        if self._needs_session:
            self._needs_session, self._is_refused_fresh = False, False
            self._renewed_s = loop.time()
        self._hello_answer = loop.create_future()
        self._dropped = loop.create_future()
        self._clocks = self._fresh_clocks()
        socket = await self._context.transport.open_websocket(self._dialect.websocket_url, self.reader.read)
        watch: asyncio.Task[None] | None = None
        why, is_evicted = "the connection was given up", False
        try:
            await self._say_hello(socket, session, self._hello_answer)
            self._renewed_s, self._is_refused_fresh = -math.inf, False
            taken_back = self._hello_answer = loop.create_future()
            self._socket = socket
            watch = asyncio.create_task(self._keep_alive(socket))
            if self._dialect.subscribes_orders:
                # Asked for before the many instruments: no order waits behind their snapshots.
                socket.send(frames.subscribe_orders(session.account_id))
            self._went_live()
            await self.subscriptions.restore(socket)
            reason = await _answer_or_end(socket, taken_back, self._dropped)
            if reason is None and taken_back.done():
                why = "the broker took the session back while it was in use"
                raise SessionExpiredError(why)
            if reason is None:
                reason = CloseReason(None, self._dropped.result(), clean=False)
            why = reason.reason
            is_evicted = reason.code == EVICTION_CODE
            return reason
        finally:
            was_live, self._socket = self._socket is not None, None
            self.subscriptions.lose_socket()
            self._health.connected_since_ns = None
            if watch is not None:
                watch.cancel()
            if was_live and not self._closing:
                # At once: whoever carries quotes next need not wait for a closing handshake.
                self._health.state = BrokerState.POLLING if is_evicted else BrokerState.RECONNECTING
                self._health.problem = why
                self._tell_down(why)
            if self._dropped.done():
                socket.abort()
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
        reason = await _answer_or_end(socket, answer, timeout_s=HELLO_TIMEOUT_S)
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

    def _tell_down(self, why: str) -> None:
        """Once for each outage, also for one that the very first connection is."""
        if not self._is_told_down:
            self._is_told_down = True
            self._context.on_down(self._name, why)
        elif self._is_refused_fresh and not self._is_told_refused:
            self._context.note(self._name, why, "it is tried again ever more seldom, without another login")
        self._is_told_refused |= self._is_refused_fresh

    def _went_live(self) -> None:
        self._is_told_down = self._is_told_refused = False
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
        self._context.on_down(self._name, problem)

    # Signs of life

    async def _keep_alive(self, socket: WebSocket) -> None:
        limits = self._context.liveness
        heartbeat_every_s = limits.heartbeat_every or self._dialect.heartbeat_s
        shortest_s = min(limits.ping_every, limits.pong_within, limits.heartbeat_within, heartbeat_every_s)
        loop = asyncio.get_running_loop()
        next_ping_s = next_heartbeat_s = loop.time()
        pong_s, messages = socket.last_pong_s, self.reader.message_count
        while True:
            now_s = loop.time()
            if self.reader.message_count != messages:
                messages = self.reader.message_count
                self._clocks.heard()
            if socket.last_pong_s != pong_s:
                pong_s = socket.last_pong_s
                self._clocks.answered("ping")
                self._health.round_trip_s = socket.round_trip_s
            if (why := self._clocks.verdict(now_s)) is not None:
                self.drop(why)
                return
            if now_s >= next_ping_s:
                socket.ping()
                self._clocks.asked("ping", now_s)
                next_ping_s = now_s + limits.ping_every
            if now_s >= next_heartbeat_s:
                socket.send(frames.heartbeat())
                self._clocks.asked("heartbeat", now_s)
                next_heartbeat_s = now_s + heartbeat_every_s
            await asyncio.sleep(shortest_s / CHECKS_PER_LIMIT)

    def _take_heartbeat(self) -> None:
        self._clocks.answered("heartbeat")

    def _take_connect_ack(self, message: ConnectAck) -> None:
        answer = self._hello_answer
        # Once live, an OK says nothing new; a refusal takes the session back.
        if answer is not None and not answer.done() and not (self._socket and message.ok):
            if message.message is not None:
                message = msgspec.structs.replace(message, message=self._context.conceal(message.message))
            answer.set_result(message)

    def drop(self, why: str, *, renew_session: bool = False) -> None:
        """Give the connection of now up and open another; no-op where there is none."""
        self._needs_session |= renew_session
        if renew_session:
            self._try_now.set()
        if self._socket is not None and self._dropped is not None and not self._dropped.done():
            self._dropped.set_result(why)

    async def close(self) -> None:
        """Close the socket for good."""
        self._closing = True
        if self._socket is not None:
            await self._socket.close()


async def _answer_or_end(
    socket: WebSocket, *answers: asyncio.Future[Any], timeout_s: float | None = None
) -> CloseReason | None:
    """Why the socket closed before there was an answer; None when there is one, or the time is up."""
    closed = asyncio.ensure_future(socket.wait_closed())
    either: Sequence[asyncio.Future[Any]] = (*answers, closed)
    try:
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        answered = any(answer.done() for answer in answers)
        return closed.result() if closed.done() and not answered else None
    finally:
        closed.cancel()
