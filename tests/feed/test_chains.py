"""Option chains on a feed of simulated brokers: the handle, the frame, and whose strikes are whose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pandas as pd
import pytest

import dualbroker
from dualbroker import Feed, FeedClosedError, UnknownInstrumentError, tables
from dualbroker.config.schema import demo_config
from dualbroker.feed.chains import OptionChain
from tests.polling import wait_until


def open_feed(seed: int) -> Feed:
    settings = demo_config(2, ticks_per_second=1000, orders_per_minute=60, seed=seed)
    return dualbroker.connect(settings.model_copy(update={"subscribe": []}))


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    feed = open_feed(31)
    yield feed
    feed.close()


@pytest.fixture
def chain(feed: Feed) -> Iterator[OptionChain]:
    chain = feed.chain("NIFTY", strikes=3)
    yield chain
    chain.close()


def test_its_frame_has_calls_left_and_puts_right_and_what_follows_from_them(chain: OptionChain) -> None:
    frame = chain.frame
    assert list(frame.columns) == list(tables.CHAIN.names)
    assert frame.index.name == "strike"
    assert frame.index.is_monotonic_increasing
    assert len(frame) == 7
    volatility = frame[["call_iv", "put_iv"]]
    known = frame.drop(columns=volatility.columns).notna().all().all()
    assert known, "each is acknowledged with a full quote before the call returns"
    assert volatility.max(axis=1).between(1, 200).all(), "in the money a price may tell none"
    assert frame["call_delta"].between(0, 1).all()
    assert frame["put_delta"].between(-1, 0).all()
    assert frame["call_delta"].is_monotonic_decreasing
    assert frame[["call_gamma", "call_vega", "put_gamma", "put_vega"]].gt(0).all().all()
    assert frame[["call_theta", "put_theta"]].lt(0).all().all()
    assert frame["straddle"].equals(frame["call_ltp"] + frame["put_ltp"])
    assert frame["call_volume"].dtype == "Int64"
    attrs = frame.attrs
    assert abs(attrs["at_the_money"] - attrs["underlying_ltp"]) <= 25
    assert attrs["straddle"] == frame.loc[attrs["at_the_money"], "straddle"]
    total = frame["put_open_interest"].sum() / frame["call_open_interest"].sum()
    assert attrs["put_call_ratio"]["open_interest"] == pytest.approx(total)
    assert attrs["iv_at_the_money"] == pytest.approx(
        frame.loc[attrs["at_the_money"], ["call_iv", "put_iv"]].mean()
    )
    assert attrs["max_pain"] in frame.index
    assert attrs["mode"] == "SIMULATED"
    assert attrs["problem"] == ""
    assert pd.Timestamp(attrs["as_of"]).utcoffset() == pd.Timedelta(hours=5.5)
    assert json.loads(json.dumps(attrs)) == attrs, "a frame's attrs go into the files that it is saved to"
    assert frame["call_ltp"].is_monotonic_decreasing, "the market that is made up prices options sensibly"
    assert frame["put_ltp"].is_monotonic_increasing


def test_its_names_and_days_come_from_the_symbol_master(feed: Feed, chain: OptionChain) -> None:
    assert (chain.underlying, chain.frame.attrs["expiry"]) == ("NIFTY", chain.expiry.isoformat())
    found = feed.search(f"nifty {chain.frame.index[0]:g} ce", exchange="NFO", limit=1)
    assert found.loc[0, "symbol"] == chain.frame["call_symbol"].iloc[0]
    assert found.loc[0, "expiry"] == pd.Timestamp(chain.expiry)
    with pytest.raises(UnknownInstrumentError, match="0 is"):
        feed.chain("NIFTY", expiry="1999-01-01")


def test_a_frame_is_a_snapshot_and_the_next_one_is_newer(chain: OptionChain) -> None:
    before = chain.frame
    before["call_ltp"] = 0.0
    wait_until(lambda: not chain.frame["call_ltp"].eq(0.0).any())
    wait_until(lambda: chain.frame["call_volume"].sum() > before["call_volume"].sum())


def test_the_same_arguments_give_the_same_chain(feed: Feed, chain: OptionChain) -> None:
    assert feed.chain("nifty", expiry=0, strikes=3) is chain
    day = feed.chain("NIFTY", expiry=chain.expiry, strikes=3)
    assert feed.chain("NIFTY", expiry=chain.expiry.isoformat(), strikes=3) is day
    assert feed.chain("NIFTY", expiry=pd.Timestamp(chain.expiry), strikes=3) is day
    assert day is not chain
    day.close()
    again = feed.chain("NIFTY", expiry=chain.expiry, strikes=3)
    assert again is not day
    again.close()


def test_letting_go_silences_nobody_else(feed: Feed, chain: OptionChain) -> None:
    own = chain.frame["put_symbol"].iloc[0]
    feed.subscribe(own)
    wider = feed.chain("NIFTY", strikes=5)
    assert len(feed.quotes) == 23
    chain.close()
    assert len(feed.quotes) == 23
    wider.close()
    assert list(feed.quotes.index) == [own]
    feed.unsubscribe(own)
    assert feed.quotes.empty


def test_a_closed_chain_keeps_what_it_had_and_says_so(feed: Feed) -> None:
    chain = feed.chain("BANKNIFTY", expiry=0, strikes=1)
    chain.close()
    chain.close()
    assert chain.closed
    last = chain.frame
    assert last.notna().all().all()
    assert chain.frame.attrs["as_of"] == last.attrs["as_of"]
    assert "closed" in repr(chain).splitlines()[0]


def test_it_reads_as_text(chain: OptionChain) -> None:
    first, *table = repr(chain).splitlines()
    assert first.startswith(f"NIFTY options of {chain.expiry} · SIMULATED · expires ")
    assert "put-call ratio" in first
    assert len(table) == 8
    [marked] = [line for line in table if " < " in line]
    assert f"{chain.frame.attrs['at_the_money']:g}" in marked


def test_the_async_twins_and_the_end_of_the_feed() -> None:
    async def story(feed: Feed) -> OptionChain:
        first, second = await asyncio.gather(
            feed.chain_async("NIFTY", strikes=1), feed.chain_async("NIFTY", strikes=1)
        )
        assert first is second
        await first.close_async()
        assert feed.quotes.empty
        return await feed.chain_async("NIFTY", strikes=2)

    with open_feed(32) as feed:
        chain = asyncio.run(story(feed))
    assert chain.closed
    assert len(chain.frame) == 5, "its last figures stay"
    chain.close()
    with pytest.raises(FeedClosedError):
        feed.chain("NIFTY", strikes=2)
