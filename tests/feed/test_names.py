"""Which subscribed instrument a name means."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from dualbroker.errors import AmbiguousInstrumentError, UnknownInstrumentError
from dualbroker.feed.names import SymbolNames, require_exchange
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


def test_a_second_name_in_the_place_of_the_exchange_says_to_pass_a_list() -> None:
    for call in (names_of(QuoteStore()).index_of, require_exchange):
        with pytest.raises(UnknownInstrumentError, match=r"pass a list: \['TCS-EQ', 'INFY-EQ'\]"):
            call("TCS-EQ", "INFY-EQ")
    require_exchange("TCS-EQ", "nse")


def test_a_list_where_one_name_is_meant_says_how_to_ask_for_each() -> None:
    with pytest.raises(UnknownInstrumentError, match="found a list; ask for each by itself"):
        names_of(QuoteStore()).index_of(["NIFTY"])  # type: ignore[arg-type]


def test_a_mistyped_name_names_the_closest_that_is_subscribed() -> None:
    store = QuoteStore()
    store.register(instrument("NSE", "1"))
    with pytest.raises(UnknownInstrumentError, match="never subscribed here; closest: NSE:ABC-EQ"):
        names_of(store).index_of("ABD")


def test_a_name_that_the_masters_know_says_how_to_subscribe_it() -> None:
    source = SimpleNamespace(quotes=QuoteStore(), named_by_master=lambda *_: instrument("NSE", "1"))
    with pytest.raises(UnknownInstrumentError, match=r"feed\.subscribe\('NSE:ABC-EQ'\) streams it"):
        SymbolNames(cast(FeedSource, source)).index_of("ABC")
