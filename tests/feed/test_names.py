"""Which subscribed instrument a name means."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from dualbroker.errors import AmbiguousInstrumentError
from dualbroker.feed.names import SymbolNames
from dualbroker.manager.source import FeedSource
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.stores.quotes import QuoteStore


def instrument(exchange: str, token: str) -> Instrument:
    return Instrument(exchange=exchange, token=token, symbol="ABC-EQ", name="ABC", kind=InstrumentKind.EQUITY)


def names_of(store: QuoteStore) -> SymbolNames:
    source = SimpleNamespace(quotes=store, named_by_master=lambda name, exchange: None)
    return SymbolNames(cast(FeedSource, source))


def test_a_symbol_that_came_back_with_another_token_means_the_newer_instrument() -> None:
    store = QuoteStore()
    names = names_of(store)
    old = store.register(instrument("NSE", "1"))
    assert names.index_of("ABC") == old
    store.retire(old)
    new = store.register(instrument("NSE", "2"))
    assert names.index_of("ABC") == new


def test_one_symbol_of_two_exchanges_is_ambiguous() -> None:
    store = QuoteStore()
    names = names_of(store)
    store.register(instrument("NSE", "1"))
    store.register(instrument("BSE", "1"))
    with pytest.raises(AmbiguousInstrumentError, match="NSE:ABC-EQ or BSE:ABC-EQ"):
        names.index_of("ABC")
