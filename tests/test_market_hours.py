"""When which exchange is open."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dualbroker.clock import IST
from dualbroker.market_calendar import calendar_end, closed_as_listed, regular_spans
from dualbroker.market_hours import Corrections, MarketHours, Phase, Spans

SECOND_NS = 1_000_000_000
EXCHANGES = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NCX")
MUHURAT: Spans = ((time(18, 0), time(19, 0)),)
TWO_SESSIONS: Spans = ((time(9, 15), time(10, 0)), (time(11, 30), time(12, 30)))

CORRECTED = MarketHours(
    Corrections(
        closed=frozenset({date(2026, 7, 1), date(2026, 7, 2)}),
        open={date(2026, 11, 8): MUHURAT, date(2026, 11, 14): TWO_SESSIONS},
    ),
    {
        "MCX": Corrections(
            closed=frozenset({date(2026, 11, 8)}),
            open={date(2026, 7, 2): ((time(17, 0), time(23, 30)),)},
            hours=((time(10, 0), time(21, 0)),),
        )
    },
)

moments = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31)).map(
    lambda moment: int(moment.replace(tzinfo=UTC).timestamp()) * SECOND_NS
)
calendars = st.sampled_from([MarketHours(), CORRECTED])
exchanges = st.sampled_from(EXCHANGES)


def at(text: str) -> int:
    """UTC ns of an Indian wall time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()) * SECOND_NS


def hours(market: MarketHours, exchange: str, day: str) -> str:
    """``09:15-15:30``; several with a comma between; empty when closed."""
    return ",".join(
        "-".join(f"{datetime.fromtimestamp(edge_ns / 1e9, IST):%H:%M}" for edge_ns in session)
        for session in market.sessions(exchange, date.fromisoformat(day))
    )


@pytest.mark.parametrize(
    ("exchange", "usual"),
    [
        ("NSE", "09:15-15:30"),
        ("BSE", "09:15-15:30"),
        ("CDS", "09:00-17:00"),
        ("NCX", "10:00-17:00"),
        ("another", "09:15-15:30"),
    ],
)
def test_hours_are_the_same_on_every_weekday_summer_and_winter(exchange: str, usual: str) -> None:
    market = MarketHours()
    for day in ("2025-08-29", "2025-01-02", "2026-03-09", "2026-07-01", "2026-11-25"):
        assert hours(market, exchange, day) == usual
    for weekend in ("2026-03-14", "2026-03-15"):
        assert hours(market, exchange, weekend) == ""


@pytest.mark.parametrize("exchange", ["NFO", "BFO"])
def test_derivatives_of_shares_trade_ten_minutes_longer_since_the_closing_auction(exchange: str) -> None:
    market = MarketHours()
    assert hours(market, exchange, "2025-08-29") == "09:15-15:30", "a replay keeps the hours of its day"
    assert hours(market, exchange, "2026-07-31") == "09:15-15:30"
    assert hours(market, exchange, "2026-08-03") == "09:15-15:40"
    assert market.is_open(exchange, at("2026-11-30T15:35:00"))
    assert not market.is_open(exchange, at("2026-11-30T15:40:00"))
    assert not market.is_open(exchange, at("2026-07-31T15:35:00"))


def test_hours_of_long_ago_are_those_of_long_ago() -> None:
    market = MarketHours()
    assert hours(market, "NSE", "2009-12-31") == "09:55-15:30"
    assert hours(market, "NSE", "2010-10-15") == "09:00-15:30"
    assert hours(market, "NSE", "2010-10-18") == "09:15-15:30"


