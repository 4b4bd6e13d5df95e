"""What is wrong, in words."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dualbroker.clock import IST
from dualbroker.config import Config, demo_config
from dualbroker.manager import WebSocketManager
from dualbroker.manager.subscriptions import SubscriptionBook
from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Role
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.view.problems import feed_problems


def health(name: str = "broker1", **changes: Any) -> BrokerHealth:
    fields = {
        "broker_type": "simulated",
        "account": "FA**01",
        "simulated": True,
        "state": BrokerState.LIVE,
        "role": Role.PRIMARY,
    }
    return BrokerHealth(broker_name=name, **{**fields, **changes})


def problems(
    *brokers: BrokerHealth,
    primary: str | None = "broker1",
    now_ns: int = 0,
    config: Config | None = None,
    exchanges: tuple[str, ...] = ("NFO",),
) -> list[str]:
    config = config or demo_config(len(brokers))
    book = SubscriptionBook()
    book.add("test", [(exchange, "1") for exchange in exchanges], FeedType.TOUCHLINE)
    manager = SimpleNamespace(
        config=config,
        market_hours=MarketHours.always() if config.is_simulated else config.market_hours.market_hours(),
        subscriptions=SimpleNamespace(book=book),
        health={broker.broker_name: broker for broker in brokers},
        primary=primary,
    )
    return feed_problems(cast(WebSocketManager, manager), now_ns)


def live_config() -> Config:
    return Config.model_validate(
        {
            "brokers": {
                "broker1": {
                    "type": "flattrade",
                    "user_id": "FT0001",
                    "api_key": "key",
                    "api_secret": "secret",
                }
            }
        }
    )


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()) * 1_000_000_000


def test_all_is_well() -> None:
    assert problems(health(), health("broker2", role=Role.SECONDARY)) == []
    assert problems(health(), health("broker2", role=Role.SECONDARY, state=BrokerState.POLLING)) == []


def test_each_broker_says_what_is_wrong_with_it() -> None:
    parked = health("broker2", state=BrokerState.PARKED, problem="login refused; fix it in config.yaml")
    assert problems(health(), parked) == ["broker2: parked: login refused; fix it in config.yaml"]
    (book,) = problems(health(book_problem="timed out"))
    assert "orders may be missing: timed out" in book
    (waiting,) = problems(health(subscriptions=3, acknowledged=1))
    assert waiting.startswith("broker1: 2 of 3 instruments have no quote yet")


def test_nobody_carries_quotes() -> None:
    polling = health(role=Role.SECONDARY, state=BrokerState.POLLING)
    assert problems(polling, primary=None) == ["no broker carries quotes yet"]


def test_connected_and_silent_is_not_well() -> None:
    second = 1_000_000_000
    quiet = health(subscriptions=1, acknowledged=1, connected_since_ns=second, last_quote_ns=2 * second)
    assert problems(quiet, now_ns=10 * second) == []
    (problem,) = problems(quiet, now_ns=30 * second)
    assert problem.startswith("broker1: no quote for 28 s")
    assert problems(health(connected_since_ns=second), now_ns=30 * second) == [], "nothing is subscribed"


@pytest.mark.parametrize(
    ("moment", "exchanges", "expected"),
    [
        ("2026-03-10T11:00:00", ("NFO",), True),
        ("2026-03-10T09:15:30", ("NFO",), False),  # open for half a minute
        ("2026-03-10T09:16:00", ("NFO",), True),
        ("2026-03-10T15:30:00", ("NFO",), False),
        ("2026-03-10T20:00:00", ("NFO", "NSE"), False),
        ("2026-03-10T20:00:00", ("NFO", "MCX"), True),
        ("2026-03-14T11:00:00", ("NFO",), False),  # a Saturday
        ("2026-03-26T11:00:00", ("NFO", "MCX"), False),  # Ram Navami
    ],
)
def test_a_live_feed_may_be_silent_while_the_market_is_closed(
    moment: str, exchanges: tuple[str, ...], expected: bool
) -> None:
    now_ns = at(moment)
    quiet = health(
        simulated=False, subscriptions=1, acknowledged=1, connected_since_ns=now_ns - 300_000_000_000
    )
    said = problems(quiet, now_ns=now_ns, config=live_config(), exchanges=exchanges)
    assert bool(said) is expected


def test_a_replay_may_wait() -> None:
    config = Config.model_validate(
        {"brokers": {"broker1": {"type": "simulated"}}, "simulator": {"hold": True}}
    )
    quiet = health(subscriptions=1, acknowledged=1, connected_since_ns=0)
    assert problems(quiet, now_ns=60_000_000_000, config=config) == []
