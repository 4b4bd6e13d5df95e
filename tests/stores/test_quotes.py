from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dualbroker.model import QUOTE_FIELDS, Instrument, InstrumentKind, QuoteBatch
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import decode
from dualbroker.simulator.wire.quote_wire import InstrumentWire
from dualbroker.stores.quotes import QuoteStore, Switch


def instrument(token: str, exchange: str = "NSE") -> Instrument:
    return Instrument(
        exchange=exchange, token=token, symbol=f"S{token}-EQ", name=f"S{token}", kind=InstrumentKind.EQUITY
    )


def store_with(*tokens: str, max_rows: int = 1000) -> QuoteStore:
    store = QuoteStore(max_rows)
    for token in tokens:
        store.set_source(store.register(instrument(token)), "broker1")
    return store


def snapshot(token: str = "1", **fields: Any) -> TouchlineSnapshot:
    return TouchlineSnapshot(exchange="NSE", token=token, **fields)


def delta(token: str = "1", **fields: Any) -> TouchlineDelta:
    return TouchlineDelta(exchange="NSE", token=token, **fields)


def apply(store: QuoteStore, *updates: Any, at: int = 1, broker: str = "broker1") -> list[Switch] | None:
    return store.apply(QuoteBatch(broker, at, updates))


def latest(store: QuoteStore, index: int = 0) -> dict[str, float]:
    indices, rows, _ = store.latest()
    row = rows[list(indices).index(index)]
    return {name: float(row[name]) for name in QUOTE_FIELDS}


def test_a_delta_changes_what_it_says_and_nothing_else() -> None:
    store = store_with("1")
    apply(store, snapshot(ltp=100.0, bid=99.0, volume=10.0))
    apply(store, delta(ltp=101.0))
    assert latest(store)["ltp"] == 101.0
    assert latest(store)["bid"] == 99.0
    assert math.isnan(latest(store)["ask"])


def test_a_snapshot_replaces_all_that_was_known() -> None:
    store = store_with("1")
    apply(store, snapshot(ltp=100.0, bid=99.0))
    apply(store, snapshot(ltp=100.0))
    assert math.isnan(latest(store)["bid"])


def test_a_zero_that_was_received_is_kept() -> None:
    store = store_with("1")
    apply(store, snapshot(bid=5.0, bid_quantity=75.0), delta(bid=0.0, bid_quantity=0.0))
    assert latest(store)["bid"] == 0.0
    assert latest(store)["bid_quantity"] == 0.0


def test_equal_tokens_of_two_exchanges_stay_apart() -> None:
    store = store_with("22")
    other = store.register(instrument("22", "CDS"))
    store.set_source(other, "broker1")
    apply(store, snapshot("22", ltp=1.0), TouchlineSnapshot(exchange="CDS", token="22", ltp=2.0))
    assert latest(store, 0)["ltp"] == 1.0
    assert latest(store, other)["ltp"] == 2.0


def test_only_the_quote_source_counts() -> None:
    store = store_with("1")
    store.set_source(store.register(instrument("2")), "broker2")
    apply(store, snapshot("1", ltp=1.0), broker="broker2")
    apply(store, snapshot("9", ltp=1.0))
    apply(store, snapshot("1", ltp=1.0), broker="broker3")
    assert store.stray_count == 3
    assert store.total_rows == 0


def test_ticks_and_snapshots_are_counted_apart() -> None:
    store = store_with("1")
    apply(store, snapshot(ltp=1.0), delta(ltp=2.0), delta(ltp=3.0))
    assert (store.snapshot_count, store.tick_count) == (1, 2)
    rows, brokers, snapshots = store.rows_of(0)
    assert rows["ltp"].tolist() == [1.0, 2.0, 3.0]
    assert snapshots.tolist() == [True, False, False]
    assert [store.broker_names[number] for number in brokers] == ["broker1"] * 3


