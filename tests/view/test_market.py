"""Whether the market is open, in words."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import cast

import pytest

from dualbroker.clock import IST
from dualbroker.manager.source import FeedSource
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, InstrumentKind, QuoteBatch
from dualbroker.noren.quotes import TouchlineSnapshot
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.market import market_state


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()) * 1_000_000_000


def words(
    now: str,
    *exchanges: str,
    last_feed_time: str | None = None,
    hours: MarketHours | None = None,
    expected_open: bool = False,
) -> str:
    quotes = QuoteStore()
    wanted: dict[InstrumentKey, FeedType] = {}
    for exchange in exchanges:
        instrument = Instrument(
            exchange=exchange, token="1", symbol="X", name="X", kind=InstrumentKind.EQUITY
        )
        wanted[instrument.key] = FeedType.TOUCHLINE
        quotes.set_source(quotes.register(instrument), "broker1")
        if last_feed_time is not None:
            feed_time_s = at(last_feed_time) // 1_000_000_000
            update = TouchlineSnapshot(exchange=exchange, token="1", ltp=1.0, feed_time=feed_time_s)
            quotes.apply(QuoteBatch(broker_name="broker1", receive_time_ns=at(now), updates=[update]))
    manager = SimpleNamespace(
        market_hours=hours or MarketHours(), wanted=lambda: wanted, arrangement=0, quotes=quotes
    )
    state = market_state(cast(FeedSource, manager), at(now))
    assert state["open"] is expected_open
    return str(state["words"])


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        ("2026-11-24T11:00:00", "2026-11-23T15:29:59", "last Mon 15:29:59 · opens Wed 09:15"),
        ("2026-11-23T18:00:00", "2026-11-23T15:29:59", "last 15:29:59 · opens Wed 09:15"),
        ("2026-11-25T08:00:00", "2026-11-23T15:29:59", "last Mon 15:29:59 · opens 09:15"),
        ("2026-11-25T20:00:00", "2026-11-25T19:59:00", "last 15:40:00 · opens Thu 09:15"),
        ("2026-11-25T20:00:00", "2026-11-09T12:00:00", "last 9 Nov 12:00:00 · opens Thu 09:15"),
    ],
)
def test_a_closed_market_says_its_last_quote_and_its_next_session(now: str, last: str, expected: str) -> None:
    assert words(now, "NFO", last_feed_time=last) == f"market closed, {expected}"


def test_without_a_quote_only_the_next_session_is_said() -> None:
    assert words("2026-11-25T20:00:00", "NFO") == "market closed · opens Thu 09:15"
    assert words("2026-11-25T20:00:00") == "market closed · opens Thu 09:15", "nothing is subscribed"


def test_an_open_market_says_which_exchanges_are_not() -> None:
    assert words("2026-11-25T11:00:00", "NFO", "NSE", expected_open=True) == "market open"
    evening = words("2026-11-25T20:00:00", "NFO", "MCX", "NSE", expected_open=True)
    assert evening == "market open: MCX; closed: NFO, NSE"


def test_past_the_calendars_end_an_open_market_may_be_on_holiday() -> None:
    assert words("2199-11-25T11:00:00", "NFO", expected_open=True) == (
        "market open, unless today is a holiday: the calendar does not reach so far"
    )


def test_the_simulated_market_is_open_on_a_sunday_night() -> None:
    said = words("2026-11-22T03:00:00", "NFO", hours=MarketHours.always(), expected_open=True)
    assert said == "market open"
