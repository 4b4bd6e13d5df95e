from __future__ import annotations

import asyncio
from typing import cast

from dualbroker.brokers.noren.wire import NorenWire
from dualbroker.brokers.session.subscriptions import Subscriptions
from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.model import FeedType
from dualbroker.noren.dialects import SHOONYA
from dualbroker.stores.health import BrokerHealth
from dualbroker.transport.base import WebSocket

KEY = ("NSE", "22")


class DeafSocket:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, text: str) -> int:
        self.sent.append(text)
        return len(text)


def test_what_is_asked_for_anew_counts_as_acknowledged_only_once_it_is_answered_anew() -> None:
    async def story() -> None:
        health = BrokerHealth(broker_name="a", broker_type="simulated", account="", simulated=True)
        subscriptions = Subscriptions(NorenWire(SHOONYA), health)
        socket = DeafSocket()
        subscriptions.use_socket(cast(WebSocket, socket))
        await subscriptions.subscribe([KEY], FeedType.TOUCHLINE)
        subscriptions.note_acknowledged(KEY)
        assert health.acknowledged == 1
        await asyncio.sleep(60)
        assert subscriptions.unacknowledged(5.0) == []
        await subscriptions.refresh()
        assert len(socket.sent) == 2
        assert health.acknowledged == 0
        assert subscriptions.unacknowledged(5.0) == []
        await asyncio.sleep(6)
        assert subscriptions.unacknowledged(5.0) == [KEY]
        subscriptions.note_acknowledged(KEY)
        assert subscriptions.unacknowledged(5.0) == []

    run_in_virtual_time(story())


def test_a_wait_that_is_cancelled_as_the_answer_comes_stays_cancelled() -> None:
    async def story() -> None:
        health = BrokerHealth(broker_name="a", broker_type="simulated", account="", simulated=True)
        subscriptions = Subscriptions(NorenWire(SHOONYA), health)
        subscriptions.use_socket(cast(WebSocket, DeafSocket()))
        await subscriptions.subscribe([KEY], FeedType.TOUCHLINE)

        async def wait_and_go_on() -> None:
            await subscriptions.wait_acknowledged([KEY], 5.0)
            await asyncio.Event().wait()

        waiting = asyncio.create_task(wait_and_go_on())
        await asyncio.sleep(1)
        subscriptions.note_acknowledged(KEY)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=60)
        assert waiting.cancelled()

    run_in_virtual_time(story())
