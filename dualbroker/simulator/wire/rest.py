"""The REST side of a simulated broker: envelope, authorisation, dispatch (protocol: section 1).

Both ways to authorise are taken by every broker: ``jKey`` in the body and ``Authorization: Bearer``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from dualbroker.clock import NS_PER_S
from dualbroker.errors import WireError
from dualbroker.model import Instrument, InstrumentKey
from dualbroker.noren.fields import text
from dualbroker.noren.requests import Endpoint, parse_body
from dualbroker.noren.times import order_time_text
from dualbroker.simulator.answers import (
    INVALID_INPUT,
    MISSING_FIELDS,
    NO_DATA,
    SESSION_EXPIRED,
    Answer,
    Refusal,
    invalid_symbol,
    json_answer,
    refusal_answer,
)
from dualbroker.simulator.faults.faults import Faults
from dualbroker.simulator.faults.rest_faults import BAD_GATEWAY, RestFaults
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.market.names import PRODUCT_NAMES
from dualbroker.simulator.trading.accounts import Account, Logins
from dualbroker.simulator.trading.trading import TradingAccount
from dualbroker.simulator.wire import market_requests, order_requests
from dualbroker.simulator.wire.catalogue import Catalogue, scrip_row
from dualbroker.simulator.wire.fan_out import QuoteFanOut
from dualbroker.simulator.wire.skew import skewed_rows

__all__ = ["RestHost", "answer"]

Fields = Mapping[str, str]

_FLATTRADE_LOGIN = "apitoken"
_BEARER = "bearer "
_LONGEST_NAME = 40


class RestHost(Protocol):
    """What the endpoints need of their host."""

    market: Market
    fan_out: QuoteFanOut
    catalogue: Catalogue
    logins: Logins
    trading: dict[str, TradingAccount]
    faults: Faults
    rest_faults: RestFaults
    running_ns: int

    def index_of(self, key: InstrumentKey) -> int | None:
        """The instrument's position in the market, None when it can't be had here."""
        ...

    def log_out(self, token: str) -> None:
        """End a login and the connections opened with it."""
        ...


class _Call(NamedTuple):
    """An authorised request."""

    host: RestHost
    caller: TradingAccount
    fields: Fields
    token: str
    baskets: list[Fields]
    """``basketlists`` of GetBasketMargin."""


def answer(host: RestHost, path: str, body: bytes, headers: Mapping[str, str], now_ns: int) -> Answer:
    """Answer one POST.

    Parameters
    ----------
    path
        Only its last part counts, as ``//`` and any base are tolerated by the real server.
    body
        ``jData=<json>`` with or without ``&jKey=<token>``; never URL-decoded.
    headers
        Names in lower case.
    now_ns
        Wall time by which a login's TOTP is checked. All else goes by the market's time.
    """
    faults = host.faults
    if faults.rest_html_502:
        return BAD_GATEWAY
    name = path.partition("?")[0].rstrip("/").rpartition("/")[2]
    request_time = order_time_text(host.market.now_ns() + round(faults.clock_skew_s) * NS_PER_S)
    try:
        if name == _FLATTRADE_LOGIN:
            return json_answer(_flattrade_login(host, body))
        if name not in _HANDLERS and name not in _LOGINS:
            raise Refusal(f"Invalid Input : {name[:_LONGEST_NAME]} is not available", status=404)
        fields, baskets, jkey = _parse(body)
        if name in _LOGINS:
            result: object = _LOGINS[name](host, fields, now_ns)
        else:
            token = jkey or _bearer(headers)
            caller = _authorise(host, token, fields)
            asked = _as_asked(host, name, caller, fields)
            result = _HANDLERS[name](_Call(host, caller, asked, token, baskets))
            if faults.clock_skew_s:
                result = skewed_rows(result, faults.clock_skew_s)
        if isinstance(result, dict):
            result = {"request_time": request_time} | result
        return json_answer(result)
    except Refusal as refusal:
        return refusal_answer(refusal, request_time)


def _as_asked(host: RestHost, name: str, caller: TradingAccount, fields: Fields) -> Fields:
    """The request as a broker with faults understands it."""
    host.rest_faults.refuse(host.faults, name, caller.account.uid, host.running_ns)
    key = (fields.get("exch", ""), fields.get("token", ""))
    if "token" in fields and host.index_of(key) is None:
        raise Refusal(INVALID_INPUT)
    symbol = fields.get("tsym", "")
    named = host.catalogue.index_of_symbol(key[0], symbol)
    if named is not None and host.index_of(host.catalogue.instruments[named].key) is None:
        raise invalid_symbol(symbol)
    if name == Endpoint.GET_QUOTES and host.faults.wrong_quotes:
        return host.rest_faults.mistaken(host.faults, host.market.instruments, fields)
    return fields


def _parse(body: bytes) -> tuple[Fields, list[Fields], str | None]:
    """Values as texts, nulls left out; those of ``basketlists`` apart."""
    try:
        values, jkey = parse_body(body)
    except WireError as error:
        raise Refusal(str(error)) from None
    baskets = values.get("basketlists")
    orders = [each for each in baskets if isinstance(each, dict)] if isinstance(baskets, list) else []
    return _texts(values), [_texts(each) for each in orders], jkey


def _texts(values: Mapping[str, object]) -> Fields:
    texts = {name: text(value) for name, value in values.items()}
    return {name: value for name, value in texts.items() if value is not None}


def _bearer(headers: Mapping[str, str]) -> str:
    given = headers.get("authorization", "")
    return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""


def _authorise(host: RestHost, token: str, fields: Fields) -> TradingAccount:
    account = host.logins.account_of(token)
    if account is None:
        raise Refusal(SESSION_EXPIRED)
    if "uid" not in fields:
        raise Refusal(MISSING_FIELDS)
    if fields["uid"] != account.uid:
        raise Refusal(SESSION_EXPIRED)
    return host.trading[account.uid]


def _flattrade_login(host: RestHost, body: bytes) -> dict[str, str]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise Refusal("Invalid Input :  jData is not valid json object")
    account, token = host.logins.by_request_code({k: v for k, v in values.items() if isinstance(v, str)})
    return {"stat": "Ok", "token": token, "client": account.uid, "status": "Ok"}


def _quick_auth(host: RestHost, fields: Fields, now_ns: int) -> dict[str, object]:
    account, token = host.logins.by_password(fields, now_ns)
    return _user(host, account) | {"susertoken": token, "lastaccesstime": str(now_ns // 1_000_000_000)}


def _access_token(host: RestHost, fields: Fields, now_ns: int) -> dict[str, object]:
    account, token = host.logins.by_code(fields)
    return {
        "stat": "Ok",
        "access_token": token,
        "refresh_token": token[::-1],
        "susertoken": token,
        "USERID": account.uid,
        "actid": account.uid,
    }


def _user(host: RestHost, account: Account) -> dict[str, object]:
    exchanges = sorted({item.exchange for item in host.market.instruments})
    products = [{"prd": prd, "s_prdt_ali": name, "exch": exchanges} for prd, name in PRODUCT_NAMES.items()]
    return {
        "stat": "Ok",
        "uid": account.uid,
        "actid": account.uid,
        "uname": f"SIMULATED {account.uid}",
        "email": f"{account.uid.lower()}@simulated.invalid",
        "brkname": "SIMULATED",
        "brnchid": "HO",
        "exarr": exchanges,
        "prarr": products,
        "orarr": ["LMT", "MKT", "SL-LMT", "SL-MKT"],
        "access_type": ["WEB", "TT", "MOB", "API"],
        "totp_set": "1",
        "values": [],
        "mws": {},
        "uprev": "INVESTOR",
    }


def _listed(call: _Call, find: Callable[[Catalogue, Fields], list[Instrument]]) -> dict[str, object]:
    """What was found, as far as it can be had here today."""
    found = [
        item for item in find(call.host.catalogue, call.fields) if call.host.index_of(item.key) is not None
    ]
    if not found:
        raise Refusal(NO_DATA)
    return {"stat": "Ok", "values": [scrip_row(item) for item in found]}


def _log_out(call: _Call) -> dict[str, object]:
    call.host.log_out(call.token)
    return {"stat": "Ok"}


def _place(call: _Call) -> dict[str, object]:
    number = order_requests.place_order(call.caller, call.host.catalogue, call.fields)
    return {"stat": "Ok", "norenordno": number}


def _modify(call: _Call) -> dict[str, object]:
    return {"stat": "Ok", "result": order_requests.modify_order(call.caller, call.fields)}


def _cancel(call: _Call) -> dict[str, object]:
    return {"stat": "Ok", "result": order_requests.cancel_order(call.caller, call.fields)}


def _holdings(call: _Call) -> list[dict[str, object]]:
    rows = call.caller.holdings.rows(call.caller.positions.held())
    if not rows or call.fields.get("prd", "C") != "C":
        raise Refusal(NO_DATA)
    return rows


def _client_details(call: _Call) -> dict[str, object]:
    """Made up, as the account is; nothing that could be somebody's."""
    user = _user(call.host, call.caller.account)
    kept = {name: user[name] for name in ("stat", "actid", "email", "exarr", "prarr")}
    bank = {"bankn": "SIMULATED BANK", "acctnum": "00000000", "ifsc_code": "SIML0000000"}
    return kept | {
        "cliname": user["uname"],
        "act_sts": "Activated",
        "creatdte": "01-01-2020",
        "creattme": "00:00:00",
        "m_num": "9000000000",
        "pan": "XXXXX0000X",
        "addr": "1, SIMULATED STREET",
        "bankdetails": [bank],
        "dp_acct_num": [{"dpnum": "1200000000000000"}],
    }


