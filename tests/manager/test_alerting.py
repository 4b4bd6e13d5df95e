"""Alerts of a running feed: what is told, once, and where it goes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import cast

import msgspec
import pytest

from dualbroker.alerts.delivery import Target
from dualbroker.clock import IST
from dualbroker.errors import UnknownInstrumentError
from dualbroker.manager import WebSocketManager
from dualbroker.market_hours import MarketHours
from dualbroker.model import OrderStatus
from dualbroker.stores.alerts import Alert
from dualbroker.stores.health import BrokerState
from tests.simulated import World, eventually, run_world

SHARE = "NSE:RELIANCE-EQ"
QUIET = {"orders_per_minute": 0.0}


def told(manager: WebSocketManager, *rules: str) -> list[tuple[str, str]]:
    return [(each.rule, each.state) for each in manager.alerts.snapshot() if not rules or each.rule in rules]


def test_a_broker_that_is_down_is_told_once_and_when_it_is_back() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            world.simulation.set_faults("broker2", refuse=True)
            world.drop("broker2")
            await eventually(lambda: bool(told(manager, "broker_down")), within_s=60)
            await asyncio.sleep(120)
            assert told(manager, "broker_down") == [("broker_down", "raised")]
            world.simulation.set_faults("broker2", refuse=False)
            await eventually(lambda: len(told(manager, "broker_down")) == 2, within_s=300)
            assert told(manager, "broker_down")[1] == ("broker_down", "resolved")
            assert manager.alerts.snapshot()[-1].words == "broker2 is up again"

    run_world(story, **QUIET)


def test_a_failover_is_told_and_a_hand_over_is_not() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", SHARE], "NSE")
            await manager.set_quote_source("broker2")
            await asyncio.sleep(5)
            assert told(manager, "failover") == []
            world.simulation.set_faults("broker2", refuse=True)
            world.drop("broker2")
            await eventually(lambda: bool(told(manager, "failover")), within_s=60)
            [alert] = [each for each in manager.alerts.snapshot() if each.rule == "failover"]
            assert alert.words.startswith("quotes move from broker2 to broker1: ")

    run_world(story, **QUIET)


def test_rejections_are_told_and_those_of_one_cause_together() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: bool(told(manager, "reject")), within_s=600)
            await asyncio.sleep(60)
            rejected = [each for each in manager.orders.snapshot() if each.status is OrderStatus.REJECTED]
            alerts = [each for each in manager.alerts.snapshot() if each.rule == "reject"]
            assert rejected
            assert 0 < len(alerts) <= len(rejected)
            assert all(each.symbol and each.broker_name for each in alerts)
            assert told(manager, "fill") == [], "nobody asked for them"
            await manager.add_alert("fill")
            await eventually(lambda: bool(told(manager, "fill")), within_s=120)

    run_world(story, orders_per_minute=120.0, ticks_per_second=5.0)


def test_a_position_without_a_stop_is_told_and_so_is_a_day_that_loses_too_much() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.add_alert("no_stop")
            await eventually(lambda: bool(told(manager, "no_stop")), within_s=300)
            naked = {(stop.broker_name, stop.symbol) for stop in manager.desk.stops() if not stop.order_id}
            [*alerts] = [each for each in manager.alerts.snapshot() if each.rule == "no_stop"]
            assert {(each.broker_name, each.symbol) for each in alerts} <= naked
            # Any move of a price is a loss of five paise below the highest.
            await eventually(lambda: bool(told(manager, "max_drawdown")), within_s=300)

    run_world(story, orders_per_minute=30.0, alerts={"max_drawdown": 0.05})


def levels(manager: WebSocketManager) -> list[tuple[str, str]]:
    return told(manager, "price")


def test_a_price_level_streams_its_instrument_and_is_told_once() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.add_alert("RELIANCE-EQ", above=1.0)
            await manager.add_alert(SHARE, below=1.0)
            assert len(manager.wanted()) == 1
            await eventually(lambda: bool(levels(manager)), within_s=120)
            await asyncio.sleep(120)
            assert levels(manager) == [("price", "raised")]
            assert manager.alerts.snapshot()[-1].words.startswith("RELIANCE-EQ at or above ₹1.00: ₹")
            assert await manager.remove_alert("RELIANCE-EQ") == 1
            assert len(manager.wanted()) == 1, "another level needs it"
            assert await manager.remove_alert(SHARE) == 1
            assert not manager.wanted()
            assert await manager.remove_alert(SHARE) == 0

    run_world(story, **QUIET)


@pytest.mark.parametrize(("hour", "minute"), [(9, 3), (15, 31), (20, 0)])
def test_prices_of_an_auction_or_of_the_evening_are_never_told(hour: int, minute: int) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.add_alert(SHARE, above=1.0)
            await eventually(lambda: manager.quotes.total_rows > 0, within_s=60)
            await asyncio.sleep(60)
            assert levels(manager) == []

    start = datetime(2026, 9, 1, hour, minute, tzinfo=IST)
    run_world(story, start=start, market_hours=MarketHours(), **QUIET)


def test_a_price_of_the_auction_is_not_told_when_trading_begins() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.add_alert(SHARE, above=1.0)
            await eventually(lambda: manager.quotes.total_rows > 0, within_s=60)
            world.simulation.stopped = True
            await asyncio.sleep(180)
            assert manager.market_hours.is_open("NSE", world.clock.now_ns())
            assert levels(manager) == []

    run_world(story, start=datetime(2026, 9, 1, 9, 13, tzinfo=IST), market_hours=MarketHours(), **QUIET)


def test_what_can_not_be_told_of_is_refused_at_once() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            for wrong in ({}, {"above": 1.0, "below": 2.0}, {"above": -1.0}, {"above": float("nan")}):
                with pytest.raises(ValueError, match="expected one of reject, fill"):
                    await manager.add_alert("NIFTY", **wrong)
            with pytest.raises(UnknownInstrumentError):
                await manager.add_alert("NO SUCH THING", above=1.0)

    run_world(story, **QUIET)


class Kept:
    """A target that keeps what it is given."""

    name = "kept"

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def put(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def close(self) -> None:
        """Nothing to end."""


def test_in_quiet_hours_nothing_is_sent_and_what_lasts_is_sent_at_their_end() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            kept = Kept()
            manager._alerting.delivery.targets.append(cast(Target, kept))
            await manager.add_alert(SHARE, above=1.0)
            await eventually(lambda: bool(levels(manager)), within_s=120)
            ends_ns = int(datetime(2026, 3, 10, 10, 5, tzinfo=IST).timestamp()) * 10**9
            await eventually(lambda: bool(kept.alerts), within_s=600)
            assert world.clock.now_ns() >= ends_ns
            [alert] = kept.alerts
            assert alert.words.startswith("since the quiet hours: NSE:RELIANCE-EQ at or above")
            await manager.add_alert("NSE:TCS-EQ", below=1_000_000.0)
            await eventually(lambda: len(kept.alerts) == 2, within_s=120)

    run_world(story, ticks_per_second=5.0, alerts={"quiet_hours": "09:00-10:05"}, **QUIET)


def test_a_closed_broker_is_nobodys_concern() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            health = manager.health["broker2"]
            manager.health["broker2"] = msgspec.structs.replace(health, state=BrokerState.CLOSED)
            await asyncio.sleep(60)
            assert told(manager, "broker_down", "login_needed") == []

    run_world(story, **QUIET)
