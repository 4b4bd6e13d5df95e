"""Whether the market is open, in words."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dualbroker.clock import IST
from dualbroker.manager import WebSocketManager
from dualbroker.manager.subscriptions import SubscriptionBook
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Role
from dualbroker.stores.health import BrokerHealth
from dualbroker.view.market import market_words, quiet_words


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()) * 1_000_000_000


def manager(*keys: tuple[str, str], hours: MarketHours | None = None) -> WebSocketManager:
    book = SubscriptionBook()
    book.add("user", keys, FeedType.TOUCHLINE)
    made = SimpleNamespace(market_hours=hours or MarketHours(), subscriptions=SimpleNamespace(book=book))
    return cast(WebSocketManager, made)


def health(**changes: Any) -> BrokerHealth:
    fields: dict[str, Any] = {"role": Role.PRIMARY, **changes}
    return BrokerHealth(
        broker_name="broker1", broker_type="flattrade", account="FT**01", simulated=False, **fields
    )


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-03-10T11:00:00", "market open"),
        ("2026-03-10T08:00:00", "market closed, opens 09:15"),
        ("2026-03-10T18:00:00", "market closed, opens Wed 11 Mar 09:15"),
        ("2026-03-13T18:00:00", "market closed, opens Mon 16 Mar 09:15"),
    ],
)
def test_a_closed_market_says_when_it_opens(moment: str, words: str) -> None:
    assert market_words(manager(("NSE", "2885")), at(moment)) == words


def test_it_is_open_while_any_exchange_that_is_watched_is() -> None:
    evening = at("2026-03-10T18:00:00")
    assert market_words(manager(("NSE", "2885"), ("MCX", "1")), evening) == "market open"
    assert market_words(manager(), at("2026-03-10T11:00:00")) == "market open", "NSE when nothing is watched"


def test_the_simulated_market_never_closes() -> None:
    assert market_words(manager(hours=MarketHours.always()), at("2026-03-14T03:00:00")) == "market open"


def test_silence_after_the_close_is_no_fault_and_says_when_the_last_quote_came() -> None:
    closed = at("2026-03-10T18:00:00")
    share = manager(("NSE", "2885"))
    last = at("2026-03-10T15:29:59")
    assert quiet_words(share, health(last_quote_ns=last), closed) == "market closed, last 15:29:59"
    next_day = quiet_words(share, health(last_quote_ns=last), at("2026-03-11T08:00:00"))
    assert next_day == "market closed, last Tue 10 Mar 15:29:59"
    assert quiet_words(share, health(), closed) == "market closed, no quote yet"


def test_only_the_broker_that_carries_quotes_is_quiet_and_only_while_closed() -> None:
    share = manager(("NSE", "2885"))
    assert quiet_words(share, health(role=Role.SECONDARY), at("2026-03-10T18:00:00")) == ""
    assert quiet_words(share, health(), at("2026-03-10T11:00:00")) == ""
