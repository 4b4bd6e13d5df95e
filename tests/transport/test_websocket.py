"""The real transport against small servers on loopback."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

from dualbroker.errors import ConnectionFailedError, HandshakeRefusedError
from dualbroker.transport.base import BinaryMessage
from dualbroker.transport.network import NetworkTransport
from dualbroker.transport.proxies import is_loopback
from dualbroker.transport.websocket import open_websocket, wire_size

Handler = Callable[[ServerConnection], Awaitable[None]]


def talk(handler: Handler, client: Callable[[str], Awaitable[None]]) -> None:
    """Run a client against a server with that handler."""

    async def both() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await asyncio.wait_for(client(f"ws://127.0.0.1:{port}/NorenWSTP/"), 30)

    asyncio.run(both())


class Reads:
    """Collects what ``on_read`` is given."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.batches: list[int] = []
        self.wire_bytes = 0
        self._read = asyncio.Event()

    def __call__(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        self.messages += messages
        self.batches.append(len(messages))
        self.wire_bytes += wire_bytes
        self._read.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.messages) < count:
                self._read.clear()
                await self._read.wait()


def test_many_messages_of_one_write_come_as_few_reads_and_every_byte_is_counted() -> None:
    payloads = [b"x" * size for size in (0, 1, 125, 126, 65_535, 65_536)] * 20

    async def handler(connection: ServerConnection) -> None:
        frames = [Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in payloads]
        connection.transport.write(b"".join(frames))
        await connection.wait_closed()

    async def client(url: str) -> None:
        reads = Reads()
        transport = NetworkTransport()
        websocket = await transport.open_websocket(url, reads)
        handshake = reads.wire_bytes
        await reads.until(len(payloads))
        assert reads.messages == payloads
        assert len(reads.batches) < len(payloads)
        expected = sum(wire_size(len(payload)) for payload in payloads)
        assert expected <= reads.wire_bytes <= expected + 1000, "all of it, and a handshake"
        assert handshake <= reads.wire_bytes
        await websocket.close()
        await transport.aclose()

    talk(handler, client)


def test_fragments_are_put_together_and_a_ping_between_them_does_no_harm() -> None:
    async def handler(connection: ServerConnection) -> None:
        for frame in (
            Frame(Opcode.TEXT, b"ab", fin=False),
            Frame(Opcode.PING, b"?"),
            Frame(Opcode.CONT, b"", fin=False),
            Frame(Opcode.CONT, b"cd"),
            Frame(Opcode.TEXT, b"next"),
        ):
            connection.transport.write(frame.serialize(mask=False))
        await connection.wait_closed()

    async def client(url: str) -> None:
        reads = Reads()
        websocket = await NetworkTransport().open_websocket(url, reads)
        await reads.until(2)
        assert reads.messages == [b"abcd", b"next"]
        await websocket.close()

    talk(handler, client)


def test_a_message_says_whether_it_is_binary_also_in_fragments() -> None:
    async def handler(connection: ServerConnection) -> None:
        for frame in (
            Frame(Opcode.TEXT, b"text"),
            Frame(Opcode.BINARY, b"\x00\xff"),
            Frame(Opcode.BINARY, b"\x01", fin=False),
            Frame(Opcode.CONT, b"\x02"),
            Frame(Opcode.TEXT, b"a", fin=False),
            Frame(Opcode.CONT, b"b"),
        ):
            connection.transport.write(frame.serialize(mask=False))
        await connection.wait_closed()

    async def client(url: str) -> None:
        reads = Reads()
        websocket = await NetworkTransport().open_websocket(url, reads)
        await reads.until(4)
        assert reads.messages == [b"text", b"\x00\xff", b"\x01\x02", b"ab"]
        assert [isinstance(each, BinaryMessage) for each in reads.messages] == [False, True, True, False]
        await websocket.close()

    talk(handler, client)


def test_what_is_sent_arrives_and_is_counted_with_its_header_and_mask() -> None:
    arrived: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            arrived.append(message)

    async def client(url: str) -> None:
        websocket = await NetworkTransport().open_websocket(url, Reads())
        assert websocket.send("₹") == 3 + 2 + 4
        assert websocket.send("x" * 200) == 200 + 4 + 4
        assert websocket.send(b"\x00\xff") == 2 + 2 + 4
        await websocket.close()
        assert websocket.send("too late") == 0
        reason = await websocket.wait_closed()
        assert reason.clean

    talk(handler, client)
    assert arrived == ["₹", "x" * 200, b"\x00\xff"]


@pytest.mark.parametrize(("code", "clean"), [(1000, True), (1001, True), (1008, False), (4001, False)])
def test_the_brokers_close_code_and_words_are_told(code: int, clean: bool) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(code, "goodbye")

    async def client(url: str) -> None:
        websocket = await NetworkTransport().open_websocket(url, Reads())
        reason = await websocket.wait_closed()
        assert (reason.code, reason.clean) == (code, clean)
        assert "goodbye" in reason.reason

    talk(handler, client)


def test_a_link_that_breaks_has_no_code() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    async def client(url: str) -> None:
        websocket = await NetworkTransport().open_websocket(url, Reads())
        reason = await websocket.wait_closed()
        assert reason.code is None
        assert not reason.clean

    talk(handler, client)


def test_an_oversized_message_ends_the_connection_and_says_so() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * (2**20 + 1))
        await connection.wait_closed()

    async def client(url: str) -> None:
        reads = Reads()
        websocket = await NetworkTransport().open_websocket(url, reads)
        reason = await websocket.wait_closed()
        assert not reason.clean
        assert reads.messages == []

    talk(handler, client)


