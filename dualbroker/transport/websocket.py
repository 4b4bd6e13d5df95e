"""WebSockets over `websockets`, handed on a whole socket read at a time.

The library's own receive queue wakes a task per message; at live rates that costs more than
decoding. Its connection is an asyncio protocol, so the read is taken where it arrives.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response as HandshakeResponse
from websockets.protocol import State

from dualbroker.errors import ConnectionFailedError, HandshakeRefusedError
from dualbroker.transport.base import BinaryMessage, CloseReason, OnRead
from dualbroker.transport.cutting import FrameCutter
from dualbroker.transport.gathering import Gathering
from dualbroker.transport.proxies import proxy_for

__all__ = ["NetworkWebSocket", "open_websocket", "wire_size"]

CLOSE_TIMEOUT_S = 2.0
MAX_MESSAGE_BYTES = 2**20
MOST_UNANSWERED_PINGS = 16
PONG_WITHIN_S = 0.5
"""For so long after a ping each read is taken as it comes."""
HEAD_ENDS = b"\r\n\r\n"
"""After the answer to an opening handshake; frames follow, maybe in the same read."""
CLEAN_CODES = frozenset({1000, 1001})

_quiet = logging.getLogger("dualbroker.websocket")
# At DEBUG the library writes down each frame that is sent, and the first one carries the session's token.
_quiet.setLevel(logging.WARNING)
TEXT, BINARY = Opcode.TEXT, Opcode.BINARY
MESSAGE_OPCODES = (TEXT, BINARY, Opcode.CONT)
"""Looked up once: on Python 3.11 naming three members of an enum costs as much as half a decoding."""


def wire_size(payload_bytes: int, *, masked: bool = False) -> int:
    """Bytes one unfragmented frame takes on the wire, header included (RFC 6455, 5.2)."""
    header = 2 if payload_bytes < 126 else 4 if payload_bytes < 65536 else 10
    return payload_bytes + header + (4 if masked else 0)


class _ReadConnection(ClientConnection):
    """A client connection that collects the messages of one read and hands them on together."""

    def __init__(self, on_read: OnRead, gather_s: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_read = on_read
        self._gathering = Gathering(gather_s)
        self._cutter = FrameCutter(MAX_MESSAGE_BYTES)
        self._is_cut = False
        """The opening handshake is over, and the connection is not closing."""
        self._head = b""
        self._messages: list[bytes] = []
        self._fragments: list[bytes] = []
        self._fragments_are_binary = False
        self._pings: dict[bytes, float] = {}
        self._ping_count = 0
        self._pinged_s = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done as soon as the connection is of no use: before a closing handshake is over, whose other
        side may take its time."""
        self.last_pong_s: float | None = None

    def data_received(self, data: bytes) -> None:
        size = len(data)
        if self._is_cut:
            self._take(data)
        else:
            self._leave_to_library(data)
        messages, self._messages = self._messages, []
        self._on_read(messages, size)
        now_s = self.loop.time()
        moment_s = self._gathering.moment_s(len(messages), now_s)
        # A pong is not kept waiting: it tells how long the way is. Some servers never send one.
        if moment_s and self._is_cut and (not self._pings or now_s - self._pinged_s > PONG_WITHIN_S):
            self.transport.pause_reading()
            self.loop.call_later(moment_s, self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _take(self, data: bytes) -> None:
        """Whole text frames are cut; the library gets all others, one by one, and what follows an end."""
        cut, other = self._cutter.cut(data)
        self._messages += cut
        while other:
            super().data_received(other)
            if self.protocol.state is not State.OPEN:
                self._is_cut = False
                if unread := self._cutter.tail():
                    super().data_received(unread)
                self._end()
                return
            cut, other = self._cutter.cut(b"")
            self._messages += cut

    def _leave_to_library(self, data: bytes) -> None:
        """All belongs to the library before the frames begin, and again once the connection is closing."""
        seen = self._head + data
        end = seen.find(HEAD_ENDS) if self.protocol.state is State.CONNECTING else -1
        frames = seen[end + len(HEAD_ENDS) :] if end >= 0 else b""
        self._head = seen[1 - len(HEAD_ENDS) :]
        super().data_received(data[: len(data) - len(frames)])
        state = self.protocol.state
        if end >= 0 and state is State.OPEN:
            self._is_cut = True
            self._take(frames)
            return
        if frames:
            super().data_received(frames)
        if state is not State.CONNECTING:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def send_ping(self) -> None:
        self._ping_count += 1
        self._pinged_s = self.loop.time()
        payload = self._ping_count.to_bytes(4, "big")
        self._pings[payload] = self._pinged_s
        if len(self._pings) > MOST_UNANSWERED_PINGS:
            del self._pings[next(iter(self._pings))]
        self.protocol.send_ping(payload)
        self.send_data()

    def _note_pong(self, payload: bytes) -> None:
        sent_s = self._pings.get(payload)
        if sent_s is None:
            return
        self.last_pong_s = self.loop.time()
        self.latency = self.last_pong_s - sent_s
        # One answer for several pings is legal (RFC 6455, 5.5.3).
        self._pings = {known: when for known, when in self._pings.items() if when > sent_s}

    def process_event(self, event: Frame | HandshakeResponse | Any) -> None:
        if isinstance(event, Frame) and event.opcode in MESSAGE_OPCODES:
            if event.fin and not self._fragments:
                data = cast(bytes, event.data)
                self._messages.append(data if event.opcode is TEXT else BinaryMessage(data))
                return
            if not self._fragments:
                self._fragments_are_binary = event.opcode is BINARY
            self._fragments.append(bytes(event.data))
            if event.fin:
                message = b"".join(self._fragments)
                self._messages.append(BinaryMessage(message) if self._fragments_are_binary else message)
                self._fragments = []
            return
        if isinstance(event, Frame) and event.opcode is Opcode.PONG:
            self._note_pong(bytes(event.data))
        super().process_event(event)


class _ConnectThere(connect):
    """Connects to the address given and to no other: the first frame carries the session's token."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class NetworkWebSocket:
    """An open WebSocket on a real network."""

    def __init__(self, connection: _ReadConnection) -> None:
        self._connection = connection

    def send(self, message: str | bytes) -> int:
        protocol = self._connection.protocol
        if protocol.state is not State.OPEN:
            return 0
        if isinstance(message, str):
            data = message.encode()
            protocol.send_text(data)
        else:
            data = message
            protocol.send_binary(data)
        self._connection.send_data()
        return wire_size(len(data), masked=True)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        try:
            # websockets itself waits for the answer, then for the end of the connection, then once more.
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._connection.close(code, reason)
        except TimeoutError:
            self.abort()

    def ping(self) -> None:
        if self._connection.protocol.state is State.OPEN:
            self._connection.send_ping()

    def abort(self) -> None:
        transport = getattr(self._connection, "transport", None)
        if transport is not None:
            transport.abort()

    async def wait_closed(self) -> CloseReason:
        await asyncio.shield(self._connection.ended)
        return self._close_reason()

    def _close_reason(self) -> CloseReason:
        protocol = self._connection.protocol
        received, sent = protocol.close_rcvd, protocol.close_sent
        if received is not None:
            words = f"closed by the broker with code {received.code}"
            if received.reason:
                words += f" ({received.reason})"
            return CloseReason(received.code, words, received.code in CLEAN_CODES)
        if sent is not None:
            if sent.code in CLEAN_CODES:
                return CloseReason(None, "closed by us", True)
            return CloseReason(None, sent.reason or f"given up with code {sent.code}", False)
        return CloseReason(None, "the link broke without a closing handshake", False)

    @property
    def round_trip_s(self) -> float | None:
        return self._connection.latency or None

    @property
    def last_pong_s(self) -> float | None:
        return self._connection.last_pong_s


async def open_websocket(
    url: str, on_read: OnRead, *, open_timeout_s: float, gather_s: float = 0.0
) -> NetworkWebSocket:
    """Open a WebSocket whose reads go to ``on_read``.

    Parameters
    ----------
    gather_s
        The longest time that messages may gather before they are read; see `transport.gathering`.

    Raises
    ------
    ConnectionFailedError
        Nobody answers in time, or what answers is no WebSocket server.
    """

    def create(*args: Any, **kwargs: Any) -> ClientConnection:
        return _ReadConnection(on_read, gather_s, *args, **kwargs)

    factory = cast("type[ClientConnection]", create)
    proxy = proxy_for(url)
    try:
        # No compression: Noren servers offer none, and a tick of a hundred bytes gains nothing from it.
        connection = await _ConnectThere(
            url,
            logger=_quiet,
            compression=None,
            proxy=proxy,
            open_timeout=open_timeout_s,
            # Anyone who holds the socket keeps its clocks: a server that answers no ping may still be alive.
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
            create_connection=factory,
        )
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError, EOFError, ValueError, ImportError) as error:
        host = urlsplit(url).netloc
        words = type(error).__name__ if proxy is not None else str(error) or type(error).__name__
        if proxy is not None:
            words += ", through the proxy that the environment names"
        if isinstance(error, InvalidStatus):
            refused = HandshakeRefusedError(f"no WebSocket at {host}: {words}", error.response.status_code)
            raise refused from error
        raise ConnectionFailedError(f"no WebSocket at {host}: {words}") from error
    return NetworkWebSocket(cast(_ReadConnection, connection))
