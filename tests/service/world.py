"""The service over the real manager, brokers and stores, on an in-memory transport in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from dualbroker.manager import WebSocketManager
from dualbroker.service.app import create_app
from tests.simulated import World, eventually

__all__ = ["Served", "served"]


class Served:
    """A running application, and a client that asks it without a socket."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client

    @property
    def manager(self) -> WebSocketManager:
        manager: WebSocketManager = self.app.state.manager
        return manager

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def works(self) -> bool:
        return (await self.client.get("/health")).status_code == 200

    async def wait_until_it_works(self) -> None:
        await eventually(lambda: len(self.manager.health) > 0)
        await eventually(lambda: all(health.state == "live" for health in self.manager.health.values()))
        wanted = len(self.manager.config.subscribe)
        await eventually(lambda: self.manager.quotes.snapshot_count >= wanted)
        assert await self.works()


@asynccontextmanager
async def served(world: World, **settings: Any) -> AsyncIterator[Served]:
    """The application over that world's manager, from start-up to shutdown."""
    app = create_app(world.config, make_manager=lambda config: world.manager(), **settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield Served(app, client)
