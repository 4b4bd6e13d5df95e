"""Both of Shoonya's own masters: all rows, and names in all their forms resolved against them."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from dualbroker.errors import UnknownInstrumentError
from dualbroker.instruments import Instruments, MasterTable, parse_master
from dualbroker.model import InstrumentKind
from tests.instruments.samples import kite_month, kite_weekly_day, master_day

pytestmark = pytest.mark.shared

FILES = {"NFO": "NFO_symbols_2025-10-07.txt.zip", "NSE": "NSE_symbols_2026-06-18.txt.zip"}


@pytest.fixture(scope="module")
def downloads(shared_data: Path) -> dict[str, bytes]:
    return {
        exchange: (shared_data / "symbol-masters" / file).read_bytes() for exchange, file in FILES.items()
    }


@pytest.fixture(scope="module")
def tables(downloads: dict[str, bytes]) -> dict[str, MasterTable]:
    return {exchange: parse_master(exchange, data) for exchange, data in downloads.items()}


@pytest.fixture(scope="module")
def instruments(tables: dict[str, MasterTable]) -> Instruments:
    found = Instruments()
    for table in tables.values():
        found.add(table)
    return found


@pytest.mark.parametrize(("exchange", "count"), [("NFO", 83_945), ("NSE", 9_552)])
def test_every_row_is_read(tables: dict[str, MasterTable], exchange: str, count: int) -> None:
    assert (len(tables[exchange]), tables[exchange].skipped) == (count, 0)


@pytest.mark.parametrize("exchange", ["NFO", "NSE"])
def test_values_equal_the_file(
    downloads: dict[str, bytes], tables: dict[str, MasterTable], exchange: str
) -> None:
    with zipfile.ZipFile(io.BytesIO(downloads[exchange])) as archive:
        text = archive.read(archive.namelist()[0]).decode("utf-8")
    for number, row in enumerate(csv.DictReader(io.StringIO(text))):
        if number % 7:
            continue
        found = tables[exchange].instrument(number)
        assert (found.token, found.symbol, found.instrument_type, found.lot_size) == (
            row["Token"],
            row["TradingSymbol"],
            row["Instrument"],
            int(row["LotSize"]),
        )
        assert found.tick_size == (float(row["TickSize"]) or None)
        if found.kind != InstrumentKind.INDEX:
            assert found.name == row["Symbol"]
        if exchange == "NFO":
            assert found.expiry is not None
            assert master_day(found.expiry) == row["Expiry"]
            is_option = row["OptionType"] in ("CE", "PE")
            assert found.option_type == (row["OptionType"] if is_option else None)
            assert found.strike == (float(row["StrikePrice"]) if is_option else None)


def test_kite_names_of_all_nifty_options_resolve_to_the_option(instruments: Instruments) -> None:
    """Weekly form always; monthly form where the option's expiry is the month's."""
    for expiry in instruments.expiries("NIFTY"):
        monthly = instruments.monthly_expiry("NIFTY", expiry.year, expiry.month, InstrumentKind.OPTION)
        strikes = instruments.strikes("NIFTY", expiry)
        for strike in (strikes[0], strikes[len(strikes) // 2], strikes[-1]):
            option = instruments.option("NIFTY", expiry, strike, "CE")
            assert option is not None
            names = [option.symbol, f"NIFTY{kite_weekly_day(expiry)}{strike:g}CE"]
            names += [f"NIFTY{kite_month(expiry)}{strike:g}CE"] if expiry == monthly else []
            assert [instruments.resolve(name) for name in names] == [option] * len(names)


def test_every_underlying_with_options_resolves_by_its_kite_monthly_name(
    instruments: Instruments, tables: dict[str, MasterTable]
) -> None:
    for name in tables["NFO"].names:
        expiries = instruments.expiries(name, exchange="NFO", kind=InstrumentKind.FUTURE)
        strikes = instruments.strikes(name, expiries[0]) if expiries else []
        if strikes:
            found = instruments.resolve(f"{name}{kite_month(expiries[0])}{strikes[0]:g}PE")
            assert (found.name, found.expiry, found.strike, found.option_type) == (
                name,
                expiries[0],
                strikes[0],
                "PE",
            )


def test_every_share_resolves_by_its_bare_name(
    instruments: Instruments, tables: dict[str, MasterTable]
) -> None:
    table = tables["NSE"]
    for row in range(0, len(table), 11):
        share = table.instrument(row)
        if share.instrument_type == "EQ":
            assert instruments.resolve(f"NSE:{share.name}") == share


@pytest.mark.parametrize(
    ("name", "token"),
    [("NIFTY", "26000"), ("BANKNIFTY", "26009"), ("FINNIFTY", "26037"), ("india vix", "26017")],
)
def test_plain_names_of_indices(instruments: Instruments, name: str, token: str) -> None:
    assert instruments.resolve(name).key == ("NSE", token)


def test_a_mistyped_name_gets_its_closest_matches(instruments: Instruments) -> None:
    option = instruments.search("nifty ce", exchange="NFO", limit=1)[0]
    with pytest.raises(UnknownInstrumentError) as caught:
        instruments.resolve(option.symbol.replace("NIFTY", "NIFTTY"))
    assert option.qualified_name in caught.value.matches
