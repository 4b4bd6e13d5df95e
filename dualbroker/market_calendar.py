"""On which days, and when, the Indian exchanges trade as far as it is known beforehand. Indian time.

The equity holidays are those of the library ``exchange_calendars`` (XBOM: NSE and BSE have the same
ones). Its lists are read, not its schedules: those lose the Saturdays that it knows, under pandas 3.1.
It is imported when a day is first asked for, and costs a process that never asks nothing.

What is known
    Equities and their derivatives (NSE, BSE, NFO, BFO): 09:15 to 15:30 on weekdays without a holiday.
    Currencies (CDS, BCD): 09:00 to 17:00, cross-currency pairs to 19:30, on the same days.
    Commodities (MCX, NCO): 09:00 to 23:30, and to 23:55 while the United States have winter time (MCX
    circulars: 23:55 from 6 November 2023, 23:30 from 11 March to 1 November 2024, 23:55 again then). On an
    equity holiday only the evening from 17:00, but on Republic Day, Good Friday, Independence Day, Gandhi
    Jayanti and Christmas nothing; on 1 January only until 17:00 (MCX's list for 2026).
    NCDEX (NCX): 10:00 to 17:00 on days without an equity holiday.

What is not
    Special sessions: Muhurat, a Saturday's test of the second data centre, the Budget on a Sunday; and
    closures announced within days (elections). Holidays of currencies that are the banks' alone (a few
    a year), commodities that close before the others (17:00 or 21:00), pre-open and closing sessions.
    ``market_hours`` in config.yaml adds and takes away.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

__all__ = ["Spans", "calendar_end", "regular_spans"]

Spans = tuple[tuple[time, time], ...]
"""When a day's sessions open and close, Indian time, in order; empty: closed all day."""

_EQUITIES: Spans = ((time(9, 15), time(15, 30)),)
_CURRENCIES: Spans = ((time(9, 0), time(17, 0)),)
_AGRICULTURE: Spans = ((time(10, 0), time(17, 0)),)
_COMMODITIES: Spans = ((time(9, 0), time(23, 30)),)
_COMMODITIES_IN_WINTER: Spans = ((time(9, 0), time(23, 55)),)

_HOURS = {"CDS": _CURRENCIES, "BCD": _CURRENCIES, "NCX": _AGRICULTURE}
_WITH_EVENING = frozenset({"MCX", "NCO"})
_EVENING = time(17, 0)

_CLOSED_IN_THE_EVENING_TOO = frozenset({(1, 26), (8, 15), (10, 2), (12, 25)})
"""Month and day; Good Friday is the other one."""

_SATURDAY = 5


def regular_spans(exchange: str, day: date, hours: Spans | None = None) -> Spans:
    """The sessions of an exchange on a day, as far as they are known beforehand.

    Past the calendar's end every weekday is a trading day.

    Parameters
    ----------
    exchange
        ``NSE``, ``NFO``, ``MCX`` …; one that is not known has the hours of equities.
    hours
        In place of the exchange's own hours of a usual day.
    """
    if day.weekday() >= _SATURDAY:
        return ()
    usual = hours or _usual_hours(exchange, day)
    holiday = day in _holidays()
    if exchange not in _WITH_EVENING:
        return () if holiday else usual
    if (day.month, day.day) == (1, 1):
        return _clip(usual, time.min, _EVENING)
    if not holiday:
        return usual
    if (day.month, day.day) in _CLOSED_IN_THE_EVENING_TOO or day in _good_fridays():
        return ()
    return _clip(usual, _EVENING, time.max)


def calendar_end() -> date:
    """The last day whose holidays are known; the library's authors add a year at its turn."""
    from exchange_calendars.exchange_calendar_xbom import XBOMExchangeCalendar

    end: date = XBOMExchangeCalendar.bound_max().date()
    return end


def _usual_hours(exchange: str, day: date) -> Spans:
    if exchange in _WITH_EVENING:
        return _COMMODITIES if _summer_in_new_york(day) else _COMMODITIES_IN_WINTER
    return _HOURS.get(exchange, _EQUITIES)


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
