from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dualbroker.manager.subscriptions import SubscriptionBook, SubscriptionChange
from dualbroker.model import FeedType, InstrumentKey

A, B = ("NSE", "1"), ("NFO", "1")


def test_the_last_holder_to_let_go_ends_the_stream() -> None:
    book = SubscriptionBook()
    assert book.add("one", [A], FeedType.TOUCHLINE).subscribe == {FeedType.TOUCHLINE: [A]}
    assert book.add("two", [A], FeedType.TOUCHLINE).subscribe == {}
    assert book.remove("one", [A]).unsubscribe == []
    assert book.remove("two", [A]).unsubscribe == [A]


def test_depth_wins_and_falls_back_to_touchline() -> None:
    book = SubscriptionBook()
    book.add("one", [A], FeedType.TOUCHLINE)
    assert book.add("two", [A], FeedType.DEPTH).subscribe == {FeedType.DEPTH: [A]}
    change = book.remove("two")
    assert change == SubscriptionChange({FeedType.TOUCHLINE: [A]}, [])


def test_letting_go_of_what_was_never_held_does_nothing() -> None:
    book = SubscriptionBook()
    book.add("one", [A], FeedType.TOUCHLINE)
    assert book.remove("two", [A, B]) == SubscriptionChange({}, [])
    assert book.holders(A) == {"one"}


KEYS = st.lists(st.sampled_from([A, B, ("NSE", "2")]), max_size=4)
HOLDERS = st.sampled_from(["one", "two", "three"])
KINDS = st.sampled_from(list(FeedType))


class CountedByHolder(RuleBasedStateMachine):
    """What the broker was told always equals what the holders want."""

    def __init__(self) -> None:
        super().__init__()
        self.book = SubscriptionBook()
        self.wanted: dict[tuple[str, InstrumentKey], FeedType] = {}
        self.streamed: dict[InstrumentKey, FeedType] = {}

    def _tell(self, change: SubscriptionChange) -> None:
        for kind, keys in change.subscribe.items():
            for key in keys:
                assert self.streamed.get(key) is not kind, "asked for what is streamed already"
                self.streamed[key] = kind
        for key in change.unsubscribe:
            del self.streamed[key]

    @rule(holder=HOLDERS, keys=KEYS, kind=KINDS)
    def add(self, holder: str, keys: list[InstrumentKey], kind: FeedType) -> None:
        self._tell(self.book.add(holder, keys, kind))
        self.wanted.update({(holder, key): kind for key in keys})

    @rule(holder=HOLDERS, keys=KEYS)
    def remove(self, holder: str, keys: list[InstrumentKey]) -> None:
        self._tell(self.book.remove(holder, keys))
        for key in keys:
            self.wanted.pop((holder, key), None)

    @rule(holder=HOLDERS)
    def release(self, holder: str) -> None:
        self._tell(self.book.remove(holder))
        self.wanted = {entry: kind for entry, kind in self.wanted.items() if entry[0] != holder}

    @invariant()
    def streamed_is_wanted(self) -> None:
        expected: dict[InstrumentKey, FeedType] = {}
        for (_, key), kind in self.wanted.items():
            expected[key] = FeedType.DEPTH if FeedType.DEPTH in (kind, expected.get(key)) else kind
        assert self.streamed == expected
        assert self.book.wanted() == expected


TestCountedByHolder = CountedByHolder.TestCase
