from __future__ import annotations

from dualbroker.model import MessageKind
from dualbroker.stores.bandwidth import BandwidthStore


def test_each_second_holds_what_it_gained() -> None:
    store = BandwidthStore()
    quotes = store.add_broker("broker1")[MessageKind.QUOTES]
    quotes.bytes, quotes.messages = 100, 2
    store.close_second(10)
    quotes.bytes, quotes.messages = 250, 5
    store.close_second(11)
    rows = [row for row in store.history() if row.kind is MessageKind.QUOTES]
    assert [(row.second, row.bytes, row.messages) for row in rows] == [(10, 100, 2), (11, 150, 3)]
    assert store.totals()["broker1"][MessageKind.QUOTES].bytes == 250


def test_rates_are_means_over_the_last_seconds() -> None:
    store = BandwidthStore()
    quotes = store.add_broker("broker1")[MessageKind.QUOTES]
    for second in range(10):
        quotes.bytes += 100 if second >= 5 else 10_000
        store.close_second(second)
    assert store.rates(5)["broker1", MessageKind.QUOTES] == 100
    assert store.rates(5)["broker1", MessageKind.ORDERS] == 0


def test_history_has_a_bound() -> None:
    store = BandwidthStore(history_s=5)
    store.add_broker("broker1")
    for second in range(100):
        store.close_second(second)
    assert {row.second for row in store.history()} == {95, 96, 97, 98, 99}


def test_the_same_broker_keeps_its_counters() -> None:
    store = BandwidthStore()
    assert store.add_broker("broker1") is store.add_broker("broker1")
