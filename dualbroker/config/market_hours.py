"""The section ``market_hours``: what the exchanges' calendar does not know.

.. code-block:: yaml

    market_hours:                        # Indian time
      closed: [2026-01-15]               # no exchange trades on these days
      open:                              # these hours and no others, also on a holiday or a Sunday
        2026-11-08: 18:00-19:00
        2027-03-06: [09:15-10:00, 11:30-12:30]
      MCX:                               # what is said of one exchange goes before what is said of all
        open: {2026-01-15: 17:00-23:55}
        hours: 09:00-23:30               # of a usual day
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, Self

from pydantic import Field, field_serializer, field_validator, model_validator

from dualbroker.market_hours import Corrections, MarketHours, Spans

from .sections import Section

__all__ = ["ExchangeHoursConfig", "MarketHoursConfig"]

_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})", re.ASCII)

_MINUTES_OF_A_DAY = 24 * 60


def _day(value: Any) -> date | None:
    """YAML makes dates of them; quoted ones come as text."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _spans(value: Any) -> Spans:
    if isinstance(value, tuple):
        return value
    entries = value if isinstance(value, list) and value else [value]
    spans = tuple(_span(entry) for entry in entries)
    for (_, closes), (opens, _) in itertools.pairwise(spans):
        if opens < closes:
            raise ValueError(
                f"expected sessions one after the other, found {opens:%H:%M} after {closes:%H:%M}"
            )
    return spans


def _span(value: Any) -> tuple[time, time]:
    match = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        opens, closes = (
            (time.fromisoformat(text.zfill(5)) for text in match.groups()) if match else (None,) * 2
        )
    except ValueError:
        opens = closes = None
    if opens is None or closes is None:
        raise ValueError(f"expected hours such as 18:00-19:00, found {_shown(value)}")
    if closes <= opens:
        raise ValueError(f"expected hours that end after they begin, found {_shown(value)}")
    return opens, closes


def _complain(problems: Iterable[str]) -> None:
    lines = list(problems)
    if lines:
        raise ValueError("\n".join(lines))


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "keys with values below it"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and 0 <= value < _MINUTES_OF_A_DAY:
        # YAML takes 18:00 for a number in base 60.
        return f"{value // 60}:{value % 60:02d}" if value >= 60 else str(value)
    text = str(value)
    return repr(text if len(text) <= 60 else f"{text[:60]}…") if isinstance(value, str) else text[:60]


class _Days(Section):
    """Days on which it is otherwise than the calendar says."""

    closed: tuple[date, ...] = ()
    """Days without trading."""
    open: dict[date, Spans] = Field(default={})
    """The sessions of that day, in place of all others."""

    @field_validator("closed", mode="before")
    @classmethod
    def _read_closed(cls, value: Any) -> Any:
        if isinstance(value, tuple):
            return value
        if not isinstance(value, list):
            raise ValueError(f"expected a list of dates such as [2026-01-15], found {_shown(value)}")
        days = [_day(entry) for entry in value]
        _complain(
            f"expected a date such as 2026-01-15, found {_shown(entry)}"
            for entry, day in zip(value, days, strict=True)
            if day is None
        )
        return tuple(days)

    @field_validator("open", mode="before")
    @classmethod
    def _read_open(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError(
                f"expected days with their hours such as 2026-11-08: 18:00-19:00, found {_shown(value)}"
            )
        problems: list[str] = []
        opened: dict[date, Spans] = {}
        for key, entry in value.items():
            day = _day(key)
            if day is None:
                problems.append(f"expected a date such as 2026-11-08 as key, found {_shown(key)}")
                continue
            try:
                opened[day] = _spans(entry)
            except ValueError as error:
                problems.append(f"{error} ({day})")
        _complain(problems)
        return opened

    @field_serializer("open")
    def _plain(self, value: dict[date, Spans]) -> dict[str, list[str]]:
        return {
            day.isoformat(): [f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in spans]
            for day, spans in value.items()
        }

    @model_validator(mode="after")
    def _each_day_once(self) -> Self:
        both = sorted(set(self.closed).intersection(self.open))
        _complain(f"expected each day under closed or under open, found {day} under both" for day in both)
        return self


class ExchangeHoursConfig(_Days):
    """Of one exchange; goes before what is said of all."""

    hours: Spans | None = None
    """Of a usual day; the exchange's own by default."""

    @field_validator("hours", mode="before")
    @classmethod
    def _read_hours(cls, value: Any) -> Any:
        return _spans(value)

    def corrections(self) -> Corrections:
        return Corrections(frozenset(self.closed), self.open, self.hours)


class MarketHoursConfig(_Days):
    """Days of all exchanges, and of single ones."""

    NSE: ExchangeHoursConfig = ExchangeHoursConfig()
    NFO: ExchangeHoursConfig = ExchangeHoursConfig()
    BSE: ExchangeHoursConfig = ExchangeHoursConfig()
    BFO: ExchangeHoursConfig = ExchangeHoursConfig()
    CDS: ExchangeHoursConfig = ExchangeHoursConfig()
    BCD: ExchangeHoursConfig = ExchangeHoursConfig()
    MCX: ExchangeHoursConfig = ExchangeHoursConfig()
    NCO: ExchangeHoursConfig = ExchangeHoursConfig()
    NCX: ExchangeHoursConfig = ExchangeHoursConfig()

    def market_hours(self) -> MarketHours:
        """The calendar of real exchanges with these corrections."""
        exchanges = {
            name: section.corrections()
            for name in type(self).model_fields
            if isinstance(section := getattr(self, name), ExchangeHoursConfig)
        }
        return MarketHours(Corrections(frozenset(self.closed), self.open), exchanges)
