"""One frame in, one typed message out, or a WireError; never anything else."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.noren.fields import read_struct
from dualbroker.noren.orders import OrderMessage, to_order_update
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import Acknowledgement, ConnectAck, HeartbeatAck, Notice, StreamMessage, decode

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "tk": TouchlineSnapshot,
    "tf": TouchlineDelta,
    "dk": DepthSnapshot,
    "df": DepthDelta,
    "om": OrderMessage,
}
NUMBER_FIELDS = ("lp", "pc", "v", "o", "h", "l", "c", "ap", "oi", "poi", "toi", "bp1", "bq1", "sp1", "sq1")

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
JUNK = st.one_of(
    st.sampled_from(
        ["", "NA", "-", "nan", "NaN", "inf", "-Infinity", "1e999", "1,5", "1_0", "0x1F", "null x"]
    ),
    st.sampled_from([True, False, [], {}, ["1"], {"a": "1"}, math.inf, math.nan, 10**400]),
)


def frame(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("kind", ["c", "a"])
@pytest.mark.parametrize(
    ("word", "ok"),
    [
        ("OK", True),
        ("Ok", True),
        ("ok", True),
        ("NOT_OK", False),
        ("Not_Ok", False),
        ("NOT OK", False),
        ("", False),
        (None, False),
        (1, False),
    ],
)
def test_connect_acks(kind: str, word: Any, ok: bool) -> None:
    message = decode(frame(t=f"{kind}k", uid="FA0001", s=word))
    assert isinstance(message, ConnectAck)
    assert (message.ok, message.uid, message.generation) == (ok, "FA0001", kind)
    assert (message.message is None) is ok


def test_a_refusal_without_anything_says_so() -> None:
    assert decode(b'{"t":"ak","s":"Not_Ok"}') == ConnectAck(False, None, "a", "Not_Ok")
    assert decode(b'{"t":"ck"}') == ConnectAck(False, None, "c", "no status in the acknowledgement")


def test_a_refusals_reason_is_shortened_and_holds_no_token() -> None:
    message = decode(frame(t="ck", s="NOT_OK", emsg="bad token " + "ab12" * 16 + " because" * 100))
    assert isinstance(message, ConnectAck)
    assert message.message is not None
    assert message.message.startswith("bad token [removed] because")
    assert len(message.message) <= 160


def test_heartbeat_acks() -> None:
    assert decode(b'{"t":"hk","hk":"1700000000"}') == HeartbeatAck(1_700_000_000)
    assert decode(b'{"t":"hk"}') == HeartbeatAck(None)


def test_acknowledgements() -> None:
    assert decode(b'{"t":"ok"}') == Acknowledgement("ok")
    assert decode(b'{"t":"uk","k":"NSE|22#BSE|508123"}') == Acknowledgement(
        "uk", (("NSE", "22"), ("BSE", "508123"))
    )
    for kind in ("udk", "uok", "pk", "upk"):
        assert decode(frame(t=kind, k="NSE|22#")) == Acknowledgement(kind, (("NSE", "22"),))


@pytest.mark.parametrize("kind", ["am", "rm", "ms", "pm", "something new"])
def test_notices_keep_their_fields_but_no_secrets(kind: str) -> None:
    notice = decode(frame(t=kind, dmsg="hello", pan="ABCDE1234F", susertoken="s", accessToken="s"))
    assert notice == Notice(kind, {"dmsg": "hello"})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"hello",
        b"<html>502</html>",
        b"[]",
        b"null",
        b'"tk"',
        b"{}",
        b'{"stat":"Not_Ok"}',
        b'{"t":null}',
        b'{"t":""}',
        b'{"t":7}',
        b'{"t":["tk"]}',
        b'{"t":"tk"}',
        b'{"t":"tk","e":"NSE"}',
        b'{"t":"tf","tk":"22"}',
        b'{"t":"tf","e":"","tk":"22"}',
        b'{"t":"df","e":"NSE","tk":null}',
        b'{"t":"om"}',
        b'{"t":"om","norenordno":""}',
        b'{"t":"om","norenordno":" "}',
        b'{"t":"om","norenordno":{}}',
        b'{"t":"uk","k":"NSE22"}',
        b'{"t":"uk","k":"NSE|"}',
        b'{"t":"uk","k":["NSE|22"]}',
        b'{"t":"tf","e":"NSE","tk":"22","lp":"1',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"t":"tf","e":"NSE","tk":"22","x":' + b"[" * 100_000,
        b'{"t":"tf","e":"NSE","tk":"22","lp":' + b"1" * 10_000 + b"}",
    ],
)
def test_what_cant_be_read_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError) as caught:
        decode(raw)
    assert 0 < len(str(caught.value)) < 200


def test_errors_quote_no_content() -> None:
    secret = "4f2a" * 16
    for raw in (
        f'{{"susertoken":"{secret}"',
        f'{{"susertoken":"{secret}"}}',
        f'{{"t":"om","pan":"{secret}"}}',
    ):
        with pytest.raises(WireError) as caught:
            decode(raw.encode())
        chain = f"{caught.value} {caught.value.__context__} {caught.value.__cause__}"
        assert secret not in chain


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    _decodes_or_refuses(raw)


@given(
    st.dictionaries(st.sampled_from(["t", "e", "tk", "s", "k", "hk", "norenordno", "lp", "pp"]), JSON_VALUES)
)
@example({"t": "tk", "e": "NSE", "tk": "\ud800"})
def test_any_object(wire: dict[str, Any]) -> None:
    _decodes_or_refuses(frame(**wire))


@given(
    st.sampled_from([*STRUCTS, "ck", "ak", "hk", "ok", "uk", "am", "zz"]),
    st.dictionaries(
        st.sampled_from(["e", "tk", "s", "k", "hk", "norenordno", "uid", "lp", "tm"]), JSON_VALUES
    ),
)
def test_any_fields_of_every_type(kind: str, fields: dict[str, Any]) -> None:
    _decodes_or_refuses(frame(t=kind, **fields))


def _decodes_or_refuses(raw: bytes) -> None:
    try:
        message = decode(raw)
    except WireError:
        return
    assert isinstance(message, StreamMessage)
    if isinstance(message, OrderMessage):
        assert message.order_id
    for name in getattr(message, "__struct_fields__", ()):
        value = getattr(message, name)
        assert not isinstance(value, float) or math.isfinite(value)


@given(
    st.sampled_from(["tk", "tf", "dk", "df"]),
    st.dictionaries(
        st.sampled_from(NUMBER_FIELDS), st.decimals(0, 10**9, places=2, allow_nan=False), min_size=1
    ),
)
def test_any_subset_of_fields(kind: str, prices: dict[str, Any]) -> None:
    quote = decode(frame(t=kind, e="NFO", tk="1", **{name: str(value) for name, value in prices.items()}))
    struct = STRUCTS[kind]
    names = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
    for wire_name in NUMBER_FIELDS:
        expected = float(prices[wire_name]) if wire_name in prices else None
        assert getattr(quote, names[wire_name]) == expected


@given(
    st.sampled_from([*STRUCTS]),
    st.dictionaries(st.sampled_from([*NUMBER_FIELDS, "qty", "prc", "tm"]), st.integers(0, 2**31).map(str)),
    st.dictionaries(st.sampled_from(["ts", "tsym", "status", "flid", "ltt"]), st.text(max_size=8)),
)
def test_the_careful_way_reads_what_the_fast_way_reads(
    kind: str, numbers: dict[str, str], texts: dict[str, str]
) -> None:
    wire = {"t": kind, "e": "NFO", "tk": "1", "norenordno": "26030200000061", **numbers, **texts}
    assert read_struct(STRUCTS[kind], wire) == decode(frame(**wire))


@given(st.sampled_from(["tk", "tf", "dk", "df"]), st.sampled_from(NUMBER_FIELDS), JUNK, st.booleans())
def test_junk_makes_only_its_own_field_unknown(kind: str, junked: str, junk: Any, as_numbers: bool) -> None:
    wire: dict[str, Any] = dict.fromkeys(NUMBER_FIELDS, 5.25 if as_numbers else "5.25")
    wire[junked] = junk
    quote = decode(frame(t=kind, e="NFO", tk="1", **wire))
    struct = STRUCTS[kind]
    names = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
    assert type(quote) is struct
    for wire_name in NUMBER_FIELDS:
        assert getattr(quote, names[wire_name]) == (None if wire_name == junked else 5.25)


@pytest.mark.parametrize("junk", ["-5", "-0.01", "1000000000.01", "1e12", "1e300", -5, 1e300])
def test_a_price_that_none_can_be_is_unknown(junk: Any) -> None:
    quote = decode(frame(t="tf", e="NFO", tk="1", lp=junk, bp1="5.25"))
    assert quote == TouchlineDelta(exchange="NFO", token="1", bid=5.25)


@pytest.mark.parametrize("exchange", ["MCX", "NCX", "NCO"])
def test_goods_can_have_a_price_below_zero(exchange: str) -> None:
    quote = decode(frame(t="tf", e=exchange, tk="1", lp="-2884.00", bp1="-1e10", v="-1"))
    assert quote == TouchlineDelta(exchange=exchange, token="1", ltp=-2884.0)
    order = decode(frame(t="om", norenordno="26030200000061", exch=exchange, prc="-5", qty="-5"))
    assert isinstance(order, OrderMessage)
    assert (order.price, order.quantity) == (-5.0, None)


@pytest.mark.parametrize("junk", ["-1", "9007199254740993e1", "1e300", -1, 1e300])
@pytest.mark.parametrize("name", ["v", "oi", "bq1", "sq5", "bo3", "tbq"])
def test_a_quantity_that_none_can_be_is_unknown(name: str, junk: Any) -> None:
    quote = decode(frame(t="df", e="NFO", tk="1", lp="5.25", **{name: junk}))
    assert quote == DepthDelta(exchange="NFO", token="1", ltp=5.25)


@pytest.mark.parametrize("junk", ["-50", "1e300"])
def test_a_fill_that_none_can_be_is_unknown(junk: str) -> None:
    order = decode(
        frame(t="om", norenordno="26030200000061", qty="50", fillshares=junk, flqty=junk, avgprc=junk)
    )
    assert isinstance(order, OrderMessage)
    assert (order.quantity, order.filled_quantity, order.fill_quantity, order.average_price) == (
        50,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "junk", ["9007199254740992", "9007199254740993", " 9007199254740993.0", "90071992547409930e-1", "1e16"]
)
def test_a_whole_number_beyond_what_is_exact_is_unknown(junk: str) -> None:
    quote = decode(frame(t="tk", e="NFO", tk="1", lp="5.25", ls=junk, ft=junk))
    assert quote == TouchlineSnapshot(exchange="NFO", token="1", ltp=5.25)


@pytest.mark.parametrize("number", [b"Infinity", b"-Infinity", b"NaN", b"1e999", b'"' + b"7" * 65 + b'"'])
def test_no_order_is_named_infinity_or_by_a_long_text(number: bytes) -> None:
    with pytest.raises(WireError):
        decode(b'{"t":"om","status":"OPEN","norenordno":' + number + b"}")


def test_long_numbers_that_stand_for_names_keep_every_digit() -> None:
    order = decode(b'{"t":"om","norenordno":26030200000061,"exchordid":1567156236123456789}')
    assert isinstance(order, OrderMessage)
    assert order.exchange_order_id == "1567156236123456789"


@pytest.mark.parametrize("name", ["remarks", "rejreason", "flid", "status", "tsym"])
def test_a_text_longer_than_any_that_a_broker_writes_is_unknown(name: str) -> None:
    order = decode(frame(t="om", norenordno="26030200000061", qty="50", **{name: "x" * 1_000_000}))
    assert order == OrderMessage(order_number="26030200000061", quantity=50.0)


@pytest.mark.parametrize("time", ["9223372036", "9007199254740992", "-1", "1e30"])
def test_a_heartbeats_time_that_no_clock_can_show_is_unknown(time: str) -> None:
    assert decode(frame(t="hk", hk=time)) == HeartbeatAck(None)


@pytest.mark.parametrize("junk", ["NA", "", "-1", "1e30", "12.5", None, [], True])
def test_a_bad_feed_time_is_unknown(junk: Any) -> None:
    quote = decode(frame(t="tf", e="NFO", tk="1", lp="5.25", ft=junk))
    assert quote == TouchlineDelta(exchange="NFO", token="1", ltp=5.25)


def test_numbers_need_not_be_texts_and_texts_may_be_numbers() -> None:
    quote = decode(b'{"lp":118.45,"v":166637,"tk":11630,"e":"NSE","t":"tf"}')
    assert quote == TouchlineDelta(exchange="NSE", token="11630", ltp=118.45, volume=166637.0)
    order = decode(b'{"t":"om","norenordno":22110500000061,"flid":380225664,"qty":50}')
    assert isinstance(order, OrderMessage)
    assert (order.order_id, order.fill_id, order.quantity) == ("22110500000061", "380225664", 50.0)


def test_bytes_that_are_no_utf8_harm_only_their_field() -> None:
    quote = decode(b'{"t":"tk","e":"NSE","tk":"22","ts":"\xff","lp":"1.5"}')
    assert quote == TouchlineSnapshot(exchange="NSE", token="22", symbol="\ufffd", ltp=1.5)


@pytest.mark.parametrize("junk", [b"a\nb", b"a\tb", b"a\x00b", b"a\xffb", b"a\\&b", b"a\x1b[31mb"])
@pytest.mark.parametrize("name", [b"rejreason", b"remarks"])
def test_a_bad_character_drops_no_order_update(name: bytes, junk: bytes) -> None:
    order = decode(b'{"t":"om","norenordno":"26030200000061","' + name + b'":"' + junk + b'","qty":"50"}')
    assert isinstance(order, OrderMessage)
    update = to_order_update(order, broker_name="broker1", receive_time_ns=1)
    assert (update.order_id, update.quantity) == ("26030200000061", 50.0)
    text = update.reject_reason if name == b"rejreason" else update.remarks
    assert text is not None
    assert text.startswith("a")
    assert text.isprintable() or "\ufffd" in text


@given(st.binary(max_size=12).filter(lambda some: b'"' not in some and not some.endswith(b"\\")))
def test_no_text_costs_an_order_update(junk: bytes) -> None:
    order = decode(b'{"t":"om","remarks":"' + junk + b'","norenordno":"26030200000061"}')
    assert isinstance(order, OrderMessage)
    assert order.order_id == "26030200000061"


def test_an_order_message_needs_only_its_number() -> None:
    for name in ("norenordno", "norenoordno"):
        order = decode(frame(t="om", **{name: "22110500000061"}))
        assert isinstance(order, OrderMessage)
        assert order.order_id == "22110500000061"
    order = decode(frame(t="om", norenordno="22110500000061", qty="NA", prc="inf", tm="x", trantype=[]))
    assert isinstance(order, OrderMessage)
    assert (order.quantity, order.price, order.event_second, order.side) == (None, None, None, None)
