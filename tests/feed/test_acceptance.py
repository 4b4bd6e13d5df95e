"""What a handle does, whoever runs the brokers: this process, or a service that it is attached to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import dualbroker
from dualbroker import ConfigError, Feed, UnknownInstrumentError, WrongThreadError, tables
from dualbroker.config.schema import Config
from dualbroker.model import Quote
from dualbroker.stores.orders import OrderEvent
from tests.cli.serving import serving
from tests.feed.test_feed import quiet_config
from tests.made_tables import empty_frame
from tests.polling import wait_until

SERVED = """
brokers:
  broker1: {type: simulated}
  broker2: {type: simulated}
simulator: {ticks_per_second: 1000, orders_per_minute: 600}
log: {level: WARNING}
"""


@pytest.fixture(scope="module", params=["local", "remote"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Config | str]:
    """What is handed to ``connect``."""
    if request.param == "local":
        yield quiet_config(seed=17)
        return
    path = tmp_path_factory.mktemp("served") / "config.yaml"
    path.write_text(SERVED, encoding="utf-8")
    with serving("--config", str(path)) as service:
        service.wait_until_it_works()
        yield service.address


@pytest.fixture(scope="module")
def feed(target: Config | str) -> Iterator[Feed]:
    feed = dualbroker.connect(target)
    yield feed
    feed.close()


@pytest.fixture(autouse=True)
def nothing_subscribed(feed: Feed) -> Iterator[None]:
    yield
    if not feed.closed and len(feed.quotes):
        feed.unsubscribe(feed.quotes.reset_index()[["exchange", "token"]])


def test_subscribe_fills_frames_from_one_broker_only(feed: Feed) -> None:
    accepted = feed.subscribe(["NIFTY", "NSE:RELIANCE", "RELIANCE-EQ"], exchange="NSE")
    assert list(accepted.columns) == list(tables.SUBSCRIBED.names)
    assert accepted["acknowledged"].all()
    assert set(accepted["quote_source"]) == {"broker1"}
    wait_until(lambda: len(feed.ticks("RELIANCE-EQ")) > 3)
    quotes = feed.quotes
    assert set(quotes.index) == {"NIFTY INDEX", "RELIANCE-EQ"}
    assert set(quotes["broker_name"]) == {"broker1"}
    assert quotes.attrs["mode"] == "SIMULATED"
    assert quotes.attrs["passed_over"] == 0
    as_of = pd.Timestamp(quotes.attrs["as_of"])
    assert as_of <= pd.Timestamp.now("Asia/Kolkata") + pd.Timedelta(seconds=1)
    assert str(as_of.tz) == "UTC+05:30"
    assert feed.brokers.loc["broker2", "quote_bytes"] == 0
    assert feed.ticks("nifty").equals(feed.ticks("NSE:NIFTY INDEX")) or len(feed.ticks("nifty"))
    assert len(feed.bars("RELIANCE", "1s")) > 0


def test_an_option_by_any_of_its_names(feed: Feed) -> None:
    found = feed.search("nifty ce", limit=5)
    assert (found["option_type"] == "CE").all()
    feed.subscribe(found.head(1))
    symbol = found["symbol"].iloc[0]
    assert symbol in feed.quotes.index
    assert len(feed.ticks(symbol))
    again = feed.subscribe(symbol)
    assert again["token"].tolist() == found["token"].head(1).tolist()


def test_options_around_the_money_can_be_subscribed_as_they_come(feed: Feed) -> None:
    options = feed.options_around("NIFTY", strikes=2)
    assert len(options) == 10
    assert feed.subscribe(options)["acknowledged"].all()


def test_a_mistyped_name_lists_the_closest_and_subscribes_nothing(feed: Feed) -> None:
    with pytest.raises(UnknownInstrumentError, match="RELIANCE") as caught:
        feed.subscribe(["NIFTY", "NSE:RELIANC-EQ"])
    assert any("RELIANCE" in name for name in caught.value.matches)
    assert len(feed.quotes) == 0
    with pytest.raises(UnknownInstrumentError, match="never subscribed"):
        feed.ticks("NOSUCH")


def test_depth(feed: Feed) -> None:
    feed.subscribe("TCS-EQ", exchange="NSE", depth=True)
    depth = feed.depth("TCS-EQ")
    assert list(depth.columns) == list(tables.DEPTH.names)
    assert depth.index.tolist() == [1, 2, 3, 4, 5]
    assert depth["bid"].is_monotonic_decreasing
    assert depth["ask"].is_monotonic_increasing


def test_orders_of_both_brokers_arrive(feed: Feed) -> None:
    wait_until(lambda: set(feed.orders["broker_name"]) == {"broker1", "broker2"})
    assert feed.orders.attrs["books_unread"] == []
    events = feed.order_events
    assert events["sequence"].is_monotonic_increasing
    assert set(events["broker_name"]) == {"broker1", "broker2"}


def test_depth_that_was_not_asked_for_says_what_to_do(feed: Feed) -> None:
    feed.subscribe("INFY-EQ", exchange="NSE")
    with pytest.warns(UserWarning, match=r"feed\.subscribe\('NSE:INFY-EQ', depth=True\) brings them"):
        depth = feed.depth("INFY-EQ")
    assert len(depth) == 0
    assert "depth=True" in depth.attrs["problem"]


def test_bandwidth_and_savings_say_how_they_were_obtained(feed: Feed) -> None:
    feed.subscribe(["NIFTY", "BANKNIFTY"])
    wait_until(lambda: len(feed.bandwidth) > 6)
    savings = feed.savings()
    assert savings.attrs["method"] == "estimate"
    assert savings.loc["saved_quote_bytes_percent", "value"] == 50.0
    assert {type(value) for value in savings["value"].iloc[:-1]} == {int}, "shown without 1e+06"
    assert str(savings.loc["quote_bytes", "how"]).startswith("measured")
    assert str(savings.loc["saved_quote_bytes", "how"]).startswith("estimated")


def test_every_frame_can_be_saved_and_read_back(feed: Feed, tmp_path: Path) -> None:
    feed.subscribe("RELIANCE-EQ", exchange="NSE", depth=True)
    wait_until(
        lambda: len(feed.bars("RELIANCE", "1s")) > 0 and len(feed.bandwidth) > 0 and len(feed.orders) > 0
    )
    for table in (
        feed.quotes,
        feed.ticks("RELIANCE"),
        feed.bars("RELIANCE", "1s"),
        feed.depth("RELIANCE"),
        feed.orders,
        feed.order_events,
        feed.brokers,
        feed.bandwidth,
        feed.savings(),
        feed.search("reliance"),
        feed.options_around("NIFTY", strikes=1),
    ):
        table.to_parquet(tmp_path / "table.parquet")
        again = pd.read_parquet(tmp_path / "table.parquet")
        assert again.attrs["mode"] == "SIMULATED"
        # Whole bytes beside a percentage are floats in a file.
        kept = {name: float for name in table.columns if name == "value"}
        pd.testing.assert_frame_equal(again, table.astype(kept), check_freq=False, check_index_type=False)


def test_the_async_twins_work_on_a_running_loop(feed: Feed, target: Config | str) -> None:
    async def cell() -> None:
        accepted = await feed.subscribe_async("NIFTY")
        assert accepted["acknowledged"].all()
        assert len(await feed.search_async("reliance", exchange="NSE"))
        assert len(await feed.options_around_async("NIFTY", strikes=1)) == 6
        assert await dualbroker.connect_async(target) is feed
        await feed.unsubscribe_async("NIFTY")
        assert len(feed.quotes) == 0

    asyncio.run(cell())


def test_a_sync_call_works_while_a_loop_is_running(feed: Feed) -> None:
    async def cell() -> None:
        assert feed.subscribe("NIFTY")["acknowledged"].all()

    asyncio.run(cell())


def test_a_sync_call_on_the_feeds_own_thread_raises_instead_of_hanging(feed: Feed) -> None:
    caught: list[BaseException] = []
    done = threading.Event()

    def inside(event: OrderEvent) -> None:
        try:
            feed.subscribe("NIFTY")
        except BaseException as error:
            caught.append(error)
        done.set()

    feed.manager.order_listeners.append(inside)
    try:
        assert done.wait(20)
    finally:
        feed.manager.order_listeners.remove(inside)
    assert isinstance(caught[0], WrongThreadError)


def test_callbacks_get_every_tick_and_order_with_its_broker(feed: Feed) -> None:
    quotes: list[Quote] = []
    orders: list[OrderEvent] = []
    feed.on_quote(quotes.append)
    feed.on_order(orders.append)
    feed.subscribe(["NIFTY", "NSE:RELIANCE"])
    wait_until(lambda: len(quotes) > 20 and len(orders) > 5)
    assert feed.remove_callback(quotes.append)
    assert feed.remove_callback(orders.append)
    assert {quote.broker_name for quote in quotes} == {"broker1"}
    assert {quote.symbol for quote in quotes} == {"NIFTY INDEX", "RELIANCE-EQ"}
    sequences = [event.sequence for event in orders]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert not feed.remove_callback(quotes.append)


def test_a_callback_that_fails_or_is_slow_harms_nothing(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    threads: set[str] = set()
    release = threading.Event()

    def fails(event: OrderEvent) -> None:
        threads.add(threading.current_thread().name)
        raise RuntimeError("mine")

    def blocks(quote: Quote) -> None:
        threads.add(threading.current_thread().name)
        release.wait(30)

    orders: list[OrderEvent] = []
    feed.on_order(fails)
    feed.on_order(orders.append)
    feed.on_quote(blocks)
    try:
        feed.subscribe("NIFTY")
        wait_until(lambda: len(orders) > 3 and len(threads) == 2)
        ticks = feed.manager.quotes.tick_count
        wait_until(lambda: feed.manager.quotes.tick_count > ticks)
    finally:
        feed.remove_callback(fails)
        feed.remove_callback(orders.append)
        feed.remove_callback(blocks)
        release.set()
    assert threads == {"dualbroker-orders", "dualbroker-quotes"}
    assert "mine" in caplog.text


def test_the_feed_says_what_it_is(feed: Feed) -> None:
    assert "SIMULATED" in repr(feed)
    assert "Price/Quote updates: broker1 only" in repr(feed)
    assert "SIMULATED" in feed._repr_html_()


@pytest.mark.parametrize("nothing", [None, 5, [5], [None], [["NIFTY"]], b"NIFTY", {"a": 1}.values()])
def test_what_is_no_name_is_told_so(feed: Feed, nothing: Any) -> None:
    with pytest.raises(UnknownInstrumentError, match="expected the name of an instrument"):
        feed.subscribe(nothing)
    with pytest.raises(UnknownInstrumentError, match="expected the name of an instrument"):
        feed.unsubscribe(nothing)


def test_a_name_as_long_as_a_book_is_not_looked_for_and_not_repeated(feed: Feed) -> None:
    for ask in (feed.subscribe, feed.ticks):
        with pytest.raises(UnknownInstrumentError) as caught:
            ask("A" * 5_000_000)
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("exchange", ["XXX", "", "😀"])
def test_an_exchange_that_does_not_exist_is_told_so_and_asked_of_nobody(feed: Feed, exchange: str) -> None:
    with pytest.raises(UnknownInstrumentError, match="expected one of the exchanges NSE"):
        feed.subscribe("RELIANCE-EQ", exchange=exchange)


def test_options_of_no_expiry_and_below_no_strikes_are_refused(feed: Feed) -> None:
    with pytest.raises(UnknownInstrumentError, match="from 0 to"):
        feed.options_around("NIFTY", expiry=-1)
    with pytest.raises(ValueError, match="0 strikes or more"):
        feed.options_around("NIFTY", strikes=-1)


def test_options_of_an_expiry_by_its_day(feed: Feed) -> None:
    nearest = feed.options_around("NIFTY", strikes=1)
    day = nearest["expiry"].iloc[0]
    for expiry in (day, f"{day:%Y-%m-%d}", day.to_pydatetime().date()):
        assert feed.options_around("NIFTY", expiry=expiry, strikes=1)["token"].tolist() == (
            nearest["token"].tolist()
        )
    for none in ("soon", day.date() - timedelta(days=1)):
        with pytest.raises(UnknownInstrumentError, match=f"0 is {day:%Y-%m-%d}, 1 is "):
            feed.options_around("NIFTY", expiry=none)


def test_a_share_without_options_says_so(feed: Feed) -> None:
    with pytest.raises(UnknownInstrumentError, match="RELIANCE has no options on NFO"):
        feed.options_around("RELIANCE")


def test_an_exchange_the_simulated_market_lacks_is_said_to_be_empty(feed: Feed) -> None:
    with pytest.raises(UnknownInstrumentError, match="'GOLD' on NCX; this broker lists nothing there"):
        feed.subscribe("GOLD", exchange="NCX")
    assert feed.search("gold", exchange="NCX").empty


def test_what_can_not_be_called_is_no_callback(feed: Feed) -> None:
    for add in (feed.on_quote, feed.on_order):
        with pytest.raises(TypeError, match="expected a function"):
            add(None)  # type: ignore[arg-type]


def test_a_failing_callback_does_not_fill_the_log(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    def fail(quote: Quote) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("every time")

    feed.on_quote(fail)
    feed.subscribe("NIFTY")
    wait_until(lambda: calls > 20)
    feed.remove_callback(fail)
    assert caplog.text.count("RuntimeError: every time") <= 1


def test_the_same_address_or_config_is_the_same_feed(feed: Feed, target: Config | str) -> None:
    assert dualbroker.connect(target) is feed
    if isinstance(target, str):
        assert dualbroker.connect(f" {target.upper().replace('HTTP', 'http')}/ ") is feed


def test_every_frame_has_its_columns_and_dtypes(feed: Feed) -> None:
    feed.subscribe("NIFTY", depth=True)
    wait_until(lambda: len(feed.orders) > 0 and len(feed.bandwidth) > 0)
    for table, described in (
        (feed.quotes, tables.QUOTES),
        (feed.ticks("NIFTY"), tables.TICKS),
        (feed.bars("NIFTY", "1s"), tables.BARS),
        (feed.depth("NIFTY"), tables.DEPTH),
        (feed.orders, tables.ORDERS),
        (feed.order_events, tables.ORDER_EVENTS),
        (feed.brokers, tables.BROKERS),
        (feed.bandwidth, tables.BANDWIDTH),
        (feed.failovers, tables.FAILOVERS),
        (feed.gaps(), tables.GAPS),
        (feed.incidents, tables.INCIDENTS),
        (feed.search("nifty"), tables.INSTRUMENTS),
        (feed.reconcile(), tables.RECONCILED),
    ):
        expected = empty_frame(described)
        assert table.dtypes.astype(str).to_dict() == expected.dtypes.astype(str).to_dict()
        assert {"as_of", "mode"} <= set(table.attrs)


def test_quotes_are_handed_over_and_back(feed: Feed) -> None:
    feed.subscribe(["NIFTY", "BANKNIFTY"])
    [moved] = feed.set_quote_source("broker2").to_dict("records")
    assert (moved["from_broker"], moved["to_broker"], moved["planned"]) == ("broker1", "broker2", True)
    assert feed.primary == "broker2"
    assert set(feed.gaps(moved["number"])["symbol"]) == {"NIFTY INDEX", "NIFTY BANK"}
    wait_until(lambda: set(feed.quotes["broker_name"]) == {"broker2"})
    assert len(feed.set_quote_source("broker1")) == 1
    assert len(feed.set_quote_source("broker1")) == 0
    feed.set_quote_source("auto")
    with pytest.raises(ConfigError, match="found 'broker9'"):
        feed.set_quote_source("broker9")


def test_books_are_read_and_connections_made_anew(feed: Feed) -> None:
    read = feed.reconcile()
    assert read["read"].all()
    assert set(read.index) == {"broker1", "broker2"}
    with pytest.raises(ConfigError, match="found 'broker9'"):
        feed.reconcile("broker9")
    before = feed.manager.health["broker2"].reconnects
    feed.reconnect("broker2")
    wait_until(lambda: feed.manager.health["broker2"].reconnects > before)
    wait_until(lambda: feed.manager.health["broker2"].state == "live")
    assert len(feed.incidents)


def test_an_option_chain_holds_its_own(feed: Feed) -> None:
    chain = feed.chain("NIFTY", strikes=2)
    assert chain.frame["call_ltp"].notna().all()
    own = chain.frame["put_symbol"].iloc[0]
    feed.subscribe(own)
    chain.close()
    assert list(feed.quotes.index) == [own]
