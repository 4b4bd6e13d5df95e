"""One WebSocket to a simulated broker inside a process: frames travel by the loop's timers."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.faults import Strike
from dualbroker.simulator.framing import client_frame_size, payload_of
from dualbroker.simulator.garbage import GARBAGE
from dualbroker.simulator.stream import StreamSession

__all__ = ["MemoryCloseReason", "MemoryWebSocket"]

_CLEAN_CODES = (1000, 1001)
_NEVER_SENT_CODES = (1006, 1015)
"""Reserved: a client that finds one in a close frame fails the connection instead."""
_CLOSE_TIMEOUT_S = 2.0
"""How long a client waits for the answer to its close frame."""
_MOST_HELD_BACK = 100_000
"""Frames behind an obstructed link; beyond it the broker has given the connection up."""
_BROKEN = "the link broke without a closing handshake"
_TOO_BIG = "given up with code 1009 (message too big)"
_UNREADABLE_CLOSE = "given up with code 1002 (protocol error)"


class MemoryCloseReason(msgspec.Struct, frozen=True):
    """Why a WebSocket is no more."""

    code: int | None
    reason: str
    clean: bool


class MemoryWebSocket:
    """One end of a connection; the other end is a `StreamSession`."""

    def __init__(
        self,
        broker: SimulatedBroker,
        on_read: Callable[[Sequence[bytes], int], None],
        latency_s: float,
    ) -> None:
        self.last_pong_s: float | None = None
        """Loop time of the newest pong, None before the first."""
        self._broker = broker
        self._session: StreamSession = broker.open_session()
        self._on_read = on_read
        self._latency_s = latency_s
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[MemoryCloseReason] = self._loop.create_future()
        self._round_trip_s = 2 * latency_s
        self._arrives_s = 0.0
        """Loop time at which the last thing sent by the broker arrives; nothing overtakes on one link."""
        self._reaches_s = 0.0
        """The same for what the client has sent."""
        self._held_back: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        """What was under way, in either direction, when a black hole opened."""
        self._is_inside_a_message = False
        self._is_closing = False

    def send(self, text: str) -> int:
        """Send one text message; returns the bytes it would take. No-op (0) when closed."""
        if self._closed.done():
            return 0
        self._loop.call_at(self._reach_s(), self._arrive, text)
        return client_frame_size(len(text.encode("utf-8")))

    def ping(self) -> None:
        """Send one ping; its pong sets ``last_pong_s``. No-op when closed."""
        if not self._closed.done():
            self._loop.call_at(self._reach_s(), self._ping_arrives, self._loop.time())

    def abort(self) -> None:
        """Drop the link at once, without a closing handshake."""
        self._end(None, _BROKEN)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it from this side, waiting two seconds at most for the broker's answer."""
        if not self._closed.done() and (self._broker.faults.black_hole or self._is_inside_a_message):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self.wait_closed()
        self._end(code, reason)

    async def wait_closed(self) -> MemoryCloseReason:
        """Return when the connection has ended, whoever ended it."""
        return await asyncio.shield(self._closed)

    @property
    def round_trip_s(self) -> float | None:
        """Seconds there and back, as the last ping took; what the link takes undisturbed before the first."""
        return self._round_trip_s

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    def deliver(self) -> None:
        """Send what the broker has for this connection on its way, as one read."""
        if self._closed.done():
            return
        session = self._session
        if self._broker.faults.black_hole or self._is_inside_a_message:
            self._hold_back(session)
            return
        if self._held_back:
            self._let_go()
        frames = session.take()
        if frames:
            self._loop.call_at(self._arrival_s(), self._read, frames)
        if session.blows:
            for blow in session.blows:
                self._loop.call_at(self._arrival_s(), self._suffer, blow)
            session.blows = []
        if session.close_command is not None and not self._is_closing:
            self._is_closing = True
            self._loop.call_at(self._arrival_s(), self._closed_by_broker, *session.close_command)

    def _arrival_s(self) -> float:
        """When what the broker sends now is here."""
        faults = self._broker.faults
        arrives_s = self._loop.time() + self._latency_s
        if faults.delay_s or faults.burst_s:
            arrives_s += faults.delay_s
            if faults.burst_s:
                arrives_s = math.ceil(arrives_s / faults.burst_s) * faults.burst_s
        self._arrives_s = _not_before(arrives_s, self._arrives_s)
        return self._arrives_s

    def _reach_s(self) -> float:
        """When what the client sends now is there."""
        self._reaches_s = _not_before(self._loop.time() + self._latency_s, self._reaches_s)
        return self._reaches_s

    def _hold_back(self, session: StreamSession) -> None:
        if self._is_inside_a_message:
            # Whatever is sent is taken for the rest of the message that never ends.
            session.take()
            if session.close_command is not None or any(blow.action == "reset" for blow in session.blows):
                self._end(None, _BROKEN)
            session.blows = []
        elif len(session.outbox) > _MOST_HELD_BACK:
            session.outbox = []
            session.blows = [Strike(action="reset")]

    def _let_go(self) -> None:
        """The black hole is over: what was under way goes on."""
        held_back, self._held_back = self._held_back, []
        for go_on, arguments in held_back:
            go_on(*arguments)

    def _is_stopped(self, go_on: Callable[..., None], *arguments: Any) -> bool:
        """Whether the connection is closed, or obstructed: then it goes on once it no longer is."""
        if self._closed.done() or self._is_inside_a_message:
            return True
        if self._broker.faults.black_hole:
            self._held_back.append((go_on, arguments))
            return True
        return False

    def _arrive(self, text: str) -> None:
        if self._closed.done():
            return
        if self._broker.faults.black_hole:
            self._held_back.append((self._arrive, (text,)))
            return
        self._session.receive(text)
        self.deliver()

    def _read(self, frames: list[bytes]) -> None:
        if not self._is_stopped(self._read, frames):
            self._on_read([payload_of(frame) for frame in frames], sum(map(len, frames)))

    def _ping_arrives(self, sent_s: float) -> None:
        if not self._is_stopped(self._ping_arrives, sent_s):
            self._loop.call_at(self._arrival_s(), self._pong, sent_s)

    def _pong(self, sent_s: float) -> None:
        if not self._is_stopped(self._pong, sent_s):
            self.last_pong_s = self._loop.time()
            self._round_trip_s = self.last_pong_s - sent_s

    def _suffer(self, blow: Strike) -> None:
        if self._is_inside_a_message and blow.action == "reset":
            self._end(None, _BROKEN)
        if self._is_stopped(self._suffer, blow):
            return
        if blow.action == "half_frame":
            self._is_inside_a_message = True
        elif blow.action == "garbage":
            self._on_read(GARBAGE, sum(len(message) + 2 for message in GARBAGE))
        elif blow.action == "oversized":
            self._end(None, _TOO_BIG)
        else:
            self._end(None, _BROKEN)

    def _closed_by_broker(self, code: int, reason: str) -> None:
        if self._is_inside_a_message:
            self._end(None, _BROKEN)
        if self._is_stopped(self._closed_by_broker, code, reason):
            return
        if code in _NEVER_SENT_CODES:
            self._end(None, _UNREADABLE_CLOSE)
        else:
            self._end(code, reason)

    def _end(self, code: int | None, reason: str) -> None:
        if not self._closed.done():
            self._held_back.clear()
            self._broker.close_session(self._session)
            self._closed.set_result(MemoryCloseReason(code, reason, clean=code in _CLEAN_CODES))


def _not_before(moment_s: float, last_s: float) -> float:
    """A moment after the last one: timers that are due at the very same time run in no certain order."""
    return moment_s if moment_s > last_s else math.nextafter(last_s, math.inf)
