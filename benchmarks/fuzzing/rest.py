"""Targets: REST answers, from the status and the bytes to the rows of the books."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, ClassVar

from dualbroker.errors import (
    BrokerError,
    LoginRefusedError,
    RateLimitedError,
    RequestRefusedError,
    RetryableBrokerError,
    SessionExpiredError,
    WireError,
)
from dualbroker.model import UpdateSource
from dualbroker.noren.answers import parse_object, parse_rows
from dualbroker.noren.books import fill_from_row, quote_from_answer
from dualbroker.noren.desk_books import position_from_row
from dualbroker.noren.orders import order_update_from_row, read_order_message

from .fields import ORDER_FIELDS, QUOTE_FIELDS, check_fields
from .frames import RECEIVED_NS, check_update, order_number
from .material import Material
from .mutation import json_object, json_value, mutate_bytes, mutate_pairs, quoted
from .reference import LARGEST_EXACT, expect, number_in, price_in, quantity_in, read_json, text_in

__all__ = ["RestObjects", "RestRows"]

_STATUSES = (200, 200, 200, 200, 200, 400, 401, 404, 429, 500, 502)
_KEYS = (
    *ORDER_FIELDS,
    *QUOTE_FIELDS,
    *("stat", "emsg", "netqty", "netavgprc", "daybuyqty", "daysellqty", "lp", "rpnl", "urmtom", "lut"),
    *("wk52_h", "wk52_l", "token", "exch"),
)
_WORDS = (b'"stat":"Ok"', b'"stat":"Not_Ok"', b'"emsg":"no data"', b"[{", b"}]", b'"norenordno":')
_TYPED = (
    LoginRefusedError,
    RateLimitedError,
    RequestRefusedError,
    RetryableBrokerError,
    SessionExpiredError,
    WireError,
)
_MONEY = 1e15


def _status_and_body(data: bytes) -> tuple[int, bytes]:
    """The first byte of an input chooses the HTTP status."""
    return (_STATUSES[data[0] % len(_STATUSES)], data[1:]) if data else (200, b"")


def _typed(error: Exception) -> str:
    expect(type(error) in _TYPED, "raised a", type(error).__name__)
    expect(0 < len(str(error)) < 300, "an error of", len(str(error)), "characters")
    return type(error).__name__


class _Answers:
    """Answers with a status before them."""

    def __init__(self, material: Material) -> None:
        self._seeds = material.answers
        self._rows = [material.pairs(seed) for seed in self._seeds if seed.startswith(b"{")]

    def make(self, rng: random.Random) -> bytes:
        return bytes([rng.randrange(256)]) + self._body(rng)

    def _body(self, rng: random.Random) -> bytes:
        choice = rng.random()
        if choice < 0.35:
            return mutate_bytes(rng, rng.choice(self._seeds), self._seeds, _WORDS)
        if choice < 0.6:
            return self._row(rng).encode("utf-8", "replace")
        if choice < 0.9:
            rows = [self._row(rng) for _ in range(rng.choice((0, 1, 1, 2, 5)))]
            if rng.random() < 0.1:
                rows.append(json_value(rng))
            if rng.random() < 0.1:
                rows = [quoted(row) for row in rows]
            return ("[" + ",".join(rows) + "]").encode("utf-8", "replace")
        pairs = [("stat", json_value(rng)), ("emsg", json_value(rng)), (rng.choice(_KEYS), json_value(rng))]
        return json_object(rng, [(quoted(name), text) for name, text in pairs]).encode("utf-8", "replace")

    def _row(self, rng: random.Random) -> str:
        pairs = rng.choice(self._rows)
        return json_object(rng, mutate_pairs(rng, pairs, _KEYS) if rng.random() < 0.8 else pairs)


class RestObjects(_Answers):
    """`parse_object`, and `quote_from_answer` on what it lets through."""

    name: ClassVar[str] = "REST objects"
    share: ClassVar[int] = 12

    def check(self, data: bytes) -> str:
        status, body = _status_and_body(data)
        try:
            answer = parse_object(status, body)
        except (BrokerError, WireError) as error:
            kind = _typed(error)
            expect(kind != "WireError" or not _says_ok(status, body), "refused an answer that is in order")
            return kind
        expect(_says_ok(status, body), "accepted what does not say Ok, with status", status)
        wire = read_json(body)
        for key in (("NSE", "22"), (text_in(wire.get("exch")) or "?", text_in(wire.get("token")) or "?")):
            try:
                quote = quote_from_answer(answer, expected=key)
            except WireError:
                found = (text_in(wire.get("exch")), text_in(wire.get("token")))
                expect(found != key or not all(found), "refused a quote of", key)
                continue
            renamed = {"e": "exch", "tk": "token", "ts": "tsym", "52h": "wk52_h", "52l": "wk52_l"}
            fields = {**wire, **{name: wire.get(source) for name, source in renamed.items()}}
            expect((text_in(fields["e"]), text_in(fields["tk"])) == key, "the quote of another instrument")
            check_fields(quote, {**fields, "ft": wire.get("lut")}, QUOTE_FIELDS, "e")
        return "accepted"


def _says_ok(status: int, body: bytes) -> bool:
    try:
        wire = read_json(body)
    except (ValueError, RecursionError):
        return False
    stat = wire.get("stat") if isinstance(wire, dict) else None
    return status < 500 and type(stat) is str and "".join(stat.replace("_", " ").upper().split()) == "OK"


def _check_damaged(body: bytes, rows: list[dict[str, Any]]) -> str:
    """Of an array that is no JSON as a whole: what can't be read stands as an empty row, beside others."""
    expect(body.strip()[-1:] == b"]", "took an array without an end")
    expect({} in rows and any(rows), "found", len(rows), "rows, and none of them damaged")
    return "damaged"


