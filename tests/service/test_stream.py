"""What is pushed to the page."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tests.service.world import Served, served
from tests.simulated import World, run_world


class Page:
    """The other end of ``/ws``, spoken to as the web server does."""

    def __init__(self, service: Served) -> None:
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outbox: asyncio.Queue[Any] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": "/ws",
            "raw_path": b"/ws",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:8000"), (b"origin", b"http://127.0.0.1:8000")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
        }
        self._inbox.put_nowait({"type": "websocket.connect"})
        self._served = asyncio.create_task(service.app(scope, self._inbox.get, self._outbox.put))

    async def next(self) -> dict[str, Any]:
        while True:
            message = await self._outbox.get()
            if message["type"] == "websocket.send":
                state: dict[str, Any] = msgspec.json.decode(message["text"])
                return state

    async def say(self, text: str) -> None:
        await self._inbox.put({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        await self._inbox.put({"type": "websocket.disconnect", "code": 1001})
        await self._served


def test_first_all_of_it_then_what_changed() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            page = Page(service)
            whole = await page.next()
            assert {"mode", "time", "headline", "brokers", "quotes", "orders", "traffic"} <= set(whole)
            assert whole["headline"]["quotes"] == "Price/Quote updates: broker1 only"
            change = await page.next()
            assert "time" in change
            assert "mode" not in change
            await page.leave()

    run_world(story, subscribe=["NIFTY"])


def test_silence_is_broken_so_that_the_page_knows_that_we_live() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            await service.manager.stop()
            page = Page(service)
            await page.next()
            loop = asyncio.get_running_loop()
            begun = loop.time()
            assert set(await page.next()) == {"time"}
            assert 2.0 <= loop.time() - begun <= 2.5
            await page.leave()

    run_world(story)


def test_whatever_a_page_says_changes_nothing() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            page = Page(service)
            await page.next()
            await page.say('{"subscribe": "NIFTY"}')
            await page.next()
            assert not service.manager.subscriptions.book.wanted()
            await page.leave()

    run_world(story)
