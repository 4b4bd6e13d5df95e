from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dualbroker.model import FeedType, InstrumentKey
from dualbroker.routing.holders import Holders

A, B = ("NSE", "1"), ("NFO", "1")


def test_the_last_holder_to_release_ends_the_want() -> None:
    holders = Holders()
    holders.add("one", [A], FeedType.TOUCHLINE)
    holders.add("two", [A], FeedType.TOUCHLINE)
    holders.remove("one", [A])
    assert holders.wanted == {A: FeedType.TOUCHLINE}
    holders.remove("two", [A])
    assert holders.wanted == {}


def test_depth_wins_and_falls_back_to_touchline() -> None:
    holders = Holders()
    holders.add("one", [A], FeedType.TOUCHLINE)
    holders.add("two", [A], FeedType.DEPTH)
    assert holders.wanted == {A: FeedType.DEPTH}
    holders.remove("two")
    assert holders.wanted == {A: FeedType.TOUCHLINE}


def test_releasing_what_was_never_held_does_nothing() -> None:
    holders = Holders()
    holders.add("one", [A], FeedType.TOUCHLINE)
    holders.remove("two", [A, B])
    assert holders.of(A) == {"one"}


def test_an_instrument_under_a_new_key_is_held_by_whoever_held_it() -> None:
    holders = Holders()
    holders.add("one", [A], FeedType.DEPTH)
    holders.add("two", [A, B], FeedType.TOUCHLINE)
    holders.inherit(B, holders.discard(A))
    assert holders.wanted == {B: FeedType.DEPTH}
    assert holders.of(B) == {"one", "two"}
    assert holders.discard(("NSE", "9")) == {}


KEYS = st.lists(st.sampled_from([A, B, ("NSE", "2")]), max_size=4)
HOLDERS = st.sampled_from(["one", "two", "three"])
KINDS = st.sampled_from(list(FeedType))


class CountedByHolder(RuleBasedStateMachine):
    """What is kept as wanted always equals what the holders want."""

    def __init__(self) -> None:
        super().__init__()
        self.holders = Holders()
        self.held: dict[tuple[str, InstrumentKey], FeedType] = {}

    @rule(holder=HOLDERS, keys=KEYS, kind=KINDS)
    def add(self, holder: str, keys: list[InstrumentKey], kind: FeedType) -> None:
        self.holders.add(holder, keys, kind)
        self.held.update({(holder, key): kind for key in keys})

    @rule(holder=HOLDERS, keys=KEYS)
    def remove(self, holder: str, keys: list[InstrumentKey]) -> None:
        self.holders.remove(holder, keys)
        for key in keys:
            self.held.pop((holder, key), None)

    @rule(holder=HOLDERS)
    def release(self, holder: str) -> None:
        self.holders.remove(holder)
        self.held = {entry: kind for entry, kind in self.held.items() if entry[0] != holder}

    @rule(key=st.sampled_from([A, B]))
    def discard(self, key: InstrumentKey) -> None:
        self.holders.discard(key)
        self.held = {entry: kind for entry, kind in self.held.items() if entry[1] != key}

    @invariant()
    def wanted_is_held(self) -> None:
        expected: dict[InstrumentKey, FeedType] = {}
        for (_, key), kind in self.held.items():
            expected[key] = FeedType.DEPTH if FeedType.DEPTH in (kind, expected.get(key)) else kind
        assert self.holders.wanted == expected
        assert self.holders.exchanges == Counter(exchange for exchange, _ in expected)


TestCountedByHolder = CountedByHolder.TestCase
