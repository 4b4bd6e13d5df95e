from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.instruments.master import MasterTable, parse_master
from dualbroker.model import Instrument, InstrumentKind
from tests.instruments.samples import BFO_HEADER, NFO_HEADER, NSE_HEADER, future_row, master, option_row

DAY = date(2026, 9, 29)


def zipped(text: bytes, name: str = "NFO_symbols.txt") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def _instrument(table: MasterTable, token: str) -> Instrument:
    row = table.row_of_token(token)
    assert row is not None
    return table.instrument(row)


def test_an_option_row_of_nfo() -> None:
    row = "NFO,156871,900,ZYDUSLIFE,ZYDUSLIFE29SEP26P1482.5,29-SEP-2026,OPTSTK,PE,1482.5,0.05,"
    table = parse_master("NFO", zipped(master(NFO_HEADER, [row])))
    assert table.instrument(0) == Instrument(
        exchange="NFO",
        token="156871",
        symbol="ZYDUSLIFE29SEP26P1482.5",
        name="ZYDUSLIFE",
        kind=InstrumentKind.OPTION,
        expiry=DAY,
        strike=1482.5,
        option_type="PE",
        lot_size=900,
        tick_size=0.05,
        instrument_type="OPTSTK",
    )
    assert (len(table), table.skipped, table.exchange) == (1, 0, "NFO")


def test_a_future_has_neither_strike_nor_type() -> None:
    future = parse_master("NFO", master(NFO_HEADER, [future_row(1, "NIFTY", DAY)])).instrument(0)
    assert (future.kind, future.strike, future.option_type) == (InstrumentKind.FUTURE, None, None)


def test_indices_of_nse_bear_their_plain_names_and_no_tick_size() -> None:
    rows = ["NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,", "NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.05,"]
    table = parse_master("NSE", master(NSE_HEADER, rows))
    index, share = table.instrument(0), table.instrument(1)
    assert (index.name, index.symbol, index.kind, index.tick_size) == (
        "NIFTY",
        "NIFTY INDEX",
        InstrumentKind.INDEX,
        None,
    )
    assert (share.name, share.kind, share.tick_size) == ("RELIANCE", InstrumentKind.EQUITY, 0.05)


def test_a_bse_master_that_lists_nothing_still_has_its_indices() -> None:
    table = parse_master("BSE", master(NSE_HEADER, []))
    assert [table.instrument(row).name for row in range(len(table))] == ["SENSEX", "BANKEX"]


def test_bonds_are_no_shares() -> None:
    table = parse_master("NSE", master(NSE_HEADER, ["NSE,103,100,718GS33,718GS33-GS,GS,0.01,"]))
    assert _instrument(table, "103").kind == InstrumentKind.OTHER


def test_bse_gets_its_indices_and_no_tick_sizes_in_paise() -> None:
    rows = ["BSE,500325,1,RELIANCE,RELIANCE,A,5,", "BSE,500112,1,SBIN,SBIN,A,5,"]
    table = parse_master("BSE", master(NSE_HEADER, rows))
    assert _instrument(table, "1").symbol == "SENSEX"
    assert _instrument(table, "12").symbol == "BANKEX"
    share = _instrument(table, "500325")
    assert (share.kind, share.tick_size) == (InstrumentKind.EQUITY, None)
    assert (len(table), table.skipped) == (4, 0)


@pytest.mark.parametrize("header", [NFO_HEADER, BFO_HEADER])
def test_bfo_rows_are_named_by_their_underlying(header: str) -> None:
    rows = [
        "BFO,800001,20,BSXOPT,SENSEX24N2273200PE,22-NOV-2024,OPTIDX,PE,73200,0.05,",
        "BFO,800002,20,BSXOPT,SENSEX26SEP91000PE,24-SEP-2026,OPTIDX,PE,91000,0.05,",
        "BFO,800003,20,BSXFUT,SENSEX26SEPFUT,24-SEP-2026,FUTIDX,XX,0,0.05,",
        "BFO,800004,75,SX50OPT,SENSEX5026SEP27000CE,24-SEP-2026,OPTIDX,CE,27000,0.05,",
    ]
    table = parse_master("BFO", master(header, rows))
    assert [table.instrument(row).name for row in range(4)] == ["SENSEX", "SENSEX", "SENSEX", "SENSEX50"]
    assert [table.instrument(row).strike for row in range(4)] == [73200.0, 91000.0, None, 27000.0]


