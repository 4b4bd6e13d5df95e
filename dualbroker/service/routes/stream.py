"""``/ws``: every stream of the service over one WebSocket; the first message chooses. See docs/streams.md."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from dualbroker.errors import DualBrokerError
from dualbroker.remote.failures import record_of
from dualbroker.service.streams.client import Closed, StreamClient, first_message
from dualbroker.service.streams.hub import hub_of

__all__ = ["router"]

FIRST_MESSAGE_WITHIN_S = 10.0
CLOSE_WITHIN_S = 1.0
_LONGEST_REASON = 120
"""Bytes; a close frame holds 123."""

router = APIRouter()


@router.websocket("/ws")
async def stream(websocket: WebSocket) -> None:
    """Serve the streams that the first message chooses, until the client leaves or has to."""
    await websocket.accept()
    try:
        async with asyncio.timeout(FIRST_MESSAGE_WITHIN_S):
            received = await websocket.receive()
        if received["type"] == "websocket.disconnect":
            return
        data = received.get("bytes")
        first, compact = first_message(received.get("text") or "" if data is None else data)
        await StreamClient(hub_of(websocket.app.state), websocket, first, compact=compact).serve()
    except TimeoutError:
        await _close(websocket, Closed(f"no streams were chosen within {FIRST_MESSAGE_WITHIN_S:.0f} s"))
    except DualBrokerError as error:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_text(msgspec.json.encode({"error": record_of(error)}).decode("utf-8"))
        await _close(websocket, Closed("the first message was not understood"))
    except Closed as closed:
        await _close(websocket, closed)
    except WebSocketDisconnect:
        return


async def _close(websocket: WebSocket, closed: Closed) -> None:
    """Say why, if the client still listens; a client that does not read is not waited for."""
    try:
        reason = closed.reason.encode("utf-8")[:_LONGEST_REASON].decode("utf-8", "ignore")
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await websocket.close(closed.code, reason)
    except (TimeoutError, RuntimeError, WebSocketDisconnect, OSError):
        abort = websocket.scope.get("extensions", {}).get("dualbroker.abort")
        if abort is not None:
            abort()
