"""Volatility, greeks and max pain of a chain."""

from __future__ import annotations

import math
from datetime import date, datetime

import numpy as np
import pytest

from dualbroker.clock import IST
from dualbroker.greeks import black76
from dualbroker.manager.options.chain_series import view_of
from dualbroker.manager.options.chain_table import ChainTable, chain_table, max_pain
from dualbroker.market_hours import MarketHours
from dualbroker.model import Instrument, InstrumentKind, QuoteBatch
from dualbroker.noren.quotes import TouchlineSnapshot
from dualbroker.stores.quotes import QuoteStore

EXPIRY = date(2026, 12, 1)
FORWARD, VOLATILITY = 26_030.0, 0.125
STRIKES = [25_800.0 + 50 * step for step in range(10)]
UNKNOWN = float("nan")


def option(strike: float, option_type: str) -> Instrument:
    return Instrument(
        exchange="NFO",
        token=f"{strike:.0f}{option_type}",
        symbol=f"NIFTY01DEC26{option_type[0]}{strike:.0f}",
        name="NIFTY",
        kind=InstrumentKind.OPTION,
        expiry=EXPIRY,
        strike=strike,
        option_type=option_type,
        lot_size=65,
        tick_size=0.05,
    )


OPTIONS = [option(strike, side) for strike in STRIKES for side in ("CE", "PE")]
AT = datetime(2026, 11, 30, 11, 0, tzinfo=IST)
CLOSE = datetime(2026, 12, 1, 15, 40, tzinfo=IST)


def at_s(moment: datetime) -> int:
    return int(moment.timestamp())


def fair_price(each: Instrument, at: datetime = AT) -> float:
    years = (CLOSE - at).total_seconds() / (365 * 86_400)
    assert each.strike is not None
    return float(black76(FORWARD, each.strike, years, VOLATILITY, each.option_type == "CE"))


def table_of(
    prices: dict[str, float] | None = None,
    *,
    quoted: datetime = AT,
    received: datetime = AT,
    hours: MarketHours | None = None,
    open_interest: dict[str, float] | None = None,
) -> ChainTable:
    """The chain of options at their fair prices but for those that are said, by token."""
    store = QuoteStore(1000)
    for each in OPTIONS:
        store.set_source(store.register(each), "broker1")
    snapshots = [
        TouchlineSnapshot(
            exchange="NFO",
            token=each.token,
            ltp={each.token: fair_price(each, quoted), **(prices or {})}[each.token],
            open_interest=(open_interest or {}).get(each.token),
            feed_time=at_s(quoted),
        )
        for each in OPTIONS
    ]
    store.apply(QuoteBatch("broker1", at_s(received) * 10**9, snapshots))
    return chain_table(store, view_of(OPTIONS, "NIFTY", 0), hours or MarketHours())


def test_options_of_one_volatility_show_it_at_each_strike() -> None:
    table = table_of()
    assert table.implied_forward == pytest.approx(FORWARD, abs=0.1)
    for side in (table.calls, table.puts):
        assert side["iv"] == pytest.approx(np.full(len(STRIKES), VOLATILITY * 100), abs=0.05)
    assert table.iv_at_the_money == pytest.approx(VOLATILITY * 100, abs=0.05)
    assert table.calls["delta"] - table.puts["delta"] == pytest.approx(np.ones(len(STRIKES)), abs=1e-3)
    assert table.calls["gamma"] == pytest.approx(table.puts["gamma"], rel=0.02)


def test_what_was_quoted_in_the_day_is_worth_the_same_when_it_is_read_in_the_evening() -> None:
    evening = table_of(quoted=AT, received=AT.replace(hour=20))
    assert evening.calls["iv"].tolist() == table_of().calls["iv"].tolist()
    wrong = table_of(
        quoted=AT.replace(year=2027), received=AT, prices={o.token: fair_price(o) for o in OPTIONS}
    )
    assert wrong.calls["iv"].tolist() == table_of().calls["iv"].tolist(), "no quote is newer than its receipt"


def test_a_price_that_tells_no_volatility_takes_its_greeks_from_the_other_side() -> None:
    deep = STRIKES[0]
    table = table_of({f"{deep:.0f}CE": FORWARD - deep - 2.0})
    assert math.isnan(table.calls["iv"][0])
    assert not math.isnan(table.puts["iv"][0])
    assert table.calls["delta"][0] == pytest.approx(table.puts["delta"][0] + 1, abs=1e-3)
    assert table.calls["vega"][0] == pytest.approx(table.puts["vega"][0])
    neither = table_of({f"{deep:.0f}CE": 0.0, f"{deep:.0f}PE": 0.0})
    assert math.isnan(neither.calls["delta"][0])
    assert math.isnan(neither.puts["iv"][0])


def test_after_the_expiry_nothing_is_known_but_where_no_market_closes() -> None:
    after = CLOSE.replace(hour=16)
    prices = {each.token: fair_price(each) for each in OPTIONS}
    ended = table_of(prices, quoted=after, received=after)
    for name in ("iv", "delta", "gamma", "theta", "vega"):
        assert np.isnan(ended.calls[name]).all()
    simulated = table_of(prices, quoted=after, received=after, hours=MarketHours.always())
    assert not np.isnan(simulated.calls["iv"]).any()


def test_max_pain_is_where_the_open_interest_is_worth_least() -> None:
    strikes = np.array([100.0, 110.0, 120.0])
    # At 100 puts would bring 10*20 + 20*10, at 110 calls 10*50 and puts 10*10, at 120 calls 20*50 and 10*5.
    calls, puts = np.array([50.0, 5.0, UNKNOWN]), np.array([0.0, 20.0, 10.0])
    assert max_pain(strikes, calls, puts) == 100.0
    assert max_pain(strikes, np.array([5.0, 50.0, 0.0]), puts) == 110.0
    assert math.isnan(max_pain(strikes, np.full(3, UNKNOWN), np.zeros(3)))
    held = {f"{STRIKES[4]:.0f}CE": 650.0, f"{STRIKES[6]:.0f}PE": 6500.0}
    assert table_of(open_interest=held).max_pain == STRIKES[6]
    assert math.isnan(table_of().max_pain)
