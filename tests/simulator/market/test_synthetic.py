from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.errors import DualBrokerError
from dualbroker.model import DEPTH_LEVELS, QUOTE_FIELDS, InstrumentKind
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE, Market, MarketTick
from dualbroker.simulator.market.synthetic import MOST_TICKS_PER_CALL, SyntheticMarket
from dualbroker.simulator.market.universe import build_universe

TODAY = date(2026, 11, 23)
START_NS = int(datetime(2026, 11, 23, 5, tzinfo=UTC).timestamp()) * 1_000_000_000
SECOND = 1_000_000_000
UNIVERSE = build_universe(TODAY, strikes_each_side=4)
OF_A_BOOK = {"bid", "bid_quantity", "ask", "ask_quantity", "volume", "average_price"}
OF_A_DERIVATIVE = {"open_interest", "prev_open_interest"}


def new_market(seed: int = 1, rate: float = 2_000, start_ns: int = START_NS) -> SyntheticMarket:
    return SyntheticMarket(UNIVERSE, seed=seed, start_ns=start_ns, ticks_per_second=rate)


def position(market: Market, symbol: str) -> int:
    return next(index for index, item in enumerate(market.instruments) if item.symbol == symbol)


def middle(market: Market, symbol: str) -> float:
    quote = market.quote(position(market, symbol))
    return (quote["bid"] + quote["ask"]) / 2


def is_on_tick(price: float, tick: float) -> bool:
    return price == round(round(price / tick) * tick, 4)


def plain(ticks: list[MarketTick]) -> list[tuple[int, dict[str, float]]]:
    return [(tick.index, tick.changes) for tick in ticks]


def assert_sound(market: Market) -> None:
    """Everything that must hold of every quote of a market, whenever one looks."""
    for index, item in enumerate(market.instruments):
        quote = market.quote(index)
        tick = item.tick_size or DEFAULT_TICK_SIZE
        if item.name in ("INDIA VIX", "SENSEX") and item.kind is InstrumentKind.INDEX:
            tick = 0.01
        assert quote["low"] <= quote["ltp"] <= quote["high"]
        assert quote["low"] <= quote["open"] <= quote["high"]
        for name in ("ltp", "open", "high", "low", "prev_close"):
            assert is_on_tick(quote[name], tick)
            assert quote[name] > 0
        change = (quote["ltp"] / quote["prev_close"] - 1) * 100
        assert quote["change_percent"] == pytest.approx(change, abs=0.0051)
        expected = set(QUOTE_FIELDS) | {"feed_time"}
        if item.kind is InstrumentKind.INDEX:
            assert set(quote) == expected - OF_A_BOOK - OF_A_DERIVATIVE
            assert market.depth(index) == ([], [])
            assert market.circuit(index) is None
            continue
        assert set(quote) == expected - (OF_A_DERIVATIVE if item.kind is InstrumentKind.EQUITY else set())
        assert 0 < quote["bid"] < quote["ask"]
        assert is_on_tick(quote["bid"], tick)
        assert is_on_tick(quote["ask"], tick)
        for name in ("bid_quantity", "ask_quantity", "volume", *(OF_A_DERIVATIVE & set(quote))):
            assert quote[name] % item.lot_size == 0
        assert quote["bid_quantity"] > 0
        assert quote["ask_quantity"] > 0
        assert quote["low"] - 0.01 <= quote["average_price"] <= quote["high"] + 0.01
        band = market.circuit(index)
        assert band is not None
        assert band[0] <= quote["bid"]
        assert quote["ask"] <= band[1]


def test_it_is_a_market() -> None:
    market: Market = new_market()
    assert market.now_ns() == START_NS
    assert market.index_of(("NSE", "2885")) == position(market, "RELIANCE-EQ")
    assert market.index_of(("NSE", "no such token")) is None
    assert not market.finished