def test_the_bound_drops_the_oldest_block_and_counts_it() -> None:
    store = store_with("1", max_rows=100)
    for number in range(1000):
        apply(store, delta(ltp=float(number)), at=number)
    rows, _, _ = store.rows_of(0)
    assert len(rows) + store.dropped_rows == 1000
    assert 100 <= len(rows) <= 100 + store.block_rows
    assert rows["ltp"].tolist() == [float(number) for number in range(1000 - len(rows), 1000)]


def test_a_quiet_instrument_keeps_its_latest_quote_when_its_block_is_dropped() -> None:
    store = store_with("1", "2", max_rows=100)
    apply(store, snapshot("1", ltp=7.0))
    apply(store, *(delta("2", ltp=float(number)) for number in range(500)))
    assert store.dropped_rows > 0
    assert latest(store, 0)["ltp"] == 7.0
    assert latest(store, 1)["ltp"] == 499.0


def test_what_a_reader_holds_never_changes() -> None:
    store = store_with("1")
    apply(store, delta(ltp=1.0))
    view = store.blocks()[-1].published()
    apply(store, delta(ltp=2.0))
    assert view["ltp"].tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        view["ltp"][0] = 5.0


def test_depth_merges_level_by_level_and_ticks_too() -> None:
    store = store_with("1")
    apply(
        store,
        DepthSnapshot(exchange="NSE", token="1", ltp=10.0, bid=9.0, bid2=8.0, bid_orders2=4.0, ask=11.0),
    )
    apply(store, DepthDelta(exchange="NSE", token="1", bid2=8.5))
    known = store.depth(0)
    assert known is not None
    bids, asks = known[1]
    assert [level.price for level in bids] == [9.0, 8.5, None, None, None]
    assert bids[1].orders == 4.0
    assert asks[0].price == 11.0
    assert latest(store)["bid"] == 9.0
    assert store.tick_count == 1


def test_rows_since_a_number_come_in_order_over_blocks() -> None:
    store = store_with("1", max_rows=100)
    apply(store, *(delta(ltp=float(number)) for number in range(120)))
    found = [
        float(block.published()["ltp"][place])
        for block, start, stop in store.rows_since(60)
        for place in range(start, stop)
    ]
    assert found == [float(number) for number in range(60, 120)]


FIELDS = st.dictionaries(
    st.sampled_from(QUOTE_FIELDS), st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=6
)


@given(st.lists(st.tuples(st.sampled_from("12"), st.booleans(), FIELDS), max_size=40))
def test_merging_equals_a_dictionary_per_instrument(
    messages: list[tuple[str, bool, dict[str, float]]],
) -> None:
    store = store_with("1", "2", max_rows=20)
    expected: dict[str, dict[str, float]] = {}
    for token, is_snapshot, fields in messages:
        apply(store, (snapshot if is_snapshot else delta)(token, **fields))
        expected[token] = fields if is_snapshot else {**expected.get(token, {}), **fields}
    indices, _, _ = store.latest()
    assert {store.instruments[index].token for index in indices} == set(expected)
    for token, fields in expected.items():
        index = store.index_of(("NSE", token))
        assert index is not None
        got = {name: value for name, value in latest(store, index).items() if not math.isnan(value)}
        assert got == fields
    assert np.sum([block.count for block in store.blocks()]) + store.dropped_rows == len(messages)


def test_a_new_day_knows_nothing_before_its_first_message() -> None:
    store = store_with("1", "2", max_rows=100)
    apply(store, snapshot("1", ltp=100.0, prev_close=99.0, volume=5000.0), at=1)
    apply(store, DepthSnapshot(exchange="NSE", token="2", ltp=1.0, bid2=9.0), at=1)
    for number in range(200):
        apply(store, delta("2", ltp=float(number)), at=2 + number)
    assert store.dropped_rows > 0
    assert latest(store, 0)["volume"] == 5000.0, "a latest quote outlives its block"
    store.start_day()
    assert store.latest()[0].tolist() == []
    assert store.depth(1) is None
    assert store.source(0) == "broker1"
    assert len(store.rows_of(1)[0]) > 0, "yesterday's ticks stay"
    apply(store, delta("1", ltp=101.0), at=300)
    today = latest(store, 0)
    assert today["ltp"] == 101.0
    assert math.isnan(today["volume"])
    assert math.isnan(today["prev_close"])


