"""REST answers: success told from failure, and each failure sorted into what it means.

Protocol: sections 1.2 and 1.9. An empty book is a failure on the wire ("no data"); a failed read is
never an empty book, so only the documented words give an empty list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from dualbroker.errors import (
    BrokerError,
    LoginRefusedError,
    RateLimitedError,
    RequestRefusedError,
    RetryableBrokerError,
    SessionExpiredError,
    WireError,
)
from dualbroker.figures import number
from dualbroker.noren.fields import load_json, load_object, mended, normal_word, shorten

__all__ = ["AnswerKind", "classify", "parse_object", "parse_rows", "parse_token"]


class AnswerKind(StrEnum):
    """What a broker's error text means."""

    SESSION_EXPIRED = "session expired"
    NO_DATA = "no data"
    LOGIN_REFUSED = "login refused"
    RATE_LIMITED = "rate limited"
    RETRYABLE = "retryable"
    REFUSED = "refused"


# Tried in order on the text in lower case with single spaces; the first that is found decides.
_MEANINGS: tuple[tuple[re.Pattern[str], AnswerKind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"session (has )?expired|invalid session|must re-?login", AnswerKind.SESSION_EXPIRED),
        (r'^error occurred ?: ?5 ?\{? ?"?no data"? ?\}?$|^no data ?:?$', AnswerKind.NO_DATA),
        (r"exceeds limit", AnswerKind.RATE_LIMITED),
        (r"server timeout", AnswerKind.RETRYABLE),
        (r"wrong password|password expired|change password|user blocked", AnswerKind.LOGIN_REFUSED),
        (r"not enabled on : api", AnswerKind.LOGIN_REFUSED),
        (r"invalid access type|access restricted for api only", AnswerKind.LOGIN_REFUSED),
    )
)

_ERRORS: dict[AnswerKind, type[BrokerError]] = {
    AnswerKind.SESSION_EXPIRED: SessionExpiredError,
    AnswerKind.NO_DATA: RequestRefusedError,
    AnswerKind.LOGIN_REFUSED: LoginRefusedError,
    AnswerKind.RATE_LIMITED: RateLimitedError,
    AnswerKind.RETRYABLE: RetryableBrokerError,
    AnswerKind.REFUSED: RequestRefusedError,
}

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEPARATOR = re.compile(r"\s*,\s*")
_ROW_BEGINS = re.compile(r"\}\s*,\s*(?=\{)")

_LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""A book of thirty thousand orders. Reading takes about a second for it, in which no tick is read."""

_STATUS_ERRORS: dict[int, type[BrokerError]] = {
    401: SessionExpiredError,
    403: SessionExpiredError,
    429: RateLimitedError,
}
"""What HTTP itself says, used only where the body says nothing. Gateways refuse by 403 as well, whatever the
session: the caller has to tell that apart (``NorenRest`` does), by what a new session is answered."""

_TOKEN_NAMES = ("access_token", "susertoken", "token")


def classify(emsg: str) -> AnswerKind:
    """What an ``emsg`` means; a text that nobody documented is REFUSED."""
    line = " ".join(emsg.lower().split())
    return next((kind for pattern, kind in _MEANINGS if pattern.search(line)), AnswerKind.REFUSED)


def parse_object(status: int, body: bytes) -> dict[str, Any]:
    """The object of a successful answer (``"stat": "Ok"``).

    Raises
    ------
    SessionExpiredError, LoginRefusedError, RateLimitedError, RetryableBrokerError, RequestRefusedError
        The broker's answer is no, sorted by its text. HTML, an empty body or a status of 500 and above
        is trouble at the gateway, and retryable.
    WireError
        What was answered is no answer of this protocol.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    _require_body(status, body)
    answer = load_object(body)
    stat = normal_word(answer.get("stat"))
    if stat == "OK":
        if status >= 500:
            raise RetryableBrokerError(f"expected HTTP status 200, found {status}")
        return answer
    if stat != "NOT OK":
        if status >= 400:
            raise _status_error(status)
        raise WireError("expected stat Ok or Not_Ok in the answer, found neither")
    raise _refusal(status, answer)


def parse_token(
    status: int, body: bytes, name: Literal["access_token", "susertoken", "token"], may_be: str = ""
) -> tuple[str, dict[str, Any]]:
    """The token in the answer to a login, and the whole answer.

    A token decides, whatever else the answer says or lacks: Flattrade's documentation has ``status`` where
    others have ``stat``, and Shoonya's ``GenAcsTok`` may have neither (protocol: section 9).

    Parameters
    ----------
    name
        Which field has the token to work with.
    may_be
        What a refusal without words may come from, in words for a person.

    Raises
    ------
    LoginRefusedError
        There is no token in it. A refusal without words says what it may be.
    SessionExpiredError, RateLimitedError, RetryableBrokerError, RequestRefusedError, WireError
        As `parse_object`.
    """
    hint = f". {may_be}" if may_be else ""
    content = body.strip()
    if status in (401, 403) and not content.startswith(b"{"):
        raise LoginRefusedError(f"refused with HTTP status {status}, and no reason given{hint}")
    _require_body(status, body)
    answer = load_object(body)
    token = answer.get(name)
    if isinstance(token, str) and token.strip():
        return token.strip(), answer
    if status >= 500:
        raise RetryableBrokerError(f"expected HTTP status 200, found {status}")
    words = answer.get("emsg")
    if isinstance(words, str) and words.strip():
        raise _refusal(status, answer)
    says = normal_word(answer.get("stat") or answer.get("status"))
    if says == "OK":
        other = [each for each in _TOKEN_NAMES if answer.get(each)]
        found = f"only {', '.join(other)}" if other else "none"
        raise LoginRefusedError(f"expected a token ({name}) in the broker's answer, found {found}{hint}")
    raise LoginRefusedError(f"refused, and no reason given{hint}")


