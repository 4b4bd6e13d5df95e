from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import DualBrokerError
from dualbroker.market_calendar import closed_as_listed
from dualbroker.model import InstrumentKind
from dualbroker.simulator.market.universe import (
    Universe,
    build_universe,
    monthly_expiries,
    option_symbol,
    weekly_expiries,
)

TUESDAY = 1


def symbols(universe: Universe) -> dict[str, str]:
    return {item.qualified_name: item.token for item in universe.instruments}


def test_indices_and_shares_have_the_exchanges_tokens() -> None:
    listed = symbols(build_universe(date(2026, 11, 23)))
    assert listed["NSE:NIFTY INDEX"] == "26000"
    assert listed["NSE:NIFTY BANK"] == "26009"
    assert listed["NSE:FINNIFTY"] == "26037"
    assert listed["NSE:INDIA VIX"] == "26017"
    assert listed["BSE:SENSEX"] == "1"
    assert listed["NSE:RELIANCE-EQ"] == "2885"
    assert listed["NSE:TCS-EQ"] == "11536"
    assert listed["BSE:RELIANCE"] == "500325"


def test_weekly_and_monthly_expiries_are_listed_in_the_brokers_spelling() -> None:
    listed = symbols(build_universe(date(2026, 11, 23), expiries=2))
    for symbol in ("NIFTY23NOV26C26000", "NIFTY01DEC26P26000", "NIFTY29DEC26C26000", "NIFTY29DEC26F"):
        assert f"NFO:{symbol}" in listed
    assert "NFO:BANKNIFTY29DEC26C58500" in listed
    assert "NFO:BANKNIFTY01DEC26C58500" not in listed
    assert "BFO:SENSEX26NOV85000CE" in listed
    assert "BFO:SENSEX26D0385000PE" in listed


def test_symbols_of_both_derivative_exchanges() -> None:
    def symbol(exchange: str, name: str, day: date, strike: float, *, monthly: bool) -> str:
        return option_symbol(exchange, name, day, strike, "PE", monthly=monthly)

    assert symbol("NFO", "NIFTY", date(2026, 10, 6), 22_400, monthly=False) == "NIFTY06OCT26P22400"
    assert symbol("BFO", "SENSEX", date(2024, 11, 22), 73_200, monthly=False) == "SENSEX24N2273200PE"
    assert symbol("BFO", "SENSEX", date(2026, 9, 24), 91_000, monthly=True) == "SENSEX26SEP91000PE"


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 4), st.integers(1, 6))
def test_expiries_lie_ahead_on_their_weekday_or_the_trading_day_before(
    today: date, weekday: int, count: int
) -> None:
    weekly = weekly_expiries(today, weekday, count)
    monthly = monthly_expiries(today, weekday, count)
    assert len(weekly) == len(monthly) == count
    assert today <= weekly[0] < today + timedelta(days=21)
    for day in weekly + monthly:
        assert not closed_as_listed(day)
        usual = day + timedelta(days=(weekday - day.weekday()) % 7)
        between = [day + timedelta(days=days) for days in range(1, (usual - day).days + 1)]
        assert all(closed_as_listed(each) for each in between)


def test_no_contract_expires_on_a_holiday() -> None:
    """Republic Day of 2027 is a Tuesday, and beyond the calendar; Gandhi Jayanti of 2025 was a Thursday."""
    assert monthly_expiries(date(2026, 11, 30), TUESDAY, 2) == [date(2026, 12, 29), date(2027, 1, 25)]
    assert weekly_expiries(date(2025, 9, 29), 3, 2) == [date(2025, 10, 1), date(2025, 10, 9)]
    assert "NFO:NIFTY25JAN27F" in symbols(build_universe(date(2026, 11, 30)))
    # Holi, Mahavir Jayanti and Guru Nanak Jayanti move from year to year; in 2026 each is a Tuesday.
    assert weekly_expiries(date(2026, 3, 1), TUESDAY, 1) == [date(2026, 3, 2)]
    assert monthly_expiries(date(2026, 3, 1), TUESDAY, 1) == [date(2026, 3, 30)]
    assert monthly_expiries(date(2026, 11, 2), TUESDAY, 1) == [date(2026, 11, 23)]


def test_an_expiry_today_still_counts() -> None:
    assert weekly_expiries(date(2026, 12, 1), TUESDAY, 1) == [date(2026, 12, 1)]
    assert monthly_expiries(date(2026, 12, 29), TUESDAY, 1) == [date(2026, 12, 29)]


@given(st.dates(date(2020, 1, 1), date(2080, 1, 1)))
def test_keys_and_symbols_are_unique_on_any_day(today: date) -> None:
    universe = build_universe(today, strikes_each_side=2)
    assert max(Counter(item.key for item in universe.instruments).values()) == 1
    assert max(Counter(item.qualified_name for item in universe.instruments).values()) == 1
    assert len(universe.underlying_of) == len(universe.instruments)
    assert all(item.expiry is None or item.expiry >= today for item in universe.instruments)


def test_derivatives_hang_on_their_own_underlying() -> None:
    universe = build_universe(date(2026, 11, 23), strikes_each_side=1)
    for item, underlying in zip(universe.instruments, universe.underlying_of, strict=True):
        assert universe.underlyings[underlying].name == item.name
    assert universe.underlyings[universe.volatility_index].name == "INDIA VIX"


def test_size_follows_the_arguments() -> None:
    today = date(2026, 11, 23)
    assert 600 < len(build_universe(today).instruments) < 800
    assert 1_900 < len(build_universe(today, strikes_each_side=40, expiries=3).instruments) < 2_400
    kinds = Counter(item.kind for item in build_universe(today, strikes_each_side=1).instruments)
    assert kinds[InstrumentKind.FUTURE] == 12
    assert kinds[InstrumentKind.INDEX] == 5
    assert kinds[InstrumentKind.EQUITY] == 25


@pytest.mark.parametrize(("strikes", "expiries"), [(0, 1), (1, 0)])
def test_nothing_to_list_is_refused(strikes: int, expiries: int) -> None:
    with pytest.raises(DualBrokerError, match="expected at least 1"):
        build_universe(date(2026, 11, 23), strikes_each_side=strikes, expiries=expiries)