def _convert(call: _Call) -> dict[str, object]:
    order_requests.convert_product(call.caller, call.host.catalogue, call.fields)
    return {"stat": "Ok"}


def _exit(call: _Call) -> dict[str, object]:
    number = order_requests.exit_order(call.caller, call.fields)
    return {"stat": "Ok", "dmsg": f"Order {number} is being exited"}


def _greeks(call: _Call) -> dict[str, object]:
    return market_requests.greeks(call.host.market, call.fields)


_LOGINS: Mapping[str, Callable[[RestHost, Fields, int], object]] = {
    Endpoint.QUICK_AUTH: _quick_auth,
    Endpoint.GENERATE_ACCESS_TOKEN: _access_token,
}

_HANDLERS: Mapping[str, Callable[[_Call], object]] = {
    Endpoint.LOGOUT: _log_out,
    Endpoint.USER_DETAILS: lambda call: _user(call.host, call.caller.account),
    Endpoint.PLACE_ORDER: _place,
    Endpoint.MODIFY_ORDER: _modify,
    Endpoint.CANCEL_ORDER: _cancel,
    Endpoint.HOLDINGS: _holdings,
    Endpoint.EXIT_ORDER: _exit,
    Endpoint.CONVERT_PRODUCT: _convert,
    "ClientDetails": _client_details,
    "GetOptionGreek": _greeks,
    "GetOrderMargin": lambda call: order_requests.order_margin(call.caller, call.host.catalogue, call.fields),
    "GetBasketMargin": lambda call: order_requests.basket_margin(
        call.caller, call.host.catalogue, call.fields, call.baskets
    ),
    "GetIndexList": lambda call: {
        "stat": "Ok",
        "values": market_requests.index_list(call.host.catalogue, call.fields),
    },
    Endpoint.END_OF_DAY_CHART: lambda call: market_requests.daily_series(
        call.host.market, call.host.catalogue, call.host.fan_out, call.fields
    ),
    Endpoint.ORDER_BOOK: lambda call: order_requests.order_book(call.caller, call.fields),
    Endpoint.SINGLE_ORDER_HISTORY: lambda call: order_requests.order_history(call.caller, call.fields),
    Endpoint.TRADE_BOOK: lambda call: order_requests.trade_book(call.caller),
    Endpoint.POSITION_BOOK: lambda call: call.host.rest_faults.spoilt_positions(
        call.host.faults, call.caller.account.uid, order_requests.position_book(call.caller)
    ),
    Endpoint.LIMITS: lambda call: call.caller.limits(),
    Endpoint.SEARCH_SCRIP: lambda call: _listed(call, market_requests.search_scrip),
    Endpoint.GET_OPTION_CHAIN: lambda call: _listed(call, market_requests.option_chain),
    Endpoint.GET_SECURITY_INFO: lambda call: market_requests.security_info(call.host.market, call.fields),
    Endpoint.GET_QUOTES: lambda call: market_requests.quotes(
        call.host.market, call.host.catalogue, call.host.fan_out, call.fields
    ),
    Endpoint.TIME_PRICE_SERIES: lambda call: market_requests.price_series(
        call.host.market, call.host.fan_out, call.fields
    ),
}
