"""What the brokers need of a network, so that a real one and an in-memory one are interchangeable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

__all__ = ["BinaryMessage", "CloseReason", "OnRead", "Response", "Transport", "WebSocket"]


OnRead = Callable[[Sequence[bytes], int], None]
"""Called once per socket read with all the messages it completed and the bytes that came off the wire (after
TLS, frame headers included, before decompression). A text message is plain bytes, a binary one is a
`BinaryMessage`. Must not block."""


class BinaryMessage(bytes):
    """A message that came with the opcode of binary data (RFC 6455, 5.6)."""

    __slots__ = ()


class Response(msgspec.Struct, frozen=True):
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes


class CloseReason(msgspec.Struct, frozen=True):
    """Why a WebSocket is no more."""

    code: int | None
    """The close code received, None when the link broke without one."""
    reason: str
    """In words a person can read."""
    clean: bool
    """True when either side closed it on purpose (1000, 1001)."""


class WebSocket(Protocol):
    """An open WebSocket. Messages arrive through the ``on_read`` given when it was opened."""

    def send(self, message: str | bytes) -> int:
        """Queue one message, text or binary; returns the bytes it takes on the wire. No-op when closed."""
        ...

    def ping(self) -> None:
        """Ask for a sign of life. No-op when closed."""
        ...

    def abort(self) -> None:
        """Drop the connection at once, with no closing handshake: the peer may be gone."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, waiting for the peer's answer no longer than a bound."""
        ...

    async def wait_closed(self) -> CloseReason:
        """Return as soon as nothing more can come, whichever side ended it; a closing handshake may go on."""
        ...

    @property
    def round_trip_s(self) -> float | None:
        """Seconds the last answered ping took; None before the first pong."""
        ...

    @property
    def last_pong_s(self) -> float | None:
        """Loop time of the newest answer to a ping of ours; None before the first."""
        ...


class Transport(Protocol):
    """Opens WebSockets and makes HTTP requests."""

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> WebSocket:
        """Open a WebSocket.

        Raises
        ------
        ConnectionFailedError
            Nobody answers, or what answers is no WebSocket server.
        """
        ...

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """Make one HTTP request and return whatever was answered, error statuses too.

        Raises
        ------
        ConnectionFailedError
            Nobody answers within the time, or the link broke.
        """
        ...

    async def aclose(self) -> None:
        """Release pooled connections."""
        ...
