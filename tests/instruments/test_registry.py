from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import AmbiguousInstrumentError, InstrumentError, UnknownInstrumentError
from dualbroker.instruments import Instruments, MasterTable, parse_master
from dualbroker.instruments.names import exchange_for
from dualbroker.model import InstrumentKind
from tests.instruments.samples import (
    BFO_HEADER,
    NFO_HEADER,
    NSE_HEADER,
    future_row,
    kite_month,
    kite_weekly_day,
    master,
    master_day,
    noren_day,
    nse_master,
    option_row,
)

WEEKLY, MONTHLY, NEXT_MONTHLY = date(2026, 12, 1), date(2026, 12, 29), date(2027, 1, 28)


def nfo_rows() -> list[str]:
    rows, token = [], 1
    for day in (WEEKLY, MONTHLY, NEXT_MONTHLY):
        for strike in ("25900", "26000", "26100"):
            for option_type in ("CE", "PE"):
                rows.append(option_row(token, "NIFTY", day, strike, option_type))
                token += 1
    rows += [future_row(1000 + at, "NIFTY", day) for at, day in enumerate((MONTHLY, NEXT_MONTHLY))]
    rows.append(option_row(2000, "NIFTYNXT50", MONTHLY, "68000", "CE"))
    rows.append(option_row(2001, "EICHERMOT", MONTHLY, "1482.5", "PE"))
    rows.append(option_row(2002, "M&M", MONTHLY, "3500", "CE"))
    rows.append(option_row(2003, "BAJAJ-AUTO", MONTHLY, "9000", "PE"))
    rows.append(future_row(2004, "RELIANCE", MONTHLY))
    return rows


@pytest.fixture(scope="module")
def instruments() -> Instruments:
    found = Instruments()
    found.add(parse_master("NFO", master(NFO_HEADER, nfo_rows())))
    found.add(parse_master("NSE", nse_master()))
    found.add(parse_master("BSE", master(NFO_HEADER, ["BSE,500325,1,RELIANCE,RELIANCE,,A,,,0.05,"])))
    bfo = "BFO,800002,20,BSXOPT,SENSEX26SEP91000PE,24-SEP-2026,OPTIDX,PE,91000,0.05,"
    found.add(parse_master("BFO", master(BFO_HEADER, [bfo])))
    return found


@pytest.mark.parametrize(
    ("name", "exchange", "qualified"),
    [
        ("NIFTY29DEC26C26000", "NFO", "NFO:NIFTY29DEC26C26000"),
        ("nifty 29dec26 c 26000", "NFO", "NFO:NIFTY29DEC26C26000"),
        ("NIFTY26D0126000CE", "NFO", "NFO:NIFTY01DEC26C26000"),
        ("NIFTY26DEC26000CE", "NFO", "NFO:NIFTY29DEC26C26000"),
        ("NIFTY27JAN26000PE", "NFO", "NFO:NIFTY28JAN27P26000"),
        ("NIFTY26DECFUT", "NFO", "NFO:NIFTY29DEC26F"),
        ("NIFTYNXT5026DEC68000CE", "NFO", "NFO:NIFTYNXT5029DEC26C68000"),
        ("NIFTYNXT5026D2968000CE", "NFO", "NFO:NIFTYNXT5029DEC26C68000"),
        ("EICHERMOT26DEC1482.5PE", "NFO", "NFO:EICHERMOT29DEC26P1482.5"),
        ("EICHERMOT29DEC26P1482.50", "NFO", "NFO:EICHERMOT29DEC26P1482.5"),
        ("M&M26DEC3500CE", "NFO", "NFO:M&M29DEC26C3500"),
        ("BAJAJ-AUTO26DEC9000PE", "NFO", "NFO:BAJAJ-AUTO29DEC26P9000"),
        ("NFO:NIFTY29DEC26F", "NSE", "NFO:NIFTY29DEC26F"),
        ("NSE:RELIANCE", "NFO", "NSE:RELIANCE-EQ"),
        ("NSE:RELIANCE-EQ", "NFO", "NSE:RELIANCE-EQ"),
        ("RELIANCE", "NSE", "NSE:RELIANCE-EQ"),
        ("reliance-eq", "nse", "NSE:RELIANCE-EQ"),
        ("SMALLCO", "NSE", "NSE:SMALLCO-BE"),
        ("718GS33", "NSE", "NSE:718GS33-GS"),
        ("BSE:RELIANCE", "NFO", "BSE:RELIANCE"),
        ("NIFTY", "NFO", "NSE:NIFTY INDEX"),
        ("Nifty 50", "BSE", "NSE:NIFTY INDEX"),
        ("BANKNIFTY", "NFO", "NSE:NIFTY BANK"),
        ("FINNIFTY", "NFO", "NSE:FINNIFTY"),
        ("INDIA VIX", "NFO", "NSE:INDIA VIX"),
        ("SENSEX", "NFO", "BSE:SENSEX"),
        ("SENSEX26SEP91000PE", "NFO", "BFO:SENSEX26SEP91000PE"),
        ("SENSEX24SEP26P91000", "NFO", "BFO:SENSEX26SEP91000PE"),
    ],
)
def test_every_form_of_a_name_resolves(
    instruments: Instruments, name: str, exchange: str, qualified: str
) -> None:
    assert instruments.resolve(name, exchange).qualified_name == qualified
    assert exchange_for(name, exchange) == qualified.partition(":")[0]


