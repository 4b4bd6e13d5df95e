"""A broker reduced to its socket: answers a login, then writes frames at the pace that is asked for.

A process of its own, so that no client's figures hold any of its work. All frames are built before
anybody connects; every client gets the same bytes. It prints its ports as one line of JSON and ends
when its standard input is closed.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import ssl
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tick_frames import build_snapshot, build_ticks, websocket_frame
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.utils import accept_key

START_PATH = "/Start"
"""Anyone who posts here wants so many ticks now, at a rate or in bursts; until then the line is silent."""
SENT_PATH = "/Sent"
"""Anyone who asks here learns how many ticks were written when."""
BETWEEN_BURSTS_S = 0.2
FRAMES_PER_WRITE = 2_000
"""About 200 kB; pings are answered between two writes, where a frame has ended."""
REST_ANSWERS = {
    "/QuickAuth": {"stat": "Ok", "susertoken": "benchmark", "actid": "BENCH01"},
    "/OrderBook": {"stat": "Not_Ok", "emsg": "no data"},
    START_PATH: {"stat": "Ok"},
}
MARKER = {
    "t": "om",
    "norenordno": "1",
    "actid": "BENCH01",
    "exch": "NFO",
    "tsym": "MARKER",
    "trantype": "B",
    "qty": "75",
    "prc": "1.00",
    "status": "COMPLETE",
    "reporttype": "Fill",
}
"""An order update tells a client that all ticks were written: it costs nobody anything per tick."""


class Ticks:
    """The frames, and how they were asked for; the same for anyone who serves them."""

    def __init__(self, frames: list[bytes]) -> None:
        self.frames = frames
        self.count = 0
        self.rate = 0.0
        """Ticks per second; 0 is as fast as the socket takes them."""
        self.burst = 0
        """Ticks that are written at once, with pauses between; 0: not in bursts."""
        self.sent: list[tuple[int, int]] = []
        """With each write: the ticks written by then, and when it began (monotonic ns)."""
        self.marker = websocket_frame(json.dumps(MARKER).encode("ascii"))
        self.started = threading.Event()

    def start(self, query: dict[str, list[str]]) -> None:
        """Let the ticks begin."""
        self.count, self.burst = int(query["ticks"][0]), int(query["burst"][0])
        self.rate = float(query["rate"][0])
        if not 0 < self.count <= len(self.frames):
            raise ValueError(f"expected 1 to {len(self.frames)} ticks, found {self.count}")
        self.sent = []
        self.started.set()


class Source(ThreadingHTTPServer):
    """Serves them, encrypted where a context is given, as real brokers do."""

    daemon_threads = True

    def __init__(self, ticks: Ticks, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.ticks = ticks
        self._context = context

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that ends without a goodbye is no fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._context is not None:
            # The handshake is done in the thread of that connection, with the first read.
            connection = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address


class Connection(BaseHTTPRequestHandler):
    """One connection: a REST call, or a WebSocket until it is closed."""

    server: Source
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Standard error is left to what goes wrong."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        self._answer_rest(REST_ANSWERS.get(url.path, {"stat": "Not_Ok", "emsg": "unknown call"}))
        if url.path == START_PATH:
            self.server.ticks.start(parse_qs(url.query))

    def _answer_rest(self, answer: Any) -> None:
        body = json.dumps(answer).encode("ascii")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == SENT_PATH:
            self._answer_rest(self.server.ticks.sent)
            return
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._serve_websocket()
        except ConnectionError:
            return

    def _serve_websocket(self) -> None:
        self.protocol = Protocol(Side.SERVER, state=State.OPEN)
        ticks = self.server.ticks
        ticks.started.clear()
        while not ticks.started.is_set():
            self._read_client(wait_s=0.01)
        if ticks.rate:
            self._write_paced()
        elif ticks.burst:
            self._write_bursts()
        else:
            self._write_saturated()
        self.connection.sendall(ticks.marker)
        while self.protocol.state is State.OPEN:
            self._read_client(wait_s=0.1)

    def _write(self, start: int, end: int) -> None:
        content = b"".join(self.server.ticks.frames[start:end])
        self.server.ticks.sent.append((end, time.monotonic_ns()))
        self.connection.sendall(content)

    def _write_saturated(self) -> None:
        ticks = self.server.ticks.count
        for start in range(0, ticks, FRAMES_PER_WRITE):
            self._write(start, min(ticks, start + FRAMES_PER_WRITE))
            self._read_client(wait_s=0.0)

    def _write_bursts(self) -> None:
        ticks, size = self.server.ticks.count, self.server.ticks.burst
        for start in range(0, ticks, size):
            self._read_client(wait_s=0.0)
            time.sleep(BETWEEN_BURSTS_S)
            self._write(start, min(ticks, start + size))

    def _write_paced(self) -> None:
        ticks, rate = self.server.ticks.count, self.server.ticks.rate
        began = time.perf_counter()
        sent = 0
        while sent < ticks:
            due = min(ticks, int((time.perf_counter() - began) * rate))
            if due > sent:
                self._write(sent, due)
                sent = due
            self._read_client(wait_s=0.0)
            time.sleep(max(0.0, began + (sent + 1) / rate - time.perf_counter()))

    def _read_client(self, *, wait_s: float) -> None:
        connection = self.connection
        is_decrypted = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        if not is_decrypted and not select.select([connection], [], [], wait_s)[0]:
            return
        data = self.connection.recv(65_536)
        if not data:
            raise ConnectionAbortedError("the client is gone")
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._answer(json.loads(bytes(event.data)))
        for reply in self.protocol.data_to_send():
            if reply:
                self.connection.sendall(reply)

    def _answer(self, message: dict[str, str]) -> None:
        kind = message["t"]
        if kind in ("c", "a"):
            answer = json.dumps({"t": f"{kind}k", "uid": message["uid"], "s": "OK"})
            self.connection.sendall(websocket_frame(answer.encode("ascii")))
        elif kind == "t":
            snapshots = (build_snapshot(key.partition("|")[2]) for key in message["k"].split("#"))
            self.connection.sendall(b"".join(map(websocket_frame, snapshots)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, required=True)
    parser.add_argument("--instruments", type=int, required=True)
    arguments = parser.parse_args()
    frames = [websocket_frame(payload) for payload in build_ticks(arguments.ticks, arguments.instruments)]
    sizes = [len(frame) for frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        ticks = Ticks(frames)
        sources = [Source(ticks)]
        authority = Path(folder) / "authority.pem"
        if (context := tls_context(authority)) is not None:
            sources.append(Source(ticks, context))
        greeting = {
            "port": sources[0].server_address[1],
            "tls": {"port": sources[1].server_address[1], "authority": str(authority)} if context else None,
            "frame_bytes": {"min": min(sizes), "mean": sum(sizes) / len(sizes), "max": max(sizes)},
        }
        print(json.dumps(greeting), flush=True)
        for source in sources:
            threading.Thread(target=source.serve_forever, daemon=True).start()
        sys.stdin.read()


def tls_context(authority: Path) -> ssl.SSLContext | None:
    """With a certificate of this machine's; whoever made it goes into a file. None without `trustme`."""
    try:
        import trustme
    except ImportError:
        return None
    made = trustme.CA()
    made.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    return context


if __name__ == "__main__":
    main()
