"""Quote messages: every field of the protocol, and how they serve as the model's quotes."""

from __future__ import annotations

import msgspec
import pytest

from dualbroker.model import QUOTE_FIELDS, DepthLevel, DepthUpdate, QuoteUpdate
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import decode

WIRE_NAMES = {
    "ltp": "lp",
    "change_percent": "pc",
    "bid": "bp1",
    "bid_quantity": "bq1",
    "ask": "sp1",
    "ask_quantity": "sq1",
    "volume": "v",
    "open": "o",
    "high": "h",
    "low": "l",
    "prev_close": "c",
    "average_price": "ap",
    "open_interest": "oi",
    "prev_open_interest": "poi",
}
Quote = TouchlineSnapshot | TouchlineDelta | DepthSnapshot | DepthDelta
KINDS: dict[str, type[Quote]] = {
    "tk": TouchlineSnapshot,
    "tf": TouchlineDelta,
    "dk": DepthSnapshot,
    "df": DepthDelta,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_quote_field_comes_from_its_wire_name(kind: str) -> None:
    assert tuple(WIRE_NAMES) == QUOTE_FIELDS
    wire = {"t": kind, "e": "NFO", "tk": "7", "ft": "1700000000", "toi": "99.5"}
    wire |= {wire_name: f"{index}.25" for index, wire_name in enumerate(WIRE_NAMES.values())}
    quote = decode(msgspec.json.encode(wire))
    assert isinstance(quote, KINDS[kind])
    assert [getattr(quote, name) for name in QUOTE_FIELDS] == [i + 0.25 for i in range(len(QUOTE_FIELDS))]
    assert (quote.exchange, quote.token, quote.feed_time) == ("NFO", "7", 1_700_000_000)
    assert quote.total_open_interest == 99.5


def test_kinds_say_what_they_are() -> None:
    facts = {kind: (struct.is_snapshot, struct.has_depth) for kind, struct in KINDS.items()}
    assert facts == {"tk": (True, False), "tf": (False, False), "dk": (True, True), "df": (False, True)}


def test_quotes_are_the_models_quotes() -> None:
    updates: list[QuoteUpdate] = [
        TouchlineSnapshot(exchange="NSE", token="22"),
        TouchlineDelta(exchange="NSE", token="22"),
        DepthSnapshot(exchange="NSE", token="22"),
        DepthDelta(exchange="NSE", token="22"),
    ]
    deep: list[DepthUpdate] = [
        DepthSnapshot(exchange="NSE", token="22"),
        DepthDelta(exchange="NSE", token="22"),
    ]
    assert all(getattr(update, name) is None for update in [*updates, *deep] for name in QUOTE_FIELDS)


def test_quotes_are_left_out_of_garbage_collection() -> None:
    assert not any(struct.__struct_config__.gc for struct in KINDS.values())


def test_depth_levels_are_the_best_first() -> None:
    wire = {"t": "dk", "e": "NSE", "tk": "22"}
    for level in range(1, 6):
        wire |= {f"bp{level}": f"{100 - level}", f"bq{level}": f"{level}0", f"bo{level}": f"{level}"}
        wire |= {f"sp{level}": f"{100 + level}", f"sq{level}": f"{level}5", f"so{level}": f"{level + 1}"}
    quote = decode(msgspec.json.encode(wire))
    assert isinstance(quote, DepthSnapshot)
    bids, asks = quote.levels()
    assert bids == [DepthLevel(100 - level, level * 10, level) for level in range(1, 6)]
    assert asks == [DepthLevel(100 + level, level * 10 + 5, level + 1) for level in range(1, 6)]


def test_a_depth_delta_knows_only_what_it_says() -> None:
    quote = decode(
        b'{"t":"df","e":"NSE","tk":"22","bq3":"7","52h":"9.5","ue":"10.1","le":"8.9","ltt":"10:00:01"}'
    )
    assert isinstance(quote, DepthDelta)
    bids, asks = quote.levels()
    assert bids == [DepthLevel(), DepthLevel(), DepthLevel(quantity=7.0), DepthLevel(), DepthLevel()]
    assert asks == [DepthLevel()] * 5
    assert (quote.high_52_weeks, quote.upper_execution_range, quote.lower_execution_range) == (9.5, 10.1, 8.9)
    assert quote.last_trade_time == "10:00:01"


def test_a_snapshot_tells_about_the_instrument() -> None:
    quote = decode(
        b'{"t":"tk","e":"CDS","tk":"17274","ts":"USDJPY29DEC26P141","pp":"4","ti":"0.0025","ls":"1","ord_msg":"x"}'
    )
    assert quote == TouchlineSnapshot(
        exchange="CDS",
        token="17274",
        symbol="USDJPY29DEC26P141",
        price_precision=4,
        tick_size=0.0025,
        lot_size=1,
        order_message="x",
    )


def test_a_zero_is_kept_and_an_absent_field_is_unknown() -> None:
    quote = decode(b'{"t":"tf","e":"NFO","tk":"1","bp1":"0.00","bq1":"0"}')
    assert isinstance(quote, TouchlineDelta)
    assert (quote.bid, quote.bid_quantity, quote.ask) == (0.0, 0.0, None)