@pytest.mark.parametrize(
    ("name", "exchange", "says", "suggests"),
    [
        ("NIFTY29DEC26C26050", "NFO", "no strike 26050 on 2026-12-29", "NFO:NIFTY29DEC26C26000"),
        ("NIFTY24NOV26C26000", "NFO", "expires on 2026-11-24", "NFO:NIFTY01DEC26C26000"),
        ("NIFTY26NOV26000CE", "NFO", "expires in 2026-11", "NFO:NIFTY01DEC26C26000"),
        ("NIFTY27FEBFUT", "NFO", "2027-01-28", "NFO:NIFTY28JAN27F"),
        ("NFTY29DEC26C26000", "NFO", "closest", "NFO:NIFTY29DEC26C26000"),
        ("NIFTY 26000 CE", "NFO", "closest", "NFO:NIFTY01DEC26C26000"),
        ("NFTY", "NFO", "closest: NIFTY, ", "NIFTY"),
        ("BANKNFTY", "NFO", "closest: BANKNIFTY, ", "BANKNIFTY"),
        ("Sensx", "NSE", "closest: SENSEX", "SENSEX"),
        ("NFO:RELIANCE-EQ", "NSE", "listed elsewhere", "NSE:RELIANCE-EQ"),
        ("RELAINCE", "NSE", "closest", "NSE:RELIANCE-EQ"),
        ("BSE:NIFTY", "NFO", "listed elsewhere", "NSE:NIFTY INDEX"),
    ],
)
def test_an_unknown_name_says_what_is_wrong_and_what_comes_closest(
    instruments: Instruments, name: str, exchange: str, says: str, suggests: str
) -> None:
    with pytest.raises(UnknownInstrumentError) as caught:
        instruments.resolve(name, exchange)
    assert says in str(caught.value)
    assert suggests in caught.value.matches
    assert suggests in str(caught.value)


def test_a_mistyped_share_is_found_where_it_is_listed() -> None:
    found = Instruments()
    found.add(parse_master("NFO", master(NFO_HEADER, [future_row(1, "NIFTY", MONTHLY)])))
    found.add(parse_master("NSE", nse_master()))
    with pytest.raises(UnknownInstrumentError, match="only elsewhere does something come close") as caught:
        found.resolve("RELIANC", "NFO")
    assert "NSE:RELIANCE-EQ" in str(caught.value)


def test_part_of_a_shares_name_finds_it_on_another_exchange_before_what_only_looks_alike() -> None:
    found = Instruments()
    found.add(parse_master("NFO", master(NFO_HEADER, [future_row(1, "NIFTY", MONTHLY)])))
    rows = ["NSE,1,1,TITAN,TITAN-EQ,EQ,0.05,", "NSE,2,1,TATASTEEL,TATASTEEL-EQ,EQ,0.05,"]
    found.add(parse_master("NSE", master(NSE_HEADER, rows)))
    with pytest.raises(UnknownInstrumentError) as caught:
        found.resolve("TATA", "NFO")
    assert caught.value.matches == ("NSE:TATASTEEL-EQ",)


def test_a_name_like_nothing_points_to_the_search_by_words() -> None:
    found = Instruments()
    found.add(parse_master("NFO", master(NFO_HEADER, [future_row(1, "NIFTY", MONTHLY)])))
    with pytest.raises(UnknownInstrumentError, match=r"nothing there comes close.*feed\.search\('tata'\)"):
        found.resolve("TATA", "NFO")


