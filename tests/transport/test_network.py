"""REST calls and handshakes against servers that answer badly, on loopback."""

from __future__ import annotations

import asyncio
import gzip
import logging
import tracemalloc
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.http11 import Response as HandshakeResponse

from dualbroker.errors import ConnectionFailedError
from dualbroker.transport import network
from dualbroker.transport.base import Response
from dualbroker.transport.network import NetworkTransport


def ask(answer: Callable[[asyncio.StreamWriter], Awaitable[None]], **more: Any) -> Response:
    """The client's view of a server that answers so."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def both() -> Response:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            transport = NetworkTransport()
            try:
                return await transport.request("POST", f"http://127.0.0.1:{port}/", body=b"x", **more)
            finally:
                await transport.aclose()

    return asyncio.run(both())


def saying(head: str, body: bytes = b"") -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        saying("garbage"),
        saying("HTTP/1.1 200 OK\nContent-Length: 100", b"short"),
        saying("HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 4", b"junk"),
        saying("HTTP/1.1 200 OK\nContent-Length: -5", b"junk"),
        saying("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"zz\r\n"),
    ],
)
def test_a_broken_answer_is_one_error(answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
    with pytest.raises(ConnectionFailedError, match="no answer from 127"):
        ask(answer)


def test_an_answer_that_drips_is_given_up_in_time() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    with pytest.raises(ConnectionFailedError, match=r"within 0\.3 s"):
        ask(drip, timeout_s=0.3)


def test_an_answer_that_unpacks_to_a_flood_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "MAX_ANSWER_BYTES", 10_000)
    packed = gzip.compress(b"0" * 1_000_000)
    with pytest.raises(ConnectionFailedError, match="more than 10,000 bytes"):
        ask(saying(f"HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {len(packed)}", packed))


@pytest.mark.parametrize(
    "coding", ["gzip, gzip", "gzip,gzip,gzip", "br", "zstd", "GZIP, br", "deflate, gzip"]
)
def test_an_answer_packed_more_than_once_or_in_another_way_is_not_unpacked(coding: str) -> None:
    packed = gzip.compress(gzip.compress(b"0" * 100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionFailedError, match="packed once by gzip"):
            ask(saying(f"HTTP/1.1 200 OK\nContent-Encoding: {coding}\nContent-Length: {len(packed)}", packed))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "kind", ["text/html", "image/png", "application/json; charset=utf-16", "", "nonsense"]
)
def test_what_an_answer_calls_itself_means_nothing(kind: str) -> None:
    answer = ask(saying(f"HTTP/1.1 200 OK\nContent-Type: {kind}\nContent-Length: 2", b"{}"))
    assert answer == Response(200, b"{}")


def test_a_redirect_is_not_followed() -> None:
    answer = ask(saying("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:9/\nContent-Length: 0"))
    assert answer.status == 302


def test_a_token_that_no_header_can_carry_is_one_error() -> None:
    with pytest.raises(ConnectionFailedError):
        ask(saying("HTTP/1.1 200 OK\nContent-Length: 0"), headers={"Authorization": "Bearer ₹"})


def test_a_websocket_is_opened_at_the_address_given_and_at_no_other() -> None:
    reached: list[str] = []

    async def elsewhere(connection: ServerConnection) -> None:
        reached.append("elsewhere")

    def redirect_to(port: int) -> Callable[[ServerConnection, Request], HandshakeResponse]:
        def answer(connection: ServerConnection, request: Request) -> HandshakeResponse:
            headers = Headers({"Location": f"ws://127.0.0.1:{port}/", "Content-Length": "0"})
            return HandshakeResponse(HTTPStatus.FOUND, "Found", headers)

        return answer

    async def both() -> None:
        async with serve(elsewhere, "127.0.0.1", 0) as other:
            redirect = redirect_to(other.sockets[0].getsockname()[1])
            async with serve(elsewhere, "127.0.0.1", 0, process_request=redirect) as server:
                port = server.sockets[0].getsockname()[1]
                with pytest.raises(ConnectionFailedError, match="302"):
                    await NetworkTransport().open_websocket(f"ws://127.0.0.1:{port}/", lambda *_: None)

    asyncio.run(both())
    assert reached == []


def test_no_log_level_writes_down_what_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    received: list[str | bytes] = []

    async def listen(connection: ServerConnection) -> None:
        received.append(await connection.recv())

    async def both() -> None:
        quiet = logging.getLogger("test.server")
        quiet.setLevel(logging.ERROR)
        async with serve(listen, "127.0.0.1", 0, logger=quiet) as server:
            port = server.sockets[0].getsockname()[1]
            socket = await NetworkTransport().open_websocket(f"ws://127.0.0.1:{port}/", lambda *_: None)
            socket.send('{"accesstoken":"very-secret"}')
            await socket.wait_closed()

    with caplog.at_level(logging.DEBUG):
        asyncio.run(both())
    assert received == ['{"accesstoken":"very-secret"}']
    assert "very-secret" not in caplog.text
