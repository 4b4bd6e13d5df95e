"""A network inside the process, between a broker under test and its fake: no socket, no latency but order."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping

from dualbroker.brokers.session.wire import frame_bytes
from dualbroker.transport.base import BinaryMessage, CloseReason, OnRead, Response

__all__ = ["MemoryPeer", "MemorySocket", "MemoryTransport"]


class MemoryPeer(ABC):
    """The fake broker."""

    @abstractmethod
    def request(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        """Answer one REST call; a ConnectionFailedError is one that nobody answers."""

    @abstractmethod
    def accept(self, socket: MemorySocket) -> None:
        """A socket was opened; a ConnectionFailedError opens none."""

    @abstractmethod
    def receive(self, socket: MemorySocket, message: str | bytes) -> None:
        """A message of the client has come."""


class MemorySocket:
    """One WebSocket: the client's end, and for the fake ``say`` and ``end``."""

    def __init__(self, url: str, peer: MemoryPeer, on_read: OnRead) -> None:
        self.url = url
        self.last_pong_s: float | None = None
        self._peer = peer
        self._on_read = on_read
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[CloseReason] = self._loop.create_future()

    # The fake's end

    def say(self, *messages: str | bytes) -> None:
        """Send these to the client, as one read."""
        self._loop.call_soon(self._read, messages)

    def end(self, code: int, reason: str = "") -> None:
        """Close it as the server does."""
        self._loop.call_soon(self._end, code, f"closed by the broker with code {code} {reason}".rstrip())

    @property
    def is_open(self) -> bool:
        return not self._closed.done()

    def _read(self, messages: tuple[str | bytes, ...]) -> None:
        if self.is_open:
            raw = [each.encode() if isinstance(each, str) else BinaryMessage(each) for each in messages]
            self._on_read(raw, sum(map(frame_bytes, raw)))

    def _end(self, code: int | None, reason: str) -> None:
        if self.is_open:
            self._closed.set_result(CloseReason(code, reason, code in (1000, 1001)))

    # The client's end

    def send(self, message: str | bytes) -> int:
        if not self.is_open:
            return 0
        self._loop.call_soon(self._arrive, message)
        return 4 + frame_bytes(message.encode() if isinstance(message, str) else message)

    def _arrive(self, message: str | bytes) -> None:
        if self.is_open:
            self._peer.receive(self, message)

    def ping(self) -> None:
        if self.is_open:
            self.last_pong_s = self._loop.time()

    def abort(self) -> None:
        self._end(None, "the link broke without a closing handshake")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._end(None, "closed by us")

    async def wait_closed(self) -> CloseReason:
        return await asyncio.shield(self._closed)

    @property
    def round_trip_s(self) -> float | None:
        return None if self.last_pong_s is None else 0.0


class MemoryTransport:
    """Implements :class:`dualbroker.transport.base.Transport` towards one fake."""

    def __init__(self, peer: MemoryPeer) -> None:
        self._peer = peer
        self.sockets: list[MemorySocket] = []
        """All that were opened, the closed ones included."""

    async def open_websocket(
        self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0
    ) -> MemorySocket:
        await asyncio.sleep(0)
        socket = MemorySocket(url, self._peer, on_read)
        self._peer.accept(socket)
        self.sockets.append(socket)
        return socket

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        await asyncio.sleep(0)
        return self._peer.request(method, url, body or b"", headers or {})

    async def aclose(self) -> None:
        for socket in self.sockets:
            socket.abort()
