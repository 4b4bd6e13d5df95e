"""Every line of the recorded messages decodes to the values that it states."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from dualbroker.clock import IST
from dualbroker.model import DepthLevel, OrderStatus, OrderUpdate, ReportType, Side, UpdateSource
from dualbroker.noren.answers import parse_object, parse_rows
from dualbroker.noren.books import position_from_row, quote_from_answer
from dualbroker.noren.orders import OrderMessage, order_update_from_row, to_order_update
from dualbroker.noren.quotes import TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import ConnectAck, decode
from dualbroker.noren.times import epoch_ns, wall_time_ns

pytestmark = pytest.mark.shared

Lines = Callable[[str], list[bytes]]
RECEIVED = 1_800_000_000_000_000_000


@pytest.fixture
def lines(shared_data: Path) -> Lines:
    return lambda name: (shared_data / "noren-messages" / f"{name}.jsonl").read_bytes().splitlines()


def ns(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=IST).timestamp()) * 10**9  # type: ignore[arg-type,misc]


def said(update: OrderUpdate) -> dict[str, Any]:
    """What an update states, apart from how it reached us."""
    everything = {name: getattr(update, name) for name in update.__struct_fields__}
    for name in ("broker_name", "receive_time_ns", "source"):
        del everything[name]
    return {name: value for name, value in everything.items() if value is not None}


def from_row(row: dict[str, Any]) -> OrderUpdate:
    return order_update_from_row(
        row, broker_name="broker1", receive_time_ns=RECEIVED, source=UpdateSource.RECONCILE
    )


def test_all_files_are_covered(shared_data: Path) -> None:
    assert sorted(path.stem for path in (shared_data / "noren-messages").glob("*.jsonl")) == [
        "flattrade_ws_connect_subscribe_order_20221105",
        "noren_om_single_events",
        "shoonya_readme_ws_NTPC_20211203",
        "shoonya_rest_88pawankumarjha",
        "shoonya_rest_single",
    ]


def test_touchline_of_a_share(lines: Lines) -> None:
    assert [decode(line) for line in lines("shoonya_readme_ws_NTPC_20211203")] == [
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


def test_a_connection_with_subscriptions(lines: Lines) -> None:
    messages = [decode(line) for line in lines("flattrade_ws_connect_subscribe_order_20221105")]
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


def test_an_order_that_the_exchange_rejects(lines: Lines) -> None:
    messages = [decode(line) for line in lines("flattrade_ws_connect_subscribe_order_20221105")][5:]
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
            "exchange_time_ns": ns(2022, 11, 5, 10, 51, 20),
        },
    ]
    assert all(update.source is UpdateSource.STREAM for update in updates)
    rejected = messages[-1]
    assert isinstance(rejected, OrderMessage)
    assert (rejected.fill_quantity, rejected.fill_price) == (50.0, 90.0)


def test_single_order_events(lines: Lines) -> None:
    rows = [json.loads(line) for line in lines("noren_om_single_events")]
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
            "fill_time_ns": ns(2024, 10, 16, 11, 15, 20),
            "exchange_order_id": "1500000079566637",
            "exchange_time_ns": ns(2024, 10, 16, 11, 15, 20),
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


def test_rest_single_answers(lines: Lines) -> None:
    history, *placed = lines("shoonya_rest_single")
    (row,) = parse_rows(200, b"[" + history + b"]")
    assert said(from_row(row)) == {
        "order_id": "24022101512875",
        "trading_day": date(2024, 2, 21),
        "exchange": "NFO",
        "token": "45879",
        "symbol": "BANKNIFTY21FEB24C46700",
        "side": Side.BUY,
        "quantity": 15.0,
        "price": 331.50,
        "trigger_price": 330.50,
        "price_type": "SL-LMT",
        "product": "I",
        "retention": "DAY",
        "status": OrderStatus.REJECTED,
        "raw_status": "REJECTED",
        "report_type": ReportType.REJECTED,
        "reject_reason": "RED:'MIS' Orders are disallowed after system square off",
        "remarks": "Option order placed...",
        "order_time_ns": ns(2024, 2, 21, 21, 1, 45),
    }
    answers = [parse_object(200, line) for line in placed]
    assert [answer["norenordno"] for answer in answers] == ["25102300677727", "26021200573218"]
    assert [wall_time_ns(answer["request_time"]) for answer in answers] == [
        ns(2025, 10, 23, 15, 14, 5),
        ns(2026, 2, 12, 18, 13, 21),
    ]


def test_rest_order_rows(lines: Lines) -> None:
    rows = [json.loads(line) for line in lines("shoonya_rest_88pawankumarjha")]
    updates = [said(from_row(rows[index])) for index in (2, 3, 4, 11)]
    filled = {
        "trading_day": date(2023, 12, 19),
        "exchange": "NFO",
        "quantity": 400.0,
        "price": 0.0,
        "price_type": "MKT",
        "product": "I",
        "retention": "DAY",
        "status": OrderStatus.COMPLETE,
        "raw_status": "COMPLETE",
        "filled_quantity": 400.0,
    }
    waiting = {
        "side": Side.BUY,
        "price_type": "SL-LMT",
        "retention": "DAY",
        "status": OrderStatus.TRIGGER_PENDING,
        "raw_status": "TRIGGER_PENDING",
    }
    assert updates == [
        {
            **filled,
            "order_id": "23121900039453",
            "token": "35040",
            "symbol": "FINNIFTY19DEC23C21750",
            "side": Side.BUY,
            "average_price": 1.05,
            "exchange_order_id": "1200000004793558",
            "remarks": "Tue IC fin helper_Entry_0_fintarget",
            "order_time_ns": ns(2023, 12, 19, 9, 18, 0),
            "exchange_time_ns": ns(2023, 12, 19, 9, 18, 0),
        },
        {
            **filled,
            "order_id": "23121900040101",
            "token": "51814",
            "symbol": "FINNIFTY19DEC23P21150",
            "side": Side.SELL,
            "average_price": 1.25,
            "exchange_order_id": "1900000004305097",
            "remarks": "Tue IC fin helper_Entry_3_fintarget",
            "order_time_ns": ns(2023, 12, 19, 9, 18, 2),
            "exchange_time_ns": ns(2023, 12, 19, 9, 18, 2),
        },
        {
            **waiting,
            "order_id": "23121900048453",
            "trading_day": date(2023, 12, 19),
            "exchange": "NFO",
            "token": "51816",
            "symbol": "FINNIFTY19DEC23P21200",
            "quantity": 1000.0,
            "price": 25.0,
            "trigger_price": 24.0,
            "product": "I",
            "exchange_order_id": "1900000006486411",
            "order_time_ns": ns(2023, 12, 19, 9, 57, 0),
            "exchange_time_ns": ns(2023, 12, 19, 9, 57, 0),
        },
        {
            **waiting,
            "order_id": "23112201064375",
            "trading_day": date(2023, 11, 22),
            "exchange": "MCX",
            "token": "260023",
            "symbol": "CRUDEOIL14DEC23C6700",
            "quantity": 100.0,
            "price": 150.0,
            "trigger_price": 142.0,
            "product": "M",
            "exchange_order_id": "332615328793226",
            "order_time_ns": ns(2023, 11, 22, 21, 12, 42),
            "exchange_time_ns": ns(2023, 11, 22, 21, 12, 42),
        },
    ]
    # The two clocks of a row agree, which is how Indian time was told from UTC.
    assert all(epoch_ns(rows[i]["ordenttm"]) == wall_time_ns(rows[i]["norentm"]) for i in (2, 3, 4, 11))


def test_rest_positions(lines: Lines) -> None:
    rows = [json.loads(line) for line in lines("shoonya_rest_88pawankumarjha")]
    position = position_from_row(rows[5], broker_name="broker1")
    assert (position.exchange, position.token, position.symbol) == ("NFO", "51843", "FINNIFTY19DEC23C21500")
    assert (position.product, position.net_quantity, position.net_average_price) == ("I", -1000.0, 5.45)
    assert (position.day_buy_quantity, position.day_sell_quantity) == (0.0, 1000.0)
    assert (position.ltp, position.unrealised_profit, position.realised_profit) == (4.95, 500.0, 0.0)
    # The first two were trimmed by their author; completed with their exchange they read as well.
    trimmed = [position_from_row({"exch": "NFO", **row}, broker_name="broker1") for row in rows[:2]]
    assert [(p.symbol, p.ltp, p.net_quantity) for p in trimmed] == [
        ("NIFTY07DEC23P20850", 1.55, -800.0),
        ("NIFTY07DEC23C20950", 2.60, -800.0),
    ]


def test_rest_quote_with_depth(lines: Lines) -> None:
    quote = quote_from_answer(
        parse_object(200, lines("shoonya_rest_88pawankumarjha")[10]), expected=("MCX", "260005")
    )
    assert quote.symbol == "CRUDEOIL14DEC23C6250"
    assert (quote.ltp, quote.open, quote.high, quote.low, quote.prev_close) == (
        271.0,
        367.3,
        367.3,
        237.4,
        357.8,
    )
    assert (quote.average_price, quote.volume, quote.open_interest) == (261.33, 1691.0, 172.0)
    assert (quote.total_buy_quantity, quote.total_sell_quantity) == (47.0, 62.0)
    assert (quote.last_trade_time, quote.last_trade_quantity) == ("22:36:47", 1.0)
    assert (quote.upper_circuit, quote.lower_circuit) == (1100.7, 13.3)
    assert (quote.high_52_weeks, quote.low_52_weeks) == (422.6, 0.0)
    assert (quote.lot_size, quote.tick_size, quote.price_precision) == (100, 0.1, 2)
    assert quote.feed_time == 1700672822
    assert quote.levels() == (
        [
            DepthLevel(270.8, 2.0, 1.0),
            DepthLevel(270.2, 4.0, 2.0),
            DepthLevel(270.1, 2.0, 1.0),
            DepthLevel(269.6, 2.0, 1.0),
            DepthLevel(268.8, 2.0, 1.0),
        ],
        [
            DepthLevel(273.0, 1.0, 1.0),
            DepthLevel(274.3, 2.0, 1.0),
            DepthLevel(275.0, 13.0, 2.0),
            DepthLevel(275.2, 2.0, 1.0),
            DepthLevel(276.0, 2.0, 1.0),
        ],
    )


def test_rest_series_and_instruments(lines: Lines) -> None:
    recorded = lines("shoonya_rest_88pawankumarjha")
    bars = parse_rows(200, b"[" + b",".join(recorded[6:8]) + b"]")
    assert [wall_time_ns(bar["time"]) for bar in bars] == [epoch_ns(bar["ssboe"]) for bar in bars]
    assert [(bar["into"], bar["intc"]) for bar in bars] == [
        ("22116.85", "22115.75"),
        ("22113.80", "22111.75"),
    ]
    instruments = parse_rows(200, b"[" + b",".join(recorded[8:10]) + b"]")
    assert [(row["exch"], row["token"], row["tsym"]) for row in instruments] == [
        ("BFO", "1136922", "BANKEX24JAN49200PE"),
        ("MCX", "401", "NATURALGAS"),
    ]
    assert len(recorded) == 12