def test_nobody_there_is_one_clear_error() -> None:
    async def client() -> None:
        async with serve(lambda connection: connection.close(), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
        transport = NetworkTransport()
        with pytest.raises(ConnectionFailedError, match=f"127.0.0.1:{port}"):
            await transport.open_websocket(f"ws://127.0.0.1:{port}/", Reads())
        with pytest.raises(ConnectionFailedError, match=f"127.0.0.1:{port}"):
            await transport.request("POST", f"http://127.0.0.1:{port}/")
        with pytest.raises(ConnectionFailedError):
            await transport.request("GET", "not an address")
        await transport.aclose()

    asyncio.run(client())


def test_a_server_that_is_no_websocket_is_one_clear_error() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    async def client() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(HandshakeRefusedError, match="502") as refused:
                await NetworkTransport().open_websocket(f"ws://127.0.0.1:{port}/", Reads())
            assert refused.value.status == 502
            transport = NetworkTransport()
            answered = await transport.request("GET", f"http://127.0.0.1:{port}/")
            assert (answered.status, answered.body) == (502, b"<html>")
            await transport.aclose()

    asyncio.run(client())


def test_loopback_is_told_from_the_world() -> None:
    assert is_loopback("http://127.0.0.1:8000/x")
    assert is_loopback("ws://localhost/x")
    assert not is_loopback("wss://api.shoonya.com/NorenWSAPI/")
    assert not is_loopback("http://127.0.0.1.example.com/")


def test_a_ping_is_answered_and_tells_the_round_trip() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def client(url: str) -> None:
        websocket = await NetworkTransport().open_websocket(url, Reads())
        assert websocket.last_pong_s is None
        websocket.ping()
        websocket.ping()
        async with asyncio.timeout(5):
            while websocket.last_pong_s is None:  # noqa: ASYNC110 - nothing tells of a pong
                await asyncio.sleep(0.001)
        assert websocket.round_trip_s is not None
        assert 0 < websocket.round_trip_s < 5
        await websocket.close()
        websocket.ping()

    talk(handler, client)


def test_a_server_that_answers_no_ping_is_left_alone_by_the_transport() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await asyncio.sleep(0.2)
        await connection.send("still here")
        connection.transport.resume_reading()
        await connection.wait_closed()

    async def client(url: str) -> None:
        reads = Reads()
        websocket = await NetworkTransport().open_websocket(url, reads)
        for _ in range(40):
            websocket.ping()
        await reads.until(1)
        await websocket.close()

    talk(handler, client)


def test_the_end_is_told_before_a_slow_closing_handshake_is_over() -> None:
    closed_at: list[float] = []

    async def handler(connection: ServerConnection) -> None:
        # A close frame by hand, and then nothing: the TCP connection stays open.
        connection.transport.write(b"\x88\x02\x03\xf3")
        await asyncio.sleep(1.0)

    async def client(url: str) -> None:
        loop = asyncio.get_running_loop()
        websocket = await NetworkTransport().open_websocket(url, Reads())
        started = loop.time()
        reason = await websocket.wait_closed()
        closed_at.append(loop.time() - started)
        assert reason.code == 1011
        websocket.abort()
        websocket.abort()

    talk(handler, client)
    assert closed_at[0] < 0.9


def test_a_connection_that_is_dropped_ends_at_once_and_the_server_sees_it() -> None:
    gone = asyncio.Event()
    seen: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append(connection.close_code)
        gone.set()

    async def client(url: str) -> None:
        websocket = await NetworkTransport().open_websocket(url, Reads())
        websocket.abort()
        reason = await websocket.wait_closed()
        assert reason.code is None
        assert not reason.clean
        async with asyncio.timeout(5):
            await gone.wait()

    talk(handler, client)
    assert seen == [1006]


def test_what_gathers_is_read_after_a_moment_though_nothing_follows_it() -> None:
    async def handler(connection: ServerConnection) -> None:
        for burst in range(6):
            connection.transport.write(Frame(Opcode.TEXT, b"x").serialize(mask=False) * 500)
            await asyncio.sleep(0.15 if burst < 5 else 0)
        await connection.send("last")
        await connection.wait_closed()

    async def client(url: str) -> None:
        reads = Reads()
        websocket = await open_websocket(url, reads, open_timeout_s=10.0, gather_s=0.05)
        await reads.until(3_001)
        assert reads.messages[-1] == b"last"
        await websocket.close()
        assert (await websocket.wait_closed()).clean

    talk(handler, client)


@pytest.mark.parametrize("gather_s", [0.0, 0.02])
def test_over_tls_messages_come_whole_and_in_order_whether_reads_gather_or_not(
    gather_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS records end anywhere within frames, and what is decrypted waits apart from the socket."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    chance = random.Random(4)
    payloads = [b"%d " % number + b"x" * chance.randrange(300) for number in range(4_000)]
    payloads += [b"y" * 70_000, b"z"]
    stream = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in payloads)

    async def handler(connection: ServerConnection) -> None:
        place = 0
        while place < len(stream):
            size = chance.choice((1, 100, 1_000, 20_000))
            connection.transport.write(stream[place : place + size])
            place += size
            await asyncio.sleep(chance.choice((0, 0.001)))
        await connection.wait_closed()

    async def client() -> None:
        async with serve(handler, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            reads = Reads()
            url = f"wss://127.0.0.1:{port}/"
            websocket = await open_websocket(url, reads, open_timeout_s=10.0, gather_s=gather_s)
            await reads.until(len(payloads))
            assert reads.messages == payloads
            await websocket.close()

    asyncio.run(client())
