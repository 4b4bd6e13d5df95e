"""On which days, and when, the Indian exchanges trade as far as it is known beforehand. Indian time.

The equity holidays are those of the library ``exchange_calendars`` (XBOM: NSE and BSE have the same
ones). Its lists are read, not its schedules: those lose the Saturdays that it knows, under pandas 3.1.
It is imported when a day is first asked for, and costs a process that never asks nothing.

What is known, and from where
    Shares and indices (NSE, BSE): since 18 October 2010 09:15 to 15:30 on weekdays without a holiday, with a
    pre-open session from 09:00 (orders until 09:08, at indicative prices; matched in one auction until 09:12;
    then nothing until 09:15) and a post-close session from 15:40 to 16:00 (both exchanges' pages of market
    timings); from 4 January 2010 09:00 to 15:30, before that 09:55 to 15:30 (NSE's announcements as the
    package pandas_market_calendars lists them, #479).
    Since 3 August 2026 shares with derivatives, and so the indices made of them, trade continuously until
    15:15 only and find their close in an auction from 15:15 to 15:35; all others trade until 15:30;
    post-close 15:50 to 16:00 (SEBI's circular HO/47/11/11(3)2025-MRD-POD2/I/2765/2026 of 16 January 2026,
    handed on by BSE on 21 January 2026).
    Their derivatives (NFO, BFO): 09:15 to 15:30, since 3 August 2026 to 15:40 (the same circular of SEBI,
    which binds both exchanges; NSE's circular 74/2026 of May 2026; OpenAlgo's calendar since its commit
    e0f7536a6).
    Since 8 December 2025 current futures of NSE have a pre-open session from 09:00 (NSE's circular of
    4 November 2025).
    Currencies (CDS, BCD): 09:00 to 17:00 on the same days (OpenAlgo's calendar, brokers' pages).
    Commodities (MCX, NCO): 09:00 to 23:30, and to 23:55 while the United States have winter time (MCX
    circulars: 23:55 from 6 November 2023, 23:30 from 11 March to 1 November 2024, 23:55 again then). On an
    equity holiday only the evening from 17:00, but on Republic Day, Good Friday, Independence Day, Gandhi
    Jayanti and Christmas nothing; on 1 January only until 17:00 (MCX's list for 2026).
    NCDEX (NCX): 10:00 to 17:00 on days without an equity holiday.

What could not be verified
    The texts of the exchanges' own circulars were not at hand, only what others quote of them. That BSE's
    futures have a pre-open session. What SEBI changed of the pre-open session from 7 September 2026: its
    times are taken to be the same. Cross-currency pairs to 19:30: cut to 17:00 in April 2020, and no
    notice of a return was found.

What is not known
    Special sessions: Muhurat, a Saturday's test of the second data centre, the Budget on a Sunday; and
    closures announced within days (elections). Holidays of currencies that are the banks' alone (a few
    a year), commodities that close before the others (17:00 or 21:00).
    ``market_hours`` in config.yaml adds and takes away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

__all__ = [
    "Span",
    "Spans",
    "Timetable",
    "calendar_end",
    "closed_as_listed",
    "closed_every_year",
    "regular_spans",
    "timetable",
]

Span = tuple[time, time]
Spans = tuple[Span, ...]
"""When a day's sessions open and close, Indian time, in order; empty: closed all day."""


@dataclass(frozen=True)
class Timetable:
    """The hours of a usual day, as they are from some day on."""

    since: date
    trading: Span
    """In which at least some instruments trade continuously."""
    pre_open: Span | None = None
    """Orders are collected for an auction; prices are indicative."""
    opening: Span | None = None
    """They are matched, and nothing else happens until trading begins."""
    auction: Span | None = None
    """Likewise at the end, for shares with derivatives; others may still trade continuously."""
    post_close: Span | None = None
    """Trades at the closing price only."""


_PRE_OPEN = (time(9, 0), time(9, 8))
_OPENING = (time(9, 8), time(9, 15))
_CLOSING_AUCTION_BEGINS = date(2026, 8, 3)

_SHARES = (
    Timetable(date.min, (time(9, 55), time(15, 30))),
    Timetable(date(2010, 1, 4), (time(9, 0), time(15, 30))),
    Timetable(
        date(2010, 10, 18),
        (time(9, 15), time(15, 30)),
        _PRE_OPEN,
        _OPENING,
        post_close=(time(15, 40), time(16, 0)),
    ),
    Timetable(
        _CLOSING_AUCTION_BEGINS,
        (time(9, 15), time(15, 30)),
        _PRE_OPEN,
        _OPENING,
        (time(15, 15), time(15, 35)),
        (time(15, 50), time(16, 0)),
    ),
)
_SHARE_DERIVATIVES = (
    Timetable(date.min, (time(9, 55), time(15, 30))),
    Timetable(date(2010, 1, 4), (time(9, 0), time(15, 30))),
    Timetable(date(2010, 10, 18), (time(9, 15), time(15, 30))),
    Timetable(_CLOSING_AUCTION_BEGINS, (time(9, 15), time(15, 40))),
)
_FUTURES_PRE_OPEN_BEGINS = date(2025, 12, 8)
_NSE_DERIVATIVES = (
    *_SHARE_DERIVATIVES[:3],
    Timetable(_FUTURES_PRE_OPEN_BEGINS, (time(9, 15), time(15, 30)), _PRE_OPEN, _OPENING),
    Timetable(_CLOSING_AUCTION_BEGINS, (time(9, 15), time(15, 40)), _PRE_OPEN, _OPENING),
)
_CURRENCIES = (Timetable(date.min, (time(9, 0), time(17, 0))),)
_AGRICULTURE = (Timetable(date.min, (time(10, 0), time(17, 0))),)
_COMMODITIES = Timetable(date.min, (time(9, 0), time(23, 30)))
_COMMODITIES_IN_WINTER = Timetable(date.min, (time(9, 0), time(23, 55)))

