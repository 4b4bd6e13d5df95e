"""How commands reach brokers: in order, and only on the connection that they were meant for. Virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from dualbroker.brokers.base import Broker
from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.clock import SystemClock
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, InstrumentKind, QuoteBatch
from dualbroker.routing.driver import Routing
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import IncidentStore
from dualbroker.stores.quotes import QuoteStore

SHARE, OTHER = (
    Instrument(exchange="NSE", token=token, symbol=f"S{token}-EQ", name="S", kind=InstrumentKind.EQUITY)
    for token in ("22", "23")
)


class SlowBroker:
    """Takes a second for each thing that it is sent, and keeps nothing over a reconnect."""

    name = "slow"
    config = SimpleNamespace(orders="stream", max_subscriptions=None)
    max_subscriptions = None
    can_probe = False

    def __init__(self) -> None:
        self.streamed: dict[InstrumentKey, FeedType] = {}
        self.calls: list[str] = []

    def set_quote_callback(self, callback: object) -> None:
        pass

    def unacknowledged(self, for_s: float) -> list[InstrumentKey]:
        return []

    async def wait_acknowledged(self, keys: object, timeout_s: float) -> set[InstrumentKey]:
        return set()

    async def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        self.calls.append(f"subscribe {len(keys)} {feed_type.value}")
        self.streamed.update(dict.fromkeys(keys, feed_type))
        await asyncio.sleep(1)

    async def unsubscribe(self, keys: Sequence[InstrumentKey]) -> None:
        self.calls.append(f"unsubscribe {len(keys)}")
        for key in keys:
            self.streamed.pop(key, None)
        await asyncio.sleep(1)


def no_quotes(batch: QuoteBatch) -> None:
    raise AssertionError(batch)


def play(story: Callable[[Routing, SlowBroker], Awaitable[None]]) -> SlowBroker:
    async def run() -> SlowBroker:
        broker = SlowBroker()
        health = BrokerHealth(broker_name="slow", broker_type="test", account="", simulated=True)
        tasks: list[asyncio.Task[None]] = []
        routing = Routing(
            brokers={"slow": cast(Broker, broker)},
            health={"slow": health},
            quotes=QuoteStore(),
            incidents=IncidentStore(),
            market_hours=MarketHours.always(),
            clock=SystemClock(),
            wall_clock=SystemClock(),
            on_quotes=no_quotes,
            on_probes=no_quotes,
            spawn=lambda work: tasks.append(asyncio.ensure_future(cast(Any, work))),
            preferred=None,
        )
        routing.add_broker(cast(Broker, broker))
        routing.machine.standing.primary = "slow"
        health.state = BrokerState.LIVE
        routing.on_connected("slow")
        await story(routing, broker)
        await asyncio.gather(*tasks)
        return broker

    return run_in_virtual_time(run())


def test_an_unsubscription_does_not_overtake_the_subscription_that_it_ends() -> None:
    async def story(routing: Routing, broker: SlowBroker) -> None:
        await routing.hold("one", [SHARE], FeedType.TOUCHLINE)
        await routing.hold("one", [OTHER], FeedType.DEPTH)
        routing.release("one")

    broker = play(story)
    assert broker.streamed == {}
    assert broker.calls == ["subscribe 1 touchline", "subscribe 1 depth", "unsubscribe 2"]


def test_what_was_meant_for_a_connection_that_is_gone_is_not_sent_on_the_next_one() -> None:
    async def story(routing: Routing, broker: SlowBroker) -> None:
        await routing.hold("one", [SHARE], FeedType.TOUCHLINE)
        await routing.hold("two", [SHARE, OTHER], FeedType.DEPTH)
        routing.release("one")
        routing.on_down("slow", "reset")
        broker.streamed.clear()
        routing.release("two", [OTHER])
        broker.calls.clear()
        routing.on_connected("slow")

    broker = play(story)
    assert broker.streamed == {SHARE.key: FeedType.DEPTH}
    assert broker.calls == ["subscribe 1 depth"]


def test_a_broker_that_says_twice_that_it_is_up_is_sent_everything_once() -> None:
    async def story(routing: Routing, broker: SlowBroker) -> None:
        await routing.hold("one", [SHARE], FeedType.TOUCHLINE)
        await routing.hold("one", [OTHER], FeedType.DEPTH)
        routing.on_connected("slow")

    broker = play(story)
    assert broker.calls == ["subscribe 1 touchline", "subscribe 1 depth"]


def test_a_broker_that_is_parked_is_noted_once_with_what_follows() -> None:
    async def story(routing: Routing, broker: SlowBroker) -> None:
        await routing.hold("one", [SHARE], FeedType.TOUCHLINE)
        routing.health["slow"].state = BrokerState.PARKED
        routing.on_down("slow", "refused")
        [incident] = routing.incidents.incidents_snapshot()
        assert (incident.broker_name, incident.cause) == ("slow", "refused")
        assert incident.action.endswith("it is parked until a person does something")

    play(story)
