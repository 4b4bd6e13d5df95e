"""Every recorded line of a REST answer decodes to the values that it states."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from dualbroker.model import DepthLevel, OrderStatus, ReportType, Side
from dualbroker.noren.answers import parse_object, parse_rows
from dualbroker.noren.books import quote_from_answer
from dualbroker.noren.desk_books import position_from_row
from dualbroker.noren.times import epoch_ns, wall_time_ns
from tests.noren.recorded import from_row, ist_ns, lines, said

pytestmark = pytest.mark.shared


def test_rest_single_answers(shared_data: Path) -> None:
    history, *placed = lines(shared_data, "shoonya_rest_single")
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
        "order_time_ns": ist_ns(2024, 2, 21, 21, 1, 45),
    }
    answers = [parse_object(200, line) for line in placed]
    assert [answer["norenordno"] for answer in answers] == ["25102300677727", "26021200573218"]
    assert [wall_time_ns(answer["request_time"]) for answer in answers] == [
        ist_ns(2025, 10, 23, 15, 14, 5),
        ist_ns(2026, 2, 12, 18, 13, 21),
    ]


def test_rest_order_rows(shared_data: Path) -> None:
    rows = [json.loads(line) for line in lines(shared_data, "shoonya_rest_88pawankumarjha")]
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
            "order_time_ns": ist_ns(2023, 12, 19, 9, 18, 0),
            "exchange_time_ns": ist_ns(2023, 12, 19, 9, 18, 0),
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
            "order_time_ns": ist_ns(2023, 12, 19, 9, 18, 2),
            "exchange_time_ns": ist_ns(2023, 12, 19, 9, 18, 2),
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
            "order_time_ns": ist_ns(2023, 12, 19, 9, 57, 0),
            "exchange_time_ns": ist_ns(2023, 12, 19, 9, 57, 0),
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
            "order_time_ns": ist_ns(2023, 11, 22, 21, 12, 42),
            "exchange_time_ns": ist_ns(2023, 11, 22, 21, 12, 42),
        },
    ]
    # The two clocks of a row agree, which is how Indian time was told from UTC.
    assert all(epoch_ns(rows[i]["ordenttm"]) == wall_time_ns(rows[i]["norentm"]) for i in (2, 3, 4, 11))


def test_rest_positions(shared_data: Path) -> None:
    rows = [json.loads(line) for line in lines(shared_data, "shoonya_rest_88pawankumarjha")]
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


def test_rest_quote_with_depth(shared_data: Path) -> None:
    quote = quote_from_answer(
        parse_object(200, lines(shared_data, "shoonya_rest_88pawankumarjha")[10]), expected=("MCX", "260005")
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


def test_rest_series_and_instruments(shared_data: Path) -> None:
    recorded = lines(shared_data, "shoonya_rest_88pawankumarjha")
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
