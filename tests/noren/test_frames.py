"""Frames written by one side are read by the other."""

from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.noren import frames
from dualbroker.noren.frames import (
    ClientFrame,
    Generation,
    Heartbeat,
    Hello,
    Subscribe,
    SubscribeOrders,
    SubscribePositions,
    parse_client_frame,
)
from dualbroker.noren.orders import OrderMessage
from dualbroker.noren.quotes import DepthDelta
from dualbroker.noren.stream import Acknowledgement, ConnectAck, HeartbeatAck, decode

WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="|#"), min_size=1, max_size=12
)
KEYS: st.SearchStrategy[list[InstrumentKey]] = st.lists(st.tuples(WORD, WORD), min_size=1, max_size=5)


def test_the_first_frames_are_as_documented() -> None:
    who: Any = {"user_id": "FA0001", "account_id": "FA0002", "token": "secret"}
    assert json.loads(frames.hello("c", **who)) == {
        "t": "c",
        "uid": "FA0001",
        "actid": "FA0002",
        "susertoken": "secret",
        "source": "API",
    }
    assert json.loads(frames.hello("a", **who)) == {
        "t": "a",
        "uid": "FA0001",
        "actid": "FA0002",
        "accesstoken": "secret",
        "source": "API",
    }


def test_the_other_client_frames_are_as_documented() -> None:
    keys = [("NSE", "22"), ("BSE", "508123")]
    assert frames.subscribe(keys, FeedType.TOUCHLINE) == '{"t":"t","k":"NSE|22#BSE|508123"}'
    assert frames.subscribe(keys, FeedType.DEPTH) == '{"t":"d","k":"NSE|22#BSE|508123"}'
    assert frames.unsubscribe(keys, FeedType.TOUCHLINE) == '{"t":"u","k":"NSE|22#BSE|508123"}'
    assert frames.unsubscribe(keys, FeedType.DEPTH) == '{"t":"ud","k":"NSE|22#BSE|508123"}'
    assert frames.subscribe_orders("FA0001") == '{"t":"o","actid":"FA0001"}'
    assert frames.unsubscribe_orders() == '{"t":"uo"}'
    assert frames.subscribe_positions("FA0001") == '{"t":"p","actid":"FA0001"}'
    assert frames.unsubscribe_positions() == '{"t":"up"}'
    assert frames.heartbeat() == '{"t":"h"}'


@given(st.sampled_from(get_args(Generation)), WORD, WORD, WORD, WORD)
def test_hello_round_trip(generation: Generation, user: str, account: str, token: str, source: str) -> None:
    written = frames.hello(generation, user_id=user, account_id=account, token=token, source=source)
    assert parse_client_frame(written) == Hello(generation, user, account, token, source)


@given(KEYS, st.sampled_from(FeedType))
def test_subscription_round_trip(keys: list[InstrumentKey], feed_type: FeedType) -> None:
    on = parse_client_frame(frames.subscribe(keys, feed_type))
    off = parse_client_frame(frames.unsubscribe(keys, feed_type).encode())
    assert on == Subscribe(tuple(keys), feed_type, on=True)
    assert off == Subscribe(tuple(keys), feed_type, on=False)


def test_subscriptions_of_the_account_and_heartbeat_round_trip() -> None:
    assert parse_client_frame(frames.subscribe_orders("FA0001")) == SubscribeOrders("FA0001", on=True)
    assert parse_client_frame(frames.unsubscribe_orders()) == SubscribeOrders(None, on=False)
    assert parse_client_frame(frames.subscribe_positions("FA0001")) == SubscribePositions("FA0001", on=True)
    assert parse_client_frame(frames.unsubscribe_positions()) == SubscribePositions(None, on=False)
    assert parse_client_frame(frames.heartbeat()) == Heartbeat()


def test_a_hello_without_token_is_read_and_no_token_is_shown() -> None:
    nothing = parse_client_frame('{"t":"a","uid":"FA0001","accesstoken":null,"source":"API"}')
    assert nothing == Hello("a", "FA0001", "FA0001", "")
    shown = repr(Hello("c", "FA0001", "FA0001", "secret-token"))
    assert "secret" not in shown
    assert "FA0001" not in shown


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "hello",
        "{}",
        '{"t":null}',
        '{"t":"tk"}',
        '{"t":"x"}',
        '{"t":"c"}',
        '{"t":"c","uid":""}',
        '{"t":"t"}',
        '{"t":"t","k":""}',
        '{"t":"t","k":"#"}',
        '{"t":"t","k":"22"}',
        '{"t":"d","k":"NSE|1|2"}',
        '{"t":"u","k":5}',
    ],
)
def test_what_is_no_client_frame_is_refused(raw: str) -> None:
    with pytest.raises(WireError):
        parse_client_frame(raw)


@given(st.binary(max_size=80) | st.text(max_size=80))
def test_any_client_bytes(raw: bytes | str) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(parse_client_frame(raw), ClientFrame)


def test_server_frames_are_read_back() -> None:
    assert decode(frames.connect_ack("c", user_id="FA0001")) == ConnectAck(True, "FA0001", "c")
    refused = decode(frames.connect_ack("a", user_id="FA0001", ok=False))
    assert refused == ConnectAck(False, "FA0001", "a", "NOT_OK")
    assert decode(frames.connect_ack("a", user_id="FA0001", word="Ok")) == ConnectAck(True, "FA0001", "a")
    assert decode(frames.heartbeat_ack(1_700_000_000)) == HeartbeatAck(1_700_000_000)
    assert decode(frames.acknowledge("ok")) == Acknowledgement("ok")
    assert decode(frames.acknowledge("uk", [("NSE", "22")])) == Acknowledgement("uk", (("NSE", "22"),))
    quote = decode(frames.quote_frame("df", {"e": "NSE", "tk": "22", "bp5": "1.5"}))
    assert quote == DepthDelta(exchange="NSE", token="22", bid5=1.5)
    assert decode(frames.order_frame({"norenordno": "26030200000061"})) == OrderMessage(
        order_number="26030200000061"
    )
