"""The steps of an order's life: which the stream has brought, and which a history only tells of. Pure.

A step has no number of its own on the wire. Two messages mean the same one when what they say agrees,
and a history's row is told from its equals (a price changed there and back) by the broker's second.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dualbroker.clock import NS_PER_S
from dualbroker.model import OrderStatus, OrderUpdate, ReportType

__all__ = ["MOST_STEPS", "Step", "StepRecord", "match_steps", "signature", "step_of"]

MOST_STEPS = 1000
"""Steps of one order that are remembered, so that a repeat is known as one; the oldest go first."""


Signature = tuple[object, ...]


class Step(NamedTuple):
    """What a message says of one step, as far as stream and history both say it."""

    status: OrderStatus | None
    report_type: ReportType | None
    filled_quantity: float | None
    quantity: float | None
    price: float | None
    trigger_price: float | None
    second: int | None
    """By the broker's clock."""
    receive_time_ns: int

    def equals(self, other: Step) -> bool:
        """Whether both say the same; brokers leave a cumulative quantity of zero out."""
        return self.agrees(other) and (self.filled_quantity or 0.0) == (other.filled_quantity or 0.0)

    def agrees(self, other: Step) -> bool:
        """Whether both may mean the same step; what one leaves out contradicts nothing."""
        return all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in zip(self[:6], other[:6], strict=True)
        )


class StepRecord:
    """What the stream and histories have said of one order. Not part of its state."""

    __slots__ = (
        "ahead_event_ns",
        "book_ns",
        "book_second",
        "filled_said",
        "signatures",
        "statuses_said",
        "steps",
        "told",
    )

    def __init__(self) -> None:
        self.signatures: dict[Signature, None] = {}
        """Of each different message that the stream has brought."""
        self.steps: deque[Step] = deque(maxlen=MOST_STEPS)
        """Those same messages, oldest arrival first."""
        self.told: deque[Step] = deque(maxlen=MOST_STEPS)
        """Steps that a history tells of and the stream has not brought."""
        self.statuses_said: set[OrderStatus] = set()
        self.filled_said = 0.0
        """The highest cumulative quantity that the stream has said."""
        self.book_ns = 0
        """When the newest book that counted was received: what was asked for before that may be older."""
        self.book_second: int | None = None
        """The broker's second in the newest row of a book."""
        self.ahead_event_ns: int | None = None
        """The broker's time of the stream's first step that the newest history did not tell of."""

    def note_stream(self, update: OrderUpdate, own_signature: Signature) -> bool:
        """Write down a message of the stream; whether a history has told of its step before."""
        if update.filled_quantity is None and update.fill_id is not None:
            # A broker without the cumulative figure: its fills add up to it.
            self.filled_said += update.fill_quantity or 0.0
        self.note_said(update)
        self.signatures[own_signature] = None
        if len(self.signatures) > MOST_STEPS:
            del self.signatures[next(iter(self.signatures))]
        step = step_of(update)
        self.steps.append(step)
        ahead, event_ns = self.ahead_event_ns, update.event_time_ns
        if ahead is not None and event_ns is not None and event_ns > ahead:
            return False
        for is_same in (Step.equals, Step.agrees):
            for place, told in enumerate(self.told):
                # Without the second a step of today might be taken for one of long ago.
                if told.second is not None and told.second == step.second and is_same(told, step):
                    del self.told[place]
                    return True
        return False

    def note_ahead(self, update: OrderUpdate) -> None:
        """A step of the stream is news, so what the broker dates later is news too."""
        if self.ahead_event_ns is None and self.told:
            self.ahead_event_ns = update.event_time_ns

    def note_told(self, steps: Iterable[Step]) -> None:
        """Write down what the newest history tells of."""
        self.told.extend(steps)
        self.ahead_event_ns = None

    def note_said(self, update: OrderUpdate) -> None:
        """Remember how far the stream has got; also of a repeat."""
        if update.status is not None:
            self.statuses_said.add(update.status)
        self.filled_said = max(self.filled_said, update.filled_quantity or 0.0)

    def has_brought(self, update: OrderUpdate) -> bool:
        """Whether the stream has brought the step that this row tells of."""
        wanted = step_of(update)
        return any(step[:2] == wanted[:2] and step.agrees(wanted) for step in self.steps)


def step_of(update: OrderUpdate) -> Step:
    """The step that an update reports."""
    time_ns = update.order_time_ns if update.order_time_ns is not None else update.event_time_ns
    return Step(
        update.status,
        update.report_type,
        update.filled_quantity,
        update.quantity,
        update.price,
        update.trigger_price,
        None if time_ns is None else time_ns // NS_PER_S,
        update.receive_time_ns,
    )


def match_steps(rows: Sequence[Step], known: Iterable[Step]) -> tuple[set[int], list[Step]]:
    """Which rows are known steps, and the known steps that no row means. Each counts once.

    Equal seconds are paired first; the rest in order, for a broker's clock may have been set.
    """
    left = list(known)
    matched: set[int] = set()
    for same_second, is_same in (
        (True, Step.equals),
        (True, Step.agrees),
        (False, Step.equals),
        (False, Step.agrees),
    ):
        by_word: defaultdict[tuple[object, object], list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            if place not in matched:
                by_word[row.status, row.report_type].append(place)
        unmatched: list[Step] = []
        for step in left:
            places = by_word[step.status, step.report_type]
            found = next(
                (
                    p
                    for p in places
                    if is_same(rows[p], step) and (rows[p].second == step.second or not same_second)
                ),
                None,
            )
            if found is None:
                unmatched.append(step)
            else:
                matched.add(found)
                places.remove(found)
        left = unmatched
    return matched, left


def signature(update: OrderUpdate) -> Signature:
    """Equal for two messages that report the same step of the same order (protocol: section 2.4)."""
    return (
        update.status,
        update.report_type,
        update.filled_quantity,
        update.fill_id,
        update.event_time_ns,
        update.exchange_time_ns,
        update.quantity,
        update.price,
        update.trigger_price,
        update.average_price,
        update.reject_reason,
        update.raw_status if update.status is OrderStatus.UNKNOWN else None,
    )
