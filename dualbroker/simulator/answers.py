"""The words with which a simulated broker refuses (protocol: the table of known ``emsg`` strings)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

__all__ = [
    "ACCESS_TYPE",
    "AFTER_MARKET",
    "BLOCKED",
    "INSUFFICIENT_BALANCE",
    "INVALID_CODE",
    "INVALID_INPUT",
    "INVALID_KEY",
    "INVALID_OTP",
    "INVALID_TRIGGER",
    "MISSING_FIELDS",
    "NO_DATA",
    "ORDER_NOT_FOUND",
    "ORDER_NOT_FOUND_TO_CANCEL",
    "SERVER_TIMEOUT",
    "SESSION_EXPIRED",
    "WRONG_PASSWORD",
    "Answer",
    "Refusal",
    "invalid_symbol",
    "json_answer",
    "refusal_answer",
]

SESSION_EXPIRED = "Session Expired :  Invalid Session Key"
NO_DATA = 'Error Occurred : 5 "no data"'
INVALID_INPUT = 'Error Occurred : 2 "invalid input"'
MISSING_FIELDS = "Invalid Input : Missing uid or actid or prd."
SERVER_TIMEOUT = "Server Timeout :  "
WRONG_PASSWORD = "Invalid Input : Wrong Password"
BLOCKED = "Invalid Input : User Blocked due to multiple wrong attempts"
ACCESS_TYPE = "Invalid Input :  Invalid Access Type"
INSUFFICIENT_BALANCE = "Insufficient Balance"
ORDER_NOT_FOUND = "Rejected : ORA:Order not found"
ORDER_NOT_FOUND_TO_CANCEL = "Rejected : ORA:Order not found to Cancel"

# No source states the real words for these.
AFTER_MARKET = "Invalid Input : Invalid AMO"
INVALID_TRIGGER = "Invalid Input : Invalid Trigger Price"
INVALID_OTP = "Invalid Input : Invalid OTP"
INVALID_KEY = "Invalid Input : Invalid Vendor Code or App Key"
INVALID_CODE = "Invalid Input : Invalid Auth Code"

_JSON = "application/json; charset=utf-8"


class Answer(NamedTuple):
    """An HTTP answer: status, content type, body."""

    status: int
    content_type: str
    body: bytes


class Refusal(Exception):
    """A request is refused with the broker's own words, in ``emsg``."""

    def __init__(self, emsg: str, status: int = 200) -> None:
        super().__init__(emsg)
        self.emsg = emsg
        self.status = status
        """HTTP status; brokers refuse nearly everything with 200."""


def invalid_symbol(symbol: str) -> Refusal:
    """No instrument has that trading symbol; refused with HTTP 400 (protocol: section 9)."""
    return Refusal(f"Invalid Input : {symbol} is Invalid Trading Symbol.", status=400)


def json_answer(value: object) -> Answer:
    """A success: an object or, from the books, a bare array."""
    return Answer(200, _JSON, msgspec.json.encode(value))


def refusal_answer(refusal: Refusal, request_time: str) -> Answer:
    """A failure in the broker's envelope; ``request_time`` as ``HH:MM:SS DD-MM-YYYY``."""
    body = {"stat": "Not_Ok", "request_time": request_time, "emsg": refusal.emsg}
    return Answer(refusal.status, _JSON, msgspec.json.encode(body))
