"""Frames from a broker's WebSocket, decoded (protocol: section 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from dualbroker.errors import WireError
from dualbroker.model import InstrumentKey
from dualbroker.noren.fields import (
    epoch_seconds,
    load_object,
    normal_word,
    read_struct,
    shorten,
    split_keys,
    text,
)
from dualbroker.noren.orders import OrderMessage, read_order_message
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot

__all__ = [
    "NO_PLAIN_QUOTE",
    "Acknowledgement",
    "ConnectAck",
    "HeartbeatAck",
    "Notice",
    "StreamMessage",
    "decode",
    "decode_quote",
]


class ConnectAck(msgspec.Struct, frozen=True):
    """The answer to the first frame. A refusal does not close the socket: the client must."""

    ok: bool
    uid: str | None
    generation: Literal["c", "a"]
    """``c``: user token (``ck``); ``a``: access token (``ak``)."""
    message: str | None = None
    """What the broker said about a refusal."""


class HeartbeatAck(msgspec.Struct, frozen=True):
    """The answer to a heartbeat."""

    time_s: int | None
    """The server's epoch seconds."""


class Acknowledgement(msgspec.Struct, frozen=True):
    """``uk``, ``udk``: unsubscribed; ``ok``, ``uok``: orders on, off; ``pk``, ``upk``: positions.

    A subscription's acknowledgement is its snapshot.
    """

    type: str
    keys: tuple[InstrumentKey, ...] = ()


class Notice(msgspec.Struct, frozen=True):
    """``am`` alert, ``rm`` administrator, ``ms`` market status, ``pm`` position, or a type unknown to us."""

    type: str
    fields: Mapping[str, Any]
    """The frame without its type, and without what must not reach a log."""


QuoteMessage = TouchlineSnapshot | TouchlineDelta | DepthSnapshot | DepthDelta
StreamMessage = QuoteMessage | OrderMessage | ConnectAck | HeartbeatAck | Acknowledgement | Notice

decode_quote: Callable[[bytes], QuoteMessage] = msgspec.json.Decoder(QuoteMessage, strict=False).decode
"""Decodes a quote whose every field is in order, in one call; raises ``NO_PLAIN_QUOTE`` for all else."""
NO_PLAIN_QUOTE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_QUOTE_TYPES: Mapping[str, type[QuoteMessage]] = {
    "tk": TouchlineSnapshot,
    "tf": TouchlineDelta,
    "dk": DepthSnapshot,
    "df": DepthDelta,
}
_ACKNOWLEDGEMENTS = frozenset({"ok", "uk", "udk", "uok", "pk", "upk"})
_SECRET_FIELDS = frozenset({"susertoken", "accesstoken", "access_token", "refresh_token", "pwd", "pan"})


def decode(raw: bytes) -> StreamMessage:
    """Decode one text frame of a broker.

    A quote whose every field is in order costs one decoder call. Any other frame is read field by field:
    what can't be read is None, the rest is kept. So is every order, which is rare and spelt in many ways.

    Raises
    ------
    WireError
        It is no JSON object, has no type, or lacks what makes it usable: a quote without instrument,
        an order message without order number.
    """
    try:
        return decode_quote(raw)
    except NO_PLAIN_QUOTE:
        return _decode_carefully(raw)


def _decode_carefully(raw: bytes) -> StreamMessage:
    wire = load_object(raw)
    kind = wire.get("t")
    if not isinstance(kind, str) or not kind:
        raise WireError(f"expected a message type in field 't', found {type(kind).__name__}")
    if kind in _QUOTE_TYPES:
        return read_struct(_QUOTE_TYPES[kind], wire)
    if kind == "om":
        return read_order_message(wire)
    if kind in ("ck", "ak"):
        return _connect_ack("c" if kind == "ck" else "a", wire)
    if kind == "hk":
        return HeartbeatAck(epoch_seconds(wire.get("hk")))
    if kind in _ACKNOWLEDGEMENTS:
        return Acknowledgement(kind, split_keys(wire.get("k")))
    return Notice(
        shorten(kind, 20),
        {name: value for name, value in wire.items() if name != "t" and name.lower() not in _SECRET_FIELDS},
    )


def _connect_ack(generation: Literal["c", "a"], wire: Mapping[str, Any]) -> ConnectAck:
    answer = wire.get("s")
    ok = normal_word(answer) == "OK"
    message = None
    if not ok:
        said = text(wire.get("emsg")) or text(wire.get("message")) or text(answer)
        message = shorten(said) if said else "no status in the acknowledgement"
    return ConnectAck(ok, text(wire.get("uid")), generation, message)
