"""REST answers: every documented error text, and all the ways in which a gateway fails."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import (
    BrokerError,
    LoginRefusedError,
    RateLimitedError,
    RequestRefusedError,
    RetryableBrokerError,
    SessionExpiredError,
    WireError,
)
from dualbroker.noren.answers import AnswerKind, classify, parse_object, parse_rows

# The error texts of the protocol page, section 1.9, each with the error it becomes.
DOCUMENTED: list[tuple[str, AnswerKind, type[BrokerError]]] = [
    ("Session Expired : Invalid Session Key", AnswerKind.SESSION_EXPIRED, SessionExpiredError),
    ("Session Expired :  Invalid Session Key", AnswerKind.SESSION_EXPIRED, SessionExpiredError),
    ('Error Occurred : 5 "no data"', AnswerKind.NO_DATA, RequestRefusedError),
    ("No Data :  ", AnswerKind.NO_DATA, RequestRefusedError),
    ('Error Occurred : 2 "invalid input"', AnswerKind.REFUSED, RequestRefusedError),
    ("Invalid Input : Wrong Password", AnswerKind.LOGIN_REFUSED, LoginRefusedError),
    ("Invalid Input : Password Expired", AnswerKind.LOGIN_REFUSED, LoginRefusedError),
    ("Invalid Input : Change Password", AnswerKind.LOGIN_REFUSED, LoginRefusedError),
    (
        "Invalid Input : User Blocked due to multiple wrong attempts",
        AnswerKind.LOGIN_REFUSED,
        LoginRefusedError,
    ),
    ("Invalid Input : User Not enabled on : API", AnswerKind.LOGIN_REFUSED, LoginRefusedError),
    ("Invalid Input :  Invalid Access Type", AnswerKind.LOGIN_REFUSED, LoginRefusedError),
    ("Access Restricted for API Only Users", AnswerKind.LOGIN_REFUSED, LoginRefusedError),
    ("Invalid Input :  jData is Missing.", AnswerKind.REFUSED, RequestRefusedError),
    ("jData is not valid json object", AnswerKind.REFUSED, RequestRefusedError),
    ("Invalid Input : Missing uid or actid or prd.", AnswerKind.REFUSED, RequestRefusedError),
    ("Server Timeout :  ", AnswerKind.RETRYABLE, RetryableBrokerError),
    (
        "Invalid Input :  Order Recieved 11 in a current second exceeds Limit 10 for user",
        AnswerKind.RATE_LIMITED,
        RateLimitedError,
    ),
    (
        "Invalid Input :  Order Recieved 121 in a current minute exceeds Limit 120 for user",
        AnswerKind.RATE_LIMITED,
        RateLimitedError,
    ),
    ("Rejected : ORA:Order not found", AnswerKind.REFUSED, RequestRefusedError),
    ("Rejected : ORA:Order not found to Cancel", AnswerKind.REFUSED, RequestRefusedError),
    ("16052 function not available", AnswerKind.REFUSED, RequestRefusedError),
    ("a text that nobody has seen", AnswerKind.REFUSED, RequestRefusedError),
]


def refusal(emsg: Any) -> bytes:
    return json.dumps({"stat": "Not_Ok", "emsg": emsg, "request_time": "10:00:00 02-03-2026"}).encode()


@pytest.mark.parametrize(("emsg", "kind", "error"), DOCUMENTED)
@pytest.mark.parametrize("status", [200, 400])
def test_every_documented_text(status: int, emsg: str, kind: AnswerKind, error: type[BrokerError]) -> None:
    assert classify(emsg) is classify(emsg.upper()) is kind
    with pytest.raises(error, match=r"\w") as caught:
        parse_object(status, refusal(emsg))
    assert type(caught.value) is error
    assert str(caught.value) == " ".join(emsg.split())
    if kind is AnswerKind.NO_DATA:
        assert parse_rows(status, refusal(emsg)) == []
    else:
        with pytest.raises(error):
            parse_rows(status, refusal(emsg))


@pytest.mark.parametrize(
    "emsg",
    [
        'Error Occurred : 5 {"no data"}',
        'ERROR OCCURRED : 5 {"NO DATA"}',
        'error occurred:5{ "No Data" }',
        'Error  Occurred  :  5   "no  data"',
        "Error Occurred : 5 no data",
        "Error Occurred : 5 {no data}",
        "No Data:",
        " no data ",
    ],
)
def test_an_empty_book_in_any_case_spacing_and_brackets(emsg: str) -> None:
    assert parse_rows(200, refusal(emsg)) == parse_rows(400, refusal(emsg)) == []


def test_only_the_documented_words_are_an_empty_book() -> None:
    for emsg in ("no data connection", "could not read, no data : 7", "", None, 5, ["no data"]):
        with pytest.raises(RequestRefusedError):
            parse_rows(200, refusal(emsg))
    with pytest.raises(RetryableBrokerError):
        parse_rows(500, refusal('Error Occurred : 5 "no data"'))


@pytest.mark.parametrize("stat", ["Ok", "OK", "ok"])
def test_success(stat: str) -> None:
    assert parse_object(200, json.dumps({"stat": stat, "cash": "5"}).encode()) == {"stat": stat, "cash": "5"}
    assert parse_rows(200, json.dumps([{"stat": stat, "a": "1"}]).encode()) == [{"stat": stat, "a": "1"}]


def test_rows_may_be_json_texts() -> None:
    assert parse_rows(200, json.dumps(['{"time":"21-SEP-2022","into":"1"}']).encode()) == [
        {"time": "21-SEP-2022", "into": "1"}
    ]


@pytest.mark.parametrize("stat", ["Not_Ok", "NOT_OK", "Not Ok", "not_ok"])
def test_a_refusal_in_any_spelling(stat: str) -> None:
    with pytest.raises(RequestRefusedError, match="no reason given"):
        parse_object(200, json.dumps({"stat": stat}).encode())


@pytest.mark.parametrize("parse", [parse_object, parse_rows])
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (502, b"<html><h1>502 Bad Gateway</h1></html>", RetryableBrokerError),
        (200, b"<html>maintenance</html>", RetryableBrokerError),
        (200, b"", RetryableBrokerError),
        (200, b" \r\n", RetryableBrokerError),
        (504, b"", RetryableBrokerError),
        (500, b'{"message":"oops"}', RetryableBrokerError),
        (503, refusal("Invalid Input : something"), RetryableBrokerError),
        (500, refusal("Session Expired : Invalid Session Key"), SessionExpiredError),
        (500, b"[]", RetryableBrokerError),
        (401, b"Unauthorized", SessionExpiredError),
        (401, b'{"error":"x"}', SessionExpiredError),
        (429, b"slow down", RateLimitedError),
        (404, b"<html>not found</html>", RequestRefusedError),
        (200, b"hello", WireError),
        (200, b"null", WireError),
        (200, b"{", WireError),
        (200, b"{}", WireError),
        (200, b'{"stat":"Maybe"}', WireError),
        (200, b'{"stat":null}', WireError),
        (200, b"[", WireError),
        (200, b"[" * 100_000, WireError),
    ],
)
def test_what_is_no_answer(parse: Any, status: int, body: bytes, error: type[Exception]) -> None:
    if parse is parse_object and body == b"[]":
        error = WireError
    with pytest.raises(error) as caught:
        parse(status, body)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[]", WireError),
        (b"[5,true]", WireError),
        (b'["no json"]', WireError),
        (b'["[]"]', WireError),
        (b'{"stat":"Ok"}', WireError),
        (b'[{"stat":"Not_Ok","emsg":"Session Expired : Invalid Session Key"}]', SessionExpiredError),
        (b'[{"stat":"Not_Ok","emsg":"No Data : "}]', RequestRefusedError),
    ],
)
def test_rows_that_are_none(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_rows(200, body)


ROWS = [{"stat": "Ok", "norenordno": f"2603020000006{number}", "rejreason": " "} for number in range(3)]


def book(*texts: bytes) -> bytes:
    return b"[" + b", ".join(texts) + b"]"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"two\nlines", "two\nlines"),
        (b"a\ttab", "a\ttab"),
        (b"\x00\x1b[0m", "\x00\x1b[0m"),
        (b"caf\xe9 \xff", "caf\ufffd \ufffd"),
        (b"M\\&M \\x41 \\u12", "M\\&M \\x41 \\u12"),
        (b'a \\"b\\" \\\\ \\u20b9 \\n', 'a "b" \\ ₹ \n'),
    ],
)
def test_a_bad_character_costs_nothing(written: bytes, read: str) -> None:
    texts = [json.dumps(row).encode() for row in ROWS]
    texts[1] = texts[1].replace(b'" "', b'"' + written + b'"')
    assert parse_rows(200, book(*texts)) == [ROWS[0], {**ROWS[1], "rejreason": read}, ROWS[2]]
    assert parse_object(200, texts[1]) == {**ROWS[1], "rejreason": read}


def test_a_byte_order_mark_costs_nothing() -> None:
    text = json.dumps(ROWS).encode("utf-8-sig")
    assert parse_rows(200, text) == ROWS
    assert parse_object(200, json.dumps(ROWS[0]).encode("utf-8-sig")) == ROWS[0]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "broken",
    [
        b'{"stat":"Ok","norenordno":"26030200000061","rejreason":"RED:"Margin" is short"}',
        b'{"stat":"Ok","norenordno":"26030200000061","rejreason":"half a ro}',
        b'{"stat":"Ok","rejreason":"RULE:{"limit"},{"other"} for C"}',
        b'{"stat":"Ok","norenordno":}',
        b'{"stat":"Ok",}',
        b"5",
        b'"{}"',
        b'"no json"',
        b"null",
    ],
)
def test_a_row_that_cant_be_read_costs_no_other(broken: bytes, place: int) -> None:
    texts = [json.dumps(row).encode() for row in ROWS]
    texts[place] = broken
    rows = parse_rows(200, book(*texts))
    others = [row for at, row in enumerate(ROWS) if at != place]
    assert [row for row in rows if row] == others
    # It stands in its place, so that whoever reads the book can tell that it is not whole.
    assert rows.index({}) == place


@pytest.mark.parametrize("separator", [b",", b" , ", b"\n,\n", b",\t"])
def test_rows_beside_a_damaged_one_are_found_however_they_are_set_apart(separator: bytes) -> None:
    texts = [json.dumps(row).encode() for row in ROWS]
    texts.insert(1, b'{"norenordno":"1","remarks":"a "b" c"}')
    assert parse_rows(200, b"[ " + separator.join(texts) + b" ]") == [ROWS[0], {}, *ROWS[1:]]


def test_what_follows_the_last_row_is_told() -> None:
    assert parse_rows(200, json.dumps(ROWS).encode() + b"]") == [*ROWS, {}]


def test_a_book_that_was_cut_off_is_none() -> None:
    whole = json.dumps(ROWS).encode()
    for end in range(1, len(whole)):
        with pytest.raises(WireError):
            parse_rows(200, whole[:end])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"norenordno": st.text("0123456789", min_size=14, max_size=14), "remarks": st.text()}
        ),
        min_size=2,
        max_size=6,
    ),
    st.data(),
)
def test_any_damage_to_one_row_leaves_the_others(rows: list[dict[str, str]], data: st.DataObject) -> None:
    texts = [
        json.dumps(row, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "replace") for row in rows
    ]
    place = data.draw(st.integers(0, len(rows) - 1))
    inside = texts[place].index(b'"remarks"') + len(b'"remarks": "')
    junk = data.draw(st.binary(max_size=8).filter(lambda some: not {*b'{}[],"'} & {*some}))
    texts[place] = texts[place][:inside] + junk + texts[place][inside:]
    read = parse_rows(200, book(*texts))
    assert len(read) == len(rows)
    expected = [json.loads(json.dumps(row).encode("utf-8", "replace")) for row in rows]
    for at, row in enumerate(read):
        if at != place:
            assert row["norenordno"] == expected[at]["norenordno"]


def test_an_object_is_expected_where_rows_come() -> None:
    with pytest.raises(WireError, match="found list"):
        parse_object(200, b'[{"stat":"Ok"}]')


def test_an_ok_with_a_server_error_is_not_believed() -> None:
    with pytest.raises(RetryableBrokerError):
        parse_object(502, b'{"stat":"Ok"}')
    with pytest.raises(RetryableBrokerError):
        parse_rows(502, b'[{"stat":"Ok"}]')


def test_errors_hold_no_token() -> None:
    with pytest.raises(RequestRefusedError) as caught:
        parse_object(200, refusal("odd token " + "0f" * 32 + " x" * 200))
    assert "0f0f" not in str(caught.value)
    assert len(str(caught.value)) <= 160


@pytest.mark.parametrize("depth", [900, 970, 990, 100_000])
def test_a_reason_nested_deeply_is_no_reason(depth: int) -> None:
    body = b'{"stat":"Not_Ok","emsg":' + b"[" * depth + b"]" * depth + b"}"
    for parse in (parse_object, parse_rows):
        with pytest.raises((RequestRefusedError, WireError)):
            parse(200, body)


def test_an_answer_too_large_to_be_one_is_not_read() -> None:
    for parse in (parse_object, parse_rows):
        with pytest.raises(WireError, match="at most 3,35,54,432 bytes, found one of 3,35,54,433"):
            parse(200, b"[" + b" " * 32 * 1024 * 1024)


@given(st.sampled_from([200, 400, 401, 429, 500, 502]), st.binary(max_size=60))
def test_any_answer(status: int, body: bytes) -> None:
    for parse in (parse_object, parse_rows):
        for prefix in (b"", b"[", b'{"stat":'):
            with contextlib.suppress(BrokerError, WireError):
                parse(status, prefix + body)
