"""The web server's WebSocket, with a way to drop a connection whose other side does not read."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

__all__ = ["AbortableWebSocket"]


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
