"""What the routes are given."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

from dualbroker.manager import WebSocketManager
from dualbroker.manager.source import FeedSource
from dualbroker.view.rows import iso_time, mode

__all__ = ["Manager", "require_broker", "stamp"]


async def _manager(connection: HTTPConnection) -> WebSocketManager:
    manager: WebSocketManager = connection.app.state.manager
    return manager


Manager = Annotated[WebSocketManager, Depends(_manager)]
"""The one that this service runs."""


def stamp(manager: FeedSource) -> dict[str, Any]:
    """What every answer begins with: ``mode`` and ``as_of``."""
    return {"mode": mode(manager), "as_of": iso_time(manager.clock.now_ns())}


def require_broker(manager: FeedSource, name: str) -> None:
    """Answer 404 unless an enabled broker has that name."""
    names = [health.broker_name for health in manager.all_health()]
    if name not in names:
        raise HTTPException(404, f"broker: expected one of {', '.join(names)}, found {name[:40]!r}")
