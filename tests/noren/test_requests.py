"""The request envelope and the values of each login."""

from __future__ import annotations

import contextlib
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.noren.requests import (
    Endpoint,
    encode_body,
    flattrade_token_request,
    generate_access_token,
    parse_body,
    quick_auth,
)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_body_of_each_generation() -> None:
    assert encode_body({"uid": "FA0001"}) == b'jData={"uid":"FA0001"}'
    assert encode_body({"uid": "FA0001"}, jkey="abc") == b'jData={"uid":"FA0001"}&jKey=abc'


def test_an_ampersand_survives_the_servers_split() -> None:
    body = encode_body({"tsym": "M&M-EQ"}, jkey="abc")
    assert body == b'jData={"tsym":"M\\u0026M-EQ"}&jKey=abc'
    assert parse_body(body) == ({"tsym": "M&M-EQ"}, "abc")


def test_numbers_travel_as_texts_and_none_not_at_all() -> None:
    assert parse_body(encode_body({"st": 1700000000, "prd": None, "x": 0.5})) == (
        {"st": "1700000000", "x": "0.5"},
        None,
    )


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=20)),
    st.none() | st.from_regex("[0-9a-f]{64}", fullmatch=True),
)
def test_round_trip(values: dict[str, str], jkey: str | None) -> None:
    assert parse_body(encode_body(values, jkey=jkey)) == (values, jkey)


@pytest.mark.parametrize("body", [b"", b"jKey=abc", b"jData=", b"jData= &jKey=abc", b'{"uid":"FA0001"}'])
def test_a_body_without_jdata(body: bytes) -> None:
    with pytest.raises(WireError, match=r"^Invalid Input :  jData is Missing\.$"):
        parse_body(body)


@pytest.mark.parametrize(
    "body", [b'jData={"tsym":"M&M-EQ"}', b"jData=[]", b"jData=7", b"jData={", b"jData=" + b"[" * 100_000]
)
def test_a_body_whose_jdata_is_no_object(body: bytes) -> None:
    with pytest.raises(WireError, match="jData is not valid json object"):
        parse_body(body)


@given(st.binary(max_size=60))
def test_any_body(body: bytes) -> None:
    with contextlib.suppress(WireError):
        parse_body(b"jData=" + body)


def test_quick_auth_sends_hashes() -> None:
    values = quick_auth(
        user_id="FA0001",
        password="pass",
        second_factor="123456",
        vendor_code="FA0001_U",
        api_key="key",
        imei="abc1234",
    )
    assert values == {
        "source": "API",
        "apkversion": "1.0.0",
        "uid": "FA0001",
        "pwd": hashed("pass"),
        "factor2": "123456",
        "vc": "FA0001_U",
        "appkey": hashed("FA0001|key"),
        "imei": "abc1234",
    }


def test_the_two_token_requests_hash_in_different_order() -> None:
    ours = generate_access_token(code="code", client_id="FA0001_U", secret="secret")
    assert ours == {"code": "code", "checksum": hashed("FA0001_Usecretcode")}
    assert generate_access_token(code="c", client_id="i", secret="s", user_id="FA0001")["uid"] == "FA0001"
    theirs = flattrade_token_request(api_key="key", request_code="code", api_secret="secret")
    assert theirs == {"api_key": "key", "request_code": "code", "api_secret": hashed("keycodesecret")}
    assert "secret" not in json.dumps([ours, {**theirs, "api_secret": ""}]).replace("api_secret", "")


def test_endpoints_that_change_orders_are_marked() -> None:
    changing = {endpoint for endpoint in Endpoint if endpoint.changes_orders}
    assert {endpoint.value for endpoint in changing} == {
        "PlaceOrder",
        "ModifyOrder",
        "CancelOrder",
        "ExitSNOOrder",
        "ProductConversion",
    }
