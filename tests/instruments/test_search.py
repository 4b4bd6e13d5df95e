from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.instruments import Instruments, parse_master
from tests.instruments.samples import NFO_HEADER, future_row, master, nse_master, option_row

NEAR, FAR = date(2026, 12, 1), date(2026, 12, 29)


@pytest.fixture(scope="module")
def instruments() -> Instruments:
    rows = [
        option_row(at, name, day, "26000", option_type)
        for at, (name, day, option_type) in enumerate(
            [
                (name, day, kind)
                for name in ("BANKNIFTY", "NIFTY")
                for day in (FAR, NEAR)
                for kind in ("PE", "CE")
            ]
        )
    ]
    rows += [
        future_row(100, "NIFTY", FAR),
        future_row(101, "BANKNIFTY", FAR),
        future_row(102, "RELIANCE", FAR),
    ]
    found = Instruments()
    found.add(parse_master("NFO", master(NFO_HEADER, rows)))
    found.add(parse_master("NSE", nse_master()))
    return found


@pytest.mark.parametrize(
    ("words", "symbols"),
    [
        ("reliance", ["RELIANCE-EQ", "RELIANCE29DEC26F"]),
        ("NSE:reliance", ["RELIANCE-EQ"]),
        ("banknifty dec fut", ["BANKNIFTY29DEC26F"]),
        ("bank nifty future", ["BANKNIFTY29DEC26F"]),
        (
            "nifty 26000 ce",
            ["NIFTY01DEC26C26000", "NIFTY29DEC26C26000", "BANKNIFTY01DEC26C26000", "BANKNIFTY29DEC26C26000"],
        ),
        ("nifty 29 dec 26000 pe", ["NIFTY29DEC26P26000", "BANKNIFTY29DEC26P26000"]),
        ("29dec26 26000pe banknifty", ["BANKNIFTY29DEC26P26000"]),
        ("2026-12-01 put banknifty", ["BANKNIFTY01DEC26P26000"]),
        ("nifty29dec26c", ["NIFTY29DEC26C26000"]),
        ("nifty 50", ["NIFTY INDEX"]),
        ("vix", ["INDIA VIX"]),
        ("m&m", ["M&M-EQ"]),
        ("nifty 26000 ce nonsense", []),
        ("nifty 12345 ce", []),
        ("", []),
    ],
)
def test_all_words_must_match_and_the_nearest_come_first(
    instruments: Instruments, words: str, symbols: list[str]
) -> None:
    assert [found.symbol for found in instruments.search(words)] == symbols


def test_indices_and_underlyings_come_before_derivatives(instruments: Instruments) -> None:
    symbols = [found.symbol for found in instruments.search("nifty")]
    assert set(symbols[:3]) == {"NIFTY INDEX", "NIFTY BANK", "FINNIFTY"}
    assert symbols[0] == "NIFTY INDEX"
    assert symbols[3:6] == ["NIFTY29DEC26F", "NIFTY01DEC26C26000", "NIFTY01DEC26P26000"]


def test_exchange_and_limit_narrow_the_answer(instruments: Instruments) -> None:
    assert [found.symbol for found in instruments.search("reliance", exchange="nfo")] == ["RELIANCE29DEC26F"]
    assert len(instruments.search("nifty", limit=2)) == 2
    assert instruments.search("nifty", exchange="MCX") == []


@given(st.text(max_size=30))
def test_any_words_can_be_searched(instruments: Instruments, words: str) -> None:
    assert len(instruments.search(words, limit=3)) <= 3
