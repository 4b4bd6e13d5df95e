"""A simulated broker with faults, and an open connection to it, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.requests import encode_body
from dualbroker.simulator.drivers.memory import MemoryTransport
from dualbroker.simulator.drivers.memory_websocket import MemoryCloseReason, MemoryWebSocket
from dualbroker.simulator.simulation import Simulation

from .broker_client import ask, log_in, order_fields
from .still_market import StillMarket

SHARE_KEY, OPTION_KEY, INDEX_KEY = ("NSE", "2031"), ("NFO", "2031"), ("NSE", "26000")


class Scene:
    """A broker over a market that stands still, and an open connection that was accepted."""

    def __init__(self, **settings: Any) -> None:
        self.market = StillMarket()
        self.simulation = Simulation(self.market, ["broker1", "broker2"], **settings)
        self.broker = self.simulation.brokers[0]
        self.transport = MemoryTransport(self.simulation)
        self.rest_base, self.url = self.transport.addresses("broker1")
        self.token = log_in(self.broker)
        self.uid = self.broker.accounts[0].uid
        self.raw: list[bytes] = []
        self.websocket: MemoryWebSocket

    def on_read(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        self.raw += messages

    def set(self, **changes: Any) -> None:
        self.simulation.set_faults("broker1", **changes)

    async def connect(self, token: str | None = None, *, open_timeout_s: float = 10.0) -> None:
        self.websocket = await self.transport.open_websocket(
            self.url, self.on_read, open_timeout_s=open_timeout_s
        )
        self.websocket.send(
            frames.hello("a", user_id=self.uid, account_id=self.uid, token=token or self.token)
        )
        await asyncio.sleep(0.1)

    async def subscribe(self, *keys: tuple[str, str], depth: bool = False) -> None:
        feed_type = FeedType.DEPTH if depth else FeedType.TOUCHLINE
        self.websocket.send(frames.subscribe(list(keys), feed_type))
        self.websocket.send(frames.subscribe_orders(self.uid))
        await asyncio.sleep(0.1)

    def heard(self) -> list[dict[str, Any]]:
        """What came since the last look."""
        messages, self.raw = self.raw, []
        return [json.loads(message) for message in messages]

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.heard()]

    async def tick(self, index: int = 0, **changes: float) -> None:
        self.market.change(index, **changes)
        await asyncio.sleep(0.2)

    def place(self, **changes: str) -> str:
        fields = order_fields(**changes)
        return str(ask(self.broker, "PlaceOrder", self.token, actid=self.uid, **fields)["norenordno"])

    async def rest(self, name: str, timeout_s: float = 10.0, **fields: str) -> Any:
        body = encode_body({"uid": self.uid, **fields}, jkey=self.token)
        answer = await self.transport.request("POST", self.rest_base + name, body=body, timeout_s=timeout_s)
        return json.loads(answer.body)

    async def ended(self, within_s: float = 5.0) -> MemoryCloseReason:
        async with asyncio.timeout(within_s):
            return await self.websocket.wait_closed()


def play(story: Callable[[Scene], Awaitable[None]], **settings: Any) -> None:
    async def tell() -> None:
        scene = Scene(**settings)
        await scene.connect()
        await scene.subscribe(SHARE_KEY, INDEX_KEY)
        assert scene.kinds() == ["ak", "tk", "tk", "ok"]
        try:
            await story(scene)
        finally:
            await scene.transport.aclose()

    run_in_virtual_time(tell())