@pytest.mark.parametrize(
    ("name", "exchange", "matches"),
    [
        ("TRUSTY", "NSE", {"NSE:TRUSTY-IV", "NSE:TRUSTY-BL"}),
        ("NFO:RELIANCE", "NSE", {"NSE:RELIANCE-EQ", "NFO:RELIANCE29DEC26F"}),
    ],
)
def test_an_ambiguous_name_lists_what_bears_it(
    instruments: Instruments, name: str, exchange: str, matches: set[str]
) -> None:
    with pytest.raises(AmbiguousInstrumentError) as caught:
        instruments.resolve(name, exchange)
    assert matches <= set(caught.value.matches)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MCX:GOLD05FEB27", "MCX, whose symbol master isn't loaded (loaded: NFO, NSE, BSE, BFO)"),
        ("NASDAQ:AAPL", "expected one of the exchanges"),
        ("", "expected the name of an instrument"),
        ("NSE:", "expected the name of an instrument"),
    ],
)
def test_what_cannot_be_looked_up_says_why(instruments: Instruments, name: str, says: str) -> None:
    with pytest.raises(UnknownInstrumentError) as caught:
        instruments.resolve(name)
    assert says in str(caught.value)


@given(st.text(max_size=40))
def test_any_name_resolves_or_gives_an_instrument_error(instruments: Instruments, name: str) -> None:
    with contextlib.suppress(InstrumentError):
        found = instruments.resolve(name)
        assert instruments.get(found.key) == found


@given(
    st.sampled_from([WEEKLY, MONTHLY, NEXT_MONTHLY]),
    st.sampled_from([25900, 26000, 26100]),
    st.sampled_from(["CE", "PE"]),
)
def test_noren_and_kite_names_mean_the_same_option(
    instruments: Instruments, day: date, strike: int, option_type: str
) -> None:
    option = instruments.option("NIFTY", day, strike, option_type)
    assert option is not None
    names = [
        f"NIFTY{noren_day(day)}{option_type[0]}{strike}",
        f"NIFTY{kite_weekly_day(day)}{strike}{option_type}",
    ]
    if day != WEEKLY:
        names.append(f"NIFTY{kite_month(day)}{strike}{option_type}")
    assert {instruments.resolve(name).key for name in names} == {option.key}


def test_look_ups_by_key_and_symbol(instruments: Instruments) -> None:
    share = instruments.get(("NSE", "2885"))
    assert share is not None
    assert share.symbol == "RELIANCE-EQ"
    assert instruments.by_symbol("nse", "reliance-eq") == share
    assert instruments.get(("NFO", "2885")) is None
    assert instruments.by_symbol("NFO", "RELIANCE-EQ") is None
    assert ("NSE", "2885") in instruments
    assert ("NFO", "2885") not in instruments


def test_look_ups_by_the_parts_of_a_derivative(instruments: Instruments) -> None:
    assert instruments.expiries("nifty 50") == [WEEKLY, MONTHLY, NEXT_MONTHLY]
    assert instruments.expiries("NIFTY", kind=InstrumentKind.FUTURE) == [MONTHLY, NEXT_MONTHLY]
    assert instruments.strikes("NIFTY", WEEKLY) == [25900.0, 26000.0, 26100.0]
    future = instruments.future("NIFTY", MONTHLY)
    assert future is not None
    assert future.symbol == "NIFTY29DEC26F"
    sensex = instruments.option("SENSEX", date(2026, 9, 24), 91000, "PE")
    assert sensex is not None
    assert sensex.exchange == "BFO"
    assert instruments.option("NIFTY", MONTHLY, 26050, "CE") is None
    assert instruments.option("NIFTY", MONTHLY, 26000, "XX") is None
    assert instruments.future("NIFTY", WEEKLY) is None
    assert instruments.expiries("NOBODY") == []
    assert instruments.strikes("NIFTY", date(2026, 12, 2)) == []


def test_a_month_means_its_monthly_expiry_also_when_a_weekly_follows_it() -> None:
    moved_weekly, monthly, later = date(2025, 4, 30), date(2025, 4, 24), date(2025, 5, 29)
    options = [
        option_row(at, "NIFTY", day, "24000", "CE") for at, day in enumerate((monthly, moved_weekly), 1)
    ]
    before = Instruments()
    rows = [*options, future_row(8, "NIFTY", monthly), future_row(9, "NIFTY", later)]
    before.add(parse_master("NFO", master(NFO_HEADER, rows)))
    assert before.resolve("NIFTY25APR24000CE").expiry == monthly
    assert before.resolve("NIFTY2543024000CE").expiry == moved_weekly
    after = Instruments()
    after.add(parse_master("NFO", master(NFO_HEADER, [options[1], future_row(9, "NIFTY", later)])))
    with pytest.raises(UnknownInstrumentError):
        after.resolve("NIFTY25APR24000CE")


