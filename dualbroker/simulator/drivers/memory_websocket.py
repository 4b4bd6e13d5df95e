"""One WebSocket to a simulated broker inside a process: frames travel by the loop's timers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import msgspec

from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.drivers.link import FaultyLink
from dualbroker.simulator.wire.framing import client_frame_size, payload_of
from dualbroker.simulator.wire.stream import StreamSession

__all__ = ["MemoryCloseReason", "MemoryWebSocket"]

_CLEAN_CODES = (1000, 1001)
_NEVER_SENT_CODES = (1006, 1015)
"""Reserved: a client that finds one in a close frame fails the connection instead."""
_CLOSE_TIMEOUT_S = 2.0
"""How long a client waits for the answer to its close frame."""
_LONGEST_MESSAGE = 2**20
"""That a client takes."""
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
        self._link = FaultyLink(broker, self, latency_s)
        self._on_read = on_read
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[MemoryCloseReason] = self._loop.create_future()
        self._round_trip_s = 2 * latency_s
        self._is_closing = False

    def send(self, text: str) -> int:
        """Send one text message; returns the bytes it would take. No-op (0) when closed."""
        if self._closed.done():
            return 0
        self._link.receive(self._arrive, text)
        return client_frame_size(len(text.encode("utf-8")))

    def ping(self) -> None:
        """Send one ping; its pong sets ``last_pong_s``. No-op when closed."""
        if not self._closed.done():
            self._link.receive(self._ping_arrives, self._loop.time())

    def abort(self) -> None:
        """Drop the link at once, without a closing handshake."""
        self._finish(None, _BROKEN)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it from this side, waiting two seconds at most for the broker's answer."""
        if not self._closed.done() and (self._broker.faults.black_hole or self._link.is_stalled):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self.wait_closed()
        self._finish(code, reason)

    async def wait_closed(self) -> MemoryCloseReason:
        """Return when the connection has ended, no matter which side ended it."""
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
        if not self._closed.done():
            self._link.flush(self._session)

    # As a carrier

    def write(self, frames: Sequence[bytes]) -> None:
        if self._closed.done():
            return
        size = sum(map(len, frames))
        if size > _LONGEST_MESSAGE and max(map(len, frames)) > _LONGEST_MESSAGE:
            self._finish(None, _TOO_BIG)
        else:
            self._on_read([payload_of(frame) for frame in frames], size)

    def begin(self, frame: bytes) -> None:
        """Half a message is none."""

    def reset(self) -> None:
        self._finish(None, _BROKEN)

    def end(self, code: int, reason: str) -> None:
        if self._link.is_stalled:
            self._finish(None, _BROKEN)
        elif not self._is_closing:
            self._is_closing = True
            self._link.send(self._closed_by_broker, code, reason)

    def _arrive(self, text: str) -> None:
        if not self._closed.done():
            self._session.receive(text)
            self.deliver()

    def _ping_arrives(self, sent_s: float) -> None:
        if not self._closed.done():
            self._link.send(self._pong, sent_s)

    def _pong(self, sent_s: float) -> None:
        if not self._closed.done():
            self.last_pong_s = self._loop.time()
            self._round_trip_s = self.last_pong_s - sent_s

    def _closed_by_broker(self, code: int, reason: str) -> None:
        if code in _NEVER_SENT_CODES:
            self._finish(None, _UNREADABLE_CLOSE)
        else:
            self._finish(code, reason)

    def _finish(self, code: int | None, reason: str) -> None:
        if not self._closed.done():
            self._link.drop()
            self._broker.close_session(self._session)
            self._closed.set_result(MemoryCloseReason(code, reason, clean=code in _CLEAN_CODES))
