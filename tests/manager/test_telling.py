from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from dualbroker.brokers.base import Broker
from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.manager.mapping import InstrumentMapping
from dualbroker.manager.telling import Teller, Told
from dualbroker.model import FeedType, InstrumentKey, QuoteBatch

SHARE, OPTION = ("NSE", "22"), ("NFO", "22")


class SlowBroker:
    """Takes a second for each thing that it is told."""

    name = "slow"

    def __init__(self) -> None:
        self.streamed: dict[InstrumentKey, FeedType] = {}

    def set_quote_callback(self, callback: object) -> None:
        pass

    async def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        self.streamed.update(dict.fromkeys(keys, feed_type))
        await asyncio.sleep(1)

    async def unsubscribe(self, keys: Sequence[InstrumentKey]) -> None:
        for key in keys:
            self.streamed.pop(key, None)
        await asyncio.sleep(1)


class SameKeys:
    def key_at(self, broker: Broker, key: InstrumentKey) -> InstrumentKey:
        return key


def no_quotes(batch: QuoteBatch) -> None:
    raise AssertionError(batch)


def test_an_unsubscription_does_not_overtake_the_subscription_that_it_ends() -> None:
    async def story() -> dict[InstrumentKey, FeedType]:
        broker = SlowBroker()
        brokers = {"slow": cast(Broker, broker)}
        tasks: list[asyncio.Task[None]] = []
        teller = Teller(
            brokers,
            cast(InstrumentMapping, SameKeys()),
            no_quotes,
            lambda work: tasks.append(asyncio.ensure_future(work)),
        )
        told = Told()
        told.to_subscribe("slow", FeedType.TOUCHLINE, SHARE)
        told.to_subscribe("slow", FeedType.DEPTH, OPTION)
        teller.tell(told)
        await asyncio.sleep(0.5)
        gone = Told()
        gone.to_unsubscribe("slow", SHARE)
        gone.to_unsubscribe("slow", OPTION)
        teller.tell(gone)
        await asyncio.gather(*tasks)
        return broker.streamed

    assert run_in_virtual_time(story()) == {}
