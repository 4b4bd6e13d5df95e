"""``/ws``: pushes what the page shows, whenever it changed. One way, state only."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from dualbroker.manager import WebSocketManager
from dualbroker.service.dependencies import Manager
from dualbroker.view.state import view_changes, view_state

__all__ = ["router"]

PUSH_INTERVAL_S = 0.25
LONGEST_SILENCE_S = 2.0
"""After which the time is sent although nothing changed, so that the page knows the service lives."""

router = APIRouter()


@router.websocket("/ws")
async def stream_state(websocket: WebSocket, manager: Manager) -> None:
    """First the whole state, then the keys of it that changed."""
    await websocket.accept()
    sender = asyncio.create_task(_send_changes(websocket, manager))
    try:
        while True:
            # Nothing is expected; this tells when the page has gone.
            await websocket.receive()
            if websocket.client_state.name == "DISCONNECTED":
                break
    except WebSocketDisconnect:
        pass
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send_changes(websocket: WebSocket, manager: WebSocketManager) -> None:
    loop = asyncio.get_running_loop()
    shown: dict[str, Any] = {}
    sent_s = loop.time()
    while True:
        state = view_state(manager, manager.clock.now_ns())
        message = view_changes(shown, state)
        if not message and loop.time() - sent_s >= LONGEST_SILENCE_S:
            message = {"time": state["time"]}
        if message:
            # A page that reads slowly gets fewer states, each of them the latest.
            await websocket.send_text(msgspec.json.encode(message).decode("utf-8"))
            sent_s = loop.time()
        shown = state
        await asyncio.sleep(PUSH_INTERVAL_S)