def test_cds_layout_without_its_dummies() -> None:
    header = (
        "Exchange,Token,LotSize,Precision,Multiplier,Symbol,TradingSymbol,Expiry,Instrument,OptionType,"
        "StrikePrice,TickSize,"
    )
    rows = [
        "CDS,17274,1,4,1000,USDJPY,USDJPY29DEC26P141,29-DEC-2026,OPTCUR,PE,141,0.01,",
        "CDS,99,1,4,1000,USDJPY,USDJPY29DEC26P142,29-DEC-2026,OPTCUR,PE,142,0.01,",
    ]
    table = parse_master("CDS", master(header, rows))
    assert (len(table), table.skipped) == (1, 1)
    assert table.instrument(0).strike == 141.0


def test_mcx_layout() -> None:
    header = (
        "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
    )
    row = "MCX,574822,100,0.1,SILVER100,SILVER10031JUL26,31-JUL-2026,FUTCOM,XX,0,1,"
    future = parse_master("MCX", master(header, [row])).instrument(0)
    assert (future.name, future.expiry, future.lot_size, future.tick_size) == (
        "SILVER100",
        date(2026, 7, 31),
        100,
        1.0,
    )


def test_flattrade_layout() -> None:
    header = "Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype"
    row = "43210,65,NIFTY,NIFTY06OCT26P22400,OPTIDX,06-OCT-2026,22400,PE"
    option = parse_master("NFO", master(header, [row])).instrument(0)
    assert (option.exchange, option.expiry, option.strike, option.option_type, option.tick_size) == (
        "NFO",
        date(2026, 10, 6),
        22400.0,
        "PE",
        None,
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks(newline: str, start: bytes) -> None:
    rows = [option_row(token, "NIFTY", DAY, "26000", "CE") for token in (1, 2)]
    table = parse_master("NFO", start + master(NFO_HEADER, rows, newline))
    assert (len(table), table.skipped, table.instrument(1).tick_size) == (2, 0, 0.05)


@pytest.mark.parametrize(
    "row",
    [
        "NFO,0,0,,,,,,0,0,",
        "NFO,7,65,,,29-SEP-2026,OPTIDX,CE,26000,0.05,",
        "NFO,7,65,NIFTY,NIFTY, LTD,29-SEP-2026,OPTIDX,CE,26000,0.05,",
        "NFO,7,65,NIFTY,NIFTY29SEP26C26000,29-FOO-2026,OPTIDX,CE,26000,0.05,",
        "NFO,7,65,NIFTY,NIFTY29SEP26C26000,,OPTIDX,CE,26000,0.05,",
        "NFO,7,65,NIFTY,NIFTY29SEP26C26000,29-SEP-2026,OPTIDX,XX,26000,0.05,",
        "NFO,7,65,NIFTY,NIFTY29SEP26C26000,29-SEP-2026,OPTIDX,CE,nan,0.05,",
        "NFO,7,65,NIFTY,NIFTY29SEP26C26000,29-SEP-2026,OPTIDX,CE,0,0.05,",
        "NFO,7,many,NIFTY,NIFTY29SEP26C26000,29-SEP-2026,OPTIDX,CE,26000,0.05,",
        "NFO,token,65,NIFTY,NIFTY29SEP26C26000,29-SEP-2026,OPTIDX,CE,26000,0.05,",
        "NSE,7,65,NIFTY,NIFTY29SEP26C26000,29-SEP-2026,OPTIDX,CE,26000,0.05,",
        option_row(1, "NIFTY", DAY, "26100", "CE"),
        'NFO,7,65,"NIFTY,NIFTY29SEP26C26000,29-SEP-2026',
    ],
)
def test_a_row_that_cannot_be_trusted_is_skipped_and_counted(row: str) -> None:
    good = [option_row(1, "NIFTY", DAY, "26000", "CE"), option_row(2, "NIFTY", DAY, "26000", "PE")]
    table = parse_master("NFO", master(NFO_HEADER, [good[0], row, good[1]]))
    assert (len(table), table.skipped) == (2, 1)
    assert [table.instrument(at).symbol for at in range(2)] == ["NIFTY29SEP26C26000", "NIFTY29SEP26P26000"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \r\n",
        b"<html><body>502 Bad Gateway</body></html>",
        b'{"stat":"Not_Ok"}',
        b"PK\x03\x04 broken",
        zipped(b""),
        zipped(b"a,b,c\n1,2,3\n"),
        NFO_HEADER.encode(),
        master(NFO_HEADER, ["NFO,0,0,,,,,,0,0,"]),
        master(NSE_HEADER, ["NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.05,"]),
    ],
)
def test_what_is_no_master_of_this_exchange_is_refused(data: bytes) -> None:
    with pytest.raises(WireError, match="expected"):
        parse_master("NFO", data)


