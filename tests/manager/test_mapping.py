"""The same instrument at another broker, whose symbol master spells and numbers it in its own way."""

from __future__ import annotations

from datetime import date

import pytest

from dualbroker.instruments import Instruments
from dualbroker.instruments.master import parse_master
from dualbroker.manager.mapping import find_same
from dualbroker.model import Instrument, InstrumentKind

OPTION = Instrument(
    exchange="NFO",
    token="43210",
    symbol="NIFTY29DEC26C26000",
    name="NIFTY",
    kind=InstrumentKind.OPTION,
    expiry=date(2026, 12, 29),
    strike=26000.0,
    option_type="CE",
)
FUTURE = Instrument(
    exchange="NFO",
    token="43000",
    symbol="NIFTY29DEC26F",
    name="NIFTY",
    kind=InstrumentKind.FUTURE,
    expiry=date(2026, 12, 29),
)
SHARE = Instrument(
    exchange="NSE", token="2885", symbol="RELIANCE-EQ", name="RELIANCE", kind=InstrumentKind.EQUITY
)

DERIVATIVES = b"""Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype
999,65,NIFTY,NIFTY29DEC26C26000,OPTIDX,29-DEC-2026,26000,CE
43210,65,NIFTY,NIFTY29DEC26P26000,OPTIDX,29-DEC-2026,26000,PE
888,65,NIFTY,NIFTY29DEC26F,FUTIDX,29-DEC-2026,0,XX
"""
SHARES = b"""Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype
2885,1,OTHER,OTHER-EQ,EQ,,,
7777,1,RELIANCE,RELIANCE-EQ,EQ,,,
"""


@pytest.fixture(scope="module")
def there() -> Instruments:
    found = Instruments()
    for content, exchange in ((DERIVATIVES, "NFO"), (SHARES, "NSE")):
        found.add(parse_master(exchange, content))
    return found


def test_a_derivative_is_joined_on_what_it_is_and_not_on_its_token(there: Instruments) -> None:
    same = find_same(there, OPTION)
    assert same is not None
    assert same.key == ("NFO", "999"), "the token 43210 is the put there"
    future = find_same(there, FUTURE)
    assert future is not None
    assert future.key == ("NFO", "888")


def test_a_share_is_joined_on_its_symbol_where_the_token_is_another_ones(there: Instruments) -> None:
    same = find_same(there, SHARE)
    assert same is not None
    assert same.key == ("NSE", "7777")


def test_what_the_other_master_lacks_has_no_key_there(there: Instruments) -> None:
    for lacking in (
        Instrument(**{**{f: getattr(OPTION, f) for f in OPTION.__struct_fields__}, "strike": 27000.0}),
        Instrument(exchange="NSE", token="1", symbol="TCS-EQ", name="TCS", kind=InstrumentKind.EQUITY),
    ):
        assert find_same(there, lacking) is None
