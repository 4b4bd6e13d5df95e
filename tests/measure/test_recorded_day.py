from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dualbroker.errors import DualBrokerError
from dualbroker.measure.recorded_day import RecordedDay, differences, read_recorded_day
from tests.measure.days import row, write_day


@pytest.fixture
def day(tmp_path: Path) -> RecordedDay:
    rows = [
        row("24000", "09:30:00", ltp=100.0),
        row("24100", "09:31:00", ltp=0.0, bid=0.0, bid_qty=0),
        row("24000", "09:32:00", ltp=101.0, bid=0.0, bid_qty=0),
        row("24000", "09:31:30", ltp=99.0),
    ]
    return read_recorded_day(write_day(tmp_path / "day.parquet", rows))


def test_the_last_row_is_the_last_by_time_and_not_by_place(day: RecordedDay) -> None:
    assert day.rows == 4
    assert day.last_rows[("NFO", "24000")]["ltp"] == 101.0
    assert day.last_rows[("NFO", "24000")]["bid_quantity"] == 0.0
    assert day.symbols[("NFO", "24100")] == "NIFTY02SEP25C24100"
    assert day.last_time_ns - day.first_time_ns == 120 * 1_000_000_000


def test_equal_quotes_differ_in_nothing(day: RecordedDay) -> None:
    assert differences(day, day.last_rows) == []


def test_a_zero_is_no_unknown_and_no_earlier_value(day: RecordedDay) -> None:
    quotes = {key: dict(figures) for key, figures in day.last_rows.items()}
    quotes[("NFO", "24000")]["bid"] = 99.95
    quotes[("NFO", "24100")]["ltp"] = math.nan
    found = [(each.symbol, each.field, each.expected) for each in differences(day, quotes)]
    assert found == [("NIFTY02SEP25C24000", "bid", 0.0), ("NIFTY02SEP25C24100", "ltp", 0.0)]


def test_a_contract_without_a_quote_differs_in_everything(day: RecordedDay) -> None:
    quotes = {("NFO", "24000"): day.last_rows[("NFO", "24000")]}
    missing = differences(day, quotes)
    assert {each.symbol for each in missing} == {"NIFTY02SEP25C24100"}
    assert len(missing) == 8
    assert all(math.isnan(each.found) for each in missing)


def test_what_is_no_recorded_day_says_so(tmp_path: Path) -> None:
    with pytest.raises(DualBrokerError, match="found no such file"):
        read_recorded_day(tmp_path / "missing.parquet")
    with pytest.raises(DualBrokerError, match="found a folder"):
        read_recorded_day(tmp_path)
    text = tmp_path / "text.parquet"
    text.write_text("not a table", encoding="utf-8")
    with pytest.raises(DualBrokerError, match="expected a recorded day"):
        read_recorded_day(text)
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"ltp": [1.0]}), other)
    with pytest.raises(DualBrokerError, match="expected the columns exchange_time, exchange"):
        read_recorded_day(other)
    empty = write_day(tmp_path / "empty.parquet", [row("24000", "09:30:00")])
    pq.write_table(pq.read_table(empty).slice(0, 0), empty)
    with pytest.raises(DualBrokerError, match="at least one row"):
        read_recorded_day(empty)