def test_a_share_needs_no_exchange_and_neither_does_a_scrip_code(instruments: Instruments) -> None:
    for name in ("RELIANCE", "reliance-eq", "SMALLCO"):
        assert instruments.resolve(name).exchange == "NSE"
    for name in ("BSE:500325", "500325"):
        assert instruments.resolve(name).qualified_name == "BSE:RELIANCE"
    with pytest.raises(UnknownInstrumentError, match="no instrument '500326' on BSE"):
        instruments.resolve("BSE:500326")
    with pytest.raises(AmbiguousInstrumentError, match="say which, with its exchange"):
        instruments.resolve("TRUSTY")


def test_names_of_openalgo_and_angel_are_understood(instruments: Instruments) -> None:
    assert instruments.resolve("NIFTY29DEC2626000CE").symbol == "NIFTY29DEC26C26000"
    assert instruments.resolve("NIFTY29DEC26FUT").symbol == "NIFTY29DEC26F"
    with pytest.raises(UnknownInstrumentError, match="expires on 2025-01-30"):
        instruments.resolve("NIFTY30JAN2524000CE")
    with pytest.raises(UnknownInstrumentError, match="expires on 2025-01-30"):
        instruments.resolve("NIFTY30JAN25FUT")


CDS_HEADER = (
    "Exchange,Token,LotSize,Precision,Multiplier,Symbol,TradingSymbol,Expiry,Instrument,OptionType,"
    "StrikePrice,TickSize,"
)


def currencies(*days: date) -> bytes:
    rows = []
    for number, day in enumerate(days):
        name = f"USDINR{noren_day(day)}"
        rows.append(f"CDS,{1000 + number},1,4,1000,USDINR,{name}F,{master_day(day)},FUTCUR,XX,-0.01,0.0025,")
        rows.append(f"CDS,{2000 + number},1,4,1000,USDINR,{name}C85,{master_day(day)},OPTCUR,CE,85,0.0025,")
    return master(CDS_HEADER, rows)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_month_of_a_currency_means_its_monthly_contract_among_weekly_ones(shuffled: bool) -> None:
    days = [date(2026, 4, day) for day in (10, 17, 24, 28, 30)] + [date(2026, 5, 8), date(2026, 5, 27)]
    found = Instruments()
    found.add(parse_master("CDS", currencies(*(reversed(days) if shuffled else days))))
    for exchange in ("CDS", "NFO"):
        assert found.resolve("CDS:USDINR26APRFUT", exchange).expiry == date(2026, 4, 28)
        assert found.resolve("CDS:USDINR26APR85CE", exchange).expiry == date(2026, 4, 28)
        assert found.resolve("CDS:USDINR26MAYFUT", exchange).expiry == date(2026, 5, 27)
    assert found.resolve("CDS:USDINR30APR26F").expiry == date(2026, 4, 30)


def test_when_the_monthly_contract_is_over_the_weekly_one_does_not_pass_for_it() -> None:
    days = [date(2026, 3, 25), date(2026, 3, 27), date(2026, 4, 28)]
    found = Instruments()
    found.add(parse_master("CDS", currencies(*days)), today=date(2026, 3, 26))
    with pytest.raises(UnknownInstrumentError, match="expired on 2026-03-25"):
        found.resolve("CDS:USDINR26MARFUT")
    assert found.resolve("CDS:USDINR27MAR26F").expiry == date(2026, 3, 27)


def test_weekly_futures_of_bse_are_understood() -> None:
    row = "BFO,1,20,BSXFUT,SENSEX25218FUT,18-FEB-2025,FUTIDX,XX,0,0.05,"
    found = Instruments()
    found.add(parse_master("BFO", master(BFO_HEADER, [row])))
    assert found.resolve("SENSEX25218FUT").name == "SENSEX"
    assert found.future("SENSEX", date(2025, 2, 18)) is not None


def test_what_has_expired_is_never_offered_and_says_so_when_it_is_asked_for() -> None:
    gone, today, next_one = date(2026, 11, 24), date(2026, 11, 30), date(2026, 12, 1)
    rows = [option_row(at, "NIFTY", day, "26000", "CE") for at, day in enumerate((gone, today, next_one), 1)]
    found = Instruments()
    found.add(parse_master("NFO", master(NFO_HEADER, rows)), today=today)
    assert found.expiries("NIFTY") == [today, next_one]
    assert [hit.expiry for hit in found.search("nifty 26000 ce")] == [today, next_one]
    assert found.get(("NFO", "1")) is None
    for name in ("NIFTY24NOV26C26000", "NIFTY26N2426000CE", "NIFTY24NOV2626000CE"):
        with pytest.raises(UnknownInstrumentError, match="expired on 2026-11-24") as caught:
            found.resolve(name)
        assert caught.value.matches == ("NFO:NIFTY30NOV26C26000", "NFO:NIFTY01DEC26C26000")
    found.add(parse_master("NFO", master(NFO_HEADER, rows)), today=date(2026, 12, 1))
    assert found.expiries("NIFTY") == [next_one], "the same file on the next day"


