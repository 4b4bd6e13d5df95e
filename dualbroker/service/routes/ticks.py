"""``/api/ticks``, ``/api/bars`` and ``/api/depth``: what is known of one instrument."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BeforeValidator, Field

from dualbroker import tables
from dualbroker.feed.names import SymbolNames
from dualbroker.frames import frames
from dualbroker.frames.bars import auctions_within, bars_frame
from dualbroker.manager.source import FeedSource
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.models import Moment, answer_model
from dualbroker.service.tables import Form, json_response, json_rows, table_answers, table_response
from dualbroker.view.rows import iso_time

__all__ = ["router"]

MOST_ROWS = 50_000
"""Of one answer; ``since`` gives the next ones."""

_INTERVAL = "^([1-9][0-9]{0,6}ms|[1-9][0-9]{0,3}s|[1-9][0-9]{0,2}min|([1-9]|1[0-9]|2[0-4])h|1D)$"

router = APIRouter(prefix="/api", tags=["instrument"])

_SymbolName = Annotated[str, Field(examples=["RELIANCE-EQ"])]
_ExchangeName = Annotated[str, Field(examples=["NSE"])]


TicksAnswer = answer_model(
    "TicksAnswer",
    tables.TICKS,
    "ticks",
    exchange=_ExchangeName,
    symbol=_SymbolName,
    more=Annotated[
        bool,
        Field(
            description="There are later ones: ask again with `since`, the last receive_time.",
            examples=[False],
        ),
    ],
    dropped_rows=Annotated[
        int,
        Field(
            description="Ticks of all instruments that are no longer kept, to keep the bound.", examples=[0]
        ),
    ],
)

BarsAnswer = answer_model(
    "BarsAnswer",
    tables.BARS,
    "bars",
    exchange=_ExchangeName,
    symbol=_SymbolName,
    interval=Annotated[str, Field(examples=["1min"])],
    negative_volume_steps=Annotated[
        int, Field(description="How often the cumulative volume fell; clipped.", examples=[0])
    ],
)

DepthAnswer = answer_model(
    "DepthAnswer",
    tables.DEPTH,
    "levels",
    exchange=_ExchangeName,
    symbol=_SymbolName,
    receive_time=Annotated[Moment | None, Field(description="Null before the first.")],
)


def _as_moment(text: Any) -> Any:
    """Numbers are no moments; in a query a plus that was not written as %2B arrives as a space."""
    if not isinstance(text, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]", text, re.ASCII):
        raise ValueError("expected a date and a time with its zone, such as 2026-12-29T14:02:11+05:30")
    return re.sub(r" (\d\d:?\d\d)$", r"+\1", text)


Exchange = Annotated[str, Path(min_length=1, max_length=8, examples=["NSE"])]
Symbol = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        description="An instrument that is or was subscribed.",
        examples=["NIFTY"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Since = Annotated[
    AwareDatetime,
    BeforeValidator(_as_moment),
]


@router.get("/ticks/{exchange}/{symbol}", response_model=TicksAnswer, responses=table_answers(404, 409))
async def ticks(
    manager: Manager,
    form: Form,
    exchange: Exchange,
    symbol: Symbol,
    limit: Limit = 1_000,
    since: Annotated[
        Since | None,
        Query(
            description="Only later ones, the oldest of these first to come (then `more` says whether there "
            "are others); without it, the newest. ISO 8601 with its zone.",
            examples=["2026-12-29T14:02:11.250000+05:30"],
        ),
    ] = None,
) -> Any:
    """Every kept tick of one instrument: each message of its quote source, oldest first.

    Ticks of one receive time are never split over two answers, so there may be a few more than `limit`.
    """
    index, named = _instrument(manager, exchange, symbol)
    since_us = None if since is None else _microseconds(since)

    def cut() -> tuple[pd.DataFrame, bool]:
        return _cut(frames.ticks_frame(manager.quotes, index), since_us, limit)

    if form != "json":
        name = f"ticks-{exchange}-{symbol}"
        return await table_response(manager, form, "ticks", lambda: cut()[0], name=name)
    begin = {**stamp(manager), **named}

    def make() -> dict[str, Any]:
        table, more = cut()
        return {**begin, "ticks": json_rows(table), "more": more, "dropped_rows": manager.quotes.dropped_rows}

    return await json_response(make)


def _cut(ticks: pd.DataFrame, since_us: int | None, limit: int) -> tuple[pd.DataFrame, bool]:
    """The rows that are asked for, and whether there are later ones."""
    times_us = pd.DatetimeIndex(ticks.index).as_unit("ns").asi8 // 1_000
    if since_us is None:
        start = max(0, len(ticks) - limit)
        if 0 < start < len(ticks):
            start = int(np.searchsorted(times_us, times_us[start], side="left"))
        return ticks.iloc[start:], False
    start = int(np.searchsorted(times_us, since_us, side="right"))
    end = min(len(ticks), start + limit)
    if end < len(ticks):
        end = int(np.searchsorted(times_us, times_us[end - 1], side="right"))
    return ticks.iloc[start:end], end < len(ticks)


def _microseconds(moment: datetime) -> int:
    """Since the epoch, within what a store can hold."""
    seconds = int(moment.timestamp())
    return max(-(2**62), min(2**62, seconds * 1_000_000 + moment.microsecond))


@router.get("/bars/{exchange}/{symbol}", response_model=BarsAnswer, responses=table_answers(404, 409))
async def bars(
    manager: Manager,
    form: Form,
    exchange: Exchange,
    symbol: Symbol,
    interval: Annotated[
        str,
        Query(
            pattern=_INTERVAL,
            description="With its unit: ms, s, min, h, or 1D; a day at most.",
            examples=["5min"],
        ),
    ] = "1min",
    limit: Limit = 1_000,
) -> Any:
    """Open, high, low, close and volume, made of the kept ticks; the newest `limit` of them."""
    index, named = _instrument(manager, exchange, symbol)

    def cut() -> pd.DataFrame:
        ticks = frames.ticks_frame(manager.quotes, index)
        auctions = auctions_within(manager.market_hours, named["exchange"], ticks)
        return bars_frame(ticks, interval, auctions).iloc[-limit:]

    if form != "json":
        return await table_response(manager, form, "bars", cut, name=f"bars-{interval}-{exchange}-{symbol}")
    begin = {**stamp(manager), **named, "interval": interval}

    def make() -> dict[str, Any]:
        table = cut()
        negative = table.attrs.get("negative_volume_steps", 0)
        return {**begin, "bars": json_rows(table), "negative_volume_steps": negative}

    return await json_response(make)


@router.get("/depth/{exchange}/{symbol}", response_model=DepthAnswer, responses=table_answers(404, 409))
async def depth(manager: Manager, form: Form, exchange: Exchange, symbol: Symbol) -> Any:
    """The latest five levels of one instrument; there are none unless it is subscribed with depth."""
    index, named = _instrument(manager, exchange, symbol)
    latest = manager.quotes.depth(index)
    table = frames.depth_frame(None if latest is None else latest[1])
    receive_time = None if latest is None else iso_time(latest[0])
    name = f"depth-{exchange}-{symbol}"
    return await table_response(
        manager, form, "levels", lambda: table, name=name, receive_time=receive_time, **named
    )


def _instrument(source: FeedSource, exchange: str, symbol: str) -> tuple[int, dict[str, str]]:
    index = SymbolNames(source).index_of(symbol, exchange.upper())
    instrument = source.quotes.instruments[index]
    return index, {"exchange": instrument.exchange, "symbol": instrument.symbol}
