"""The section ``market_hours``: what the calendar does not know."""

from __future__ import annotations

import json
from datetime import date, time

import pytest

from dualbroker.config import Config, parse_config
from dualbroker.errors import ConfigError

GOOD = "brokers: {b: {type: simulated}}\n"


def config_of(text: str) -> Config:
    return parse_config(GOOD + text, environment={})


def test_days_and_hours_are_read_as_they_are_written() -> None:
    section = config_of(
        """
market_hours:
  closed: [2026-01-15, "2026-01-16"]
  open:
    2026-11-08: 18:00-19:00
    "2027-03-06": [9:15 - 10:00, 11:30-12:30]
  MCX:
    closed: [2026-01-19]
    open: {2026-01-15: 17:00-23:55}
    hours: 10:00-21:00
"""
    ).market_hours
    assert section.closed == (date(2026, 1, 15), date(2026, 1, 16))
    assert section.open == {
        date(2026, 11, 8): ((time(18), time(19)),),
        date(2027, 3, 6): ((time(9, 15), time(10)), (time(11, 30), time(12, 30))),
    }
    market = section.market_hours()
    assert market.session("NFO", date(2026, 1, 16)) is None
    assert market.session("NSE", date(2026, 11, 8)) is not None
    assert len(market.sessions("NSE", date(2027, 3, 6))) == 2
    assert market.session("MCX", date(2026, 1, 15)) is not None
    assert market.session("MCX", date(2026, 1, 19)) is None
    assert market.session("NSE", date(2026, 1, 19)) is not None
    opens_ns, closes_ns = market.session("MCX", date(2026, 7, 1)) or (0, 0)
    assert closes_ns - opens_ns == 11 * 3600 * 1_000_000_000


@pytest.mark.parametrize("text", ["", "market_hours:", "market_hours: {closed: , open: , MCX: }"])
def test_nothing_said_changes_nothing(text: str) -> None:
    assert config_of(text).fingerprint() == config_of("").fingerprint()


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            "{closed: 2026-01-15}",
            "market_hours.closed: expected a list of dates such as [2026-01-15], found 2026-01-15",
        ),
        ("{closed: [15]}", "market_hours.closed: expected a date such as 2026-01-15, found 15"),
        ("{closed: [true]}", "market_hours.closed: expected a date such as 2026-01-15, found true"),
        ("{closed: [~]}", "market_hours.closed: expected a date such as 2026-01-15, found nothing"),
        (
            "{closed: [2026-01-15 10:00:00]}",
            "market_hours.closed: expected a date such as 2026-01-15, found 2026-01-15 10:00:00",
        ),
        (
            "{open: [2026-11-08]}",
            "market_hours.open: expected days with their hours such as 2026-11-08: 18:00-19:00, found a list",
        ),
        (
            "{open: {Diwali: 18:00-19:00}}",
            "market_hours.open: expected a date such as 2026-11-08 as key, found 'Diwali'",
        ),
        (
            "{open: {2026-11-08: 18:00}}",
            "market_hours.open: expected hours such as 18:00-19:00, found 18:00 (2026-11-08)",
        ),
        (
            '{open: {2026-11-08: ["18:00", "19:00"]}}',
            "market_hours.open: expected hours such as 18:00-19:00, found '18:00' (2026-11-08)",
        ),
        (
            "{open: {2026-11-08: {from: 1}}}",
            "market_hours.open: expected hours such as 18:00-19:00, found keys with values below it "
            "(2026-11-08)",
        ),
        (
            "{open: {2026-11-08: []}}",
            "market_hours.open: expected hours such as 18:00-19:00, found a list (2026-11-08)",
        ),
        (
            "{open: {2026-11-08: [9:15-10:00, 9:30-11:00]}}",
            "market_hours.open: expected sessions one after the other, found 09:30 after 10:00 (2026-11-08)",
        ),
        (
            "{MCX: {hours: 23:00-09:00}}",
            "market_hours.MCX.hours: expected hours that end after they begin, found '23:00-09:00'",
        ),
        (
            "{MCX: {hours: 09:00-25:00}}",
            "market_hours.MCX.hours: expected hours such as 18:00-19:00, found '09:00-25:00'",
        ),
        (
            "{closed: [2026-01-15], open: {2026-01-15: 17:00-23:30}}",
            "market_hours: expected each day under closed or under open, found 2026-01-15 under both",
        ),
        ("{MCX: {hour: 9:00-17:00}}", "market_hours.MCX.hour: expected no such key; did you mean 'hours'?"),
        ("{MCX: 9:00-17:00}", "market_hours.MCX: expected keys with values below it, found '9:00-17:00'"),
        (
            "{hours: 9:00-17:00}",
            "market_hours.hours: expected no such key; "
            "known here: BCD, BFO, BSE, CDS, MCX, NCO, NCX, NFO, NSE, closed, open",
        ),
    ],
)
def test_one_problem_is_one_exact_line(section: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(f"market_hours: {section}")
    assert str(caught.value) == f"config: {expected}"


def test_every_wrong_day_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        config_of("market_hours: {closed: [x, y], open: {z: 1:00-2:00, 2026-11-08: }}")
    assert str(caught.value).splitlines() == [
        "config: 4 problems",
        "  market_hours.closed: expected a date such as 2026-01-15, found 'x'",
        "  market_hours.closed: expected a date such as 2026-01-15, found 'y'",
        "  market_hours.open: expected a date such as 2026-11-08 as key, found 'z'",
        "  market_hours.open: expected hours such as 18:00-19:00, found nothing (2026-11-08)",
    ]


def test_the_fingerprint_tells_days_and_hours_apart() -> None:
    texts = [
        "market_hours: {closed: [2026-01-15]}",
        "market_hours: {closed: [2026-01-16]}",
        "market_hours: {open: {2026-01-15: 18:00-19:00}}",
        "market_hours: {open: {2026-01-15: 18:00-19:15}}",
        "market_hours: {MCX: {closed: [2026-01-15]}}",
    ]
    assert len({config_of(text).fingerprint() for text in texts}) == len(texts)
    dumped = json.loads(config_of(texts[2]).model_dump_json())
    assert dumped["market_hours"]["open"] == {"2026-01-15": ["18:00-19:00"]}
