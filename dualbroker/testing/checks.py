"""What every broker must do, one check each: the contract of ``dualbroker.brokers.base``, seen from outside.

A check raises AssertionError where the broker under test does otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dualbroker.errors import DualBrokerError, LoginRefusedError
from dualbroker.model import FeedType, MessageKind, UpdateSource
from dualbroker.stores.health import BrokerState
from dualbroker.testing.bench import NAME, Bench, eventually

__all__ = ["CHECKS"]


async def orders_flow_without_a_quote_callback(bench: Bench) -> None:
    await bench.start(quotes=False)
    assert bench.health.state is BrokerState.LIVE, f"expected it live, found {bench.health.words}"
    assert bench.connections == 1, "on_connected is called once for each connection"
    await bench.stand.bring_order()
    await eventually(lambda: bool(bench.orders), "an order update")
    names = {update.broker_name for update in bench.orders}
    assert names == {NAME}, f"orders carry their broker's name, found {names}"
    sources = {update.source for update in bench.orders}
    assert sources == {UpdateSource.STREAM}, f"expected orders of the stream, found {sources}"
    assert bench.traffic[MessageKind.QUOTES].messages == 0, "no quotes are streamed without a callback"
    assert bench.traffic[MessageKind.ORDERS].bytes > 0, "order traffic is counted"


async def quotes_are_tagged_timed_and_acknowledged(bench: Bench) -> None:
    first, second = bench.stand.keys
    await bench.start()
    await bench.stream(first, second)
    assert bench.health.acknowledged == bench.health.subscriptions == 2
    await bench.ticks_of(first)
    assert {batch.broker_name for batch in bench.quotes} == {NAME}
    times = [batch.receive_time_ns for batch in bench.quotes]
    assert times == sorted(times), "receive times never run back"
    assert {(update.exchange, update.token) for update in bench.updates()} == {first, second}
    assert any(update.is_snapshot for update in bench.updates(first)), "a subscription brings a full quote"
    assert bench.broker.unacknowledged(0.0) == []


async def unsubscribing_ends_that_instrument_only(bench: Bench) -> None:
    first, second = bench.stand.keys
    await bench.start()
    await bench.stream(first, second)
    await bench.broker.unsubscribe([first])
    await asyncio.sleep(1)
    before = len(bench.updates(first))
    await bench.stand.bring_quote(first)
    await bench.ticks_of(second)
    assert len(bench.updates(first)) == before, "an unsubscribed instrument ticks no more"


async def subscribing_twice_streams_once_and_depth_replaces_touchline(bench: Bench) -> None:
    first, _ = bench.stand.keys
    await bench.start()
    await bench.stream(first)
    await bench.stream(first)
    await bench.broker.subscribe([first], FeedType.DEPTH)
    assert await bench.broker.wait_acknowledged([first], 10) == {first}
    assert bench.health.subscriptions == 1


async def quotes_begin_and_end_on_the_open_socket(bench: Bench) -> None:
    first, _ = bench.stand.keys
    await bench.start(quotes=False)
    bench.broker.set_quote_callback(bench.quotes.append)
    await bench.stream(first)
    await bench.ticks_of(first)
    assert bench.stand.open_sockets() == 1, "one login has one socket"
    bench.broker.set_quote_callback(None)
    before = len(bench.quotes)
    await bench.stand.bring_quote(first)
    await eventually(lambda: bench.health.unexpected_quotes > 0, "an unexpected quote to be counted")
    assert len(bench.quotes) == before


async def an_empty_book_is_empty_and_a_full_one_complete(bench: Bench) -> None:
    await bench.start(quotes=False)
    assert await bench.broker.order_book() == [], "a book without orders is an empty list"
    assert await bench.broker.trade_book() == [], "and so are the trades"
    await bench.stand.bring_order()
    known = set(bench.stand.order_ids())
    book = await bench.broker.order_book()
    assert known
    assert known <= {update.order_id for update in book} <= set(bench.stand.order_ids())
    assert {update.broker_name for update in book} == {NAME}
    assert all(update.as_of_ns is not None for update in book), "a row says when the book was asked for"


async def a_failed_read_raises(bench: Bench) -> None:
    await bench.start(quotes=False)
    bench.stand.fail_reads(True)
    for read in (bench.broker.order_book, bench.broker.trade_book, _quote(bench)):
        try:
            found = await read()
        except DualBrokerError:
            continue
        raise AssertionError(f"expected a failed read to raise a DualBrokerError, found {found!r}")
    bench.stand.fail_reads(False)
    assert isinstance(await bench.broker.order_book(), list), "a read that works again is a book again"


def _quote(bench: Bench) -> Callable[[], Awaitable[object]]:
    return lambda: bench.broker.quote(bench.stand.keys[0])


async def a_quote_by_rest_is_of_the_instrument_asked_for(bench: Bench) -> None:
    await bench.start(quotes=False)
    for key in bench.stand.keys:
        quote = await bench.broker.quote(key)
        assert (quote.exchange, quote.token) == key
        assert quote.ltp is not None
        assert quote.ltp > 0


async def a_lost_connection_comes_back_with_all_that_is_wanted(bench: Bench) -> None:
    first, second = bench.stand.keys
    await bench.start()
    await bench.stream(first, second)
    bench.stand.close_sockets()
    await eventually(lambda: bench.connections == 2, "a second connection")
    assert len(bench.downs) == 1, f"an outage is told once, found {bench.downs}"
    await bench.stream(first, second)
    assert bench.health.state is BrokerState.LIVE
    assert bench.health.reconnects == 1
    assert bench.stand.open_sockets() == 1
    bench.quotes.clear()
    await bench.ticks_of(second)
    orders = len(bench.orders)
    await bench.stand.bring_order()
    await eventually(lambda: len(bench.orders) > orders, "an order update")


async def a_connection_is_given_up_on_demand(bench: Bench) -> None:
    await bench.start()
    bench.broker.reconnect("asked for")
    await eventually(lambda: bench.connections == 2, "a second connection")
    assert bench.stand.open_sockets() == 1, "the old one is closed"


async def an_eviction_is_not_fought_and_no_order_is_missed(bench: Bench) -> None:
    await bench.start()
    bench.stand.evict()
    await eventually(lambda: bench.health.state is BrokerState.POLLING, "orders to be read by REST")
    await bench.stand.bring_order()
    await eventually(lambda: bool(bench.orders), "an order of the book")
    await asyncio.sleep(120)
    assert bench.stand.open_sockets() == 0, "the other program keeps the socket"
    assert bench.health.problem, "it says why"


async def a_dead_session_is_renewed_once_or_waits_for_a_person(bench: Bench) -> None:
    await bench.start(quotes=False)
    logins = bench.stand.login_calls()
    bench.stand.end_sessions()
    await eventually(
        lambda: bench.connections == 2 or bench.health.state is BrokerState.PARKED,
        "a new session, or a broker that is parked",
    )
    await asyncio.sleep(60)
    assert bench.stand.login_calls() - logins <= 1, "one ended session is one login at most"
    if bench.health.state is BrokerState.PARKED:
        await bench.stand.log_in_as_person(bench.context)
        await eventually(lambda: bench.connections == 2, "it to go on once a person has logged in")
    assert bench.health.state is BrokerState.LIVE


async def a_refused_login_says_so_and_is_made_once(bench: Bench) -> None:
    bench.stand.refuse_logins()
    try:
        await bench.broker.login()
    except LoginRefusedError:
        assert bench.stand.login_calls() == 1, "a refused login is never tried again: accounts get blocked"
    else:
        raise AssertionError("expected a refused login to raise LoginRefusedError, found none")


async def a_login_refused_while_running_parks_the_broker(bench: Bench) -> None:
    await bench.start(quotes=False)
    logins = bench.stand.login_calls()
    bench.stand.refuse_logins()
    bench.stand.end_sessions()
    await eventually(lambda: bench.health.state is BrokerState.PARKED, "the broker to be parked")
    await asyncio.sleep(600)
    assert bench.stand.login_calls() - logins == 1, "a refused login is never tried again"
    assert bench.downs, "it is told"


async def what_can_not_be_read_is_counted_and_ends_nothing(bench: Bench) -> None:
    await bench.start()
    bench.stand.send_garbage()
    await eventually(lambda: bench.health.unreadable_messages > 0, "unreadable messages to be counted")
    await bench.stand.bring_order()
    await eventually(lambda: bool(bench.orders), "an order update")
    assert bench.connections == 1


async def a_consumer_that_fails_does_not_end_the_stream(bench: Bench) -> None:
    def fail(batch: object) -> None:
        raise RuntimeError("a consumer's fault")

    first, _ = bench.stand.keys
    await bench.start()
    bench.broker.set_quote_callback(fail)
    await bench.broker.subscribe([first], FeedType.TOUCHLINE)
    await bench.stand.bring_quote(first)
    await asyncio.sleep(1)
    bench.broker.set_quote_callback(bench.quotes.append)
    await bench.ticks_of(first)
    assert bench.connections == 1


async def closing_leaves_no_socket_and_no_task(bench: Bench) -> None:
    before = asyncio.all_tasks()
    await bench.start()
    await bench.stream(bench.stand.keys[0])
    await bench.broker.close()
    await asyncio.sleep(1)
    assert bench.stand.open_sockets() == 0
    left = asyncio.all_tasks() - before
    assert not left, f"expected no task to be left, found {left}"
    assert bench.health.state is BrokerState.CLOSED


async def nothing_that_is_shown_holds_a_secret(bench: Bench) -> None:
    await bench.start()
    bench.stand.close_sockets()
    await eventually(lambda: bench.connections == 2, "a second connection")
    broker = bench.broker
    things = (broker, broker.config, bench.health, vars(broker), bench.downs, bench.log.lines)
    shown = "\n".join(map(repr, things))
    assert not any(secret in shown for secret in bench.stand.secrets()), "a repr or the log shows a secret"


CHECKS = (
    orders_flow_without_a_quote_callback,
    quotes_are_tagged_timed_and_acknowledged,
    unsubscribing_ends_that_instrument_only,
    subscribing_twice_streams_once_and_depth_replaces_touchline,
    quotes_begin_and_end_on_the_open_socket,
    an_empty_book_is_empty_and_a_full_one_complete,
    a_failed_read_raises,
    a_quote_by_rest_is_of_the_instrument_asked_for,
    a_lost_connection_comes_back_with_all_that_is_wanted,
    a_connection_is_given_up_on_demand,
    an_eviction_is_not_fought_and_no_order_is_missed,
    a_dead_session_is_renewed_once_or_waits_for_a_person,
    a_refused_login_says_so_and_is_made_once,
    a_login_refused_while_running_parks_the_broker,
    what_can_not_be_read_is_counted_and_ends_nothing,
    a_consumer_that_fails_does_not_end_the_stream,
    closing_leaves_no_socket_and_no_task,
    nothing_that_is_shown_holds_a_secret,
)
"""All checks, each an async function of a `Bench`."""
