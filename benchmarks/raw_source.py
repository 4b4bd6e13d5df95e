"""A broker reduced to its socket: answers a login, then writes frames as fast as they are taken.

A process of its own, so that no client's figures hold any of its work. All frames are built before
anybody connects; every client gets the same bytes. It prints its port as one line of JSON and ends
when its standard input is closed.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tick_frames import build_snapshot, build_ticks, websocket_frame
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.utils import accept_key

START_PATH = "/Start"
"""Whoever posts here wants the ticks now; until then the line is silent."""
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


class Source(ThreadingHTTPServer):
    """Holds the frames, and who waits for them."""

    daemon_threads = True

    def __init__(self, ticks: int, instruments: int, rate: float) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.rate = rate
        """Ticks per second; 0 is as fast as the socket takes them."""
        self.frames = [websocket_frame(payload) for payload in build_ticks(ticks, instruments)]
        self.writes = [
            b"".join(self.frames[start : start + FRAMES_PER_WRITE])
            for start in range(0, ticks, FRAMES_PER_WRITE)
        ]
        self.marker = websocket_frame(json.dumps(MARKER).encode("ascii"))
        self.started = threading.Event()


class Connection(BaseHTTPRequestHandler):
    """One connection: a REST call, or a WebSocket until it is closed."""

    server: Source
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Standard error is left to what goes wrong."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = REST_ANSWERS.get(self.path, {"stat": "Not_Ok", "emsg": "unknown call"})
        body = json.dumps(answer).encode("ascii")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.path == START_PATH:
            self.server.started.set()

    def do_GET(self) -> None:
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
        self.server.started.clear()
        while not self.server.started.is_set():
            self._read_client(wait_s=0.01)
        if self.server.rate:
            self._write_paced()
        else:
            self._write_saturated()
        self.connection.sendall(self.server.marker)
        while self.protocol.state is State.OPEN:
            self._read_client(wait_s=0.1)

    def _write_saturated(self) -> None:
        for content in self.server.writes:
            self.connection.sendall(content)
            self._read_client(wait_s=0.0)

    def _write_paced(self) -> None:
        frames, rate = self.server.frames, self.server.rate
        began = time.perf_counter()
        sent = 0
        while sent < len(frames):
            due = min(len(frames), int((time.perf_counter() - began) * rate))
            if due > sent:
                self.connection.sendall(b"".join(frames[sent:due]))
                sent = due
            self._read_client(wait_s=0.0)
            time.sleep(max(0.0, began + (sent + 1) / rate - time.perf_counter()))

    def _read_client(self, *, wait_s: float) -> None:
        if not select.select([self.connection], [], [], wait_s)[0]:
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
    parser.add_argument("--rate", type=float, default=0.0, help="ticks per second; 0 is as fast as possible")
    arguments = parser.parse_args()
    source = Source(arguments.ticks, arguments.instruments, arguments.rate)
    sizes = [len(frame) for frame in source.frames]
    greeting = {
        "port": source.server_address[1],
        "frame_bytes": {"min": min(sizes), "mean": sum(sizes) / len(sizes), "max": max(sizes)},
    }
    print(json.dumps(greeting), flush=True)
    threading.Thread(target=source.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
