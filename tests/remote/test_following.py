"""A remote manager's stores equal the service's, whatever happens to the link; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dualbroker.errors import ConnectionFailedError, UnknownInstrumentError
from dualbroker.manager import WebSocketManager
from dualbroker.manager.source import FeedSource
from dualbroker.model import MessageKind
from dualbroker.remote import RemoteManager
from dualbroker.remote.link import Link
from dualbroker.service.streams.clients import GRACE_S
from dualbroker.service.streams.hub import hub_of
from dualbroker.stores.health import BrokerState
from dualbroker.stores.orders import OrderEvent
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.problems import feed_problems
from dualbroker.view.state import view_state
from tests.remote.world import Network, attached
from tests.service.world import Served, served
from tests.simulated import World, eventually, run_world

Story = Callable[[Served, World, Network], Awaitable[None]]
SETTINGS: dict[str, Any] = {
    "subscribe": ["NIFTY", "BANKNIFTY", {"underlying": "NIFTY", "strikes": 10}],
    "orders_per_minute": 300,
}


def play(story: Story, **settings: Any) -> None:
    async def told(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            await story(service, world, Network(service))

    run_world(told, **{**SETTINGS, **settings})


def rows_of(store: QuoteStore, first: int) -> list[bytes]:
    """Everything that the store knows of its rows from a number on."""
    return [
        part
        for block, start, stop in store.rows_since(first)
        for part in (
            block.published()[start:stop].tobytes(),
            block.published_instruments()[start:stop].tobytes(),
            bytes(block.brokers[start:stop]),
            bytes(block.snapshots[start:stop]),
        )
    ]


def require_equal(client: RemoteManager, manager: WebSocketManager) -> None:
    """All that a feed reads is the same."""
    ours, theirs = client.quotes, manager.quotes
    assert ours.total_rows == theirs.total_rows
    assert ours.first_row >= theirs.first_row
    assert b"".join(rows_of(ours, ours.first_row)) == b"".join(rows_of(theirs, ours.first_row))
    assert ours.instruments == theirs.instruments
    assert ours.broker_names == theirs.broker_names
    assert ours.sources() == theirs.sources()
    assert (ours.tick_count, ours.snapshot_count) == (theirs.tick_count, theirs.snapshot_count)
    latest: Any = zip(ours.latest(), theirs.latest(), strict=True)
    for mine, other in latest:
        assert mine.tobytes() == other.tobytes()
    for index in range(len(theirs.instruments)):
        assert ours.depth(index) == theirs.depth(index)
        assert ours.last_price(index) == theirs.last_price(index)
    assert client.orders.events_snapshot() == manager.orders.events_snapshot()
    assert client.orders.states == manager.orders.states
    assert client.orders.dropped_events == manager.orders.dropped_events
    assert client.wanted() == manager.wanted()
    for key in manager.wanted():
        assert client.source_of(key) == manager.source_of(key)
        assert client.why_source(key) == manager.why_source(key)
    assert client.bandwidth.history() == manager.bandwidth.history()
    assert client.incidents.failovers_snapshot() == manager.incidents.failovers_snapshot()
    assert client.all_health() == manager.all_health()
    assert (client.primary, client.preferred) == (manager.primary, manager.preferred)
    assert client.streaming_brokers() == manager.streaming_brokers()
    now_ns = manager.clock.now_ns()
    ours_shown, theirs_shown = view_state(client, now_ns), view_state(manager, now_ns)
    # A client notes what happens to its own link as well.
    del ours_shown["incidents"], theirs_shown["incidents"]
    assert ours_shown == theirs_shown


async def quiet(service: Served) -> None:
    """Let the market stand still, and all that is on its way arrive."""
    await service.manager.stop()
    await asyncio.sleep(2)


def test_it_has_the_day_so_far_and_then_every_tick_and_order() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        await asyncio.sleep(30)
        async with attached(network) as client:
            assert client.quotes.total_rows >= 100
            assert client.quotes.first_row == 0
            assert client.orders.event_count > 20
            events: list[OrderEvent] = []
            batches = 0

            def count() -> None:
                nonlocal batches
                batches += 1

            client.order_listeners.append(events.append)
            client.quote_listeners.append(count)
            known = client.orders.event_count
            await client.subscribe(["NSE:RELIANCE-EQ"], depth=True)
            assert client.quotes.instruments[-1].symbol == "RELIANCE-EQ"
            assert client.quotes.depth(len(client.quotes.instruments) - 1) is not None
            await asyncio.sleep(20)
            world.drop("broker1")
            await asyncio.sleep(30)
            assert client.primary == "broker2"
            await client.reconcile()
            await quiet(service)
            require_equal(client, service.manager)
            assert client.incidents.incidents_snapshot() == service.manager.incidents.incidents_snapshot()
            assert batches > 50
            assert [event.sequence for event in events] == list(
                range(known + 1, service.manager.orders.event_count + 1)
            )

    play(story)


def test_after_a_lost_link_it_goes_on_where_it_was_and_nothing_is_missing_or_twice() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        async with attached(network) as client:
            store, ledger = client.quotes, client.orders
            sequences: list[int] = []
            client.order_listeners.append(lambda event: sequences.append(event.sequence))
            known = ledger.event_count
            await client.subscribe(["NSE:RELIANCE-EQ"])
            for _ in range(3):
                await asyncio.sleep(10)
                await network.cut()
                await eventually(lambda: not client.is_attached, 2)
                assert not client.serves("broker1")
                assert client.health["broker1"].state is BrokerState.RECONNECTING
                assert "out of reach (the connection broke)" in feed_problems(client)[0]
                before_ns = client.as_of_ns()
                with pytest.raises(ConnectionFailedError, match="joined again by itself"):
                    await client.subscribe(["NSE:TCS-EQ"])
                assert client.as_of_ns() == before_ns
                await eventually(lambda: client.is_attached, 10)
            await asyncio.sleep(5)
            assert (client.quotes, client.orders) == (store, ledger), "the same stores, carried on"
            causes = [incident.cause for incident in client.incidents.incidents_snapshot()]
            assert sum("was lost" in cause for cause in causes) == 3
            assert sum("was joined again" in cause for cause in causes) == 3
            await quiet(service)
            require_equal(client, service.manager)
            assert sequences == list(range(known + 1, ledger.event_count + 1))

    play(story)


@pytest.mark.slow
def test_after_a_night_asleep_it_has_what_it_held_again() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        async with attached(network) as client:
            await client.subscribe(["NSE:RELIANCE-EQ"], depth=True)
            [key] = [key for key in client.wanted() if "RELIANCE" in _symbol(client, key)]
            network.service = None
            await network.cut()
            await asyncio.sleep(GRACE_S + 10)
            assert key not in service.manager.wanted(), "a client that is gone for long lets go"
            network.service = service
            await eventually(lambda: client.is_attached, 20)
            await eventually(lambda: key in service.manager.wanted(), 10)
            await quiet(service)
            require_equal(client, service.manager)

    play(story)


def test_it_joins_again_whatever_the_failure_was(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        async def fail(address: str, token: str | None) -> Link:
            raise failures.pop()

        failures: list[Exception] = [ValueError("Unknown scheme for proxy URL"), ImportError("socksio")]
        async with attached(network) as client:
            monkeypatch.setattr(
                client,
                "_open_link",
                lambda *given: fail(*given) if failures else network.open_link(*given),
            )
            await network.cut()
            await eventually(lambda: not failures and client.is_attached, 20)

    play(story)


def _symbol(source: FeedSource, key: tuple[str, str]) -> str:
    index = source.quotes.index_of(key)
    return "" if index is None else source.quotes.instruments[index].symbol


def test_a_service_that_has_started_anew_is_followed_from_its_start_and_that_is_said() -> None:
    async def told(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            network = Network(service)
            client = network.client()
            await client.start()
            await client.subscribe(["NSE:RELIANCE-EQ"])
            old = client.quotes
            network.service = None
            await network.cut()
        async with served(world) as service:
            await service.wait_until_it_works()
            network.service = service
            await eventually(lambda: client.is_attached, 20)
            assert client.quotes is not old
            [said] = [each for each in client.incidents.incidents_snapshot() if "has restarted" in each.cause]
            assert "ticks begin with its start" in said.action
            [lost] = [each for each in client.incidents.incidents_snapshot() if "was lost" in each.cause]
            assert lost.time_ns <= said.time_ns
            assert lost.action == "it is joined again by itself"
            await eventually(
                lambda: any("RELIANCE" in _symbol(client, key) for key in service.manager.wanted())
            )
            await asyncio.sleep(5)
            await quiet(service)
            require_equal(client, service.manager)
            await client.stop()

    run_world(told, **SETTINGS)


def test_rows_that_the_service_no_longer_keeps_are_left_out_and_the_rest_is_equal() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        await asyncio.sleep(30)
        assert service.manager.quotes.first_row > 0
        async with attached(network) as client:
            network.service = None
            await network.cut()
            await asyncio.sleep(60)
            network.service = service
            await eventually(lambda: client.is_attached, 20)
            await asyncio.sleep(3)
            await quiet(service)
            require_equal(client, service.manager)
            assert client.quotes.first_row == service.manager.quotes.first_row

    play(story, ticks={"max_rows": 60}, order_events={"max_rows": 100})


def test_a_client_that_leaves_lets_go_of_its_own_at_once_and_of_nobody_elses() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        wanted = set(service.manager.wanted())
        async with attached(network) as first:
            async with attached(network) as second:
                await first.subscribe(["NIFTY", "NSE:RELIANCE-EQ"])
                await second.subscribe(["NSE:RELIANCE-EQ", "NSE:TCS-EQ"], holder="chain 1")
                assert len(service.manager.wanted()) == len(wanted) + 2
            await eventually(lambda: len(service.manager.wanted()) == len(wanted) + 1, 2)
        assert {health.words for health in first.health.values()} == {"closed"}, "nothing is called live"
        await eventually(lambda: set(service.manager.wanted()) == wanted, 2)

    play(story)


@pytest.mark.slow
def test_the_brokers_carry_the_same_for_one_client_and_for_twenty() -> None:
    carried: list[dict[str, tuple[int, int]]] = []

    def run(clients: int) -> None:
        async def story(service: Served, world: World, network: Network) -> None:
            begun_s = asyncio.get_running_loop().time()
            together = [network.client() for _ in range(clients)]
            for client in together:
                await client.start()
                await client.subscribe(["NIFTY", "NSE:RELIANCE-EQ"])
            await asyncio.sleep(20 - (asyncio.get_running_loop().time() - begun_s))
            totals = service.manager.bandwidth.totals()
            carried.append(
                {
                    name: (kinds[MessageKind.QUOTES].messages, kinds[MessageKind.QUOTES].bytes)
                    for name, kinds in totals.items()
                }
            )
            assert totals["broker1"][MessageKind.QUOTES].messages > 50
            assert totals["broker2"][MessageKind.QUOTES].messages == 0
            for client in together:
                assert client.quotes.total_rows > service.manager.quotes.total_rows - 10
                await client.stop()

        play(story)

    run(1)
    run(20)
    assert carried[0] == carried[1]


def test_errors_are_of_the_same_class_and_words() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        async with attached(network) as client:
            for source in (client, service.manager):
                with pytest.raises(UnknownInstrumentError, match="no instrument 'RELIANC-EQ'") as caught:
                    await source.subscribe(["NSE:RELIANC-EQ"])
                assert "NSE:RELIANCE-EQ" in caught.value.matches
                with pytest.raises(UnknownInstrumentError, match="knows NSE token 1"):
                    await source.known_instruments([("NSE", "1")])

    play(story)


def test_twins_of_registry_and_hub_end_with_their_clients() -> None:
    async def story(service: Served, world: World, network: Network) -> None:
        hub = hub_of(service.app.state)
        async with attached(network):
            assert len(hub.registry.attached()) == 1
            [row] = hub.registry.rows()
            assert row["form"] == "msgpack"
            assert row["sent_messages"] > 0
        await eventually(lambda: not hub.registry.attached(), 2)
        assert hub.registry.totals()["sent_bytes"] > 0

    play(story)