@given(st.binary(max_size=300))
def test_junk_gives_a_typed_error(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_master("NFO", data)


@given(st.integers(0, 250), st.binary(min_size=1, max_size=8))
def test_a_damaged_zip_gives_a_typed_error_or_a_table(at: int, junk: bytes) -> None:
    data = zipped(master(NFO_HEADER, [option_row(1, "NIFTY", DAY, "26000", "CE")]))
    damaged = data[:at] + junk + data[at + len(junk) :]
    with contextlib.suppress(WireError):
        assert len(parse_master("NFO", damaged)) == 1


JUNK_LINES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=60).map(
        lambda text: text.encode("utf-8")
    ),
    st.binary(min_size=1, max_size=60).map(lambda data: data.replace(b"\r", b"r").replace(b"\n", b"n")),
    st.lists(
        st.sampled_from(["", "NFO", "x", "-1", "1e400", "\u0661", "29-SEP-2026"]), min_size=11, max_size=11
    ).map(lambda fields: ",".join(fields).encode("utf-8")),
).filter(lambda line: line != b",")


@given(st.lists(st.one_of(st.integers(1, 10_000), JUNK_LINES), min_size=1, max_size=20, unique=True))
def test_junk_between_rows_is_counted_and_harms_no_row(parts: list[int | bytes]) -> None:
    strikes = [part for part in parts if isinstance(part, int)]
    lines = [
        part if isinstance(part, bytes) else option_row(part, "NIFTY", DAY, str(part), "CE").encode()
        for part in parts
    ]
    data = b"\n".join((NFO_HEADER.encode(), *lines, b""))
    if not strikes:
        with pytest.raises(WireError):
            parse_master("NFO", data)
        return
    table = parse_master("NFO", data)
    assert table.skipped == len(parts) - len(strikes)
    instruments = [table.instrument(row) for row in range(len(table))]
    assert [instrument.strike for instrument in instruments] == strikes
    assert [instrument.token for instrument in instruments] == [str(strike) for strike in strikes]


ROW = "NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.05,"


@pytest.mark.parametrize(
    "row",
    [
        "NSE,500,1,AB,A" + "B" * 64 + "-EQ,EQ,0.05,",
        "NSE,500,1," + "A" * 65 + ",AB-EQ,EQ,0.05,",
        "NSE,500,1,AB,AB-EQ," + "E" * 65 + ",0.05,",
        "NSE,500,1000000001,AB,AB-EQ,EQ,0.05,",
        "NSE,500,1,A,B,AB-EQ,EQ,0.05,",
        "NSE,500,1,AB,AB\0-EQ,EQ,0.05,",
        "NSE," + "5" * 10_000_000 + ",1,AB,AB-EQ,EQ,0.05,",
        "," * 1_000_000,
        'NSE,500,1,"A,B",AB-EQ,EQ,0.05,',
        ROW,
        "NSE,2885,1,OTHER,OTHER-EQ,EQ,0.05,",
    ],
)
def test_a_row_that_cant_be_read_with_certainty_is_skipped_and_counted(row: str) -> None:
    table = parse_master("NSE", master(NSE_HEADER, [ROW, row, "NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,"]))
    assert (len(table), table.skipped) == (2, 1)
    assert _instrument(table, "2885").symbol == "RELIANCE-EQ"


@pytest.mark.parametrize(
    ("day", "strike"),
    [
        ("31-DEC-1999", "26000"),
        ("01-JAN-1970", "26000"),
        ("01-JAN-2100", "26000"),
        ("31-DEC-9999", "26000"),
        ("9999-12-31", "26000"),
        ("29-DEC-2026", "1000000001"),
        ("29-DEC-2026", "-26000"),
        ("29-DEC-2026", "1e3"),
    ],
)
def test_an_option_of_no_time_or_price_there_is_is_skipped(day: str, strike: str) -> None:
    rows = [
        option_row(1, "NIFTY", DAY, "26000", "CE"),
        f"NFO,2,65,NIFTY,ODD,{day},OPTIDX,CE,{strike},0.05,",
    ]
    table = parse_master("NFO", master(NFO_HEADER, rows))
    assert (len(table), table.skipped) == (1, 1)


def test_a_tick_size_that_none_can_be_is_unknown() -> None:
    row = "NFO,1,65,NIFTY,NIFTY29SEP26F,29-SEP-2026,FUTIDX,XX,0,1000000001,"
    assert parse_master("NFO", master(NFO_HEADER, [row])).instrument(0).tick_size is None