def test_all_quotes_are_sound_before_and_after_it_moves() -> None:
    market = new_market()
    assert_sound(market)
    for _ in range(20):
        market.advance(SECOND // 2)
    assert_sound(market)
    assert not market.finished


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32),
    st.floats(1, 50_000),
    st.lists(st.integers(0, SECOND // 4), min_size=1, max_size=8),
)
def test_merged_deltas_equal_the_quotes(seed: int, rate: float, elapsed: list[int]) -> None:
    market = new_market(seed, rate)
    merged = [dict(market.quote(index)) for index in range(len(market.instruments))]
    for step in elapsed:
        for tick in market.advance(step):
            before = merged[tick.index]
            assert tick.changes
            assert all(before[name] != value for name, value in tick.changes.items())
            assert tick.changes.get("volume", math.inf) > before.get("volume", 0.0)
            assert tick.changes.get("feed_time", math.inf) > before["feed_time"]
            before.update(tick.changes)
            if "bid" in before:
                assert before["bid"] < before["ask"]
    assert merged == [market.quote(index) for index in range(len(market.instruments))]
    assert market.now_ns() == START_NS + sum(elapsed)
    assert_sound(market)


def test_same_seed_same_ticks_and_another_seed_others() -> None:
    first, second, other = new_market(7), new_market(7), new_market(8)
    for step in (SECOND, 3_000_000, SECOND // 3):
        ticks = plain(first.advance(step))
        assert ticks == plain(second.advance(step))
        assert ticks != plain(other.advance(step))


@pytest.mark.parametrize("rate", [1, 7, 1_000, 50_000])
def test_the_rate_is_kept_whatever_the_steps(rate: int) -> None:
    in_one_go, in_steps = new_market(rate=rate), new_market(rate=rate)
    seconds = 10 if rate < 50_000 else 2
    assert len(in_one_go.advance(seconds * SECOND)) == rate * seconds
    received = sum(len(in_steps.advance(SECOND // 64)) for _ in range(seconds * 64))
    assert abs(received - rate * seconds) <= 1


@pytest.mark.parametrize("rate", [0, 0.5, 50_001, float("nan")])
def test_other_rates_are_refused(rate: float) -> None:
    with pytest.raises(DualBrokerError, match="expected 1 to 50000 ticks a second"):
        new_market(rate=rate)


@pytest.mark.slow
def test_a_machine_that_slept_does_not_drown_in_ticks() -> None:
    market = new_market(rate=50_000)
    assert len(market.advance(3_600 * SECOND)) == MOST_TICKS_PER_CALL
    assert market.now_ns() == START_NS + 3_600 * SECOND
    assert len(market.advance(SECOND)) == 50_000
    assert_sound(market)


@pytest.mark.slow
def test_prices_move_together() -> None:
    market = new_market(rate=400)
    watched = ("NIFTY INDEX", "NIFTY BANK", "SENSEX", "HDFCBANK-EQ", "INDIA VIX", "NIFTY23NOV26F")
    paths: dict[str, list[float]] = {symbol: [] for symbol in watched}
    for _ in range(120):
        market.advance(10 * SECOND)
        for symbol in watched:
            paths[symbol].append(market.quote(position(market, symbol))["ltp"])
    returns = {symbol: np.diff(np.log(path)) for symbol, path in paths.items()}

    def correlation(symbol: str) -> float:
        return float(np.corrcoef(returns["NIFTY INDEX"], returns[symbol])[0, 1])

    assert correlation("NIFTY BANK") > 0.5
    assert correlation("SENSEX") > 0.5
    assert correlation("HDFCBANK-EQ") > 0.2
    assert correlation("NIFTY23NOV26F") > 0.5
    assert correlation("INDIA VIX") < -0.3


def test_futures_cost_carry_and_options_hang_on_them() -> None:
    market = new_market(rate=50_000)
    market.advance(2 * SECOND)
    spot = market.quote(position(market, "NIFTY INDEX"))["ltp"]
    near, later = middle(market, "NIFTY23NOV26F"), middle(market, "NIFTY29DEC26F")
    assert 0 < near - spot < 25
    assert 80 < later - near < 200
    for strike in (25_900, 26_000, 26_100):
        forward = strike + middle(market, f"NIFTY23NOV26C{strike}") - middle(market, f"NIFTY23NOV26P{strike}")
        assert forward == pytest.approx(near, abs=8)


def test_option_chain_is_ordered_and_wider_away_from_the_money() -> None:
    market = new_market(rate=50_000)
    market.advance(2 * SECOND)
    strikes = range(25_800, 26_201, 50)
    calls = [middle(market, f"NIFTY29DEC26C{strike}") for strike in strikes]
    puts = [middle(market, f"NIFTY29DEC26P{strike}") for strike in strikes]
    assert calls == sorted(calls, reverse=True)
    assert puts == sorted(puts)

    def spread(symbol: str) -> float:
        quote = market.quote(position(market, symbol))
        return quote["ask"] - quote["bid"]

    assert spread("NIFTY23NOV26C25800") > spread("NIFTY23NOV26C26050")


def test_liquid_instruments_tick_more_often() -> None:
    market = new_market(rate=100)
    counts = Counter(tick.index for _ in range(3_000) for tick in market.advance(SECOND // 10))
    assert counts[position(market, "NIFTY INDEX")] > 2 * counts[position(market, "RELIANCE-EQ")]
    near, far = position(market, "NIFTY23NOV26C26000"), position(market, "NIFTY29DEC26C25800")
    assert counts[near] > 2 * counts[far]
    assert len(counts) == len(market.instruments)


def test_ticks_of_a_call_are_in_the_order_of_time() -> None:
    market = new_market(rate=500)
    times = [tick.changes["feed_time"] for tick in market.advance(5 * SECOND) if "feed_time" in tick.changes]
    assert times == sorted(times)
    assert len(set(times)) >= 5


def test_depth_begins_with_the_quote_and_steps_away_from_it() -> None:
    market = new_market()
    market.advance(SECOND)
    for index, item in enumerate(market.instruments):
        if item.kind is InstrumentKind.INDEX:
            continue
        quote = market.quote(index)
        bids, asks = market.depth(index)
        assert len(bids) == len(asks) == DEPTH_LEVELS
        assert (bids[0].price, bids[0].quantity) == (quote["bid"], quote["bid_quantity"])
        assert (asks[0].price, asks[0].quantity) == (quote["ask"], quote["ask_quantity"])
        ask_prices = [level.price or 0.0 for level in asks]
        bid_prices = [level.price or 0.0 for level in bids]
        assert ask_prices == sorted(set(ask_prices))
        assert bid_prices == sorted(bid_prices, reverse=True)
        assert all(
            is_on_tick(price, item.tick_size or DEFAULT_TICK_SIZE) for price in ask_prices + bid_prices
        )
        assert market.depth(index) == (bids, asks)


def test_bars_hold_the_hour_before_the_start_and_the_present_minute() -> None:
    market = new_market()
    market.advance(30 * SECOND)
    now_s = market.now_ns() // SECOND
    of_index = market.bars(position(market, "NIFTY INDEX"), 0, now_s + 1, 1)
    assert [bar.start_s for bar in of_index] == list(range(now_s - 30, now_s - 30 - 61 * 60, -60))
    assert all(bar.volume == 0 for bar in of_index)
    future = position(market, "NIFTY23NOV26F")
    quote = market.quote(future)
    minutes = market.bars(future, 0, now_s + 1, 1)
    assert minutes[0].close == quote["ltp"]
    assert minutes[0].open_interest == quote["open_interest"]
    assert sum(bar.volume for bar in minutes) == quote["volume"]
    assert max(bar.high for bar in minutes) <= quote["high"]
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in minutes)
    hours = market.bars(future, 0, now_s + 1, 60)
    assert sum(bar.volume for bar in hours) == quote["volume"]
    assert market.bars(future, now_s + 60, now_s + 120, 1) == []


def test_the_market_goes_on_after_an_expiry() -> None:
    five_to_close_ns = int(datetime(2026, 11, 24, 9, 55, tzinfo=UTC).timestamp()) * SECOND
    market = new_market(rate=300, start_ns=five_to_close_ns)
    for _ in range(10):
        market.advance(60 * SECOND)
    assert_sound(market)