PHASES = {
    ("NSE", "2026-11-30"): "08:59 closed, 09:00 pre-open session, 09:07 pre-open session, "
    "09:08 opening auction, 09:14 opening auction, 09:15 open, 15:14 open, 15:15 closing auction, "
    "15:34 closing auction, 15:35 closed, 15:50 post-close session, 16:00 closed",
    ("BSE", "2026-07-31"): "09:00 pre-open session, 09:08 opening auction, 09:15 open, 15:29 open, "
    "15:30 closed, 15:40 post-close session, 16:00 closed",
    ("NFO", "2026-11-30"): "09:00 pre-open session, 09:08 opening auction, 09:15 open, 15:39 open, "
    "15:40 closed",
    ("NFO", "2025-12-05"): "09:00 closed, 09:15 open, 15:30 closed",
    ("BFO", "2026-11-30"): "09:00 closed, 09:15 open, 15:39 open, 15:40 closed",
    ("CDS", "2026-11-30"): "08:59 closed, 09:00 open, 16:59 open, 17:00 closed",
    ("MCX", "2026-11-30"): "09:00 open, 23:54 open, 23:55 closed",
    ("NSE", "2026-11-29"): "09:00 closed, 10:00 closed, 15:20 closed",
}


@pytest.mark.parametrize(("exchange", "day"), PHASES)
def test_each_exchange_has_its_phases_of_the_day(exchange: str, day: str) -> None:
    market = MarketHours()
    for moment in PHASES[exchange, day].split(", "):
        clock, phase = moment.split(" ", 1)
        for _ in range(2):
            assert market.phase(exchange, at(f"{day}T{clock}:00")) == phase, "remembered or not"


def test_shares_without_derivatives_trade_on_beside_the_closing_auction() -> None:
    market = MarketHours()

    def phase(moment: str) -> Phase:
        return market.phase("NSE", at(moment), has_auction=False)

    assert phase("2026-11-30T15:29:00") is Phase.CONTINUOUS
    assert phase("2026-11-30T15:30:00") is Phase.CLOSED
    assert phase("2026-11-30T15:50:00") is Phase.POST_CLOSE
    assert market.phase("NSE", at("2026-11-30T15:29:00")) is Phase.AUCTION, "each has its own"


def test_hours_that_the_config_says_are_continuous_trading() -> None:
    assert CORRECTED.phase("NSE", at("2026-11-08T18:30:00")) is Phase.CONTINUOUS
    assert CORRECTED.phase("NSE", at("2026-11-08T09:05:00")) is Phase.CLOSED
    assert CORRECTED.phase("NSE", at("2026-07-01T09:05:00")) is Phase.CLOSED, "a day that it takes away"
    assert CORRECTED.phase("MCX", at("2026-07-03T20:59:00")) is Phase.CONTINUOUS
    assert MarketHours.always().phase("NSE", at("2026-11-29T03:00:00")) is Phase.CONTINUOUS
    assert MarketHours.always().auctions("NSE", date(2026, 11, 30)) == ()


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2024-03-08", "23:55"),  # the clocks in New York change on 10 March 2024 …
        ("2024-03-11", "23:30"),
        ("2024-11-01", None),  # Diwali: an equity holiday
        ("2024-10-31", "23:30"),
        ("2024-11-04", "23:55"),  # … and on 3 November
        ("2026-07-01", "23:30"),
        ("2026-12-24", "23:55"),
    ],
)
def test_commodities_close_later_while_new_york_has_winter_time(day: str, close: str | None) -> None:
    begin = "17:00" if day == "2024-03-08" else "09:00"  # Mahashivratri: the evening only
    expected = f"{begin}-{close}" if close else "17:00-23:30"
    assert hours(MarketHours(), "MCX", day) == expected


@pytest.mark.parametrize(
    "holiday",
    ["2025-02-26", "2025-08-27", "2025-10-22", "2026-01-15", "2026-03-03", "2026-06-26", "2026-11-24"],
)
def test_on_an_equity_holiday_commodities_trade_in_the_evening_only(holiday: str) -> None:
    market = MarketHours()
    for exchange in ("NSE", "BSE", "NFO", "BFO", "CDS"):
        assert hours(market, exchange, holiday) == ""
    assert hours(market, "MCX", holiday).startswith("17:00-23:")


