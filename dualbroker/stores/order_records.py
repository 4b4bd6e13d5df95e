"""What there is to write down of a ledger, so that another one can be made equal to it; and its wire form.

Most of it is events. What changes a ledger without being one is a note: a doubt, a late message of the
stream, the steps that a history tells of. Pure.

Not written down, for the next reading of the books brings it again: fills of a trade book that wait for
their order's cumulative quantity, and when a book that said nothing new was read.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from dualbroker.model import OrderKey, OrderStatus, OrderUpdate
from dualbroker.stores.order_fills import fills_of
from dualbroker.stores.order_state import OrderState
from dualbroker.stores.order_steps import Step, StepRecord

__all__ = [
    "RECORD_VERSION",
    "HeardNote",
    "OrderEvent",
    "OrderRecord",
    "StateNote",
    "ToldNote",
    "changed_state",
    "changes_of",
    "decode_event",
    "decode_record",
    "encode_record",
    "key_of",
]

RECORD_VERSION = 1
"""The first byte of each encoded record. Fields that are only added need no other one."""


class OrderEvent(msgspec.Struct, frozen=True, tag="event", tag_field="record"):
    """An update that changed something, and what the order's state was after it."""

    sequence: int
    """Counts all events of this ledger, from 1."""
    update: OrderUpdate
    status: OrderStatus
    filled_quantity: float | None
    average_price: float | None
    symbol: str | None
    """Of the order, also where this update did not repeat it."""
    changes: bytes = b""
    """What it changed in the order's state (``changes_of``), for a ledger that follows this one."""

    @property
    def broker_name(self) -> str:
        return self.update.broker_name

    @property
    def order_id(self) -> str:
        return self.update.order_id


class StateNote(msgspec.Struct, frozen=True, tag="state", tag_field="record"):
    """A state that changed without an event: it is in doubt, or no longer."""

    key: OrderKey
    changes: bytes


class HeardNote(msgspec.Struct, frozen=True, tag="heard", tag_field="record"):
    """A message of the stream that changed nothing; brought again, it must not either."""

    update: OrderUpdate


class ToldNote(msgspec.Struct, frozen=True, tag="told", tag_field="record"):
    """Steps that a history tells of and the stream has not brought, though it may yet."""

    key: OrderKey
    steps: list[Step]


OrderRecord = OrderEvent | StateNote | HeardNote | ToldNote

_PLAIN_FIELDS = tuple(name for name in OrderState.__struct_fields__ if name not in ("key", "fills"))
_TYPES = {field.name: field.type for field in msgspec.structs.fields(OrderState)}
_Changes = msgspec.defstruct(
    "_Changes",
    [
        *((name, _TYPES[name] | msgspec.UnsetType, msgspec.UNSET) for name in (*_PLAIN_FIELDS, "fills")),
        ("book_ns", int, 0),
        ("book_second", int | None, None),
    ],
)
_encoder = msgspec.msgpack.Encoder()
_change_decoder = msgspec.msgpack.Decoder(_Changes)
_record_decoder: msgspec.msgpack.Decoder[OrderRecord] = msgspec.msgpack.Decoder(OrderRecord)
_NOTHING_KNOWN = OrderState(key=("", date.min, ""))


def changes_of(old: OrderState | None, new: OrderState, record: StepRecord | None) -> bytes:
    """What leads from one state of an order to the next: a MessagePack map of the fields that changed.

    Fills are only ever added, so those that are new stand in it. What the newest book said goes with it.
    """
    before = old or _NOTHING_KNOWN
    changes: dict[str, Any] = {
        name: value
        for name in _PLAIN_FIELDS
        if (value := getattr(new, name)) is not (known := getattr(before, name)) and value != known
    }
    if new.fills is not before.fills:
        fills = fills_of(new.fills).beyond(before.fills)
        if fills:
            changes["fills"] = fills
    if record is not None and record.book_ns:
        changes["book_ns"] = record.book_ns
        if record.book_second is not None:
            changes["book_second"] = record.book_second
    try:
        return _encoder.encode(changes)
    except (OverflowError, TypeError, ValueError):
        # Whatever a broker's code made of a message, its order is not lost for it.
        return _encoder.encode({name: value for name, value in changes.items() if _can_be_written(value)})


def _can_be_written(value: object) -> bool:
    try:
        _encoder.encode(value)
    except (OverflowError, TypeError, ValueError):
        return False
    return True


def changed_state(
    old: OrderState | None, key: OrderKey, changes: bytes, record: StepRecord | None
) -> OrderState:
    """The state after those changes, a new one; what the newest book said is put into the record.

    Raises
    ------
    ValueError
        These are no changes of a state.
    """
    given: Any = _change_decoder.decode(changes)
    state = OrderState(key=key) if old is None else msgspec.structs.replace(old)
    for name in _PLAIN_FIELDS:
        value = getattr(given, name)
        if value is not msgspec.UNSET:
            setattr(state, name, value)
    if given.fills is not msgspec.UNSET:
        state.fills = fills_of(state.fills).and_all(given.fills)
    if record is not None and given.book_ns:
        record.book_ns, record.book_second = given.book_ns, given.book_second
    return state


def key_of(record: OrderRecord) -> OrderKey:
    """The order that a record is about."""
    return record.key if isinstance(record, StateNote | ToldNote) else record.update.key


def encode_record(record: OrderRecord) -> bytes:
    """A record as bytes: a byte for the version, then MessagePack with named fields."""
    return bytes((RECORD_VERSION,)) + _encoder.encode(record)


def decode_record(content: bytes) -> OrderRecord:
    """The record of these bytes. Fields that this version does not know are passed over.

    Raises
    ------
    ValueError
        They are no record, or one of another version.
    """
    if content[:1] != bytes((RECORD_VERSION,)):
        found = content[0] if content else "nothing"
        raise ValueError(f"expected an order record of version {RECORD_VERSION}, found {found}")
    try:
        return _record_decoder.decode(memoryview(content)[1:])
    except msgspec.MsgspecError as error:
        # Not every version of msgspec makes its errors ValueErrors.
        raise ValueError(str(error)) from error


def decode_event(content: bytes) -> OrderEvent:
    """The event of these bytes.

    Raises
    ------
    ValueError
        They are no event, or one of another version.
    """
    record = decode_record(content)
    if not isinstance(record, OrderEvent):
        raise ValueError(f"expected an order event, found {type(record).__name__}")
    return record
