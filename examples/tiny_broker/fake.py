"""The other end of the tiny broker, for tests: it quotes two shares and remembers orders."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from dualbroker.model import InstrumentKey
from dualbroker.testing import MemoryPeer, MemorySocket, MemoryTransport, Stand
from dualbroker.transport.base import Response
from tiny_broker import TICK

PASSWORD = "open sesame"
MASTER = """Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize
NSE,22,1,ACC,ACC-EQ,EQ,0.05
NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.05
"""


class TinyFake(MemoryPeer):
    """Knows one login."""

    def __init__(self) -> None:
        self.token = "token0"
        self.logins = 0
        self.refuses_logins = self.fails = False
        self.orders: list[dict[str, Any]] = []
        self.volume = 1
        self.streams: dict[MemorySocket, set[str]] = {}

    def request(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        path, values = url.rpartition("/")[2], json.loads(body or b"{}")
        if path == "NSE_symbols.txt":
            return Response(200, MASTER.encode())
        if path == "login":
            self.logins += 1
            if self.refuses_logins or values["password"] != PASSWORD:
                return Response(401, b"")
            self.token = f"token{self.logins}"
            return self._json({"token": self.token})
        if self.fails:
            return Response(502, b"<html>")
        if headers.get("Token") != self.token:
            return Response(401, b"")
        answers = {"orders": self.orders, "trades": [], "profile": {}, "logout": {}}
        if path == "quote":
            return self._json([int(values["token"]), 118_45, self.volume])
        return self._json(answers[path]) if path in answers else Response(404, b"")

    @staticmethod
    def _json(value: object) -> Response:
        return Response(200, json.dumps(value).encode())

    def accept(self, socket: MemorySocket) -> None:
        pass

    def receive(self, socket: MemorySocket, message: str | bytes) -> None:
        if isinstance(message, str):
            if json.loads(message)["hello"] != self.token:
                socket.say('{"hello": "refused"}')
            else:
                self.streams[socket] = set()
                socket.say('{"hello": "ok"}')
        elif message[:1] == b"H":
            socket.say('{"heartbeat": 1}')
        else:
            tokens = {str(int.from_bytes(message[at : at + 4], "big")) for at in range(1, len(message), 4)}
            if message[:1] == b"U":
                self.streams[socket] -= tokens
                return
            self.streams[socket] |= tokens
            socket.say(b"".join(TICK.pack(b"F", int(token), 118_45, self.volume) for token in tokens))

    def live(self) -> list[MemorySocket]:
        return [socket for socket in self.streams if socket.is_open]

    def tick(self, token: str) -> None:
        self.volume += 1
        for socket in self.live():
            if token in self.streams[socket]:
                socket.say(TICK.pack(b"D", int(token), 118_50, self.volume))

    def place_order(self) -> None:
        order = {"id": f"T{len(self.orders) + 1}", "token": "22", "status": "OPEN", "quantity": 10.0}
        self.orders.append(order)
        for socket in self.live():
            socket.say(json.dumps({"order": order}))


class TinyStand(Stand):
    transport: MemoryTransport
    keys: tuple[InstrumentKey, InstrumentKey] = (("NSE", "22"), ("NSE", "2885"))
    section: Mapping[str, Any] = {"type": "tiny", "user_id": "T00001", "password": PASSWORD}

    def __init__(self) -> None:
        self.fake = TinyFake()
        self.transport = MemoryTransport(self.fake)

    def secrets(self) -> Collection[str]:
        return [PASSWORD, self.fake.token]

    async def bring_quote(self, key: InstrumentKey) -> None:
        self.fake.tick(key[1])

    async def bring_order(self) -> None:
        self.fake.place_order()

    def _end_all(self, code: int) -> None:
        for socket in self.transport.sockets:
            socket.end(code)

    def close_sockets(self) -> None:
        self._end_all(1001)

    def evict(self) -> None:
        self._end_all(4001)

    def send_garbage(self) -> None:
        for socket in self.fake.live():
            socket.say("{", b"\x00\x01", "[1]", "null")

    def end_sessions(self) -> None:
        self.fake.token = "none"
        self._end_all(1001)

    def refuse_logins(self) -> None:
        self.fake.refuses_logins = True

    def fail_reads(self, on: bool) -> None:
        self.fake.fails = on

    def order_ids(self) -> Collection[str]:
        return [order["id"] for order in self.fake.orders]

    def open_sockets(self) -> int:
        return sum(socket.is_open for socket in self.transport.sockets)

    def login_calls(self) -> int:
        return self.fake.logins