class RestRows(_Answers):
    """`parse_rows`, and what the rows become in each of the books."""

    name: ClassVar[str] = "REST rows"
    share: ClassVar[int] = 12

    def check(self, data: bytes) -> str:
        status, body = _status_and_body(data)
        try:
            rows = parse_rows(status, body)
        except (BrokerError, WireError) as error:
            return _typed(error)
        try:
            wire = read_json(body.removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError):
            return _check_damaged(body, rows)
        if not rows:
            said = wire.get("emsg") if isinstance(wire, dict) else None
            expect(isinstance(said, str) and "no data" in " ".join(said.lower().split()), "an empty book")
            return "no data"
        expect(isinstance(wire, list) and len(wire) == len(rows), "found", len(rows), "rows")
        for row, there in zip(rows, wire, strict=True):
            if isinstance(there, str):
                try:
                    there = read_json(there.encode("utf-8", "replace"))
                except (ValueError, RecursionError):
                    there = None
            if not isinstance(there, dict):
                expect(row == {}, "made a row of what is none")
                continue
            self._check_row(row, there)
        return "accepted"

    def _check_row(self, row: dict[str, Any], wire: Mapping[str, Any]) -> None:
        exchange, symbol = text_in(wire.get("exch")), text_in(wire.get("tsym"))
        try:
            update = order_update_from_row(
                row, broker_name="broker1", receive_time_ns=RECEIVED_NS, source=UpdateSource.RECONCILE
            )
            fill = fill_from_row(row, broker_name="broker1", receive_time_ns=RECEIVED_NS)
        except WireError:
            expect(not order_number(wire), "refused the row of", order_number(wire))
        else:
            message = read_order_message(row)
            check_fields(message, wire, ORDER_FIELDS, "exch")
            check_update(message, wire)
            expect(fill.order_id == update.order_id == order_number(wire), "the row of", fill.order_id)
            expect(fill.quantity == quantity_in(wire.get("flqty")), "filled", wire.get("flqty"))
            price = price_in(wire.get("flprc"), exchange)
            expect(fill.price == (price or None), "filled at", wire.get("flprc"))
        try:
            position = position_from_row(row, broker_name="broker1")
        except WireError:
            expect(not (exchange and symbol), "refused a position in", exchange, symbol)
            return
        expect((position.exchange, position.symbol) == (exchange, symbol), "a position in", symbol)
        net = number_in(wire.get("netqty"), -LARGEST_EXACT, LARGEST_EXACT)
        expect(position.net_quantity == net, "net", wire.get("netqty"), "read as", position.net_quantity)
        expect(position.ltp == price_in(wire.get("lp"), exchange), "last price", wire.get("lp"))
        average = number_in(wire.get("netavgprc"), -_MONEY, _MONEY)
        expect(position.net_average_price == average, "average price", wire.get("netavgprc"))
        expect(position.day_buy_quantity == quantity_in(wire.get("daybuyqty")), "bought")
        expect(position.realised_profit == number_in(wire.get("rpnl"), -_MONEY, _MONEY), "profit")
