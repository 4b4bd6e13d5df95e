"""The desk's tables out of its lines; columns: the tables of that name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dualbroker import tables
from dualbroker.desk.books import CurvePoint
from dualbroker.desk.desk import CheckLine, HoldingLine, LimitsLine, PositionLine, Profit
from dualbroker.desk.fills import JoinedFill
from dualbroker.desk.mirror import Pair
from dualbroker.desk.stops import StopLine
from dualbroker.frames.columns import frame
from dualbroker.model import FillReport
from dualbroker.tables import Table

__all__ = [
    "fills_frame",
    "holdings_frame",
    "limits_frame",
    "mirror_frame",
    "pnl_check_frame",
    "pnl_curve_data",
    "pnl_curve_frame",
    "pnl_frame",
    "positions_data",
    "positions_frame",
    "stops_data",
    "stops_frame",
    "trades_frame",
]


def _columns(rows: Sequence[Any], *names: str) -> dict[str, list[Any]]:
    return {name: [getattr(row, name) for row in rows] for name in names}


def _of_table(table: Table, rows: Sequence[Any], made: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return made | _columns(rows, *(column.name for column in table.all_columns if column.name not in made))


def positions_data(lines: Sequence[PositionLine]) -> dict[str, list[Any]]:
    """The columns of ``POSITIONS``."""
    held = [line.held for line in lines]
    marks = [line.mark for line in lines]
    sides = [each.sides for each in held]
    rows = [each.row for each in held]
    return {
        **_columns(held, "broker_name", "symbol", "product", "quantity", "average_price", "realised"),
        **_columns(held, "carried_quantity", "carried_price", "settlement_price", "from_holdings"),
        **_columns(held, "multiplier", "exchange", "token", "doubt"),
        **_columns(marks, "ltp", "unrealised", "total", "day_mtm", "ltp_from"),
        "bought_quantity": [each.bought for each in sides],
        "bought_price": [each.bought_price for each in sides],
        "sold_quantity": [each.sold for each in sides],
        "sold_price": [each.sold_price for each in sides],
        "multiplier_from": [each.multiplier_source for each in held],
        "broker_quantity": [row and row.net_quantity for row in rows],
        "broker_average_price": [row and row.net_average_price for row in rows],
        "broker_ltp": [row and row.ltp for row in rows],
        "broker_unrealised": [row and row.unrealised_profit for row in rows],
        "broker_realised": [row and row.realised_profit for row in rows],
        "ltp_time": [mark.ltp_time_ns for mark in marks],
        "as_of": [line.as_of_ns for line in lines],
        "old_since": [line.old_since_ns for line in lines],
        "underlying": [line.underlying for line in lines],
    }


def positions_frame(lines: Sequence[PositionLine]) -> pd.DataFrame:
    return frame(tables.POSITIONS, positions_data(lines))


def holdings_frame(lines: Sequence[HoldingLine]) -> pd.DataFrame:
    holdings = [line.holding for line in lines]
    own = ("broker_name", "quantity", "average_price", "bought_yesterday", "pledged", "used", "product")
    made = {
        **_columns(holdings, *own),
        "ltp_time": [line.ltp_time_ns for line in lines],
        "as_of": [line.as_of_ns for line in lines],
        "old_since": [line.old_since_ns for line in lines],
    }
    return frame(tables.HOLDINGS, _of_table(tables.HOLDINGS, lines, made))


def limits_frame(lines: Sequence[LimitsLine]) -> pd.DataFrame:
    limits = [line.limits for line in lines]
    same = ("cash", "margin_used", "margin_available", "collateral", "pay_in", "pay_out")
    data: dict[str, list[Any]] = {
        name: [each and getattr(each, name) for each in limits]
        for name in (*same, "span", "exposure", "premium")
    }
    data |= {
        "broker_name": [line.broker_name for line in lines],
        "available_how": ["" if each is None else each.available_how for each in limits],
        "broker_realised": [each and each.realised_profit for each in limits],
        "broker_unrealised": [each and each.unrealised_profit for each in limits],
        "as_of": [line.as_of_ns for line in lines],
        "old_since": [line.old_since_ns for line in lines],
        "doubt": [line.doubt for line in lines],
    }
    return frame(tables.LIMITS, data)


def trades_frame(fills: Sequence[FillReport]) -> pd.DataFrame:
    made: dict[str, list[Any]] = {
        "time": [fill.receive_time_ns or fill.fill_time_ns or 0 for fill in fills],
        "receive_time": [fill.receive_time_ns for fill in fills],
    }
    return frame(tables.TRADES, _of_table(tables.TRADES, fills, made))


def fills_frame(lines: Sequence[JoinedFill]) -> pd.DataFrame:
    fills = [line.fill for line in lines]
    own = ("broker_name", "symbol", "side", "quantity", "price", "order_id", "fill_id", "exchange")
    made: dict[str, list[Any]] = {
        **_columns(fills, *own),
        "time": [line.time_ns for line in lines],
        "quote_age": [line.quote_age_s for line in lines],
    }
    return frame(tables.FILLS, _of_table(tables.FILLS, lines, made))


def pnl_frame(lines: Sequence[Profit]) -> pd.DataFrame:
    return frame(tables.PNL, _of_table(tables.PNL, lines, {}))


def pnl_check_frame(lines: Sequence[CheckLine]) -> pd.DataFrame:
    held = [line.held for line in lines]
    found = [line.found for line in lines]
    made = {
        **_columns(held, "broker_name", "symbol", "product", "doubt", "exchange"),
        "as_of": [line.as_of_ns for line in lines],
    }
    return frame(tables.PNL_CHECK, _of_table(tables.PNL_CHECK, found, made))


def pnl_curve_data(points: Sequence[CurvePoint]) -> dict[str, list[Any]]:
    """The columns of ``PNL_CURVE``."""
    totals = [
        None if each.realised is None or each.unrealised is None else each.realised + each.unrealised
        for each in points
    ]
    made: dict[str, list[Any]] = {"time": [each.time_ns for each in points], "total": totals}
    return _of_table(tables.PNL_CURVE, points, made)


def pnl_curve_frame(points: Sequence[CurvePoint]) -> pd.DataFrame:
    return frame(tables.PNL_CURVE, pnl_curve_data(points))


def stops_data(lines: Sequence[StopLine]) -> dict[str, list[Any]]:
    """The columns of ``STOPS``."""
    return _of_table(tables.STOPS, lines, {})


def stops_frame(lines: Sequence[StopLine]) -> pd.DataFrame:
    return frame(tables.STOPS, stops_data(lines))


def mirror_frame(pairs: Sequence[Pair], first: str, second: str) -> pd.DataFrame:
    either = [pair.either for pair in pairs]
    data: dict[str, list[Any]] = {
        **_columns(either, "symbol", "side", "exchange"),
        **_columns(pairs, "verdict", "price_difference", "quantity_ratio"),
        "time": [order.order_time_ns or order.first_seen_ns for order in either],
        "time_difference": [pair.time_difference_s for pair in pairs],
    }
    for name, broker in (("first", first), ("second", second)):
        orders = [getattr(pair, name) for pair in pairs]
        data[f"{name}_broker"] = [broker] * len(pairs)
        for column in ("order_id", "quantity", "filled_quantity", "average_price"):
            data[f"{name}_{column}"] = [order and getattr(order, column) for order in orders]
        data[f"{name}_status"] = [order and order.status.value for order in orders]
    return frame(tables.MIRROR, data)
