"""The stream of one login against a server that misbehaves, in virtual time and without sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren.wire import NorenWire
from dualbroker.brokers.session.outage import End, Evicted
from dualbroker.brokers.session.standing import Standing
from dualbroker.brokers.session.stream import Stream
from dualbroker.brokers.session.wire import Session
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.model import MessageKind, OrderUpdate
from dualbroker.noren.dialects import dialect
from dualbroker.stores.bandwidth import Traffic
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.transport.base import CloseReason, OnRead, Response


class Socket:
    """The client's end; ``say`` is the server's voice."""

    round_trip_s: float | None = None
    last_pong_s: float | None = None

    def __init__(self, on_read: OnRead) -> None:
        self._on_read = on_read
        self.ended: asyncio.Future[CloseReason] = asyncio.get_running_loop().create_future()
        self.sent: list[dict[str, Any]] = []

    def send(self, message: str | bytes) -> int:
        self.sent.append(json.loads(message))
        return len(message)

    def say(self, *messages: bytes) -> None:
        self._on_read(messages, sum(map(len, messages)))

    def end(self, code: int | None) -> None:
        if not self.ended.done():
            self.ended.set_result(CloseReason(code, f"closed with {code}", code in (1000, 1001)))

    def ping(self) -> None:
        pass

    def abort(self) -> None:
        self.end(None)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.end(None)

    async def wait_closed(self) -> CloseReason:
        return await asyncio.shield(self.ended)


class Server:
    """Opens sockets for the stream and does with each what the script says."""

    def __init__(self, script: Callable[[Socket, int], Any]) -> None:
        self._script = script
        self.sockets: list[Socket] = []
        self.most_at_once = 0

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> Socket:
        socket = Socket(on_read)
        self.sockets.append(socket)
        self.most_at_once = max(self.most_at_once, sum(not each.ended.done() for each in self.sockets))
        asyncio.get_running_loop().call_soon(self._script, socket, len(self.sockets))
        return socket

    async def request(self, *arguments: Any, **named: Any) -> Response:
        raise AssertionError("the stream makes no REST call")

    async def aclose(self) -> None:
        pass


class Run:
    """One stream on one server."""

    def __init__(
        self,
        loop: VirtualTimeLoop,
        script: Callable[[Socket, int], Any],
        open_session: Callable[[bool], Awaitable[Session]] | None = None,
    ) -> None:
        self.server = Server(script)
        self.health = BrokerHealth(broker_name="b1", broker_type="shoonya", account="", simulated=False)
        self.renewals: list[bool] = []
        self.orders: list[OrderUpdate] = []
        self.downs: list[str] = []
        self.notes: list[str] = []
        self.live_at_s = 0.0
        """Loop time at which it was connected last."""
        self._open = open_session
        clock = VirtualClock(loop, 10**18)
        context = BrokerContext(
            transport=self.server,
            clock=clock,
            wall_clock=clock,
            random=random.Random(1),
            health=self.health,
            traffic={kind: Traffic() for kind in MessageKind},
            state_directory=None,
            on_connected=self._note_live,
            on_down=lambda name, why: self.downs.append(why),
            note=lambda name, cause, action: self.notes.append(cause),
        )
        self.ended: End | Evicted | None = None
        wire, standing = NorenWire(dialect("shoonya")), Standing("b1", context)
        self.stream = Stream(wire, context, standing, self._session, self.orders.append, lambda batch: None)

    def _note_live(self, name: str) -> None:
        self.live_at_s = asyncio.get_running_loop().time()

    async def _session(self, renew: bool) -> Session:
        self.renewals.append(renew)
        return await self._open(renew) if self._open else Session("U", "U", "token")


def run(
    script: Callable[[Socket, int], Any],
    seconds: float,
    see: Callable[[Run], None] = lambda story: None,
    **more: Any,
) -> Run:
    """Let a stream run for that long, in virtual time; ``see`` is shown it before it begins."""

    async def live() -> Run:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        story = Run(loop, script, **more)
        see(story)
        task = asyncio.create_task(story.stream.run())
        await asyncio.sleep(seconds)
        story.ended = task.result() if task.done() else None
        await story.stream.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return story

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(live())


OK = b'{"t":"ak","uid":"U","s":"OK"}'
REFUSED = b'{"t":"ak","uid":"U","s":"NOT_OK"}'


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4001, None])
def test_a_socket_closed_before_the_hello_is_answered_is_tried_again_ever_more_slowly(code: int) -> None:
    story = run(lambda socket, number: socket.end(code), seconds=600)
    assert 20 < len(story.server.sockets) < 50
    assert not any(story.renewals), "nobody logs in anew for that"
    assert story.server.most_at_once == 1


def test_a_server_that_never_answers_the_hello_is_given_up_and_tried_again() -> None:
    story = run(lambda socket, number: None, seconds=120)
    assert 3 <= len(story.server.sockets) <= 12
    assert "no answer to the hello" in story.health.problem


def test_a_renewed_session_survives_a_lost_network() -> None:
    def script(socket: Socket, number: int) -> None:
        if number == 1:
            socket.say(REFUSED)
        else:
            socket.end(None)

    story = run(script, seconds=600)
    assert story.renewals.count(True) == 1, "one refusal, one login, however often the network fails"


def test_a_fresh_session_that_is_refused_too_is_tried_ever_more_seldom_and_never_replaced() -> None:
    story = run(lambda socket, number: socket.say(REFUSED), seconds=600)
    assert story.renewals[:2] == [False, True]
    assert not any(story.renewals[2:]), "one login, however often the socket is refused"
    assert 4 <= len(story.renewals) <= 8
    assert story.health.state is BrokerState.RECONNECTING
    assert "a fresh session was refused too" in story.health.problem


@pytest.mark.parametrize("was_live", [False, True])
def test_a_socket_that_stays_away_is_told_once_and_once_that_its_fresh_session_is_refused(
    was_live: bool,
) -> None:
    def script(socket: Socket, number: int) -> None:
        if was_live and number == 1:
            socket.say(OK)
            asyncio.get_running_loop().call_later(5.0, socket.end, 1011)
        else:
            socket.say(REFUSED)

    story = run(script, seconds=3600)
    assert len(story.renewals) > 6
    refused = "a fresh session was refused too: the broker refused the session token on the WebSocket"
    assert story.downs == (["closed with 1011"] if was_live else [refused])
    assert story.notes == ([refused] if was_live else [])


def test_a_renewed_session_that_no_socket_could_use_for_long_may_have_ended_and_is_renewed_again() -> None:
    refused_at: list[float] = []

    def script(socket: Socket, number: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if number > 1 and now_s < 40:
            socket.end(None)
        elif len(refused_at) < 2:
            refused_at.append(now_s)
            socket.say(REFUSED)
        else:
            socket.say(OK)

    story = run(script, seconds=200)
    assert story.renewals.count(True) == 2
    assert story.renewals[-1], "at once, after the first refusal"
    assert story.health.state is BrokerState.LIVE


def test_word_that_a_session_is_dead_ends_the_wait_for_it() -> None:
    """The REST side says for certain what a refused socket only lets suppose."""
    refused_at: list[float] = []

    def script(socket: Socket, number: int) -> None:
        loop = asyncio.get_running_loop()
        if number == 5:
            socket.say(OK)
            return
        refused_at.append(loop.time())
        socket.say(REFUSED)
        if number == 4:
            loop.call_later(5, lambda: opened[0].stream.drop("Session Expired", renew_session=True))

    opened: list[Run] = []
    story = run(script, seconds=300, see=opened.append)
    assert story.renewals == [False, True, False, False, True]
    assert story.health.state is BrokerState.LIVE
    assert story.live_at_s == pytest.approx(refused_at[-1] + 5, abs=0.1)


def test_a_socket_refused_for_a_while_comes_back_with_the_session_it_has() -> None:
    story = run(lambda socket, number: socket.say(REFUSED if number < 4 else OK), seconds=300)
    assert story.renewals == [False, True, False, False]
    assert story.health.reconnects == 3


def test_a_session_taken_back_in_the_middle_is_renewed() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK)
        socket.say(OK, b'{"t":"ck","s":"OK"}')
        if number == 1:
            asyncio.get_running_loop().call_later(30, socket.say, REFUSED)

    story = run(script, seconds=100)
    assert story.renewals == [False, True]
    assert len(story.server.sockets) == 2
    assert story.server.most_at_once == 1


def test_a_pong_tells_the_round_trip() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK)
        asyncio.get_running_loop().call_later(1.0, pong, socket)

    def pong(socket: Socket) -> None:
        socket.round_trip_s, socket.last_pong_s = 0.018, asyncio.get_running_loop().time()
        socket.say()

    assert run(script, 3).health.round_trip_s == 0.018


def test_a_server_that_has_answered_pings_and_falls_silent_is_given_up() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK)
        if number == 1:
            asyncio.get_running_loop().call_later(1.0, pong, socket)

    def pong(socket: Socket) -> None:
        socket.last_pong_s = asyncio.get_running_loop().time()

    story = run(script, 60)
    assert story.downs == ["nobody answers: no sign of life for 10.0 s after a ping"]
    assert len(story.server.sockets) == 2, "the second one never answered a ping, and is left alone"


def test_a_broker_that_has_answered_heartbeats_and_falls_silent_is_given_up() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK, *([b'{"t":"hk","hk":"1"}'] if number == 1 else []))

    story = run(script, 60)
    assert len(story.downs) == 1
    assert story.downs[0].startswith("nobody answers: no sign of life for 15")


def test_a_server_that_answers_no_ping_but_brings_messages_is_alive() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK, b'{"t":"hk","hk":"1"}')
        socket.last_pong_s = asyncio.get_running_loop().time()
        for second in range(300):
            asyncio.get_running_loop().call_later(second, socket.say, b'{"t":"hk"}')

    assert len(run(script, 290).server.sockets) == 1


def test_a_lost_connection_is_told_before_its_socket_has_closed() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK)
        if number == 1:
            asyncio.get_running_loop().call_later(5.0, socket.end, 1011)

    story = run(script, 30)
    assert story.downs == ["closed with 1011"]


def test_another_program_that_takes_the_login_is_not_fought_over() -> None:
    def script(socket: Socket, number: int) -> None:
        socket.say(OK)
        asyncio.get_running_loop().call_later(5.0, socket.end, 1000)

    story = run(script, 600)
    assert story.ended == Evicted(1000)
    assert len(story.server.sockets) == 1


def test_garbage_is_counted_and_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    order = b'{"t":"om","norenordno":"26011500000012","status":"OPEN"}'

    def script(socket: Socket, number: int) -> None:
        socket.say(OK)
        socket.say(*[b"\xff\xfe", b"[" * 10_000, b"null", b'{"t":"om"}', b'{"t":7}'] * 200, order)

    with caplog.at_level(logging.WARNING, "dualbroker"):
        story = run(script, seconds=5)
    assert story.health.unreadable_messages == 1000
    assert len(story.orders) == 1
    assert len(caplog.records) == 1


def test_an_unforeseen_failure_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    tries = 0

    async def open_session(renew: bool) -> Session:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RuntimeError("nobody thought of this")
        return Session("U", "U", "token")

    story = run(lambda socket, number: socket.say(OK), seconds=60, open_session=open_session)
    assert len(story.server.sockets) == 1
    assert "nobody thought of this" in caplog.text
