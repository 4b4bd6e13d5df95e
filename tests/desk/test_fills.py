"""Each fill with the quote that was in force."""

from __future__ import annotations

import pytest

from dualbroker.desk.fills import JoinedFill, joined
from dualbroker.model import FillReport, Instrument, InstrumentKind, QuoteBatch
from dualbroker.noren.quotes import TouchlineSnapshot
from dualbroker.stores.quotes import QuoteStore
from tests.desk.made import NS, T0, fill

X = Instrument(exchange="NFO", token="1", symbol="X", name="X", kind=InstrumentKind.OTHER)


def store(*seconds: int) -> QuoteStore:
    quotes = QuoteStore()
    quotes.routes.broker_names.append("broker1")
    quotes.set_source(quotes.register(X), "broker1")
    for second in seconds:
        update = TouchlineSnapshot(
            exchange="NFO", token="1", ltp=100.0 + second, bid=99.0 + second, ask=101.0 + second
        )
        quotes.apply(QuoteBatch("broker1", T0 + second * NS, [update]))
    return quotes


def only(report: FillReport, quotes: QuoteStore) -> JoinedFill:
    (found,) = joined([report], quotes)
    return found


def test_a_fill_has_the_last_quote_before_it_and_says_how_old_that_was() -> None:
    bought = only(fill("B", 75, 103.5, 3), store(0, 2, 5))
    assert (bought.bid, bought.ask, bought.ltp, bought.quote_age_s) == (101.0, 103.0, 102.0, 1.0)
    assert bought.slippage == pytest.approx(0.5)
    sold = only(fill("S", 75, 101.5, 3), store(0, 2, 5))
    assert sold.slippage == pytest.approx(-0.5)


def test_a_fill_of_a_trade_book_is_known_to_the_second_and_never_sees_a_later_quote() -> None:
    found = only(fill("B", 75, 103.5, 5, receive_time_ns=None), store(0, 2, 5, 6))
    assert (found.to_the_second, found.ltp) == (True, 105.0)
    assert only(fill("B", 75, 103.5, 4, receive_time_ns=None), store(0, 2, 5)).ltp == 102.0


def test_without_a_quote_nothing_is_known() -> None:
    for report, quotes in (
        (fill("B", 75, 103.5, 1), store(2)),
        (fill("B", 75, 103.5, 1, symbol="Y", token="9"), store(0)),
        (fill("B", 75, None, 1), store(0)),
    ):
        assert only(report, quotes).slippage is None
