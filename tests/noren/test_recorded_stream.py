"""Every recorded line of the order and quote stream decodes to the values that it states."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from dualbroker.model import OrderStatus, ReportType, Side, UpdateSource
from dualbroker.noren.orders import OrderMessage, to_order_update
from dualbroker.noren.quotes import TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import ConnectAck, decode
from tests.noren.recorded import RECEIVED, from_row, ist_ns, lines, said

pytestmark = pytest.mark.shared


def test_all_files_are_covered(shared_data: Path) -> None:
    assert sorted(path.stem for path in (shared_data / "noren-messages").glob("*.jsonl")) == [
        "flattrade_ws_connect_subscribe_order_20221105",
        "noren_om_single_events",
        "shoonya_readme_ws_NTPC_20211203",
        "shoonya_rest_88pawankumarjha",
        "shoonya_rest_single",
    ]


def test_touchline_of_a_share(shared_data: Path) -> None:
    assert [decode(line) for line in lines(shared_data, "shoonya_readme_ws_NTPC_20211203")] == [
        TouchlineSnapshot(
            exchange="NSE",
            token="11630",
            symbol="NTPC-EQ",
            price_precision=2,
            lot_size=1,
            tick_size=0.05,
            ltp=118.55,
            high=118.65,
            low=118.10,
            average_price=118.39,
            volume=162220.0,
            bid=118.45,
            ask=118.50,
            bid_quantity=26.0,
            ask_quantity=6325.0,
        ),
        TouchlineDelta(
            exchange="NSE",
            token="11630",
            ltp=118.45,
            average_price=118.40,
            volume=166637.0,
            ask=118.55,
            bid_quantity=3135.0,
            ask_quantity=30.0,
        ),
        TouchlineDelta(exchange="NSE", token="11630", ltp=118.60),
    ]


def option(token: str, symbol: str, ltp: float, open_interest: float) -> TouchlineSnapshot:
    return TouchlineSnapshot(
        exchange="NFO",
        token=token,
        symbol=symbol,
        price_precision=2,
        lot_size=50,
        tick_size=0.05,
        ltp=ltp,
        prev_close=ltp,
        change_percent=0.0,
        open_interest=open_interest,
        prev_open_interest=open_interest,
    )


def test_a_connection_with_subscriptions(shared_data: Path) -> None:
    messages = [decode(line) for line in lines(shared_data, "flattrade_ws_connect_subscribe_order_20221105")]
    assert messages[:5] == [
        ConnectAck(ok=True, uid="REDACTED", generation="c"),
        TouchlineSnapshot(
            exchange="NSE",
            token="26000",
            symbol="Nifty 50",
            price_precision=2,
            lot_size=1,
            tick_size=0.05,
            ltp=18117.15,
            change_percent=0.0,
            open=0.0,
            high=0.0,
            low=0.0,
            prev_close=18117.15,
            total_open_interest=11398350.0,
        ),
        option("53395", "NIFTY24NOV22F", 18194.0, 11786850.0),
        option("48287", "NIFTY10NOV22C18100", 136.70, 5186100.0),
        option("48289", "NIFTY10NOV22P18100", 99.0, 4248900.0),
    ]
    assert len(messages) == 9


def test_an_order_that_the_exchange_rejects(shared_data: Path) -> None:
    messages = [decode(line) for line in lines(shared_data, "flattrade_ws_connect_subscribe_order_20221105")][
        5:
    ]
    updates = []
    for message in messages:
        assert isinstance(message, OrderMessage)
        updates.append(to_order_update(message, broker_name="broker1", receive_time_ns=RECEIVED))
    same = {
        "order_id": "22110500000061",
        "trading_day": date(2022, 11, 5),
        "exchange": "NFO",
        "symbol": "NIFTY10NOV22C18100",
        "side": Side.SELL,
        "quantity": 50.0,
        "price": 0.0,
        "price_type": "MKT",
        "product": "M",
        "retention": "DAY",
        "remarks": "9:30 Test",
    }
    pending = {"status": OrderStatus.PENDING, "raw_status": "PENDING"}
    assert [said(update) for update in updates] == [
        {**same, **pending, "report_type": ReportType.NEW_ACK},
        {**same, **pending, "report_type": ReportType.PENDING_NEW},
        {**same, "status": OrderStatus.OPEN, "raw_status": "OPEN", "report_type": ReportType.NEW},
        {
            **same,
            "status": OrderStatus.REJECTED,
            "raw_status": "COMPLETE",
            "report_type": ReportType.REJECTED,
            "reject_reason": "16278 The markets have not been opened for trading",
            "exchange_order_id": "1000000000000770",
            "exchange_time_ns": ist_ns(2022, 11, 5, 10, 51, 20),
        },
    ]
    assert all(update.source is UpdateSource.STREAM for update in updates)
    rejected = messages[-1]
    assert isinstance(rejected, OrderMessage)
    assert (rejected.fill_quantity, rejected.fill_price) == (50.0, 90.0)


def test_single_order_events(shared_data: Path) -> None:
    rows = [json.loads(line) for line in lines(shared_data, "noren_om_single_events")]
    message = decode(json.dumps(rows[0]).encode())
    assert isinstance(message, OrderMessage)
    streamed = to_order_update(message, broker_name="broker1", receive_time_ns=RECEIVED)
    # The later lines lack their type, so they are read as rows.
    assert [said(update) for update in (streamed, *map(from_row, rows[1:]))] == [
        {
            "order_id": "24101600226847",
            "trading_day": date(2024, 10, 16),
            "exchange": "NFO",
            "symbol": "BANKNIFTY16OCT24P50500",
            "side": Side.BUY,
            "quantity": 30.0,
            "price": 5.25,
            "price_type": "LMT",
            "product": "I",
            "retention": "DAY",
            "remarks": "my_order_002",
            "status": OrderStatus.COMPLETE,
            "raw_status": "COMPLETE",
            "report_type": ReportType.FILL,
            "filled_quantity": 30.0,
            "average_price": 2.85,
            "fill_id": "380225664",
            "fill_quantity": 30.0,
            "fill_price": 2.85,
            "fill_time_ns": ist_ns(2024, 10, 16, 11, 15, 20),
            "exchange_order_id": "1500000079566637",
            "exchange_time_ns": ist_ns(2024, 10, 16, 11, 15, 20),
        },
        {
            "order_id": "25091500411068",
            "trading_day": date(2025, 9, 15),
            "symbol": "NIFTY16SEP25P25100",
            "side": Side.BUY,
            "quantity": 75.0,
            "price": 45.0,
            "trigger_price": 44.95,
            "price_type": "SL-LMT",
            "product": "I",
            "retention": "DAY",
            "status": OrderStatus.REJECTED,
            "raw_status": "REJECTED",
            "report_type": ReportType.REJECTED,
            "reject_reason": "RED:'MIS' Orders are disallowed after system square off",
        },
        {
            "order_id": "25042400010260",
            "trading_day": date(2025, 4, 24),
            "exchange": "NSE",
            "token": "9931",
            "symbol": "VIKASLIFE-EQ",
            "side": Side.BUY,
            "quantity": 1.0,
            "price": 0.0,
            "price_type": "MKT",
            "product": "C",
            "retention": "DAY",
            "status": OrderStatus.PENDING,
            "raw_status": "ORDER ACK",
            "report_type": ReportType.NEW_ACK,
            "event_time_ns": 1745483337_960322165,
        },
        {
            "order_id": "25042400010260",
            "trading_day": date(2025, 4, 24),
            "exchange": "NSE",
            "token": "9931",
            "symbol": "VIKASLIFE-EQ",
            "side": Side.BUY,
            "quantity": 1.0,
            "price": 0.0,
            "price_type": "MKT",
            "product": "C",
            "retention": "DAY",
            "status": OrderStatus.PENDING,
            "raw_status": "ORDER PENDING",
            "report_type": ReportType.PENDING_NEW,
            "event_time_ns": 1745483337_960509785,
        },
    ]
