from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dualbroker import tables
from dualbroker.frames import frames
from dualbroker.manager.reconcile.reconcile import ReconcileResult
from dualbroker.model import (
    Instrument,
    InstrumentKind,
    MessageKind,
    OrderStatus,
    OrderUpdate,
    QuoteBatch,
    Side,
    UpdateSource,
)
from dualbroker.noren.orders import order_update_from_row
from dualbroker.noren.quotes import TouchlineDelta, TouchlineSnapshot
from dualbroker.service.streams.rows import order_event_rows
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover, Incident
from dualbroker.stores.orders import Ledger
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.histories import step_row
from dualbroker.view.rows import order_rows

NS = 1_000_000_000
NOON = pd.Timestamp("2026-01-15 12:00", tz="Asia/Kolkata")

OPTION = Instrument(
    exchange="NFO",
    token="40001",
    symbol="NIFTY20JAN26C26000",
    name="NIFTY",
    kind=InstrumentKind.OPTION,
    expiry=date(2026, 1, 20),
    strike=26000.0,
    option_type="CE",
    lot_size=65,
)


def option_store(*updates: Any) -> QuoteStore:
    store = QuoteStore()
    store.set_source(store.register(OPTION), "broker1")
    for number, update in enumerate(updates):
        store.apply(QuoteBatch("broker1", NOON.value + number * NS, [update]))
    return store


def snapshot(**fields: Any) -> TouchlineSnapshot:
    return TouchlineSnapshot(exchange="NFO", token="40001", **fields)


def delta(**fields: Any) -> TouchlineDelta:
    return TouchlineDelta(exchange="NFO", token="40001", **fields)


INCIDENT = Incident(number=1, time_ns=NOON.value, broker_name="broker1", cause="reset", action="moved")


def failover(**changes: Any) -> Failover:
    fields = {
        "number": 1,
        "time_ns": NOON.value,
        "from_broker": "broker1",
        "to_broker": "broker2",
        "why": "broker1 was reset",
        "planned": False,
        "detected_after_s": 0.02,
        "instruments": 3,
    }
    return Failover(**{**fields, **changes})