_HOURS = {
    "NFO": _NSE_DERIVATIVES,
    "BFO": _SHARE_DERIVATIVES,
    "CDS": _CURRENCIES,
    "BCD": _CURRENCIES,
    "NCX": _AGRICULTURE,
}
"""Oldest first; what is not listed has the hours of shares."""
_WITH_EVENING = frozenset({"MCX", "NCO"})
_EVENING = time(17, 0)

_CLOSED_IN_THE_EVENING_TOO = frozenset({(1, 26), (8, 15), (10, 2), (12, 25)})
"""Month and day; Good Friday is the other one."""

_EVERY_YEAR = _CLOSED_IN_THE_EVENING_TOO | {(4, 14), (5, 1)}
"""Holidays of equities whose date never changes: Ambedkar Jayanti and Maharashtra Day too."""

_MOVABLE = {
    2025: "02-26 03-14 03-31 04-10 04-18 08-27 10-21 10-22 11-05",
    2026: "01-15 03-03 03-26 03-31 04-03 05-28 06-26 09-14 10-20 11-10 11-24",
}
"""The other holidays on weekdays of the library's list, for what can't wait until that is loaded.
A test compares them."""
_MOVABLE_DAYS = frozenset(
    date.fromisoformat(f"{year}-{day}") for year, days in _MOVABLE.items() for day in days.split()
)

_SATURDAY = 5


def regular_spans(exchange: str, day: date, hours: Spans | None = None) -> Spans:
    """The sessions of an exchange on a day, as far as they are known beforehand.

    Past the calendar's end every weekday is a trading day but for the holidays that have a fixed date.

    Parameters
    ----------
    exchange
        ``NSE``, ``NFO``, ``MCX`` …; one that is not known has the hours of equities.
    hours
        In place of the exchange's own hours of a usual day.
    """
    if day.weekday() >= _SATURDAY:
        return ()
    usual = hours or (timetable(exchange, day).trading,)
    holiday = day in _holidays() or (day > calendar_end() and closed_every_year(day))
    if exchange not in _WITH_EVENING:
        return () if holiday else usual
    if (day.month, day.day) == (1, 1):
        return _clip(usual, time.min, _EVENING)
    if not holiday:
        return usual
    if (day.month, day.day) in _CLOSED_IN_THE_EVENING_TOO or day in _good_fridays():
        return ()
    return _clip(usual, _EVENING, time.max)


def closed_every_year(day: date) -> bool:
    """Whether it is a weekend or a holiday of equities whose date never changes; loads no calendar."""
    return day.weekday() >= _SATURDAY or (day.month, day.day) in _EVERY_YEAR


def closed_as_listed(day: date) -> bool:
    """The same, and the holidays that move from year to year, as far as they are written down here."""
    return closed_every_year(day) or day in _MOVABLE_DAYS


@cache
def calendar_end() -> date:
    """The last day whose holidays are known; the library's authors add a year at its turn."""
    from exchange_calendars.exchange_calendar_xbom import XBOMExchangeCalendar

    end: date = XBOMExchangeCalendar.bound_max().date()
    return end


def timetable(exchange: str, day: date) -> Timetable:
    """The hours that an exchange has on a usual day of that time."""
    if exchange in _WITH_EVENING:
        return _COMMODITIES if _summer_in_new_york(day) else _COMMODITIES_IN_WINTER
    return next(hours for hours in reversed(_HOURS.get(exchange, _SHARES)) if hours.since <= day)


def _summer_in_new_york(day: date) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return bool(noon.astimezone(ZoneInfo("America/New_York")).dst())


def _clip(spans: Spans, start: time, end: time) -> Spans:
    clipped = ((max(opens, start), min(closes, end)) for opens, closes in spans)
    return tuple((opens, closes) for opens, closes in clipped if opens < closes)


@cache
def _holidays() -> frozenset[date]:
    from exchange_calendars.exchange_calendar_xbom import XBOMExchangeCalendar

    return frozenset(moment.date() for moment in XBOMExchangeCalendar.precomputed_holidays())


@cache
def _good_fridays() -> frozenset[date]:
    from pandas.tseries.holiday import GoodFriday

    fridays = GoodFriday.dates("1997-01-01", f"{calendar_end().year}-12-31")
    return frozenset(moment.date() for moment in fridays)
