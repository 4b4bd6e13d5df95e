"""A real service on a thread of the test's process, through which 10,000 ticks a second flow."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import uvicorn

from dualbroker.config.schema import Config
from dualbroker.manager import WebSocketManager
from dualbroker.model import FeedType, Instrument, InstrumentKind, QuoteBatch
from dualbroker.noren.quotes import TouchlineDelta, TouchlineSnapshot
from dualbroker.service.app import create_app
from dualbroker.service.connections import AbortableWebSocket
from dualbroker.service.server import listen
from dualbroker.service.streams.clients import ClientRegistry
from dualbroker.service.streams.hub import hub_of
from dualbroker.stores.health import BrokerState
from tests.polling import wait_until

__all__ = ["RATE", "RunningService"]

RATE = 10_000
INSTRUMENTS = 500


class BusyMarket(WebSocketManager):
    """A manager without brokers, into which ticks are put at a rate."""

    async def start(self) -> None:
        [health] = self.all_health()
        health.state = BrokerState.LIVE
        self.health[health.broker_name] = health
        self.bandwidth.add_broker(health.broker_name)
        for token in range(INSTRUMENTS):
            instrument = Instrument(
                exchange="NSE",
                token=str(token),
                symbol=f"SHARE{token}-EQ",
                name=f"SHARE{token}",
                kind=InstrumentKind.EQUITY,
            )
            self.quotes.set_source(self.quotes.register(instrument), "broker1")
            self.routing.machine.holders.add("test", [instrument.key], FeedType.TOUCHLINE)
        self._put(
            [TouchlineSnapshot(exchange="NSE", token=str(token), ltp=100.0) for token in range(INSTRUMENTS)]
        )
        self._background.spawn(self._tick())
        self.has_started = True

    def _put(self, updates: list[Any]) -> None:
        self._on_quotes(
            QuoteBatch(broker_name="broker1", receive_time_ns=self.clock.now_ns(), updates=updates)
        )

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        begun_s, sent = loop.time(), 0
        while True:
            await asyncio.sleep(0.005)
            due = int((loop.time() - begun_s) * RATE)
            self._put(
                [
                    TouchlineDelta(
                        exchange="NSE", token=str(number % INSTRUMENTS), ltp=100.0 + number % 50 / 20
                    )
                    for number in range(sent, due)
                ]
            )
            sent = due


class RunningService:
    """A service on a thread of this process."""

    def __init__(self, port: int = 0) -> None:
        config = Config.model_validate({"brokers": {"broker1": {"type": "simulated"}}})
        self.app = create_app(config, make_manager=BusyMarket)
        self._listener = listen("127.0.0.1", port)
        self.port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, log_config=None, access_log=False, ws=AbortableWebSocket)
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    @property
    def registry(self) -> ClientRegistry:
        return hub_of(self.app.state).registry

    @property
    def manager(self) -> WebSocketManager:
        manager: WebSocketManager = self.app.state.manager
        return manager

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
