"""REST requests: route names, the body's envelope, the values of the logins.

Protocol: sections 1.2 to 1.5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dualbroker.errors import WireError

__all__ = [
    "Endpoint",
    "encode_body",
    "flattrade_token_request",
    "generate_access_token",
    "parse_body",
    "quick_auth",
    "sha256_hex",
]


class Endpoint(StrEnum):
    """Route names: requests are ``POST <REST base>/<name>``."""

    QUICK_AUTH = "QuickAuth"
    GENERATE_ACCESS_TOKEN = "GenAcsTok"
    LOGOUT = "Logout"
    USER_DETAILS = "UserDetails"
    ORDER_BOOK = "OrderBook"
    SINGLE_ORDER_HISTORY = "SingleOrdHist"
    TRADE_BOOK = "TradeBook"
    POSITION_BOOK = "PositionBook"
    HOLDINGS = "Holdings"
    LIMITS = "Limits"
    SEARCH_SCRIP = "SearchScrip"
    GET_SECURITY_INFO = "GetSecurityInfo"
    GET_QUOTES = "GetQuotes"
    TIME_PRICE_SERIES = "TPSeries"
    END_OF_DAY_CHART = "EODChartData"
    GET_OPTION_CHAIN = "GetOptionChain"
    PLACE_ORDER = "PlaceOrder"
    MODIFY_ORDER = "ModifyOrder"
    CANCEL_ORDER = "CancelOrder"
    EXIT_ORDER = "ExitSNOOrder"
    CONVERT_PRODUCT = "ProductConversion"

    @property
    def changes_orders(self) -> bool:
        """True for what a monitor never asks a broker for; the simulator answers it."""
        return self in _CHANGING


_CHANGING = frozenset(
    {
        Endpoint.PLACE_ORDER,
        Endpoint.MODIFY_ORDER,
        Endpoint.CANCEL_ORDER,
        Endpoint.EXIT_ORDER,
        Endpoint.CONVERT_PRODUCT,
    }
)


def encode_body(values: Mapping[str, Any], *, jkey: str | None = None) -> bytes:
    r"""``jData=<json>``, followed by ``&jKey=<token>`` where REST is authorised that way.

    Numbers are written as texts, as the protocol has them, and None is left out. The server splits at
    ``&`` before it reads the JSON and never URL-decodes, so an ``&`` inside (``M&M-EQ``) is written
    ``\u0026`` (protocol: section 1.2).
    """
    texts = {
        name: value if isinstance(value, str | list | dict) else str(value)
        for name, value in values.items()
        if value is not None
    }
    body = "jData=" + json.dumps(texts, separators=(",", ":")).replace("&", "\\u0026")
    if jkey is not None:
        body += f"&jKey={jkey}"
    return body.encode("utf-8")


def parse_body(body: bytes) -> tuple[dict[str, Any], str | None]:
    """The values and the token (``jKey``) of a request's body, read as the real server does.

    Raises
    ------
    WireError
        Its text is the ``emsg`` that the real server answers (protocol: section 1.9).
    """
    parts: dict[str, str] = {}
    for piece in body.decode("utf-8", "replace").split("&"):
        name, _, value = piece.partition("=")
        parts.setdefault(name.strip(), value)
    if not parts.get("jData", "").strip():
        raise WireError("Invalid Input :  jData is Missing.")
    try:
        values = json.loads(parts["jData"])
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise WireError("Invalid Input :  jData is not valid json object")
    return values, parts["jKey"].strip() if "jKey" in parts else None


def sha256_hex(text: str) -> str:
    """The hash in which passwords and keys travel, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def quick_auth(
    *,
    user_id: str,
    password: str,
    second_factor: str,
    vendor_code: str,
    api_key: str,
    imei: str = "dualbroker",
    app_version: str = "1.0.0",
    source: str = "API",
) -> dict[str, str]:
    """Values of ``QuickAuth``, the login with password and one-time code (protocol: section 1.3).

    Parameters
    ----------
    second_factor
        The six digits of a TOTP.
    vendor_code
        Typically ``<user id>_U``.
    imei
        Any device id.
    """
    return {
        "source": source,
        "apkversion": app_version,
        "uid": user_id,
        "pwd": sha256_hex(password),
        "factor2": second_factor,
        "vc": vendor_code,
        "appkey": sha256_hex(f"{user_id}|{api_key}"),
        "imei": imei,
    }


def generate_access_token(
    *, code: str, client_id: str, secret: str, user_id: str | None = None
) -> dict[str, str]:
    """Values of ``GenAcsTok``: a browser login's code becomes tokens (protocol: section 1.4)."""
    values = {"code": code, "checksum": sha256_hex(client_id + secret + code)}
    if user_id is not None:
        values["uid"] = user_id
    return values


def flattrade_token_request(*, api_key: str, request_code: str, api_secret: str) -> dict[str, str]:
    """Values of Flattrade's token request, sent as plain JSON (protocol: section 1.4).

    Mind the order of what is hashed: key, code, secret; at its siblings it is key, secret, code.
    """
    return {
        "api_key": api_key,
        "request_code": request_code,
        "api_secret": sha256_hex(api_key + request_code + api_secret),
    }
