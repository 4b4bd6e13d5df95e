"""The broker's end of a real WebSocket, with the faults of a link."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.faults import Strike
from dualbroker.simulator.framing import close_frame, half_frame, text_frame
from dualbroker.simulator.garbage import GARBAGE
from dualbroker.simulator.link import Link
from dualbroker.simulator.stream import StreamSession

__all__ = ["CLOSE_TIMEOUT_S", "BrokerConnection"]

CLOSE_TIMEOUT_S = 2.0
_MOST_UNREAD_BYTES = 16 * 1024 * 1024
_OVERSIZED_BYTES = 1_500_000
"""Clients commonly take a megabyte."""
_PRIVATE_CODES = range(3000, 5000)
_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


class BrokerConnection(ServerConnection):
    """A connection of one broker, from the moment its link is up."""

    def __init__(self, broker: SimulatedBroker, everybody: set[BrokerConnection], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._broker = broker
        self._everybody = everybody
        self._unread: list[bytes] = []
        self._unread_bytes = 0
        self._closing: asyncio.Task[None] | None = None

    @property
    def link(self) -> Link:
        """What its bytes go through."""
        return cast(Link, self.transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport = Link(cast(asyncio.Transport, transport), self._broker)
        self._everybody.add(self)
        if self._broker.faults.refuse:
            self.link.reset()

    def connection_lost(self, exc: Exception | None) -> None:
        self._everybody.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._unread or self._broker.faults.black_hole:
            if self._unread_bytes < _MOST_UNREAD_BYTES:
                self._unread.append(data)
                self._unread_bytes += len(data)
            return
        super().data_received(data)

    def carry_on(self) -> None:
        """Read and write what was held back and no longer is; called every few milliseconds."""
        if self._unread and not self._broker.faults.black_hole:
            unread, self._unread = b"".join(self._unread), []
            self._unread_bytes = 0
            super().data_received(unread)
        self.link.carry_on()

    def flush(self, session: StreamSession) -> None:
        """Write what a session has, in one piece, and do to the link what its blows and commands say."""
        frames = session.take()
        if self.state is not State.OPEN:
            return
        if frames:
            self.link.write(b"".join(frames))
        if self._broker.faults.black_hole:
            return
        blows, session.blows = session.blows, []
        for blow in blows:
            self._suffer(blow)
        if session.close_command is not None:
            self.end(*session.close_command)

    def end(self, code: int, reason: str) -> asyncio.Task[None]:
        """Close, or break off when the other side does not read (its close frame then never arrives)."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._end(code, reason))
        return self._closing

    def _suffer(self, blow: Strike) -> None:
        if blow.action == "reset":
            self.link.reset()
        elif blow.action == "half_frame":
            self.link.write(half_frame())
            self.link.stall()
        elif blow.action == "oversized":
            self.link.write(text_frame(b'{"t":"dm","text":"' + b"x" * _OVERSIZED_BYTES + b'"}'))
        else:
            self.link.write(b"".join(map(text_frame, GARBAGE)))

    async def _end(self, code: int, reason: str) -> None:
        faults = self._broker.faults
        patience_s = CLOSE_TIMEOUT_S + faults.delay_s + faults.burst_s
        self.close_timeout = patience_s
        try:
            async with asyncio.timeout(patience_s):
                if code in _CODES or code in _PRIVATE_CODES:
                    await self.close(code, reason)
                else:
                    self.link.write(close_frame(code, reason))
                    await self.wait_closed()
        except TimeoutError:
            self.transport.abort()
