"""Targets: what a broker's WebSocket sends, what a client's sends, and what becomes of both."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from dualbroker.errors import WireError
from dualbroker.model import FeedType, Instrument, InstrumentKind, OrderStatus, QuoteBatch, ReportType
from dualbroker.noren.frames import Hello, Subscribe, parse_client_frame
from dualbroker.noren.orders import OrderMessage, to_order_update
from dualbroker.noren.stream import QuoteMessage, StreamMessage, decode
from dualbroker.stores.orders import Ledger
from dualbroker.stores.quotes import QuoteStore

from .fields import ORDER_FIELDS, QUOTE_FIELDS, check_fields
from .material import Material
from .mutation import json_object, json_value, mutate_bytes, mutate_pairs, quoted
from .reference import expect, quantity_in, read_json, text_in

__all__ = ["ClientFrames", "Frames", "check_update"]

RECEIVED_NS = 1_800_000_000_000_000_000
_QUOTE_TYPES = ("tk", "tf", "dk", "df")
_KEYS = (*QUOTE_FIELDS, *ORDER_FIELDS, "t", "s", "k", "hk", "uid", "emsg", "susertoken", "x")
_WORDS = tuple(f'"{key}":'.encode() for key in _KEYS)
_REGISTERED = (("NSE", "22"), ("NSE", "2885"), ("NFO", "22"), ("MCX", "22"))


class Frames:
    """`decode`, and what it gives to the quote store and the ledger."""

    name: ClassVar[str] = "frames"
    share: ClassVar[int] = 30

    def __init__(self, material: Material) -> None:
        self._seeds = material.frames
        self._pairs = [material.pairs(seed) for seed in self._seeds]

    def make(self, rng: random.Random) -> bytes:
        choice = rng.random()
        if choice < 0.35:
            return mutate_bytes(rng, rng.choice(self._seeds), self._seeds, _WORDS)
        if choice < 0.85:
            pairs = mutate_pairs(rng, rng.choice(self._pairs), _KEYS)
            return json_object(rng, pairs).encode("utf-8", "surrogatepass")
        kind = rng.choice((*_QUOTE_TYPES, "om", "ck", "ak", "hk", "ok", "uk", "am", "zz"))
        exchange, token = rng.choice(_REGISTERED)
        fields = [("t", quoted(kind)), ("e", quoted(exchange)), ("tk", quoted(token))]
        fields += [(rng.choice(_KEYS), json_value(rng)) for _ in range(rng.randrange(8))]
        return json_object(rng, [(quoted(name), text) for name, text in fields]).encode("utf-8", "replace")

    def check(self, data: bytes) -> str:
        try:
            message = decode(data)
        except WireError as error:
            expect(0 < len(str(error)) < 300, "an error of", len(str(error)), "characters")
            self._expect_unusable(data)
            return "WireError"
        try:
            wire = read_json(data)
        except (ValueError, RecursionError):
            expect(False, "accepted what is no JSON as", type(message).__name__)
        expect(isinstance(wire, dict), "accepted what is no object")
        if isinstance(message, QuoteMessage):
            expect(wire["t"] == message.__struct_config__.tag, "type", wire["t"], "read as", type(message))
            check_fields(message, wire, QUOTE_FIELDS, "e")
            _check_store(message)
        elif isinstance(message, OrderMessage):
            expect(wire["t"] == "om", "type", wire["t"], "read as an order")
            check_fields(message, wire, ORDER_FIELDS, "exch")
            check_update(message, wire)
        else:
            expect(isinstance(message, StreamMessage), "found a", type(message))
        return "accepted"

    def _expect_unusable(self, data: bytes) -> None:
        """What was refused really is of no use."""
        try:
            wire = read_json(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(wire, dict) or type(wire.get("t")) is not str or not wire["t"]:
            return
        kind = wire["t"]
        if kind in _QUOTE_TYPES:
            usable = text_in(wire.get("e")) and text_in(wire.get("tk"))
            expect(not usable, "refused a quote of", wire.get("e"), wire.get("tk"))
        elif kind == "om":
            expect(not order_number(wire), "refused an order message of", order_number(wire))
        else:
            expect(kind in ("uk", "udk", "ok", "uok", "pk", "upk"), "refused a message of type", kind)


def order_number(wire: Mapping[str, Any]) -> str:
    """The order number that a message states, whichever way it is spelt; empty when there is none."""
    number = text_in(wire.get("norenordno")) or ""
    if not number.strip():
        number = text_in(wire.get("norenoordno")) or ""
    return number.strip() if len(number.strip()) <= 64 else ""


def check_update(message: OrderMessage, wire: Mapping[str, Any]) -> None:
    """What an order message becomes is true to it, and the ledger takes it."""
    update = to_order_update(message, broker_name="broker1", receive_time_ns=RECEIVED_NS)
    expect(update.order_id == order_number(wire), "order", order_number(wire), "read as", update.order_id)
    expect(update.broker_name == "broker1", "tagged", update.broker_name)
    expect(type(update.trading_day) is date, "trading day", update.trading_day)
    number = update.order_id
    if len(number) == 14 and number.isascii() and number.isdigit():
        try:
            day = date(2000 + int(number[:2]), int(number[2:4]), int(number[4:6]))
        except ValueError:
            pass
        else:
            expect(update.trading_day == day, "an order of", day, "put into", update.trading_day)
    for name in ("fill_time_ns", "order_time_ns", "exchange_time_ns", "event_time_ns"):
        moment = getattr(update, name)
        expect(moment is None or 0 <= moment < 2**63, name, moment)
    report = update.report_type
    is_fill = report in (ReportType.FILL, ReportType.UNKNOWN, None)
    expect(is_fill or update.fill_quantity is None, "a fill in a report", report)
    if update.status is OrderStatus.COMPLETE and report is ReportType.REJECTED:
        expect(quantity_in(wire.get("fillshares")), "a rejected order taken for a filled one")
    ledger = Ledger(max_events=4)
    event = ledger.apply(update)
    expect(event is not None, "the ledger saw nothing new in the first update of an order")
    expect(ledger.apply(update) is None, "the ledger took a repeat for news")
    state = ledger.states[update.key]
    filled = state.filled_quantity
    expect(filled is None or 0 <= filled <= 2**53, "a filled quantity of", filled)


def _check_store(message: QuoteMessage) -> None:
    """Only the instrument that the message names changes, and to what the message says."""
    store = QuoteStore(max_rows=8)
    for exchange, token in _REGISTERED:
        instrument = Instrument(
            exchange=exchange, token=token, symbol="X", name="X", kind=InstrumentKind.OTHER
        )
        store.set_source(store.register(instrument), "broker1")
    store.apply(QuoteBatch("broker1", RECEIVED_NS, [message]))
    index = store.index_of((message.exchange, message.token))
    indices, rows, _ = store.latest()
    if index is None:
        expect(store.stray_count == 1 and not len(indices), "a tick of nobody's instrument was stored")
        return
    expect(indices.tolist() == [index], "ticks stored of", indices.tolist(), "not of", index)
    for name in ("ltp", "bid", "ask", "volume", "open_interest", "feed_time"):
        said, stored = getattr(message, name), float(rows[name][0])
        expect(stored == said or (said is None and math.isnan(stored)), name, said, "stored as", stored)


class ClientFrames:
    """`parse_client_frame`: what the simulator's server reads."""

    name: ClassVar[str] = "client frames"
    share: ClassVar[int] = 6
    _keys = ("t", "uid", "actid", "susertoken", "accesstoken", "source", "k")

    def __init__(self, material: Material) -> None:
        self._seeds: Sequence[bytes] = material.client_frames
        self._pairs = [material.pairs(seed) for seed in self._seeds]

    def make(self, rng: random.Random) -> bytes:
        if rng.random() < 0.4:
            return mutate_bytes(rng, rng.choice(self._seeds), self._seeds, ())
        pairs = mutate_pairs(rng, rng.choice(self._pairs), self._keys)
        return json_object(rng, pairs).encode("utf-8", "replace")

    def check(self, data: bytes) -> str:
        try:
            frame = parse_client_frame(data)
        except WireError as error:
            expect(0 < len(str(error)) < 300, "an error of", len(str(error)), "characters")
            return "WireError"
        wire = read_json(data)
        if isinstance(frame, Hello):
            expect(frame.generation == wire["t"], "type", wire["t"], "read as", frame.generation)
            expect(frame.user_id == text_in(wire.get("uid"), 10**6), "user", wire.get("uid"))
            token = text_in(wire.get("susertoken" if wire["t"] == "c" else "accesstoken"), 10**6)
            expect(frame.token == (token or ""), "another token than was sent")
            shown = frame.token in repr(frame) and frame.token not in frame.source
            expect(len(frame.token) < 8 or not shown, "a token in a repr")
        elif isinstance(frame, Subscribe):
            expect(frame.on == (wire["t"] in ("t", "d")), "on", frame.on)
            depth = wire["t"] in ("d", "ud")
            expect((frame.feed_type is FeedType.DEPTH) == depth, wire["t"], "read as", frame.feed_type)
            joined = [f"{exchange}|{token}" for exchange, token in frame.keys]
            expect(joined == [piece for piece in wire["k"].split("#") if piece], "keys", wire["k"])
        return "accepted"
