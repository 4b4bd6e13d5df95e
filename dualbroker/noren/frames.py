"""Frames to write: what a client sends and, for the simulator, how a server reads and answers it.

Protocol: sections 2.1 and 2.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from dualbroker.errors import WireError
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.noren.fields import join_keys, load_object, shorten, split_keys, text

__all__ = [
    "ClientFrame",
    "Generation",
    "Heartbeat",
    "Hello",
    "Subscribe",
    "SubscribeOrders",
    "SubscribePositions",
    "acknowledge",
    "connect_ack",
    "heartbeat",
    "heartbeat_ack",
    "hello",
    "order_frame",
    "parse_client_frame",
    "quote_frame",
    "subscribe",
    "subscribe_orders",
    "subscribe_positions",
    "unsubscribe",
    "unsubscribe_orders",
    "unsubscribe_positions",
]

Generation = Literal["c", "a"]
"""The first frame's type: ``c`` carries a user token (legacy), ``a`` an access token (v2)."""

_TOKEN_FIELD: Mapping[Generation, str] = {"c": "susertoken", "a": "accesstoken"}
_SUBSCRIBE_TYPE = {FeedType.TOUCHLINE: "t", FeedType.DEPTH: "d"}
_UNSUBSCRIBE_TYPE = {FeedType.TOUCHLINE: "u", FeedType.DEPTH: "ud"}


class Hello(msgspec.Struct, frozen=True):
    """The first frame: who connects, with which token."""

    generation: Generation
    user_id: str
    account_id: str
    token: str
    """Empty when the client sent none (its official library can send null)."""
    source: str = "API"

    def __repr__(self) -> str:
        return f"Hello(generation={self.generation!r}, source={self.source!r})"


class Subscribe(msgspec.Struct, frozen=True):
    """Quotes of these instruments on or off."""

    keys: tuple[InstrumentKey, ...]
    feed_type: FeedType
    on: bool


class SubscribeOrders(msgspec.Struct, frozen=True):
    """Order updates on or off."""

    account_id: str | None
    on: bool


class SubscribePositions(msgspec.Struct, frozen=True):
    """Position updates on or off; brokers answer only where they have enabled it."""

    account_id: str | None
    on: bool


class Heartbeat(msgspec.Struct, frozen=True):
    """A sign of life."""


ClientFrame = Hello | Subscribe | SubscribeOrders | SubscribePositions | Heartbeat


def hello(generation: Generation, *, user_id: str, account_id: str, token: str, source: str = "API") -> str:
    """The first frame of a connection."""
    return _text(
        {
            "t": generation,
            "uid": user_id,
            "actid": account_id,
            _TOKEN_FIELD[generation]: token,
            "source": source,
        }
    )


def subscribe(keys: Iterable[InstrumentKey], feed_type: FeedType) -> str:
    """Ask for quotes; the answer is a snapshot of each instrument, then deltas."""
    return _text({"t": _SUBSCRIBE_TYPE[feed_type], "k": join_keys(keys)})


def unsubscribe(keys: Iterable[InstrumentKey], feed_type: FeedType) -> str:
    """Ask for no more quotes."""
    return _text({"t": _UNSUBSCRIBE_TYPE[feed_type], "k": join_keys(keys)})


def subscribe_orders(account_id: str) -> str:
    """Ask for order updates. Do not wait for an acknowledgement: some brokers send none."""
    return _text({"t": "o", "actid": account_id})


def unsubscribe_orders() -> str:
    """Ask for no more order updates."""
    return _text({"t": "uo"})


def subscribe_positions(account_id: str) -> str:
    """Ask for position updates. The page names the frame only; the account is as in that of orders."""
    return _text({"t": "p", "actid": account_id})


def unsubscribe_positions() -> str:
    """Ask for no more position updates."""
    return _text({"t": "up"})


def heartbeat() -> str:
    """A sign of life, due every 30 seconds."""
    return _text({"t": "h"})


def parse_client_frame(raw: str | bytes) -> ClientFrame:
    """Read what a client sent, as a server does.

    Raises
    ------
    WireError
        It is no frame that this protocol page knows, or lacks a field that it needs.
    """
    wire = load_object(raw)
    kind = wire.get("t")
    if kind == "h":
        return Heartbeat()
    if kind == "c" or kind == "a":
        user_id = text(wire.get("uid"))
        if not user_id:
            raise WireError("expected a user id in field 'uid' of the first frame, found none")
        return Hello(
            generation=kind,
            user_id=user_id,
            account_id=text(wire.get("actid")) or user_id,
            token=text(wire.get(_TOKEN_FIELD[kind])) or "",
            source=text(wire.get("source")) or "",
        )
    for types, on in ((_SUBSCRIBE_TYPE, True), (_UNSUBSCRIBE_TYPE, False)):
        for feed_type, name in types.items():
            if kind == name:
                keys = split_keys(wire.get("k"))
                if not keys:
                    raise WireError("expected instruments in field 'k', found none")
                return Subscribe(keys, feed_type, on)
    if kind in ("o", "uo"):
        return SubscribeOrders(text(wire.get("actid")), kind == "o")
    if kind in ("p", "up"):
        return SubscribePositions(text(wire.get("actid")), kind == "p")
    found = repr(shorten(kind, 20)) if isinstance(kind, str) else type(kind).__name__
    raise WireError(f"expected a client frame's type (c, a, t, u, d, ud, o, uo, p, up, h), found {found}")


def connect_ack(generation: Generation, *, user_id: str, ok: bool = True, word: str | None = None) -> bytes:
    """``ck`` or ``ak``; ``word`` replaces OK or NOT_OK, for brokers that spell it otherwise."""
    return _bytes({"t": f"{generation}k", "uid": user_id, "s": word or ("OK" if ok else "NOT_OK")})


def heartbeat_ack(time_s: int) -> bytes:
    """``hk`` with the server's epoch seconds."""
    return _bytes({"t": "hk", "hk": str(time_s)})


def acknowledge(
    type: Literal["ok", "uk", "udk", "uok", "pk", "upk"], keys: Iterable[InstrumentKey] = ()
) -> bytes:
    """An acknowledgement other than those of the first frame, a heartbeat and a subscription."""
    joined = join_keys(keys)
    return _bytes({"t": type, "k": joined} if joined else {"t": type})


def quote_frame(type: Literal["tk", "tf", "dk", "df"], fields: Mapping[str, str]) -> bytes:
    """A quote; ``fields`` are wire names and texts (``{"e": "NSE", "tk": "22", "lp": "118.45"}``)."""
    return _bytes({"t": type, **fields})


def order_frame(fields: Mapping[str, str]) -> bytes:
    """An order update; ``fields`` are wire names and texts."""
    return _bytes({"t": "om", **fields})


def _bytes(wire: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(wire)


def _text(wire: Mapping[str, str]) -> str:
    return json.dumps(wire, separators=(",", ":"))
