"""The one WebSocket of a login: hello, subscriptions, signs of life, reconnect. What to do next is decided
in `outage`, how it stands is said by `Standing`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from dualbroker.brokers.base import BrokerContext, OrderCallback, QuoteCallback
from dualbroker.brokers.session.outage import End, Evicted, Retries, Tell
from dualbroker.brokers.session.reader import StreamReader
from dualbroker.brokers.session.standing import Standing
from dualbroker.brokers.session.subscriptions import Subscriptions
from dualbroker.brokers.session.wire import Frame, Session, Wire
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    HandshakeRefusedError,
    LoginHeldError,
    LoginNeededError,
    LoginRefusedError,
    SessionExpiredError,
)
from dualbroker.liveness import SocketClocks
from dualbroker.stores.health import BrokerState
from dualbroker.transport.base import CloseReason, WebSocket

__all__ = ["Stream"]

logger = logging.getLogger("dualbroker")

HELLO_TIMEOUT_S = 10.0
CHECKS_PER_LIMIT = 8
"""How finely the clocks of life are looked at, within the shortest of their limits."""


class Stream:
    """Keeps one WebSocket up.

    Parameters
    ----------
    open_session
        Gives a session to say hello with; asked again with ``renew=True`` when the broker refused the last.
    """

    def __init__(
        self,
        wire: Wire,
        context: BrokerContext,
        standing: Standing,
        open_session: Callable[[bool], Awaitable[Session]],
        order_callback: OrderCallback,
        quote_callback: QuoteCallback | None,
    ) -> None:
        self._wire = wire
        self._context = context
        self._health = context.health
        self._standing = standing
        self._open_session = open_session
        self.subscriptions = Subscriptions(wire, context.health)
        self.reader = StreamReader(
            standing.name,
            wire,
            context,
            order_callback=order_callback,
            quote_callback=quote_callback,
            note_acknowledged=self.subscriptions.note_acknowledged,
            on_hello_answer=self._take_hello_answer,
            on_heartbeat=self._take_heartbeat,
        )
        self._retries = Retries(context.random)
        self._clocks = self._fresh_clocks()
        self._socket: WebSocket | None = None
        self._hello_answer: asyncio.Future[bool] | None = None
        self._dropped: asyncio.Future[str] | None = None
        self._closing = False
        self._try_now = asyncio.Event()

    def _fresh_clocks(self) -> SocketClocks:
        limits = self._context.liveness
        return SocketClocks(limits.pong_within, limits.heartbeat_within)

    # Life of the connection

    async def run(self) -> End | Evicted:
        """Stay connected; returns why it is over. Refused logins park the broker here."""
        loop = asyncio.get_running_loop()
        self._retries.begin()
        while not self._closing:
            began_s = loop.time()
            is_refusal = False
            try:
                reason = await self._connect_and_stay()
                if reason.code in self._wire.rules.evicted_codes and not self._closing:
                    # Coming back would throw the other program out, and it us, for ever.
                    return Evicted(reason.code)
                problem = self._context.conceal(reason.reason)
            except SessionExpiredError as error:
                problem, is_refusal = str(error), True
            except (LoginRefusedError, LoginHeldError) as error:
                self._standing.parked(str(error))
                return End.NEEDS_PERSON if isinstance(error, LoginNeededError) else End.REFUSED
            except DualBrokerError as error:
                problem = str(error)
            except Exception as error:
                # Whatever a network or a server thinks of next, it must not leave orders unwatched.
                logger.exception("%s: the connection failed in an unforeseen way", self._standing.name)
                problem = f"{type(error).__name__}: {error}"
            if self._closing:
                break
            retry = self._retries.after(problem, is_refusal=is_refusal, began_s=began_s, now_s=loop.time())
            self._health.reconnects += 1
            self._standing.retrying(f"{retry.problem}; trying again in {retry.pause_s:.1f} s")
            if retry.pause_s > 0:
                # Not before a session that was refused has been renewed: most often that was all it lacked.
                self._tell_down(retry.problem)
            await self._wait(retry.pause_s)
        return End.CLOSED

    async def _wait(self, pause_s: float) -> None:
        """Until it is time for the next try, or there is a reason why it may end otherwise than the last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._try_now.wait()
        self._try_now.clear()

    async def _connect_and_stay(self) -> CloseReason:
        loop = asyncio.get_running_loop()
        session = await self._open_session(self._retries.needs_session)
        self._retries.opened(loop.time())
        self._hello_answer = loop.create_future()
        self._dropped = loop.create_future()
        self._clocks = self._fresh_clocks()
        socket = await self._open_socket(session)
        watch: asyncio.Task[None] | None = None
        why, is_evicted = "the connection was given up", False
        try:
            await self._say_hello(socket, session, self._hello_answer)
            self._retries.accepted()
            taken_back = self._hello_answer = loop.create_future()
            self._socket = socket
            watch = asyncio.create_task(self._keep_alive(socket))
            # Asked for before the many instruments: no order waits behind their full quotes.
            _send(socket, self._wire.subscribe_orders(session))
            self._retries.live()
            self.subscriptions.use_socket(socket)
            self._standing.up(BrokerState.LIVE)
            reason = await _answer_or_end(socket, taken_back, self._dropped)
            if reason is None and taken_back.done():
                why = "the broker took the session back while it was in use"
                raise SessionExpiredError(why)
            if reason is None:
                reason = CloseReason(None, self._dropped.result(), clean=False)
            why = reason.reason
            is_evicted = reason.code in self._wire.rules.evicted_codes
            return reason
        finally:
            was_live, self._socket = self._socket is not None, None
            self.subscriptions.use_socket(None)
            self._health.connected_since_ns = None
            if watch is not None:
                watch.cancel()
            if was_live and not self._closing:
                self._health.subscriptions = self._health.acknowledged = 0
                # At once: the broker that carries quotes next need not wait for a closing handshake.
                self._standing.now(BrokerState.POLLING if is_evicted else BrokerState.RECONNECTING, why)
                self._tell_down(why)
            if self._dropped.done():
                socket.abort()
            await socket.close()

    async def _open_socket(self, session: Session) -> WebSocket:
        url = self._wire.url(session)
        try:
            return await self._context.transport.open_websocket(url, self.reader.read)
        except HandshakeRefusedError as error:
            if error.status not in self._wire.rules.refused_statuses:
                raise
            raise SessionExpiredError(
                f"the broker refused the session (HTTP status {error.status})"
            ) from None

    async def _say_hello(self, socket: WebSocket, session: Session, answer: asyncio.Future[bool]) -> None:
        _send(socket, self._wire.hello(session))
        if not self._wire.rules.answers_hello:
            return
        reason = await _answer_or_end(socket, answer, timeout_s=HELLO_TIMEOUT_S)
        if answer.done():
            if not answer.result():
                # Protocol 2.1: a refusal leaves the socket open; the client has to close it.
                raise SessionExpiredError("the broker refused the session token on the WebSocket")
            return
        if reason is not None:
            if reason.code in self._wire.rules.refused_codes:
                raise SessionExpiredError(f"the broker refused the session token (close code {reason.code})")
            raise ConnectionFailedError(f"{reason.reason} before the hello was answered")
        raise ConnectionFailedError(f"no answer to the hello within {HELLO_TIMEOUT_S:.0f} s")

    def _tell_down(self, why: str) -> None:
        """Once for each outage, also for one that the very first connection is."""
        match self._retries.tell():
            case Tell.DOWN:
                self._context.on_down(self._standing.name, why)
            case Tell.NOTE:
                action = "it is retried at growing intervals, without another login"
                self._context.note(self._standing.name, why, action)

    # Signs of life

    async def _keep_alive(self, socket: WebSocket) -> None:
        limits = self._context.liveness
        heartbeat_every_s = limits.heartbeat_every or self._wire.rules.heartbeat_s
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
            if now_s >= next_heartbeat_s and (beat := self._wire.heartbeat()) is not None:
                socket.send(beat)
                self._clocks.asked("heartbeat", now_s)
                next_heartbeat_s = now_s + heartbeat_every_s
            await asyncio.sleep(shortest_s / CHECKS_PER_LIMIT)

    def _take_heartbeat(self) -> None:
        self._clocks.answered("heartbeat")

    def _take_hello_answer(self, is_accepted: bool) -> None:
        answer = self._hello_answer
        # Once live, a yes says nothing new; a no takes the session back.
        if answer is not None and not answer.done() and not (self._socket and is_accepted):
            answer.set_result(is_accepted)

    def drop(self, why: str, *, renew_session: bool = False) -> None:
        """Give the present connection up and open another; no-op where there is none."""
        if renew_session:
            self._retries.needs_session = True
            self._try_now.set()
        if self._socket is not None and self._dropped is not None and not self._dropped.done():
            self._dropped.set_result(why)

    async def close(self) -> None:
        """Close the socket for good."""
        self._closing = True
        if self._socket is not None:
            await self._socket.close()


def _send(socket: WebSocket, frames: Iterable[Frame]) -> None:
    for frame in frames:
        socket.send(frame)


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