@pytest.mark.parametrize("holiday", ["2026-01-26", "2026-04-03", "2025-08-15", "2026-10-02", "2026-12-25"])
def test_five_holidays_are_holidays_of_all(holiday: str) -> None:
    for exchange in EXCHANGES:
        assert hours(MarketHours(), exchange, holiday) == ""


def test_on_new_years_day_commodities_close_at_five() -> None:
    assert hours(MarketHours(), "MCX", "2026-01-01") == "09:00-17:00"
    assert hours(MarketHours(), "NSE", "2026-01-01") == "09:15-15:30"


def test_the_edges_belong_to_the_session_at_its_start_only() -> None:
    market = MarketHours()
    assert [market.is_open("NSE", at("2026-11-25T09:15:00") + offset_ns) for offset_ns in (-1, 0)] == [
        False,
        True,
    ]
    assert [market.is_open("NSE", at("2026-11-25T15:30:00") + offset_ns) for offset_ns in (-1, 0)] == [
        True,
        False,
    ]


def test_what_is_said_of_one_exchange_goes_before_what_is_said_of_all() -> None:
    assert hours(CORRECTED, "NSE", "2026-07-01") == ""
    assert hours(CORRECTED, "MCX", "2026-07-01") == ""
    assert hours(CORRECTED, "NSE", "2026-07-02") == ""
    assert hours(CORRECTED, "MCX", "2026-07-02") == "17:00-23:30"
    assert hours(CORRECTED, "NFO", "2026-11-08") == "18:00-19:00"
    assert hours(CORRECTED, "MCX", "2026-11-08") == ""
    assert hours(CORRECTED, "MCX", "2026-07-03") == "10:00-21:00"
    assert hours(CORRECTED, "MCX", "2026-11-24") == "17:00-21:00"


def test_between_two_sessions_of_a_day_the_market_is_closed() -> None:
    assert hours(CORRECTED, "NSE", "2026-11-14") == "09:15-10:00,11:30-12:30"
    assert CORRECTED.session("NSE", date(2026, 11, 14)) == (at("2026-11-14T09:15"), at("2026-11-14T12:30"))
    noon = at("2026-11-14T11:00:00")
    assert not CORRECTED.is_open("NSE", noon)
    assert CORRECTED.last_close_ns("NSE", noon) == at("2026-11-14T10:00:00")
    assert CORRECTED.next_open_ns("NSE", noon) == at("2026-11-14T11:30:00")


def test_a_closed_market_says_when_it_closed_and_when_it_opens() -> None:
    market = MarketHours()
    holiday = at("2026-11-24T11:00:00")
    assert market.last_close_ns("NSE", holiday) == at("2026-11-23T15:30:00")
    assert market.next_open_ns("NSE", holiday) == at("2026-11-25T09:15:00")
    assert market.next_open_ns("MCX", holiday) == at("2026-11-24T17:00:00")
    assert market.next_open_ns("NSE", at("2026-11-25T09:15:00")) == at("2026-11-26T09:15:00")


def test_one_open_exchange_is_enough() -> None:
    market = MarketHours()
    evening = at("2026-11-25T20:00:00")
    assert market.any_open(["NSE", "MCX"], evening)
    assert not market.any_open(["NSE", "NFO", "CDS"], evening)
    assert not market.any_open([], evening)


def test_the_holidays_that_are_written_down_are_those_of_the_calendar() -> None:
    first, last = date(2025, 1, 1), date(2026, 12, 31)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    closed = [day for day in days if not regular_spans("NSE", day)]
    assert [day for day in days if closed_as_listed(day)] == closed


def test_past_the_calendars_end_every_weekday_is_a_trading_day_and_that_is_said() -> None:
    market = MarketHours()
    end = calendar_end()
    assert end >= date(2026, 12, 31)
    last_ns = at(f"{end}T23:59:59")
    assert not market.beyond_calendar(last_ns)
    assert market.beyond_calendar(last_ns + SECOND_NS)
    independence_day = date(end.year + 1, 8, 15)
    week = [independence_day + timedelta(days=days) for days in range(-3, 4)]
    assert [market.session("NSE", day) is not None for day in week] == [day.weekday() < 5 for day in week]


