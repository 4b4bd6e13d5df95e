"""Tables as JSON, CSV and Parquet: a notebook's frames, the form chosen by ``?format=`` or ``Accept``.

Frames are made and written in worker threads, few at a time, so that a large one never holds up the feed.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
import msgspec
import numpy as np
import pandas as pd
from fastapi import Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from dualbroker.clock import ist
from dualbroker.frames.columns import iso_times
from dualbroker.manager.source import FeedSource
from dualbroker.service.dependencies import stamp
from dualbroker.service.errors import answers

__all__ = ["Form", "json_response", "json_rows", "safe_text", "table_answers", "table_response", "work"]

T = TypeVar("T")

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
_TYPES = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    CSV: "csv",
    "text/*": "csv",
    PARQUET: "parquet",
}
_CSV_ROWS_AT_ONCE = 2_000
_WORKERS = 2

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""What a spreadsheet takes for the begin of a formula."""


async def _form(
    request: Request,
    format: Annotated[
        Literal["json", "csv", "parquet"] | None,
        Query(description="Of the answer; else what `Accept` prefers, else JSON."),
    ] = None,
) -> str:
    return format or _preferred(request.headers.get("accept", ""))


Form = Annotated[str, Depends(_form)]
"""json, csv or parquet, as the caller wants it."""


def _preferred(accept: str) -> str:
    """The first form with the greatest weight; what we can't give is left out, as HTTP allows."""
    best, most = "json", 0.0
    for part in accept.split(",")[:20]:
        name, _, parameters = part.partition(";")
        form = _TYPES.get(name.strip().lower())
        match = re.search(r"q=([01](?:\.\d{0,3})?)", parameters, re.ASCII)
        weight = float(match[1]) if match else 1.0
        if form is not None and weight > most:
            best, most = form, weight
    return best


def table_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses`` of a route that gives a table."""
    headers = {
        "X-Dualbroker-Mode": {
            "description": "Of CSV and Parquet: SIMULATED or LIVE.",
            "schema": {"type": "string", "enum": ["SIMULATED", "LIVE"]},
        },
        "X-Dualbroker-As-Of": {
            "description": "Of CSV and Parquet: of when it is, Indian time.",
            "schema": {"type": "string"},
        },
    }
    content = {
        CSV: {"schema": {"type": "string"}},
        PARQUET: {"schema": {"type": "string", "format": "binary"}},
    }
    return {200: {"content": content, "headers": headers}, **answers(*statuses)}


async def work(function: Callable[[], T]) -> T:
    """Have a function run in a worker thread, at most two of them at a time."""
    loop = asyncio.get_running_loop()
    if loop not in _limiters:
        _limiters[loop] = anyio.CapacityLimiter(_WORKERS)
    return await anyio.to_thread.run_sync(function, limiter=_limiters[loop])


_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, anyio.CapacityLimiter] = WeakKeyDictionary()


async def table_response(
    source: FeedSource,
    form: str,
    key: str,
    make: Callable[[], pd.DataFrame],
    *,
    name: str | None = None,
    **beside: Any,
) -> Response:
    """A frame as JSON, CSV or Parquet: the same columns and values in each.

    Parameters
    ----------
    source
        Whose it is.
    form
        json, csv or parquet.
    key
        Under which JSON has the rows.
    make
        Makes the frame, in a worker thread.
    name
        Of the file, without mode, time and ending; the key unless given.
    **beside
        What JSON says besides the rows, after the stamp of every answer.
    """
    stamped = stamp(source)
    if form == "json":
        return await json_response(lambda: {**stamped, **beside, key: json_rows(make())})
    mode, as_of = stamped["mode"], stamped["as_of"] or ""
    table = await work(make)
    table.attrs.update(mode=mode, as_of=as_of)
    moment = ist(source.as_of_ns()).strftime("%Y%m%d-%H%M%S")
    file_name = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{mode}-{name or key}-{moment}.{form}")
    headers = {
        "content-disposition": f'attachment; filename="{file_name}"',
        "x-dualbroker-mode": mode,
        "x-dualbroker-as-of": as_of,
        "vary": "Accept",
    }
    if form == "parquet":
        content = await work(partial(_parquet, table))
        return Response(content, media_type=PARQUET, headers=headers)
    return StreamingResponse(_csv(table), media_type=f"{CSV}; charset=utf-8", headers=headers)


async def json_response(make: Callable[[], dict[str, Any]]) -> Response:
    """JSON that a worker makes and encodes: thousands of rows would hold up the feed."""
    content = await work(lambda: msgspec.json.encode(make()))
    return Response(content, media_type="application/json", headers={"vary": "Accept"})


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file)
    return file.getvalue()


async def _csv(table: pd.DataFrame) -> AsyncIterator[bytes]:
    if not isinstance(table.index, pd.RangeIndex) or table.index.name is not None:
        table = table.reset_index()
    for first in range(0, max(1, len(table)), _CSV_ROWS_AT_ONCE):
        rows = table.iloc[first : first + _CSV_ROWS_AT_ONCE]
        yield await work(partial(_csv_text, rows, header=first == 0))


def _csv_text(rows: pd.DataFrame, *, header: bool) -> bytes:
    """Text is quoted, so that an id stays text where the reader asks, and is no formula in any cell."""
    rows = rows.copy()
    for name in rows.columns:
        column = rows[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            rows[name] = iso_times(pd.DatetimeIndex(column).as_unit("ns").asi8)
        elif pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
            rows[name] = [safe_text(value) if isinstance(value, str) else value for value in column]
    text = io.StringIO()
    rows.to_csv(text, index=False, header=header, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    return text.getvalue().encode("utf-8", "replace")


def safe_text(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if _FORMULA.match(value) else value


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows with its named index, ready for JSON: None is unknown, times are ISO 8601."""
    if table.index.name is not None:
        table = table.reset_index()
    columns = [_json_column(table[name]) for name in table.columns]
    names = [str(name) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _json_column(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return iso_times(pd.DatetimeIndex(column).as_unit("ns").asi8)
    if column.dtype.kind == "M":
        return [None if pd.isna(day) else day.date().isoformat() for day in column]
    unknown = ~np.isfinite(column.to_numpy(float)) if column.dtype.kind == "f" else column.isna().to_numpy()
    values = column.to_numpy(object, copy=True)
    values[unknown] = None
    plain: list[Any] = values.tolist()
    return plain