def test_blank_rows_and_every_kind_of_line_end_are_passed_over() -> None:
    text = (
        b"\r\n".join((NSE_HEADER.encode(), b"", ROW.encode(), b"", b"")) + b"\rNSE,500,1,AB,AB-EQ,EQ,0.05,\r"
    )
    table = parse_master("NSE", text + b"NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,")
    assert (len(table), table.skipped) == (3, 0)


@pytest.mark.parametrize("header", ["," * 1_000_000, "Token," * 100, "x" * 10_000_000, NSE_HEADER + "," * 64])
def test_a_first_line_that_names_no_columns_is_refused_at_once(header: str) -> None:
    with pytest.raises(WireError, match="line of column names"):
        parse_master("NSE", master(header, [ROW]))


@pytest.mark.parametrize(
    "column", ["Expiry", "StrikePrice", "Strike", "OptionType", "TickSize", "Exchange", "Token"]
)
def test_a_column_that_comes_twice_is_refused(column: str) -> None:
    header = NFO_HEADER.replace("Symbol,", f"{column},Symbol,", 1)
    row = "NFO,1,65,NIFTY,NIFTY,NIFTY29SEP26F,29-SEP-2026,FUTIDX,XX,-0.01,0.05,"
    with pytest.raises(WireError, match="with one column"):
        parse_master("NFO", master(header, [row]))


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "C:\\x.txt", "a/b/c.csv", ""])
def test_the_name_of_a_file_in_a_zip_means_nothing(name: str) -> None:
    table = parse_master("NFO", zipped(master(NFO_HEADER, [future_row(1, "NIFTY", DAY)]), name or "x"))
    assert len(table) == 1


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_cant_be_unpacked_up_to_a_bound_is_refused(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("x", b"0" * 1000)
    with pytest.raises(WireError, match="stored or deflated"):
        parse_master("NSE", buffer.getvalue())


def test_a_zip_bomb_is_unpacked_no_further_than_it_says() -> None:
    bomb = bytearray(zipped(b"0" * 200 * 1024 * 1024))
    # The size unpacked stands in the entry before the data and in the directory after it.
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = bomb.index(signature) + offset
        bomb[place : place + 4] = (1000).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="zip"):
            parse_master("NFO", bytes(bomb))
        assert tracemalloc.get_traced_memory()[1] < 5 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_broken_zip_is_not_quoted_at_length() -> None:
    broken = bytearray(zipped(b"x" * 2_000, "n" * 2_000))
    broken[40] ^= 1
    with pytest.raises(WireError, match="found a broken one: File name in directory") as caught:
        parse_master("NFO", bytes(broken))
    assert len(str(caught.value)) < 200


def test_a_zip_that_says_it_is_too_large_is_not_unpacked() -> None:
    with pytest.raises(WireError, match="at most 268435456 bytes, found one of 300000000"):
        parse_master("NFO", zipped(b"0" * 300_000_000))


@pytest.mark.parametrize(
    "rows", [b"", b"\n", b"\n,,,,,,", b"\n,,,,,,\n" * 3], ids=["none", "blank", "empty", "all empty"]
)
def test_a_master_of_which_no_row_is_left_is_told_and_breaks_nothing(rows: bytes) -> None:
    with pytest.raises(WireError, match="expected instruments of NFO in the symbol master, found none"):
        parse_master("NFO", b"Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument," + rows)


def test_tokens_of_ncdex_are_symbols() -> None:
    header = (
        "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
    )
    rows = [
        "NCX,ABC19JUN2026,5,1,ABC,ABC19JUN2026,19-JUN-2026,FUTCOM,XX,0,2,",
        "NCX,BAD|TOKEN,5,1,ABC,ABC20JUL2026,20-JUL-2026,FUTCOM,XX,0,2,",
    ]
    table = parse_master("NCX", master(header, rows))
    assert [table.instrument(row).token for row in range(len(table))] == ["ABC19JUN2026"]
    assert table.skipped == 1


@given(order=st.permutations(range(4)))
def test_a_product_codes_plain_name_does_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    rows = [
        "BFO,1,20,BSXFUT,SENSEX25218FUT,18-FEB-2025,FUTIDX,XX,0,0.05,",
        "BFO,2,20,BSXFUT,SENSEX25FEBFUT,25-FEB-2025,FUTIDX,XX,0,0.05,",
        "BFO,3,20,BSXFUT,A NAME THAT SAYS NOTHING,04-MAR-2025,FUTIDX,XX,0,0.05,",
        "BFO,4,20,BSXOPT,SENSEX25FEB80000CE,25-FEB-2025,OPTIDX,CE,80000,0.05,",
    ]
    table = parse_master("BFO", master(BFO_HEADER, [rows[at] for at in order]))
    assert {table.instrument(row).name for row in range(len(table))} == {"SENSEX"}