def test_before_anything_traded_there_was_no_close() -> None:
    market = MarketHours(Corrections(closed=frozenset(date(1969, 12, 31) - timedelta(n) for n in range(99))))
    assert market.last_close_ns("NSE", at("1969-12-31T23:00:00")) is None


def test_the_simulated_market_never_closes() -> None:
    market = MarketHours.always()
    sunday = at("2026-03-15T03:00:00")
    assert market.never_closes
    assert market.is_open("NSE", sunday)
    assert market.any_open(["NSE"], sunday)
    assert market.last_close_ns("NSE", sunday) is None
    assert market.next_open_ns("NSE", sunday) == sunday
    assert market.session("NSE", date(2026, 3, 15)) == (at("2026-03-15T00:00"), at("2026-03-16T00:00"))
    assert not market.beyond_calendar(at("2200-01-01T00:00"))
    assert not MarketHours().never_closes


@given(market=calendars, exchange=exchanges, now_ns=moments)
@example(market=CORRECTED, exchange="NSE", now_ns=at("2026-11-14T11:00:00"))
@example(market=CORRECTED, exchange="NSE", now_ns=at("2026-11-14T12:00:00"))
def test_open_agrees_with_the_sessions_of_the_day(market: MarketHours, exchange: str, now_ns: int) -> None:
    day = datetime.fromtimestamp(now_ns / 1e9, IST).date()
    inside = any(opens <= now_ns < closes for opens, closes in market.sessions(exchange, day))
    assert market.is_open(exchange, now_ns) is inside
    assert market.is_open(exchange, now_ns) is inside, "the remembered answer, too"


@given(market=calendars, exchange=exchanges, now_ns=moments)
def test_continuous_trading_lies_within_the_sessions(market: MarketHours, exchange: str, now_ns: int) -> None:
    if market.phase(exchange, now_ns) is Phase.CONTINUOUS:
        assert market.is_open(exchange, now_ns)
    if market.phase(exchange, now_ns, has_auction=False) is Phase.CONTINUOUS:
        assert market.is_open(exchange, now_ns)
    day = datetime.fromtimestamp(now_ns / 1e9, IST).date()
    if any(begin_ns <= now_ns < end_ns for begin_ns, end_ns in market.auctions(exchange, day)):
        assert market.phase(exchange, now_ns) in (Phase.PRE_OPEN, Phase.OPENING, Phase.AUCTION)


@given(market=calendars, exchange=exchanges, now_ns=moments)
def test_the_next_opening_is_in_the_future_and_the_first_one(
    market: MarketHours, exchange: str, now_ns: int
) -> None:
    opens_ns = market.next_open_ns(exchange, now_ns)
    assert opens_ns > now_ns
    assert market.is_open(exchange, opens_ns)
    assert not market.is_open(exchange, opens_ns - 1)
    if not market.is_open(exchange, now_ns):
        between = (now_ns + opens_ns) // 2
        assert not market.is_open(exchange, between)
        assert market.next_open_ns(exchange, between) == opens_ns


@given(market=calendars, exchange=exchanges, now_ns=moments)
def test_the_last_close_is_the_newest_one(market: MarketHours, exchange: str, now_ns: int) -> None:
    closes_ns = market.last_close_ns(exchange, now_ns)
    assert closes_ns is not None
    assert closes_ns <= now_ns
    assert market.is_open(exchange, closes_ns - 1)
    assert not market.is_open(exchange, closes_ns)
    if not market.is_open(exchange, now_ns):
        assert market.next_open_ns(exchange, closes_ns) > now_ns


def test_a_process_that_never_asks_does_not_load_the_calendar() -> None:
    code = (
        "import sys; from dualbroker.market_hours import MarketHours; "
        "MarketHours(); MarketHours.always().load(); MarketHours.always().is_open('NSE', 0); "
        "assert 'exchange_calendars' not in sys.modules; "
        "MarketHours().load(); assert 'exchange_calendars' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
