"""Rows and fills that the desk's tests are made of."""

from __future__ import annotations

from datetime import date
from typing import Any

from dualbroker.model import FillReport, Holding, Position, Side

NS = 1_000_000_000
T0 = 1_800_000_000 * NS


def position(**fields: Any) -> Position:
    made: dict[str, Any] = {
        "broker_name": "broker1",
        "exchange": "NFO",
        "token": "1",
        "symbol": "X",
        "product": "M",
        "net_quantity": 0.0,
        "day_buy_quantity": 0.0,
        "day_sell_quantity": 0.0,
        "carried_quantity": 0.0,
        "price_factor": 1.0,
        "unit_multiplier": 1.0,
    }
    return Position(**made | fields)


def fill(side: str, quantity: float, price: float | None, number: int = 1, **fields: Any) -> FillReport:
    made: dict[str, Any] = {
        "broker_name": "broker1",
        "order_id": "1",
        "trading_day": date(2027, 1, 15),
        "fill_id": str(number),
        "quantity": float(quantity),
        "price": price,
        "exchange": "NFO",
        "token": "1",
        "symbol": "X",
        "product": "M",
        "side": Side.BUY if side == "B" else Side.SELL,
        "fill_time_ns": T0 + number * NS,
        "receive_time_ns": T0 + number * NS,
    }
    return FillReport(**made | fields)


def holding(**fields: Any) -> Holding:
    made: dict[str, Any] = {
        "broker_name": "broker1",
        "listings": [("NSE", "1", "X-EQ"), ("BSE", "2", "X")],
        "product": "C",
        "quantity": 10.0,
        "average_price": 100.0,
    }
    return Holding(**made | fields)
