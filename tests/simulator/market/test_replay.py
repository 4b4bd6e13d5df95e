from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualbroker.errors import DualBrokerError
from dualbroker.model import DepthLevel, InstrumentKind
from dualbroker.simulator.market.market import Market, MarketTick
from dualbroker.simulator.market.replay import ReplayMarket

SECOND = 1_000_000_000
OPENING = datetime(2025, 8, 29, 4, 0, tzinfo=UTC)
OPENING_S = int(OPENING.timestamp())


def row(second: int, token: str, **figures: float) -> dict[str, Any]:
    return {
        "exchange_time": OPENING + timedelta(seconds=second),
        "exchange": "NFO",
        "token": token,
        "symbol": f"NIFTY02SEP25C{token}",
        "underlying": "NIFTY",
        "expiry": datetime(2025, 9, 2),
        "strike": float(token),
        "option_type": "CE",
        "lot_size": 75,
        "ltp": 0.0,
        "prev_close": 0.0,
        "volume": 0,
        "open_interest": 0,
        "bid": 0.0,
        "bid_qty": 0,
        "ask": 0.0,
        "ask_qty": 0,
        **figures,
    }


DAY = [
    row(0, "100", ltp=10.0, prev_close=8.0, volume=75, bid=9.95, bid_qty=150, ask=10.05, ask_qty=75),
    row(0, "200"),
    row(65, "100", ltp=11.0, prev_close=8.0, volume=300, bid=0.0, bid_qty=0, ask=10.05, ask_qty=75),
    row(65, "100", ltp=11.0, prev_close=8.0, volume=300, bid=0.0, bid_qty=0, ask=10.05, ask_qty=75),
    row(1_200, "200", open_interest=75),
    row(1_265, "100", ltp=0.0, prev_close=8.0, volume=225),
]


@pytest.fixture
def recorded_day(tmp_path: Path) -> Path:
    path = tmp_path / "day.parquet"
    pq.write_table(pa.Table.from_pylist(DAY), path)
    return path


def played(market: ReplayMarket, step_ns: int = SECOND) -> list[MarketTick]:
    market.release()
    ticks: list[MarketTick] = []
    while not market.finished:
        ticks += market.advance(step_ns)
    return ticks


def test_instruments_come_from_the_file(recorded_day: Path) -> None:
    market: Market = ReplayMarket(recorded_day)
    assert [item.key for item in market.instruments] == [("NFO", "100"), ("NFO", "200")]
    first = market.instruments[0]
    assert (first.symbol, first.name, first.kind) == ("NIFTY02SEP25C100", "NIFTY", InstrumentKind.OPTION)
    assert (first.expiry, first.strike, first.option_type) == (date(2025, 9, 2), 100.0, "CE")
    assert first.lot_size == 75
    assert market.index_of(("NFO", "200")) == 1
    assert market.index_of(("NFO", "300")) is None


def test_nothing_happens_until_released(recorded_day: Path) -> None:
    market = ReplayMarket(recorded_day)
    assert market.advance(3_600 * SECOND) == []
    assert market.now_ns() == OPENING_S * SECOND
    assert market.quote(0) == {}
    assert market.depth(0) == ([DepthLevel()] * 5, [DepthLevel()] * 5)
    market.release()
    assert len(market.advance(0)) == 2
    market.hold()
    assert market.advance(3_600 * SECOND) == []
    assert market.rows_sent == 2


def test_each_row_is_one_tick_of_what_changed(recorded_day: Path) -> None:
    ticks = played(ReplayMarket(recorded_day))
    assert [tick.index for tick in ticks] == [0, 1, 0, 0, 1, 0]
    assert ticks[0].changes == {
        "ltp": 10.0,
        "change_percent": 25.0,
        "bid": 9.95,
        "bid_quantity": 150.0,
        "ask": 10.05,
        "ask_quantity": 75.0,
        "volume": 75.0,
        "prev_close": 8.0,
        "open_interest": 0.0,
        "feed_time": OPENING_S,
    }
    assert ticks[1].changes["ltp"] == 0.0
    assert "change_percent" not in ticks[1].changes
    assert ticks[2].changes == {
        "ltp": 11.0,
        "change_percent": 37.5,
        "bid": 0.0,
        "bid_quantity": 0.0,
        "volume": 300.0,
        "feed_time": OPENING_S + 65,
    }
    assert ticks[3].changes == {"feed_time": OPENING_S + 65}
    assert ticks[4].changes == {"open_interest": 75.0, "feed_time": OPENING_S + 1_200}
    assert ticks[5].changes == {
        "ltp": 0.0,
        "ask": 0.0,
        "ask_quantity": 0.0,
        "volume": 225.0,
        "feed_time": OPENING_S + 1_265,
    }


