"""The handle, on real sockets to the simulator in its child process."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import dualbroker
import dualbroker.feed.opening as opening_module
from dualbroker import ConnectionFailedError, Feed, FeedClosedError, UnknownInstrumentError, WrongThreadError
from dualbroker.config.schema import Config, demo_config
from dualbroker.feed import columns
from dualbroker.model import Quote
from dualbroker.stores.orders import OrderEvent
from tests.polling import wait_until


def quiet_config(**simulator: Any) -> Config:
    """Two simulated brokers and nothing subscribed."""
    simulator = {"ticks_per_second": 1000, "orders_per_minute": 600, **simulator}
    return demo_config(2, **simulator).model_copy(update={"subscribe": []})


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    feed = dualbroker.connect(quiet_config())
    yield feed
    feed.close()


@pytest.fixture(autouse=True)
def nothing_subscribed(feed: Feed) -> Iterator[None]:
    yield
    if not feed.closed and len(feed.quotes):
        feed.unsubscribe(feed.quotes.reset_index()[["exchange", "token"]])


def test_subscribe_fills_frames_from_one_broker_only(feed: Feed) -> None:
    accepted = feed.subscribe(["NIFTY", "NSE:RELIANCE", "RELIANCE-EQ"], exchange="NSE")
    assert list(accepted.columns) == list(columns.SUBSCRIBED)
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
    assert list(depth.columns) == list(columns.DEPTH)
    assert depth.index.tolist() == [1, 2, 3, 4, 5]
    assert depth["bid"].is_monotonic_decreasing
    assert depth["ask"].is_monotonic_increasing


def test_orders_of_both_brokers_arrive(feed: Feed) -> None:
    wait_until(lambda: set(feed.orders["broker_name"]) == {"broker1", "broker2"})
    assert feed.orders.attrs["books_unread"] == []
    events = feed.order_events
    assert events["sequence"].is_monotonic_increasing
    assert set(events["broker_name"]) == {"broker1", "broker2"}


def test_bandwidth_and_savings_say_how_they_were_obtained(feed: Feed) -> None:
    feed.subscribe(["NIFTY", "BANKNIFTY"])
    wait_until(lambda: len(feed.bandwidth) > 6)
    savings = feed.savings()
    assert savings.attrs["method"] == "estimate"
    assert savings.loc["saved_quote_bytes_percent", "value"] == 50.0
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
        pd.testing.assert_frame_equal(again, table, check_freq=False, check_index_type=False)


def test_a_cell_run_twice_finds_the_same_feed_and_reload_does_too(feed: Feed) -> None:
    assert dualbroker.connect(quiet_config()) is feed
    reloaded = importlib.reload(opening_module)
    assert reloaded.connect(quiet_config()) is feed


def test_two_configs_are_two_feeds(feed: Feed) -> None:
    other = dualbroker.connect(quiet_config(seed=99))
    try:
        assert other is not feed
        assert other.manager.simulator is not None
        child = psutil.Process(other.manager.simulator.process_id)
    finally:
        other.close()
    assert not child.is_running()
    assert not feed.closed
    with pytest.raises(FeedClosedError):
        other.subscribe("NIFTY")
    other.close()


def test_the_async_twins_work_on_a_running_loop(feed: Feed) -> None:
    async def cell() -> None:
        accepted = await feed.subscribe_async("NIFTY")
        assert accepted["acknowledged"].all()
        assert len(await feed.search_async("reliance", exchange="NSE"))
        assert len(await feed.options_around_async("NIFTY", strikes=1)) == 6
        assert await dualbroker.connect_async(quiet_config()) is feed
        await feed.unsubscribe_async("NIFTY")
        assert len(feed.quotes) == 0

    asyncio.run(cell())


def test_a_sync_call_works_while_a_loop_is_running(feed: Feed) -> None:
    async def cell() -> None:
        assert feed.subscribe("NIFTY")["acknowledged"].all()

    asyncio.run(cell())


def test_a_parked_broker_is_seen_at_once_and_carries_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALBROKER_HOME", str(tmp_path))
    path = tmp_path / "config.yaml"
    path.write_text(
        "brokers: {mine: {type: shoonya, user_id: FA0001, client_id: FA0001_U, api_secret: made-up}}\n",
        encoding="utf-8",
    )
    with pytest.warns(UserWarning, match=r"mine is parked: .*dualbroker login"):
        parked = dualbroker.connect(path)
    with parked:
        assert "Price/Quote updates: no broker · Order updates: no broker" in repr(parked)
        assert parked.orders.attrs["books_unread"] == ["mine"]


def test_run_runs_a_coroutine_also_inside_a_running_loop() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 42

    assert dualbroker.run(work()) == 42
    # In a process of its own: nest_asyncio changes a loop for good.
    code = """
    import asyncio, warnings
    import dualbroker
    async def work():
        await asyncio.sleep(0)
        return 42
    async def cell():
        return dualbroker.run(work())
    print(asyncio.run(cell()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "42"


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


def test_public_names_are_all_and_only_those_shown() -> None:
    assert dir(dualbroker) == sorted(dualbroker.__all__)
    for name in dualbroker.__all__:
        assert getattr(dualbroker, name) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to this process as a terminal does")
def test_an_interrupted_wait_leaves_the_feed_sound(feed: Feed) -> None:
    async def never() -> None:
        await asyncio.sleep(3600)

    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        feed._call(never())
    assert time.monotonic() - started < 10
    assert feed.subscribe("NIFTY")["acknowledged"].all()


def test_leaving_the_process_closes_sockets_and_ends_the_simulator(tmp_path: Path) -> None:
    code = """
    import dualbroker
    feed = dualbroker.demo()
    print(feed.manager.simulator.process_id, flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not psutil.pid_exists(int(done.stdout))


def test_a_killed_process_takes_its_simulator_along(tmp_path: Path) -> None:
    code = """
    import time
    import dualbroker
    feed = dualbroker.demo()
    print(feed.manager.simulator.process_id, flush=True)
    time.sleep(120)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    with process.stdout:
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
        process.wait(30)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_without_a_config_the_demo_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DUALBROKER_CONFIG", raising=False)
    with pytest.raises(dualbroker.ConfigError, match=r"dualbroker\.demo\(\)"):
        dualbroker.connect()


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
    with pytest.raises(UnknownInstrumentError, match="RELIANCE has no options in this symbol master"):
        feed.options_around("RELIANCE")


def test_an_exchange_the_simulated_market_lacks_names_those_it_has(feed: Feed) -> None:
    with pytest.raises(ConnectionFailedError, match=r"the simulated market has .*NSE"):
        feed.subscribe("GOLD", exchange="MCX")


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