def test_mcx_names_have_no_f() -> None:
    header = (
        "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
    )
    rows = [
        "MCX,574822,100,0.1,SILVER100,SILVER10031JUL26,31-JUL-2026,FUTCOM,XX,0,1,",
        "MCX,574823,100,0.1,SILVER100,SILVER10024JUL26C90000,24-JUL-2026,OPTFUT,CE,90000,1,",
    ]
    instruments = Instruments()
    instruments.add(parse_master("MCX", master(header, rows)))
    for name in ("SILVER10031JUL26", "SILVER10031JUL26F", "SILVER10026JULFUT"):
        assert instruments.resolve(name, "MCX").token == "574822"
    for name in ("SILVER10024JUL26C90000", "SILVER10026JUL90000CE"):
        assert instruments.resolve(name, "MCX").token == "574823"


def test_two_readings_that_both_exist_are_ambiguous() -> None:
    instruments = Instruments()
    rows = [
        option_row(1, "NIFTYNXT5", date(2002, 6, 11), "368000", "CE"),
        option_row(2, "NIFTYNXT50", date(2026, 1, 13), "68000", "CE"),
    ]
    instruments.add(parse_master("NFO", master(NFO_HEADER, rows)))
    with pytest.raises(AmbiguousInstrumentError) as caught:
        instruments.resolve("NIFTYNXT502611368000CE")
    assert len(caught.value.matches) == 2


def test_a_later_day_replaces_the_same_source_only() -> None:
    def table(token: int, source: str, day: date) -> MasterTable:
        rows = [option_row(token, "NIFTY", WEEKLY, str(26000 + token), "CE")]
        return replace(parse_master("NFO", master(NFO_HEADER, rows)), source=source, day=day)

    instruments = Instruments()
    instruments.add(table(1, "broker", WEEKLY))
    instruments.add(table(2, "other", WEEKLY))
    instruments.add(table(3, "broker", MONTHLY))
    assert instruments.strikes("NIFTY", WEEKLY) == [26002.0, 26003.0]


def test_masters_of_one_exchange_add_up_and_the_newer_owns_a_token() -> None:
    instruments = Instruments()
    old = [option_row(1, "NIFTY", WEEKLY, "26000", "CE"), option_row(2, "NIFTY", WEEKLY, "26000", "PE")]
    instruments.add(parse_master("NFO", master(NFO_HEADER, old)))
    new = [option_row(2, "NIFTY", MONTHLY, "26000", "PE"), option_row(3, "NIFTY", MONTHLY, "26000", "CE")]
    instruments.add(parse_master("NFO", master(NFO_HEADER, new)))
    assert (len(instruments), instruments.exchanges) == (3, ("NFO",))
    assert instruments.by_symbol("NFO", "NIFTY01DEC26P26000") is None
    recycled = instruments.get(("NFO", "2"))
    assert recycled is not None
    assert recycled.expiry == MONTHLY
    assert instruments.expiries("NIFTY") == [WEEKLY, MONTHLY]


@pytest.mark.parametrize("name", ["NIFTY\ud800", "\udcff", "NSE:\ud83d"])
def test_a_name_that_no_text_can_hold_is_unknown(instruments: Instruments, name: str) -> None:
    with pytest.raises(UnknownInstrumentError) as caught:
        instruments.resolve(name)
    assert str(caught.value).encode()
    assert instruments.search(name) == []


@pytest.mark.parametrize(
    "name", ["N" * 1_000_000, "NFO:" + "1" * 1_000_000, "A" * 1_000_000 + ":NIFTY", " " * 200]
)
def test_a_text_too_long_for_a_name_is_unknown_and_not_repeated(instruments: Instruments, name: str) -> None:
    with pytest.raises(UnknownInstrumentError) as caught:
        instruments.resolve(name)
    assert len(str(caught.value)) < 500


def test_more_words_than_an_instrument_has_parts_find_none(instruments: Instruments) -> None:
    assert instruments.search(" ".join(str(number) for number in range(100_000))) == []
    assert instruments.search("nifty " * 100_000) == instruments.search("nifty")
