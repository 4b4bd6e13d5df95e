"""What the routes are given."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from dualbroker.manager import WebSocketManager
from dualbroker.view.rows import iso_time, mode

__all__ = ["Manager", "stamp"]


async def _manager(connection: HTTPConnection) -> WebSocketManager:
    manager: WebSocketManager = connection.app.state.manager
    return manager


Manager = Annotated[WebSocketManager, Depends(_manager)]
"""The one that this service runs."""


def stamp(manager: WebSocketManager) -> dict[str, Any]:
    """What every answer begins with: ``mode`` and ``as_of``."""
    return {"mode": mode(manager), "as_of": iso_time(manager.clock.now_ns())}
