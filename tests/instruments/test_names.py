from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.instruments.names import (
    DerivativeName,
    exchange_for,
    index_named,
    read_derivative,
    split_exchange,
    underlying_named,
)
from tests.instruments.samples import kite_month, kite_weekly_day, noren_day

UNDERLYINGS = st.sampled_from(
    ["NIFTY", "BANKNIFTY", "NIFTYNXT50", "SENSEX50", "SILVER100", "360ONE", "M&M", "BAJAJ-AUTO", "DECCANCE"]
)
DAYS = st.dates(date(2020, 1, 1), date(2099, 12, 31))
STRIKES = st.one_of(
    st.integers(1, 999_999).map(str),
    st.decimals("0.25", "99999", places=2).map(lambda number: f"{number.normalize():f}"),
)
TYPES = st.sampled_from(["CE", "PE"])


@given(UNDERLYINGS, DAYS, STRIKES, TYPES)
def test_noren_option_names_read_back(underlying: str, day: date, strike: str, option_type: str) -> None:
    name = f"{underlying}{noren_day(day)}{option_type[0]}{strike}"
    assert read_derivative(name) == [
        DerivativeName(underlying, expiry=day, strike=float(strike), option_type=option_type)
    ]


@given(UNDERLYINGS, DAYS, st.sampled_from(["F", ""]))
def test_noren_future_names_read_back_with_and_without_f(underlying: str, day: date, ending: str) -> None:
    assert read_derivative(f"{underlying}{noren_day(day)}{ending}") == [
        DerivativeName(underlying, expiry=day)
    ]


@given(UNDERLYINGS, DAYS, STRIKES, TYPES)
def test_a_kite_weekly_name_is_among_its_own_readings(
    underlying: str, day: date, strike: str, option_type: str
) -> None:
    wanted = DerivativeName(underlying, expiry=day, strike=float(strike), option_type=option_type)
    readings = read_derivative(f"{underlying}{kite_weekly_day(day)}{strike}{option_type}")
    assert wanted in readings
    assert [reading for reading in readings if reading.underlying == underlying] == [wanted]


@given(UNDERLYINGS, DAYS, STRIKES, TYPES)
def test_kite_monthly_names_read_back(underlying: str, day: date, strike: str, option_type: str) -> None:
    month = (day.year, day.month)
    option = DerivativeName(underlying, month=month, strike=float(strike), option_type=option_type)
    assert option in read_derivative(f"{underlying}{kite_month(day)}{strike}{option_type}")
    assert read_derivative(f"{underlying}{kite_month(day)}FUT") == [DerivativeName(underlying, month=month)]


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for reading in read_derivative(text):
        assert (reading.expiry is None) != (reading.month is None)
        assert (reading.strike is None) == (reading.option_type is None)
    assert isinstance(exchange_for(text), str)


@pytest.mark.parametrize(
    "name",
    ["NIFTY", "RELIANCE-EQ", "NIFTY31FEB26C26000", "NIFTY29DEC26X26000", "NIFTY29DEC26C0", "29DEC26F", ""],
)
def test_what_is_no_derivative_has_no_reading(name: str) -> None:
    assert read_derivative(name) == []


def test_spaces_and_case_do_not_matter() -> None:
    assert read_derivative("nifty 29 dec 26 c 26000") == read_derivative("NIFTY29DEC26C26000")


def test_digits_at_the_end_of_an_underlying_give_several_readings() -> None:
    readings = read_derivative("NIFTYNXT502611368000CE")
    assert (
        DerivativeName("NIFTYNXT50", expiry=date(2026, 1, 13), strike=68000.0, option_type="CE") in readings
    )
    assert len(readings) > 1


@pytest.mark.parametrize(
    ("name", "exchange", "plain"),
    [
        ("NIFTY", "NSE", "NIFTY"),
        ("nifty 50", "NSE", "NIFTY"),
        ("Nifty Bank", "NSE", "BANKNIFTY"),
        ("BANKNIFTY", "NSE", "BANKNIFTY"),
        ("FINNIFTY", "NSE", "FINNIFTY"),
        ("MIDCPNIFTY", "NSE", "MIDCPNIFTY"),
        ("Nifty Next 50", "NSE", "NIFTYNXT50"),
        ("INDIAVIX", "NSE", "INDIA VIX"),
        ("india vix", "NSE", "INDIA VIX"),
        ("sensex", "BSE", "SENSEX"),
        ("BANKEX", "BSE", "BANKEX"),
    ],
)
def test_plain_index_names_imply_their_exchange(name: str, exchange: str, plain: str) -> None:
    index = index_named(name)
    assert index is not None
    assert (index.exchange, index.name) == (exchange, plain)
    assert exchange_for(name, "NFO") == exchange
    assert exchange_for(name, "MCX") == exchange


@pytest.mark.parametrize(
    ("name", "default", "expected"),
    [
        ("NIFTY29DEC26C26000", "NFO", "NFO"),
        ("RELIANCE", "nse", "NSE"),
        ("NSE:RELIANCE", "NFO", "NSE"),
        ("bse: reliance", "NFO", "BSE"),
        ("SENSEX26SEP91000PE", "NFO", "BFO"),
        ("BANKEX26SEPFUT", "NFO", "BFO"),
        ("NFO:SENSEX26SEP91000PE", "NFO", "NFO"),
    ],
)
def test_exchange_for(name: str, default: str, expected: str) -> None:
    assert exchange_for(name, default) == expected


def test_a_qualifier_is_split_off() -> None:
    assert split_exchange(" nse : nifty  50 ") == ("NSE", "NIFTY 50")
    assert split_exchange("m&m-eq") == (None, "M&M-EQ")


def test_an_index_is_the_underlying_of_its_derivatives() -> None:
    assert underlying_named("Nifty 50") == "NIFTY"
    assert underlying_named(" reliance ") == "RELIANCE"