EMPTY_AND_FULL: list[tuple[tables.Table, pd.DataFrame, pd.DataFrame]] = [
    (
        tables.QUOTES,
        frames.quotes_frame(QuoteStore(), []),
        frames.quotes_frame(option_store(snapshot(ltp=1.0)), [OPTION.key]),
    ),
    (
        tables.TICKS,
        frames.ticks_frame(QuoteStore(), None),
        frames.ticks_frame(option_store(snapshot(ltp=1.0, feed_time=NOON.value // NS)), 0),
    ),
    (
        tables.INSTRUMENTS,
        frames.instruments_frame([], QuoteStore(), set(), NOON.date()),
        frames.instruments_frame([OPTION], QuoteStore(), {OPTION.key}, NOON.date()),
    ),
    (tables.FAILOVERS, frames.failovers_frame([]), frames.failovers_frame([failover()])),
    (
        tables.GAPS,
        frames.gaps_frame([], QuoteStore()),
        frames.gaps_frame([failover(gaps_s={OPTION.key: 0.18})], option_store()),
    ),
    (tables.INCIDENTS, frames.incidents_frame([]), frames.incidents_frame([INCIDENT])),
]


@pytest.mark.parametrize(("expected", "empty", "full"), EMPTY_AND_FULL)
def test_empty_frames_have_the_columns_and_dtypes_of_full_ones(
    expected: tables.Table, empty: pd.DataFrame, full: pd.DataFrame
) -> None:
    assert list(empty.columns) == list(full.columns) == list(expected.names)
    assert len(empty) == 0
    assert len(full) == 1
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    assert empty.index.dtype == full.index.dtype


def test_units_and_zone_of_quotes() -> None:
    store = option_store(
        snapshot(
            ltp=212.4, bid=212.3, bid_quantity=65.0, volume=1e6, open_interest=500.0, prev_open_interest=450.0
        ),
        delta(feed_time=NOON.value // NS),
    )
    quotes = frames.quotes_frame(store, [OPTION.key])
    row = quotes.loc["NIFTY20JAN26C26000"]
    assert row["ltp"] == 212.4
    assert row["bid_quantity"] == 65
    assert row["open_interest_change"] == 50
    assert row["broker_name"] == "broker1"
    assert row["feed_time"] == NOON
    assert row["receive_time"] == NOON + pd.Timedelta(seconds=1)
    assert str(quotes["receive_time"].dtype) == "datetime64[ns, Asia/Kolkata]"
    assert str(quotes["volume"].dtype) == "Int64"


def test_unknown_is_na_and_a_zero_is_a_zero() -> None:
    quotes = frames.quotes_frame(option_store(snapshot(bid=0.0, bid_quantity=0.0)), [OPTION.key])
    assert quotes["bid"].tolist() == [0.0]
    assert quotes["bid_quantity"].tolist() == [0]
    assert np.isnan(quotes["ask"].iloc[0])
    assert quotes["ask_quantity"].isna().all()
    assert quotes["feed_time"].isna().all()


def test_a_subscribed_instrument_without_a_quote_has_a_row_of_unknowns() -> None:
    quotes = frames.quotes_frame(option_store(), [OPTION.key])
    assert quotes["broker_name"].tolist() == ["broker1"]
    assert quotes.drop(columns=["exchange", "token", "broker_name"]).isna().all().all()


def test_ticks_carry_the_merged_quote_and_mark_snapshots() -> None:
    ticks = frames.ticks_frame(
        option_store(snapshot(ltp=1.0, volume=5.0), delta(ltp=2.0), delta(volume=6.0)), 0
    )
    assert ticks["ltp"].tolist() == [1.0, 2.0, 2.0]
    assert ticks["volume"].tolist() == [5, 5, 6]
    assert ticks["snapshot"].tolist() == [True, False, False]
    assert ticks.index[0] == NOON
    assert ticks.index.name == "receive_time"


def test_an_absurd_feed_time_is_unknown_and_breaks_nothing() -> None:
    ticks = frames.ticks_frame(option_store(delta(feed_time=99_999_999_999_999), delta(feed_time=0)), 0)
    assert ticks["feed_time"].isna().all()


def test_frames_are_the_users_own() -> None:
    store = option_store(snapshot(ltp=1.0))
    mine = frames.quotes_frame(store, [OPTION.key])
    mine.loc[:, "ltp"] = -5.0
    ticks = frames.ticks_frame(store, 0)
    ticks.loc[:, "ltp"] = -5.0
    assert frames.quotes_frame(store, [OPTION.key])["ltp"].tolist() == [1.0]
    assert frames.ticks_frame(store, 0)["ltp"].tolist() == [1.0]


def order(order_id: str, at: int, **fields: Any) -> OrderUpdate:
    return OrderUpdate(
        broker_name=fields.pop("broker_name", "broker1"),
        receive_time_ns=NOON.value + at,
        source=UpdateSource.STREAM,
        order_id=order_id,
        trading_day=date(2026, 1, 15),
        **fields,
    )


def test_orders_show_latest_states_newest_first_and_events_in_order_of_arrival() -> None:
    ledger = Ledger()
    ledger.apply(order("1", 1, status=OrderStatus.OPEN, side=Side.BUY, quantity=65.0, symbol="X"))
    ledger.apply(order("1", 2, status=OrderStatus.COMPLETE, filled_quantity=65.0))
    ledger.apply(order("2", 3, status=OrderStatus.REJECTED, reject_reason="RED:Margin Shortfall"))
    orders = frames.orders_frame(ledger.snapshot())
    assert orders["order_id"].tolist() == ["2", "1"]
    assert orders["status"].tolist() == ["REJECTED", "COMPLETE"]
    assert orders["side"].tolist()[1] == "BUY"
    assert orders["filled_quantity"].isna().tolist() == [True, False]
    events = frames.order_events_frame(ledger.events_snapshot())
    assert events["sequence"].tolist() == [1, 2, 3]
    assert events["status"].tolist() == ["OPEN", "COMPLETE", "REJECTED"]
    assert events["symbol"].tolist()[1] == "X", "also where the update did not repeat it"
    for made, expected in ((orders, tables.ORDERS), (events, tables.ORDER_EVENTS)):
        assert list(made.columns) == list(expected.names)
    assert frames.orders_frame([]).dtypes.astype(str).to_dict() == orders.dtypes.astype(str).to_dict()
    assert frames.order_events_frame([]).dtypes.astype(str).to_dict() == events.dtypes.astype(str).to_dict()


def test_what_matters_of_an_order_is_in_sight_in_a_cell() -> None:
    ledger = Ledger()
    ledger.apply(order("1", 1, status=OrderStatus.REJECTED, reject_reason="RED:Margin Shortfall"))
    with pd.option_context("display.max_columns", 20, "display.max_colwidth", 50):
        html = frames.orders_frame(ledger.snapshot()).to_html(notebook=True, max_cols=20)
    heads = re.findall(r"<th>([a-z_]+)</th>", html)
    assert heads[:10] == [
        *("broker_name", "order_time", "symbol", "side", "quantity", "filled_quantity"),
        *("price", "average_price", "status", "reject_reason"),
    ]
    assert "RED:Margin Shortfall" in html


def test_indices_of_text_have_the_dtype_of_columns_of_text() -> None:
    health = {
        "broker1": BrokerHealth(broker_name="broker1", broker_type="simulated", account="", simulated=True)
    }
    bandwidth = BandwidthStore()
    bandwidth.add_broker("broker1")
    for full, empty in (
        (frames.quotes_frame(option_store(), [OPTION.key]), frames.quotes_frame(QuoteStore(), [])),
        (frames.brokers_frame(health, bandwidth), frames.brokers_frame({}, BandwidthStore())),
        (
            frames.reconciled_frame([ReconcileResult(broker_name="b", time_ns=1, read=True)]),
            frames.reconciled_frame([]),
        ),
    ):
        text = full.reset_index().dtypes
        assert text[str(full.index.name)] == pd.Series(["text"]).dtype
        assert full.index.dtype == empty.index.dtype


def test_a_word_that_is_not_known_is_shown_as_the_broker_says_it_and_counts_as_open_nowhere() -> None:
    ledger = Ledger()
    said = {"1": "MODIFY PENDING", "2": "AMO OPEN", "3": "EXPIRED"}
    for number, word in said.items():
        row = {
            "norenordno": f"2601150000000{number}",
            "status": word,
            "norentm": f"10:00:0{number} 15-01-2026",
        }
        ledger.apply(
            order_update_from_row(row, broker_name="broker1", receive_time_ns=1, source=UpdateSource.STREAM)
        )
    orders = frames.orders_frame(ledger.snapshot())
    assert orders["status"].tolist() == ["CANCELED", "PENDING", "UNKNOWN"]
    assert orders["broker_status"].tolist() == ["EXPIRED", "AMO OPEN", "MODIFY PENDING"]
    assert str(orders["amo"].dtype) == str(frames.orders_frame([])["amo"].dtype) == "boolean"
    assert orders["amo"].isna().tolist() == [True, False, True], "unknown is not false"
    assert frames.order_events_frame(ledger.events_snapshot())["broker_status"].tolist() == [*said.values()]
    rows = order_rows(ledger.snapshot())
    assert [(row["final"], row["open"], row["amo"]) for row in rows] == [
        (True, False, None),
        (False, True, True),
        (False, False, None),
    ]
    assert [row["status_note"] for row in rows] == ["", "after market", 'the broker says "MODIFY PENDING"']
    assert [row["broker_status"] for row in map(dict, order_event_rows(ledger.events_snapshot()))] == [
        *said.values()
    ]
    assert step_row(ledger.events_snapshot()[0])[1] == 'the broker says "MODIFY PENDING"'


def test_an_order_in_doubt_says_why_and_the_others_say_nothing() -> None:
    ledger = Ledger()
    for number in ("1", "2"):
        ledger.apply(order(number, 1, status=OrderStatus.OPEN))
    ledger.set_doubt(("broker1", date(2026, 1, 15), "2"), "not in broker1's order book of 14:02:11")
    orders = frames.orders_frame(ledger.snapshot()).set_index("order_id")
    assert dict(orders["doubt"]) == {"1": "", "2": "not in broker1's order book of 14:02:11"}


def test_a_reconcile_that_failed_knows_of_no_number_of_orders() -> None:
    results = [
        ReconcileResult(broker_name="broker1", time_ns=NOON.value, read=True, orders=0, fills=0, seconds=0.5),
        ReconcileResult(broker_name="broker2", time_ns=NOON.value, read=False, problem="no answer"),
    ]
    table = frames.reconciled_frame(results)
    assert list(table.columns) == list(tables.RECONCILED.names)
    assert table["orders"].isna().tolist() == table["fills"].isna().tolist() == [False, True]
    assert table["read"].tolist() == [True, False]
    assert table["problem"].tolist() == ["", "no answer"]
    assert table.index.tolist() == ["broker1", "broker2"]
    assert table["time"].iloc[0] == NOON
    assert list(frames.reconciled_frame([]).columns) == list(tables.RECONCILED.names)


def test_brokers_and_bandwidth() -> None:
    bandwidth = BandwidthStore()
    bandwidth.add_broker("broker1")[MessageKind.QUOTES].bytes = 100
    bandwidth.close_second(NOON.value // NS)
    health = BrokerHealth(broker_name="broker1", broker_type="simulated", account="FA**01", simulated=True)
    brokers = frames.brokers_frame({"broker1": health}, bandwidth)
    assert brokers.loc["broker1", "quote_bytes"] == 100
    assert brokers["latency_ms"].isna().all()
    assert list(brokers.columns) == list(tables.BROKERS.names)
    table = frames.bandwidth_frame(bandwidth)
    assert table["bytes"].tolist() == [100, 0, 0]
    assert table["time"].iloc[0] == NOON
    assert list(frames.bandwidth_frame(BandwidthStore()).columns) == list(tables.BANDWIDTH.names)


def test_a_failover_is_a_row_with_its_gaps_in_seconds_and_indian_time() -> None:
    gaps = {("NSE", str(number)): number / 100 for number in range(1, 101)}
    done = failover(gaps_s=gaps, uncovered=("NSE:A", "NSE:B"), finished=True)
    planned = failover(number=2, planned=True, detected_after_s=None)
    table = frames.failovers_frame([done, planned])
    first, second = table.iloc[0], table.iloc[1]
    assert first["time"] == NOON
    assert (first["gap_p50"], first["gap_p99"], first["gap_max"]) == (0.5, 0.99, 1.0)
    assert (first["detected_after"], first["uncovered"], first["finished"]) == (0.02, 2, True)
    assert second[["detected_after", "gap_p50", "gap_p99", "gap_max"]].isna().all(), "unknown, not 0"
    assert str(table["time"].dtype) == "datetime64[ns, Asia/Kolkata]"


def test_gaps_name_each_instrument_and_those_that_are_not_covered() -> None:
    other = failover(number=2, uncovered=("NFO:NIFTY20JAN26C26000", "NSE:NEVER-SEEN"))
    unknown = failover(number=3, gaps_s={("NSE", "9"): 0.5})
    gaps = frames.gaps_frame([failover(gaps_s={OPTION.key: 0.18}), other, unknown], option_store())
    assert gaps["number"].tolist() == [1, 2, 2, 3]
    assert gaps["covered"].tolist() == [True, False, False, True]
    assert gaps["symbol"].tolist()[:3] == ["NIFTY20JAN26C26000", "NIFTY20JAN26C26000", "NEVER-SEEN"]
    assert gaps["token"].tolist()[:2] == ["40001", "40001"]
    assert gaps["gap"].isna().tolist() == [False, True, True, False]
    assert gaps[["symbol", "token"]].isna().to_numpy().tolist()[2:] == [[False, True], [True, False]]


def test_an_instrument_that_came_late_is_covered_and_not_listed_twice() -> None:
    late = failover(gaps_s={OPTION.key: 7.5}, uncovered=("NFO:NIFTY20JAN26C26000",))
    gaps = frames.gaps_frame([late], option_store())
    assert gaps[["gap", "covered"]].to_numpy().tolist() == [[7.5, True]]


def test_an_incident_of_the_whole_feed_has_no_broker() -> None:
    whole = Incident(number=2, time_ns=NOON.value, broker_name=None, cause="silence", action="waited")
    incidents = frames.incidents_frame([INCIDENT, whole])
    assert incidents["broker_name"].isna().tolist() == [False, True]
    assert incidents["cause"].tolist() == ["reset", "silence"]
    assert incidents["time"].tolist() == [NOON, NOON]
