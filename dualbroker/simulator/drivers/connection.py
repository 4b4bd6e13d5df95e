"""The broker's end of a real WebSocket, with the faults of a link."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.drivers.link import FaultyLink
from dualbroker.simulator.wire.framing import close_frame
from dualbroker.simulator.wire.stream import StreamSession

__all__ = ["CLOSE_TIMEOUT_S", "BrokerConnection"]

CLOSE_TIMEOUT_S = 2.0
_PRIVATE_CODES = range(3000, 5000)
_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
_LINGER_AND_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class BrokerConnection(ServerConnection):
    """A connection of one broker, from the moment its link is up."""

    link: FaultyLink
    """What its bytes go through."""

    def __init__(self, broker: SimulatedBroker, everybody: set[BrokerConnection], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._broker = broker
        self._everybody = everybody
        self._closing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._socket = cast(asyncio.Transport, transport)
        self.link = FaultyLink(self._broker, self)
        self.transport = cast(asyncio.Transport, _Obstructed(self._socket, self.link))
        self._everybody.add(self)
        if self._broker.faults.refuse:
            self.reset()

    def connection_lost(self, exc: Exception | None) -> None:
        self._everybody.discard(self)
        self.link.drop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.link.arrive(super().data_received, data)

    def flush(self, session: StreamSession) -> None:
        """Write what a session has, in one piece, and do to the link what its strikes and commands say."""
        if self.state is State.OPEN:
            self.link.flush(session)
        else:
            session.take()

    # As a carrier

    def write(self, frames: Sequence[bytes]) -> None:
        if not self._socket.is_closing():
            self._socket.write(b"".join(frames))

    def begin(self, frame: bytes) -> None:
        self.write([frame])

    def reset(self) -> None:
        """Break the link: the other side is sent RST."""
        connection = self._socket.get_extra_info("socket")
        if connection is not None and not self._socket.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
        self._socket.abort()

    def end(self, code: int, reason: str) -> asyncio.Task[None]:
        """Close, or break off when the other side does not read (its close frame then never arrives)."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._end(code, reason))
        return self._closing

    async def _end(self, code: int, reason: str) -> None:
        faults = self._broker.faults
        patience_s = CLOSE_TIMEOUT_S + faults.delay_s + faults.burst_s
        self.close_timeout = patience_s
        try:
            async with asyncio.timeout(patience_s):
                if code in _CODES or code in _PRIVATE_CODES:
                    await self.close(code, reason)
                else:
                    self.link.send(self.write, [close_frame(code, reason)])
                    await self.wait_closed()
        except TimeoutError:
            self._socket.abort()


class _Obstructed:
    """A transport that writes through a link; all else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, link: FaultyLink) -> None:
        self._transport = transport
        self._link = link

    def write(self, data: bytes) -> None:
        self._link.send(self._transport.write, data)

    def write_eof(self) -> None:
        self._link.send(self._transport.write_eof)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