def parse_rows(status: int, body: bytes) -> list[dict[str, Any]]:
    """The rows of a successful answer; empty only when the broker says "no data".

    Rows that are JSON texts themselves (``EODChartData``) are parsed too. A row that can't be read costs
    none of the others: it stands as an empty one, that says nothing, in its place.

    Raises
    ------
    SessionExpiredError, LoginRefusedError, RateLimitedError, RetryableBrokerError, RequestRefusedError
        As `parse_object`; also when a single row says so.
    WireError
        It is neither rows nor a refusal, an array of none, which no broker documents, or one without an end.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    _require_body(status, body)
    if not body.lstrip().startswith(b"["):
        answer = load_object(body)
        if status < 500 and _says_no_data(answer):
            return []
        parse_object(status, body)
        raise WireError("expected an array of rows, found an object")
    if status >= 400:
        raise _status_error(status)
    rows = _elements(body)
    if not rows:
        raise WireError('expected rows or a "no data" answer, found an empty array')
    read = [_row(status, row) for row in rows]
    if not any(read):
        raise WireError(f"expected rows that are objects, found {len(rows)} of which none can be read")
    return read


def _elements(body: bytes) -> list[Any]:
    """What stands in an array; None for each piece of it that can't be read.

    Raises
    ------
    WireError
        It has no end: what was cut off may be any number of rows.
    """
    try:
        elements: list[Any] = load_json(body)
    except (ValueError, RecursionError):
        text = mended(body).strip()
        if not text.endswith("]"):
            raise WireError("expected JSON, found an array that can't be read to its end") from None
        return [*_pieces(text)]
    return elements


def _pieces(text: str) -> Iterator[Any]:
    """The elements of an array that is no JSON as a whole, one by one; None for what can't be read.

    What can't be read ends where the next row begins.
    """
    decoder = json.JSONDecoder(strict=False)
    at = len(text) - len(text[1:].lstrip())
    while True:
        try:
            element, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            element, end = None, at
        yield element
        separator = _SEPARATOR.match(text, end) if end > at else None
        if separator is None:
            if end > at and text[end:].strip() == "]":
                return
            if end > at:
                yield None  # what follows the element is none
            separator = _ROW_BEGINS.search(text, end)
            if separator is None:
                return
        at = separator.end()


def _row(status: int, row: object) -> dict[str, Any]:
    if isinstance(row, str):
        try:
            row = load_object(row)
        except WireError:
            row = None
    if not isinstance(row, dict):
        return {}
    if normal_word(row.get("stat")) == "NOT OK":
        raise _refusal(status, row)
    return row


def _says_no_data(answer: dict[str, Any]) -> bool:
    is_refusal = normal_word(answer.get("stat")) == "NOT OK"
    emsg = answer.get("emsg")
    return is_refusal and isinstance(emsg, str) and classify(emsg) is AnswerKind.NO_DATA


def _require_body(status: int, body: bytes) -> None:
    if len(body) > _LARGEST_ANSWER_BYTES:
        raise WireError(
            f"expected an answer of at most {number(_LARGEST_ANSWER_BYTES)} bytes, "
            f"found one of {number(len(body))}"
        )
    content = body.strip()
    if content[:1] in (b"{", b"["):
        return
    if status >= 400:
        raise _status_error(status)
    if not content:
        raise RetryableBrokerError("expected an answer, found an empty body")
    if content.startswith(b"<"):
        raise RetryableBrokerError("expected JSON, found HTML: the broker's gateway is in trouble")


def _status_error(status: int) -> BrokerError:
    kind = RetryableBrokerError if status >= 500 else _STATUS_ERRORS.get(status, RequestRefusedError)
    return kind(f"expected HTTP status 200, found {status} and no reason")


def _refusal(status: int, answer: dict[str, Any]) -> BrokerError:
    emsg = answer.get("emsg")
    if status in _STATUS_ERRORS and not (isinstance(emsg, str) and emsg.strip()):
        return _status_error(status)
    message = shorten(emsg) if isinstance(emsg, str) and emsg.strip() else "refused, and no reason given"
    kind = classify(emsg) if isinstance(emsg, str) else AnswerKind.REFUSED
    if status >= 500 and kind in (AnswerKind.REFUSED, AnswerKind.NO_DATA):
        kind = AnswerKind.RETRYABLE
    return _ERRORS[kind](message)