def test_the_clock_is_the_files_and_stops_with_it(recorded_day: Path) -> None:
    market = ReplayMarket(recorded_day, speed=10)
    market.release()
    assert len(market.advance(6 * SECOND)) == 2
    assert market.now_ns() == (OPENING_S + 60) * SECOND
    assert len(market.advance(SECOND)) == 2
    assert market.advance(100 * SECOND) == []
    assert not market.finished
    assert len(market.advance(1_000 * SECOND)) == 2
    assert market.finished
    assert market.rows == market.rows_sent == len(DAY)
    assert market.now_ns() == (OPENING_S + 1_265) * SECOND
    assert market.advance(SECOND) == []


def test_depth_knows_the_best_level_only(recorded_day: Path) -> None:
    market = ReplayMarket(recorded_day)
    market.release()
    market.advance(0)
    bids, asks = market.depth(0)
    assert bids == [DepthLevel(price=9.95, quantity=150.0), *[DepthLevel()] * 4]
    assert asks == [DepthLevel(price=10.05, quantity=75.0), *[DepthLevel()] * 4]
    assert market.circuit(0) is None


def test_bars_hold_what_has_been_played(recorded_day: Path) -> None:
    market = ReplayMarket(recorded_day)
    market.release()
    market.advance(0)
    assert [bar.close for bar in market.bars(0, 0, 2**40, 1)] == [10.0]
    played(market)
    bars = market.bars(0, 0, 2**40, 15)
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == [
        (10.0, 11.0, 10.0, 11.0, 225.0)
    ]
    assert market.bars(1, 0, 2**40, 1) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=30))
def test_merged_deltas_equal_the_quotes_whatever_the_steps(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "merged.parquet"
    if not path.exists():
        pq.write_table(pa.Table.from_pylist(DAY), path)
    market = ReplayMarket(path)
    market.release()
    merged: list[dict[str, float]] = [{} for _ in market.instruments]
    for step in seconds:
        for tick in market.advance(step * SECOND):
            merged[tick.index].update(tick.changes)
        assert merged == [market.quote(index) for index in range(len(merged))]
    assert sum(map(bool, merged)) == (2 if market.rows_sent else 0)


def test_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    path = tmp_path / "shuffled.parquet"
    pq.write_table(pa.Table.from_pylist(DAY[4:] + DAY[:4]), path)
    ticks = played(ReplayMarket(path))
    times = [tick.changes["feed_time"] for tick in ticks]
    assert times == sorted(times)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DualBrokerError, match="found no such file"):
        ReplayMarket(tmp_path / "absent.parquet")
    text = tmp_path / "text.parquet"
    text.write_text("not a table", encoding="utf-8")
    with pytest.raises(DualBrokerError, match="expected a recorded day"):
        ReplayMarket(text)
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"ltp": [1.0]}), other)
    with pytest.raises(DualBrokerError, match="expected the columns exchange_time, exchange"):
        ReplayMarket(other)
    empty = tmp_path / "empty.parquet"
    pq.write_table(pa.Table.from_pylist(DAY).slice(0, 0), empty)
    with pytest.raises(DualBrokerError, match="at least one row"):
        ReplayMarket(empty)


@pytest.mark.parametrize("speed", [0, -1, 10_001, float("nan")])
def test_other_speeds_are_refused(recorded_day: Path, speed: float) -> None:
    with pytest.raises(DualBrokerError, match="expected a speed above 0 and up to 10000"):
        ReplayMarket(recorded_day, speed=speed)


@pytest.mark.shared
def test_the_recorded_day_ends_as_its_file_does(shared_data: Path) -> None:
    market = ReplayMarket(shared_data / "nifty-option-chain-2025-08-29.parquet", speed=10_000)
    merged: dict[int, dict[str, float]] = {}
    ticks = played(market, step_ns=SECOND // 20)
    for tick in ticks:
        merged.setdefault(tick.index, {}).update(tick.changes)
    assert len(ticks) == market.rows == market.rows_sent == 291_235
    assert len(merged) == len(market.instruments) == 1_528
    last_rows = market.last_rows()
    for index, quote in merged.items():
        assert quote == market.quote(index)
        expected = last_rows[market.instruments[index].key]
        assert {name: quote[name] for name in expected} == expected
    assert any(quote["bid"] == 0 for quote in merged.values())
