"""Numbers, ages and times as they are shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.notebook.text import age, clock_time, data_size, grouped, percent, price

NOON = "2026-03-02T12:00:00.000+05:30"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (0, 0, "0"),
        (999, 0, "999"),
        (1000, 0, "1,000"),
        (100000, 0, "1,00,000"),
        (12345678.5, 2, "1,23,45,678.50"),
        (-1234.5, 2, "−1,234.50"),
        (-0.001, 2, "0.00"),
    ],
)
def test_numbers_are_grouped_as_in_india(value: float, decimals: int, shown: str) -> None:
    assert grouped(value, decimals) == shown


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_grouping_changes_no_digit(value: int) -> None:
    assert int(grouped(value).replace(",", "").replace("−", "-")) == value


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
def test_unknown_is_a_dash_and_never_0(unknown: float | None) -> None:
    assert {grouped(unknown), price(unknown), percent(unknown), data_size(unknown)} == {"–"}
    assert age(None, NOON) == age(NOON, None) == clock_time(None) == "–"


def test_a_zero_that_was_received_is_shown() -> None:
    assert price(0) == percent(0) == "0.00"


@pytest.mark.parametrize(("value", "shown"), [(0.314, "+0.31"), (-1.2, "−1.20"), (0.001, "0.00")])
def test_a_change_bears_its_sign(value: float, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("then", "shown"),
    [
        ("2026-03-02T11:59:59.800+05:30", "0.2 s"),
        ("2026-03-02T11:59:19.000+05:30", "41 s"),
        ("2026-03-02T11:48:00.000+05:30", "12 min"),
        ("2026-03-02T09:00:00.000+05:30", "3 h"),
        ("2026-03-02T12:00:01.000+05:30", "0.0 s"),
    ],
)
def test_ages_are_in_one_unit(then: str, shown: str) -> None:
    assert age(then, NOON) == shown


def test_times_of_day_are_those_of_the_text() -> None:
    assert clock_time("2026-03-02T09:15:07.123+05:30") == "09:15:07"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (840, "840 B"), (1240, "1.2 kB"), (84_000, "84 kB"), (999_600, "1.0 MB"), (1.2e9, "1.2 GB")],
)
def test_sizes_keep_the_number_short(count: float, shown: str) -> None:
    assert data_size(count) == shown
