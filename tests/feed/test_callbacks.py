from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dualbroker.errors import CallbackError
from dualbroker.feed import callbacks
from dualbroker.feed.callbacks import OrderCallbacks, QuoteCallbacks
from dualbroker.manager.source import FeedSource
from dualbroker.model import Quote
from dualbroker.stores.orders import OrderEvent
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


@pytest.fixture
def orders() -> Iterator[OrderCallbacks]:
    listening = OrderCallbacks()
    yield listening
    listening.close()
    wait_until(lambda: not any(thread.name == "dualbroker-orders" for thread in threading.enumerate()))


def put(listening: OrderCallbacks, *messages: str) -> None:
    for message in messages:
        listening.put(cast(OrderEvent, message))


def test_a_coroutine_function_is_awaited_once_for_each_message_in_order(orders: OrderCallbacks) -> None:
    seen: list[str] = []

    async def note(message: object) -> None:
        await asyncio.sleep(0)
        seen.append(str(message))

    orders.add(note)
    put(orders, "a", "b", "c")
    wait_until(lambda: len(seen) == 3)
    assert seen == ["a", "b", "c"]


def test_what_gives_a_coroutine_is_awaited_as_well(orders: OrderCallbacks) -> None:
    seen: list[str] = []

    class Notes:
        async def __call__(self, message: object) -> None:
            seen.append(str(message))

    notes = Notes()
    orders.add(notes)
    orders.add(lambda message: notes(message))
    put(orders, "a")
    wait_until(lambda: seen == ["a", "a"])


def test_a_coroutine_that_fails_is_logged_and_the_next_message_comes(
    orders: OrderCallbacks, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    async def note(message: object) -> None:
        seen.append(str(message))
        raise RuntimeError("in a coroutine")

    orders.add(note)
    put(orders, "a", "b")
    wait_until(lambda: seen == ["a", "b"])
    wait_until(lambda: "RuntimeError: in a coroutine" in caplog.text)


def test_a_coroutine_that_waits_for_ever_ends_with_the_feed(orders: OrderCallbacks) -> None:
    begun = threading.Event()
    ended = threading.Event()

    async def wait(message: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    orders.add(wait)
    put(orders, "a")
    assert begun.wait(10)
    orders.close()
    assert ended.wait(10)


def _two(first: object, second: object) -> None: ...
def _none() -> None: ...
def _named(*, message: object) -> None: ...
def _yields(message: object) -> Iterator[object]:
    yield message


async def _yields_async(message: object) -> AsyncIterator[object]:
    yield message


@pytest.mark.parametrize("wrong", [_two, _none, _named, _yields, _yields_async, None, "print"])
def test_what_can_not_be_called_back_with_one_argument_is_refused(orders: OrderCallbacks, wrong: Any) -> None:
    with pytest.raises(CallbackError, match="expected a function"):
        orders.add(wrong)
    with pytest.raises(TypeError):
        orders.add(wrong)


def test_functions_of_c_and_optional_arguments_are_callbacks(orders: OrderCallbacks) -> None:
    seen: list[object] = []

    def note(message: object, more: int = 0, *rest: object, **named: object) -> None:
        seen.append(message)

    orders.add(seen.append)
    orders.add(note)
    orders.add(print)
    put(orders, "a")
    wait_until(lambda: seen == ["a", "a"])
