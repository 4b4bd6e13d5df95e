"""The web server's connections, which end when a client is too slow, so that idle ones can't use up all."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

__all__ = ["HEAD_WITHIN_S", "READ_WITHIN_S", "AbortableWebSocket", "ImpatientProtocol"]

HEAD_WITHIN_S = 10.0
"""From its first byte (or the connection's begin) on, a request's head has to arrive."""
READ_WITHIN_S = 60.0
"""A client that takes none of its answer for so long is left."""


class ImpatientProtocol(H11Protocol):
    """uvicorn's own, with these two clocks; of bodies ``limits`` takes care."""

    head_within_s = HEAD_WITHIN_S
    read_within_s = READ_WITHIN_S

    _head: asyncio.TimerHandle | None = None
    _read: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = self.loop.call_later(self.head_within_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is not self or self.conn.their_state is not h11.IDLE:
            self._head = _stopped(self._head)
        elif self._head is None and self.conn.trailing_data[0]:
            self._head = self.loop.call_later(self.head_within_s, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read = _stopped(self._read) or self.loop.call_later(self.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read = _stopped(self._read)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head = _stopped(self._head)
        self._read = _stopped(self._read)
        super().connection_lost(exc)


def _stopped(timer: asyncio.TimerHandle | None) -> Any:
    if timer is not None:
        timer.cancel()
    return None


class AbortableWebSocket(WebSocketsSansIOProtocol):
    """Hands the application ``dualbroker.abort`` among the scope's extensions.

    A close waits until what was written has been taken, and of a client that has stopped reading that is
    never: its socket and buffer would stay.
    """

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"]["dualbroker.abort"] = self.transport.abort
