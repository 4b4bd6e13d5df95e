"""Asks an ASGI application, or what guards it, without a socket."""

from __future__ import annotations

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["client_of_app", "hello"]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers everybody, with what it was sent."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello " + message.get("body", b"")})


def client_of_app(app: ASGIApp, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client of that address; it follows no redirect."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
