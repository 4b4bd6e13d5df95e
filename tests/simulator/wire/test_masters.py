from __future__ import annotations

import io
import zipfile
from datetime import date

import msgspec
import pytest

from dualbroker.errors import DualBrokerError
from dualbroker.instruments import parse_master
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.universe import build_universe
from dualbroker.simulator.wire.masters import FLATTRADE_FILES, MASTER_EXCHANGES, flattrade_csv, master_zip

INSTRUMENTS = build_universe(date(2026, 11, 23), strikes_each_side=2).instruments


def lines(exchange: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(master_zip(exchange, INSTRUMENTS))) as archive:
        assert archive.namelist() == [f"{exchange}_symbols.txt"]
        return archive.read(f"{exchange}_symbols.txt").decode("utf-8").splitlines()


def test_rows_are_spelled_as_the_brokers_are() -> None:
    nse, nfo, bse, bfo = (lines(exchange) for exchange in ("NSE", "NFO", "BSE", "BFO"))
    assert nse[0] == bse[0] == "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,"
    assert nfo[0] == bfo[0]
    assert nfo[0] == (
        "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
    )
    assert nse[1:4] == [
        "NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,",
        "NSE,26009,1,Nifty Bank,NIFTY BANK,INDEX,0,",
        "NSE,26037,1,Nifty Fin Services,FINNIFTY,INDEX,0,",
    ]
    assert "NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.1," in nse
    assert "NFO,40000,65,NIFTY,NIFTY23NOV26F,23-NOV-2026,FUTIDX,XX,-0.01,0.1," in nfo
    assert any(row.endswith(",65,NIFTY,NIFTY23NOV26C26000,23-NOV-2026,OPTIDX,CE,26000,0.05,") for row in nfo)
    assert any(",20,BSXOPT,SENSEX26NOV85000PE,26-NOV-2026,OPTIDX,PE,85000,0.05," in row for row in bfo)
    assert not any("INDEX" in row for row in bse)
    cds, mcx = lines("CDS"), lines("MCX")
    assert cds[0].startswith("Exchange,Token,LotSize,Precision,Multiplier,Symbol,TradingSymbol,")
    assert cds[1] == "CDS,40000,1,4,1000,USDINR,USDINR23NOV26F,23-NOV-2026,FUTCUR,XX,-0.01,0.0025,"
    assert mcx[0].startswith("Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,")
    assert mcx[1] == "MCX,40000,100,1,CRUDEOIL,CRUDEOIL23NOV26,23-NOV-2026,FUTCOM,XX,-0.01,1,"


@pytest.mark.parametrize("file", [name for name in FLATTRADE_FILES if "Equity_D" not in name])
def test_flattrade_s_files_list_the_same_instruments(file: str) -> None:
    exchange, belongs = FLATTRADE_FILES[file]
    table = parse_master(exchange, flattrade_csv(file, INSTRUMENTS))
    parsed = {table.instrument(row).token: table.instrument(row) for row in range(len(table))}
    listed = {
        item.token: msgspec.structs.replace(item, tick_size=None)
        for item in INSTRUMENTS
        if item.exchange == exchange and belongs(item)
    }
    assert {token: parsed[token] for token in listed} == listed
    assert all(item.kind is InstrumentKind.INDEX for token, item in parsed.items() if token not in listed)


@pytest.mark.parametrize("exchange", MASTER_EXCHANGES)
def test_what_is_parsed_from_it_is_what_was_put_in(exchange: str) -> None:
    table = parse_master(exchange, master_zip(exchange, INSTRUMENTS))
    listed = [item for item in INSTRUMENTS if item.exchange == exchange]
    parsed = {table.instrument(row).token: table.instrument(row) for row in range(len(table))}
    assert table.skipped == 0
    for item in listed:
        assert msgspec.structs.replace(parsed[item.token]) == item


def test_equal_instruments_give_equal_bytes() -> None:
    assert master_zip("NFO", INSTRUMENTS) == master_zip("NFO", list(INSTRUMENTS))


def test_fractions_of_strikes_and_ticks_are_kept() -> None:
    option = Instrument(
        exchange="NFO",
        token="7",
        symbol="ITC29DEC26C412.5",
        name="ITC",
        kind=InstrumentKind.OPTION,
        expiry=date(2026, 12, 29),
        strike=412.5,
        option_type="CE",
        tick_size=0.01,
        instrument_type="OPTSTK",
    )
    assert b"CE,412.5,0.01,\n" in zipfile.ZipFile(io.BytesIO(master_zip("NFO", [option]))).read(
        "NFO_symbols.txt"
    )


def test_an_exchange_without_a_layout_is_refused() -> None:
    with pytest.raises(DualBrokerError, match="expected one of NSE, BSE, NFO, BFO, CDS, MCX, found 'XYZ'"):
        master_zip("XYZ", INSTRUMENTS)
