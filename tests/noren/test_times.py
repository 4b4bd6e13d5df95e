"""Both spellings of a time, and epoch seconds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.noren.times import epoch_ns, exchange_time_text, ist_day, order_time_text, wall_time_ns

MOMENT = 1702957680_000000000  # 09:18:00 on 19 December 2023 in India


@pytest.mark.parametrize("text", ["09:18:00 19-12-2023", "19-12-2023 09:18:00", " 09:18:00 19-12-2023 "])
def test_both_spellings(text: str) -> None:
    assert wall_time_ns(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NA",
        "19-12-2023",
        "09:18:00",
        "9:18:00 19-12-2023",
        "09:18:00 31-02-2023",
        "25:18:00 19-12-2023",
        "09:18:00 19-12-0000",
        "09:18:00 19-12-0001",
        "09:18:00 19-12-9999",
        "01-01-1980 00:00:00",
        "00:00:00 01-01-1980",
        "01-01-1970 05:30:00",
        "٠٩:18:00 19-12-2023",
        None,
        1702957680,
        [],
    ],
)
def test_what_is_no_time_is_unknown(text: Any) -> None:
    assert wall_time_ns(text) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1702957680", MOMENT),
        (1702957680, MOMENT),
        ("0", None),
        ("315532800", None),
        ("946684800", 946684800_000000000),
        ("-1", None),
        ("1.5", None),
        ("99999999999", None),
        ("", None),
        ("NA", None),
        (None, None),
        (True, None),
    ],
)
def test_epoch_seconds(value: Any, expected: int | None) -> None:
    assert epoch_ns(value) == expected


@given(st.integers(min_value=946_684_800 * 10**9, max_value=9_214_000_000 * 10**9))
def test_what_is_written_is_read_back(time_ns: int) -> None:
    second = time_ns - time_ns % 10**9
    assert wall_time_ns(order_time_text(time_ns)) == second
    assert wall_time_ns(exchange_time_text(time_ns)) == second


def test_the_fields_spellings() -> None:
    assert order_time_text(MOMENT) == "09:18:00 19-12-2023"
    assert exchange_time_text(MOMENT + 999_999_999) == "19-12-2023 09:18:00"


def test_the_day_is_indian() -> None:
    midnight = MOMENT - (9 * 3600 + 18 * 60) * 10**9
    assert ist_day(midnight) == date(2023, 12, 19)
    assert ist_day(midnight - 1) == date(2023, 12, 18)