def test_a_retired_instrument_gives_its_key_free_and_keeps_its_ticks() -> None:
    store = store_with("1", "2")
    apply(store, snapshot("1", ltp=1.0), snapshot("2", ltp=2.0))
    store.retire(0)
    assert store.source(0) is None
    assert store.index_of(("NSE", "1")) is None
    assert store.latest()[0].tolist() == [1]
    strays = store.stray_count
    apply(store, delta("1", ltp=5.0))
    assert store.stray_count == strays + 1
    assert store.rows_of(0)[0]["ltp"].tolist() == [1.0]
    recycled = Instrument(exchange="NSE", token="1", symbol="NEW-EQ", name="NEW", kind=InstrumentKind.EQUITY)
    index = store.register(recycled)
    assert index == 2
    store.set_source(index, "broker1")
    apply(store, snapshot("1", ltp=7.0))
    assert latest(store, index)["ltp"] == 7.0
    assert store.rows_of(0)[0]["ltp"].tolist() == [1.0]


def test_retiring_forgets_the_keys_at_every_broker() -> None:
    store = store_with("1")
    store.routes.set_source(0, "broker2", ("NSE", "77"))
    store.routes.expect(0, "broker1", ("NSE", "1"))
    store.retire(0)
    apply(store, snapshot("1", ltp=1.0))
    apply(store, snapshot("77", ltp=1.0), broker="broker2")
    assert (store.total_rows, store.stray_count) == (0, 2)


def test_a_new_day_between_the_old_source_and_the_new_one_shortens_no_gap() -> None:
    store = store_with("1")
    apply(store, snapshot(ltp=100.0), at=10)
    store.routes.expect(0, "broker2", ("NSE", "1"))
    store.start_day()
    switches = apply(store, snapshot(ltp=100.0), at=25, broker="broker2")
    assert switches == [(("NSE", "1"), "broker2", 25, 10)]


def test_quotes_of_mcx_come_in_lots_and_are_kept_in_units() -> None:
    silver = Instrument(
        exchange="MCX", token="7", symbol="SILVER", name="SILVER", kind=InstrumentKind.FUTURE, lot_size=30
    )
    share = instrument("1")
    store = QuoteStore(1000)
    for each in (silver, share):
        store.set_source(store.register(each), "broker1")
    apply(store, DepthSnapshot(exchange="MCX", token="7", ltp=9.0, volume=5, bid_quantity=2, ask_quantity3=4))
    apply(store, TouchlineDelta(exchange="MCX", token="7", volume=6, open_interest=10), at=2)
    apply(store, snapshot("1", volume=5))
    row = latest(store, 0)
    assert (row["ltp"], row["volume"], row["bid_quantity"], row["open_interest"]) == (9.0, 180, 60, 300)
    depth = store.depth(0)
    assert depth is not None
    assert depth[1][0][0].quantity == 60
    assert depth[1][1][2].quantity == 120
    assert latest(store, 1)["volume"] == 5
    assert store.stray_count == 0
    apply(store, TouchlineDelta(exchange="MCX", token="7", volume=7), broker="broker2")
    assert store.stray_count == 1
    store.retire(0)
    apply(store, TouchlineDelta(exchange="MCX", token="7", volume=8))
    assert store.stray_count == 2


def test_the_simulator_sends_lots_as_brokers_do_and_they_come_back_as_units() -> None:
    silver = Instrument(
        exchange="MCX", token="7", symbol="SILVER", name="SILVER", kind=InstrumentKind.FUTURE, lot_size=30
    )
    wire = InstrumentWire(silver)
    quote = {"ltp": 9.0, "volume": 180.0, "bid_quantity": 60.0, "feed_time": 1_700_000_000.0}
    assert wire.texts(quote)["v"] == "6"
    store = QuoteStore(1000)
    store.set_source(store.register(silver), "broker1")
    apply(store, decode(wire.touchline_snapshot(quote)), decode(wire.touchline_delta({"volume": 210.0})))
    row = latest(store, 0)
    assert (row["volume"], row["bid_quantity"], row["ltp"]) == (210, 60, 9.0)


