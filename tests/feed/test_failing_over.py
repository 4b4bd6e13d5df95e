"""Failovers, incidents and faults through the handle, on real sockets to the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import dualbroker
from dualbroker import ConfigError, ConnectionFailedError, DualBrokerError, Feed, FeedClosedError, tables
from dualbroker.config.schema import demo_config
from dualbroker.feed.simulator import SimulatorHandle
from tests.polling import wait_until

SUBSCRIBED = ["NIFTY", "NSE:RELIANCE-EQ", "NSE:TCS-EQ"]


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    config = demo_config(2, ticks_per_second=2000).model_copy(update={"subscribe": SUBSCRIBED})
    with dualbroker.connect(config) as running:
        yield running


@pytest.fixture
def simulator(feed: Feed) -> Iterator[SimulatorHandle]:
    """The handle, with both brokers up and nothing broken, before and after."""
    handle = feed.simulator
    assert handle is not None
    wait_until(lambda: set(feed.brokers["state"]) == {"live"})
    wait_until(lambda: not feed.quotes["ltp"].isna().any())
    yield handle
    handle.clear_faults()
    wait_until(lambda: set(feed.brokers["state"]) == {"live"})


def state_of(feed: Feed, name: str) -> str:
    return str(feed.brokers.loc[name, "state"])


def everything_comes_from(feed: Feed, name: str) -> bool:
    return set(feed.quotes["broker_name"]) == {name}


def finished(feed: Feed, known: int) -> pd.Series[Any]:
    """The newest failover, once it is new and done."""
    wait_until(lambda: len(feed.failovers) > known and bool(feed.failovers["finished"].all()))
    return feed.failovers.iloc[-1]


def test_a_killed_source_is_a_failover_an_incident_and_a_gap_of_each_instrument(
    feed: Feed, simulator: SimulatorHandle
) -> None:
    source, known = feed.primary, len(feed.failovers)
    assert source is not None
    simulator.strike(source, "reset")
    failover = finished(feed, known)
    assert failover["from_broker"] == source
    assert failover["to_broker"] == feed.primary != source
    assert not failover["planned"]
    assert 0 <= failover["detected_after"] < 5
    assert 0 < failover["gap_p50"] <= failover["gap_p99"] <= failover["gap_max"]
    gaps = feed.gaps(int(failover["number"]))
    assert set(gaps["symbol"]) == {"NIFTY INDEX", "RELIANCE-EQ", "TCS-EQ"}
    assert gaps["gap"].max() == failover["gap_max"]
    assert gaps["covered"].all()
    wait_until(lambda: source in set(feed.incidents["broker_name"]))
    incidents = feed.incidents
    assert list(incidents.columns) == list(tables.INCIDENTS.names)
    assert incidents["action"].str.contains(f"quotes go to {feed.primary}").any()
    assert incidents.attrs["dropped_incidents"] == feed.failovers.attrs["dropped_failovers"] == 0
    wait_until(lambda: everything_comes_from(feed, str(failover["to_broker"])))


def test_its_frames_can_be_saved_and_read_back(feed: Feed, tmp_path: Path) -> None:
    for table in (feed.failovers, feed.gaps(), feed.incidents):
        assert len(table) > 0
        table.to_parquet(tmp_path / "table.parquet")
        again = pd.read_parquet(tmp_path / "table.parquet")
        assert again.attrs["mode"] == "SIMULATED"
        pd.testing.assert_frame_equal(again, table)


def test_quotes_are_handed_over_on_request_and_only_once(feed: Feed, simulator: SimulatorHandle) -> None:
    other = next(name for name in feed.brokers.index if name != feed.primary)
    moved = feed.set_quote_source(other)
    assert feed.primary == other
    assert moved[["to_broker", "planned", "uncovered", "finished"]].to_numpy().tolist() == [
        [other, True, 0, True]
    ]
    assert moved["detected_after"].isna().all()
    again = feed.set_quote_source(other)
    assert list(again.columns) == list(tables.FAILOVERS.names)
    assert again.empty


def test_who_can_not_carry_quotes_is_refused_and_they_stay_where_they_are(
    feed: Feed, simulator: SimulatorHandle
) -> None:
    source = feed.primary
    with pytest.raises(ConfigError, match="expected auto or one of broker1, broker2, found 'broker9'"):
        feed.set_quote_source("broker9")
    other = next(name for name in feed.brokers.index if name != source)
    simulator.set_faults(other, refuse=True)
    simulator.strike(other, "close")
    wait_until(lambda: state_of(feed, other) == "reconnecting")
    with pytest.raises(ConnectionFailedError, match=f"{other} can't carry quotes now"):
        feed.set_quote_source(other)
    assert feed.primary == source


def test_the_twins_do_the_same_from_a_running_loop(feed: Feed, simulator: SimulatorHandle) -> None:
    async def work() -> tuple[int, pd.DataFrame]:
        source, known = feed.primary, len(feed.failovers)
        assert source is not None
        await simulator.strike_async(source, "close", code=1011)
        await asyncio.to_thread(finished, feed, known)
        await asyncio.to_thread(wait_until, lambda: state_of(feed, source) == "live")
        return known, await feed.set_quote_source_async(source)

    known, moved = asyncio.run(work())
    assert len(feed.failovers) == known + 2
    assert moved["planned"].tolist() == [True]


def test_a_connection_can_be_given_up_and_opened_anew(feed: Feed, simulator: SimulatorHandle) -> None:
    other = next(name for name in feed.brokers.index if name != feed.primary)
    before = feed.brokers.loc[other, "reconnects"]
    feed.reconnect(other)
    wait_until(lambda: feed.brokers.loc[other, "reconnects"] != before and state_of(feed, other) == "live")
    with pytest.raises(ConfigError, match="expected one of broker1, broker2"):
        feed.reconnect("broker9")


def test_switches_and_blows_that_do_not_exist_are_named(simulator: SimulatorHandle) -> None:
    with pytest.raises(DualBrokerError, match="mut"):
        simulator.set_faults("broker1", mut=True)
    with pytest.raises(DualBrokerError, match="explode"):
        simulator.strike("broker1", "explode")
    with pytest.raises(ConfigError, match="expected one of broker1, broker2, all, found 'broker9'"):
        simulator.clear_faults("broker9")


def test_a_failover_that_is_not_kept_is_told_from_one_without_gaps(feed: Feed) -> None:
    kept = len(feed.failovers)
    with pytest.raises(ValueError, match=r"number: expected one of feed\.failovers"):
        feed.gaps(kept + 1)
    assert set(feed.gaps()["number"]) <= set(feed.failovers["number"])


def test_a_closed_feed_has_no_simulator_and_its_handle_says_so() -> None:
    config = demo_config(1, seed=77).model_copy(update={"subscribe": []})
    with dualbroker.connect(config) as short:
        handle = short.simulator
        assert handle is not None
        assert len(short.failovers) == len(short.incidents) == len(short.gaps()) == 0
    assert short.simulator is None
    with pytest.raises(FeedClosedError):
        handle.clear_faults()
