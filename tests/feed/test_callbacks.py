from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from dualbroker.feed import callbacks
from dualbroker.feed.callbacks import QuoteCallbacks
from dualbroker.manager.source import FeedSource
from dualbroker.model import Quote
from tests.polling import wait_until
from tests.stores.test_quotes import apply, delta, store_with


@pytest.mark.parametrize("max_rows", [1000, 8], ids=["all kept", "oldest dropped"])
def test_a_callback_that_lags_gets_the_latest_of_each_instrument_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch, max_rows: int
) -> None:
    monkeypatch.setattr(callbacks, "MOST_ROWS_BEHIND", 5)
    store = store_with("1", "2", max_rows=max_rows)
    seen: list[Quote] = []
    listening = QuoteCallbacks(cast(FeedSource, SimpleNamespace(quotes=store)))
    listening.add(seen.append)
    try:
        for price in range(1, 11):
            apply(store, delta("1", ltp=float(price)), delta("2", ltp=float(100 * price)))
        listening.wake()
        wait_until(lambda: len(seen) == 2)
        assert {quote.token: quote.ltp for quote in seen} == {"1": 10.0, "2": 1000.0}
        assert listening.passed_over == 18
        apply(store, delta("1", ltp=11.0))
        listening.wake()
        wait_until(lambda: len(seen) == 3)
        assert (seen[-1].ltp, listening.passed_over) == (11.0, 18)
    finally:
        listening.close()