def test_an_awaited_broker_becomes_the_source_with_its_first_full_quote() -> None:
    store = store_with("1", "2")
    apply(store, snapshot("1", ltp=1.0), snapshot("2", ltp=1.0), at=10)
    store.routes.expect(0, "broker2", ("NSE", "77"))
    assert apply(store, delta("77", ltp=9.0), at=11, broker="broker2") is None
    assert store.source(0) == "broker1"
    assert apply(store, delta("1", ltp=2.0), at=12) is None
    switches = apply(
        store, snapshot("77", ltp=3.0), delta("77", ltp=4.0), snapshot("88", ltp=5.0), at=13, broker="broker2"
    )
    assert switches == [Switch(("NSE", "1"), "broker2", 13, 12)]
    assert store.sources() == ["broker2", "broker1"]
    apply(store, delta("1", ltp=9.0))
    assert latest(store)["ltp"] == 4.0
    # What is expected there may be streamed already, to be compared.
    assert store.stray_count == 2


def test_whoever_is_no_longer_awaited_takes_nothing_over() -> None:
    store = store_with("1")
    store.routes.expect(0, "broker2", ("NSE", "1"))
    store.routes.expect(0, "broker3", ("NSE", "1"))
    assert apply(store, snapshot("1"), broker="broker2") is None
    store.routes.expect_no_longer(0)
    assert apply(store, snapshot("1"), broker="broker3") is None
    assert store.sources() == ["broker1"]


def test_an_instrument_in_lots_is_awaited_and_counted_like_any_other() -> None:
    silver = Instrument(
        exchange="MCX", token="7", symbol="SILVER", name="SILVER", kind=InstrumentKind.FUTURE, lot_size=30
    )
    store = QuoteStore(1000)
    store.routes.expect(store.register(silver), "broker1", silver.key)
    assert apply(store, TouchlineSnapshot(exchange="MCX", token="7", volume=5))
    apply(store, TouchlineDelta(exchange="MCX", token="7", volume=6))
    assert store.rows_of(0)[0]["volume"].tolist() == [150, 180]


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads take turns a thousand times as often."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual_s)


@pytest.mark.usefixtures("hurried_threads")
@pytest.mark.parametrize("max_rows", [100_000, 64])
def test_no_reader_ever_sees_a_torn_row(max_rows: int) -> None:
    """Each message says one number in every field: a row with two numbers is of two messages, one of zeros
    was read before it was written."""
    store = store_with("1", "2", "3", max_rows=max_rows)
    apply(store, *(snapshot(token, **dict.fromkeys(QUOTE_FIELDS, 1.0)) for token in "123"), at=1)
    ended = threading.Event()
    failures: list[str] = []
    reads = [0, 0]

    def look(reader: int, read: Callable[[], NDArray[Any]]) -> None:
        while not ended.is_set():
            try:
                rows = read()
            except Exception as error:
                failures.append(repr(error))
                return
            said = np.array([rows[name] for name in ("receive_time", *QUOTE_FIELDS)], float)
            torn = (said != said[0]).any(axis=0) | (said[0] == 0)
            if torn.any():
                failures.append(f"torn: {rows[torn][0]}")
                return
            reads[reader] += len(rows) > 0

    readers = [
        threading.Thread(target=look, args=(0, lambda: store.latest()[1])),
        threading.Thread(target=look, args=(1, lambda: store.rows_of(1)[0])),
    ]
    for reader in readers:
        reader.start()
    number = 1
    while not failures and (number < 3_000 or min(reads) < 50):
        number += 1
        said = dict.fromkeys(QUOTE_FIELDS, float(number))
        apply(store, *(delta(token, **said) for token in "122313"), at=number)
    ended.set()
    for reader in readers:
        reader.join()
    assert failures == []
