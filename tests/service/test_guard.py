"""Other sites' pages, open in the same browser, get nothing."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from dualbroker.service.guard import Guard, is_loopback


def guarded(hosts: tuple[str, ...] | None = ("127.0.0.1", "localhost", "::1")) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Guard, hosts=hosts)

    @app.get("/")
    async def answer() -> str:
        return "hello"

    return app


def ask(app: FastAPI, host: str) -> httpx.Response:
    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get("/", headers={"host": host})

    return asyncio.run(get())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_our_own_names_are_answered(host: str) -> None:
    answer = ask(guarded(), host)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "[", "localhost.evil:80"]
)
def test_a_strangers_name_is_refused(host: str) -> None:
    answer = ask(guarded(), host)
    assert answer.status_code == 403
    assert "expected a host name of this service" in answer.text


def test_a_service_opened_to_the_network_takes_any_name() -> None:
    assert ask(guarded(None), "trading-box.lan").status_code == 200


@pytest.mark.parametrize(
    ("origin", "taken"),
    [
        (None, True),
        (b"http://127.0.0.1:8000", True),
        (b"https://evil.example", False),
        (b"http://127.0.0.1:9000", False),
        (b"null", False),
    ],
)
def test_a_websocket_is_for_our_own_page_only(origin: bytes | None, taken: bool) -> None:
    reached = False

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal reached
        reached = True

    async def nothing() -> Message:
        return {"type": "websocket.connect"}

    async def ignore(message: Message) -> None:
        pass

    headers = [(b"host", b"127.0.0.1:8000"), *([(b"origin", origin)] if origin else [])]
    scope = {
        "type": "websocket",
        "path": "/ws",
        "headers": headers,
        "extensions": {"websocket.http.response": {}},
    }
    asyncio.run(Guard(inner)(scope, nothing, ignore))
    assert reached is taken


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.0.1.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False)],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
