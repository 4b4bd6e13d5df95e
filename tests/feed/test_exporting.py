"""A workbook of a feed, read back: what is in it, what it says of itself, and what it never does to text."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import dualbroker
from dualbroker import Feed, tables
from dualbroker.config.schema import demo_config
from dualbroker.frames import workbook
from dualbroker.frames.columns import frame as make_frame
from dualbroker.frames.workbook import Workbook, written
from dualbroker.tables import Table
from tests.made_tables import table_of
from tests.polling import wait_until

SHEETS = [
    *("quotes", "orders", "order_events", "ticks", "bars"),
    *("brokers", "bandwidth", "savings", "failovers", "incidents"),
]


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    feed = dualbroker.connect(demo_config(2, ticks_per_second=500, orders_per_minute=900, seed=41))
    wait_until(lambda: len(feed.orders) > 5 and len(feed.bandwidth) > 2 and len(feed.ticks("NIFTY")) > 20)
    yield feed
    feed.close()


@pytest.fixture(scope="module")
def exported(feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    path = tmp_path_factory.mktemp("export") / "day.xlsx"
    return path, feed.export(path)


def test_it_has_a_sheet_of_each_kind_and_the_first_says_what_it_is(
    feed: Feed, exported: tuple[Path, pd.DataFrame]
) -> None:
    path, sheets = exported
    assert list(sheets.index) == SHEETS
    assert sheets.attrs["path"] == str(path)
    book = openpyxl.load_workbook(path, read_only=True)
    assert book.sheetnames == ["about", *SHEETS]
    about = [[cell for cell in row if cell is not None] for row in book["about"].iter_rows(values_only=True)]
    assert about[1] == ["SIMULATED"]
    assert ["times", "Indian wall time (UTC+05:30) without a zone, to the millisecond"] in about
    assert ["prices", "rupees"] in about
    [ticks] = [row for row in about if row[:1] == ["ticks"]]
    assert ticks[1:3] == [sheets.loc["ticks", "rows"], 0]
    assert any("as of" in row for row in about)
    for name in SHEETS:
        read = pd.read_excel(path, sheet_name=name)
        assert len(read) == sheets.loc[name, "rows"], name
        assert read.columns[-1] == "mode"
        assert (read["mode"] == "SIMULATED").all()


def test_times_are_naive_indian_ones_and_ids_are_text(
    feed: Feed, exported: tuple[Path, pd.DataFrame]
) -> None:
    path, _ = exported
    read = pd.read_excel(path, sheet_name="orders", dtype={"order_id": str, "token": str})
    now = feed.orders.set_index(["broker_name", "order_id"])
    assert set(zip(read["broker_name"], read["order_id"], strict=True)) <= set(now.index)
    assert read["order_time"].dt.tz is None
    first = read.iloc[-1]
    known = now.loc[(first["broker_name"], first["order_id"])]
    assert abs(first["first_seen"] - known["first_seen"].tz_localize(None)) < pd.Timedelta(milliseconds=1)
    cells = next(openpyxl.load_workbook(path)["orders"].iter_rows(min_row=2, max_row=2))
    by_name = dict(zip(tables.ORDERS.names, cells, strict=False))
    assert by_name["order_id"].data_type == "s"
    assert by_name["order_time"].is_date
    assert by_name["trading_day"].number_format == "yyyy-mm-dd"


def test_ticks_and_quotes_are_the_feed_s(feed: Feed, exported: tuple[Path, pd.DataFrame]) -> None:
    path, _ = exported
    ticks = pd.read_excel(path, sheet_name="ticks", dtype={"token": str})
    assert list(ticks.columns) == [*tables.ALL_TICKS.names, "mode"]
    assert ticks["receive_time"].is_monotonic_increasing
    nifty = ticks[ticks["symbol"] == "NIFTY INDEX"]
    kept = feed.ticks("NIFTY").iloc[: len(nifty)]
    assert nifty["ltp"].tolist() == kept["ltp"].tolist()
    assert nifty["bid"].isna().all(), "an index has no bid; unknown is an empty cell, never 0"
    assert nifty["snapshot"].tolist() == kept["snapshot"].tolist()
    bars = pd.read_excel(path, sheet_name="bars")
    assert set(bars["symbol"]) <= set(feed.quotes.index)
    assert (bars["low"] <= bars["high"]).all()


def test_fewer_ticks_are_the_newest_and_it_says_so(feed: Feed, tmp_path: Path) -> None:
    told: list[float] = []
    path = tmp_path / "day.xlsx"
    sheets = feed.export(path, ticks=7, bars="1s", progress=lambda part, _: told.append(part))
    assert sheets.loc["ticks", "rows"] == 7
    assert int(sheets["left_out"]["ticks"]) > 50
    assert len(pd.read_excel(path, sheet_name="ticks")) == 7
    assert told[-1] == 1.0
    assert len(sheets) == 10
    assert [each.name for each in tmp_path.iterdir()] == ["day.xlsx"], "nothing else is left there"


def test_the_async_twin(feed: Feed, tmp_path: Path) -> None:
    async def story() -> pd.DataFrame:
        return await feed.export_async(tmp_path / "day.xlsx", ticks=0)

    sheets = asyncio.run(story())
    assert sheets.loc["ticks", "rows"] == 0


def test_what_can_not_be_is_said(feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"ending in \.xlsx"):
        feed.export(tmp_path / "day.csv")
    with pytest.raises(ValueError, match="fortnight"):
        feed.export(tmp_path / "day.xlsx", bars="fortnight")
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ImportError, match=r"pip install 'dualbroker\[excel\]'"):
        feed.export(tmp_path / "day.xlsx")
    assert not list(tmp_path.iterdir())


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.com")', "http://example.com", "{=1}"]


def _write(path: Path, table: Table, frame: pd.DataFrame) -> int:
    with Workbook(path, "LIVE") as book:
        return book.table("rows", table.columns, [frame])


def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    texts = [*HOSTILE, "00123", "26120300000001234567", "", "bell\x07", "\ud800"]
    frame = pd.DataFrame({"remark": texts}, dtype=object)
    _write(tmp_path / "a.xlsx", table_of(remark="text"), frame)
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "a.xlsx")["rows"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == [*texts[:-2], "bell�", "�"]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    assert not any(cell.hyperlink for cell in cells)


def test_unknown_is_an_empty_cell_and_a_zero_stays(tmp_path: Path) -> None:
    table = table_of(price="price", quantity="quantity", time="time", day="day", text="text")
    frame = make_frame(
        table,
        {
            "price": [0.0, None, np.inf],
            "quantity": [0, None, 12_345_678],
            "time": np.array([0, pd.NaT.value, 1_800_000_000_123_456_789], np.int64),
            "day": [None, None, pd.Timestamp("2026-02-28")],
            "text": ["", None, "x" * 40_000],
        },
    )
    _write(tmp_path / "a.xlsx", table, frame)
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["rows"].iter_rows(min_row=2, values_only=True))
    assert rows[0][:2] == (0, 0)
    assert rows[1][:5] == (None,) * 5
    assert rows[2][0] is None
    assert rows[2][1] == 12_345_678
    naive = pd.Timestamp("2027-01-15 13:30:00.123")
    assert abs(pd.Timestamp(rows[2][2]) - naive) <= pd.Timedelta(milliseconds=1)
    assert pd.Timestamp(rows[2][3]) == pd.Timestamp("2026-02-28")
    assert len(rows[2][4]) == 32_767


def test_a_sheet_is_never_fuller_than_excel_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "EXCEL_ROWS", 5)
    part = pd.DataFrame({"price": [1.0, 2.0, 3.0]})
    with Workbook(tmp_path / "a.xlsx", "LIVE") as book:
        assert book.table("rows", table_of(price="price").columns, [part, part, part]) == 5
    assert pd.read_excel(tmp_path / "a.xlsx")["price"].tolist() == [1, 2, 3, 1, 2]


def test_text_that_fits_is_left_as_it_is() -> None:
    assert written("₹ 12,34,567 · ok\n") == "₹ 12,34,567 · ok\n"
