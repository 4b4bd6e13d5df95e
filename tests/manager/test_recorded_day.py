"""A real day, with polls a minute apart and a gap of nineteen minutes: no silence in it is a fault."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from dualbroker.clock import IST
from dualbroker.market_hours import MarketHours
from dualbroker.simulator.market.replay import ReplayMarket
from tests.simulated import World, eventually, run_world

SPEED = 5.0
"""Market seconds per second: the gap lasts 222 s here, a poll comes every twelve."""


@pytest.mark.shared
@pytest.mark.parametrize("hours", [None, MarketHours()], ids=["open at all hours", "the exchange's hours"])
def test_the_gap_of_a_recorded_day_raises_no_alarm(shared_data: Path, hours: MarketHours | None) -> None:
    market = ReplayMarket(shared_data / "nifty-option-chain-2025-08-29.parquet", speed=SPEED)
    market.release()

    async def story(world: World) -> None:
        async with world.manager() as manager:
            accepted = await manager.subscribe(list(market.instruments)[::4])
            assert len(accepted) > 300
            eleven_ns = int(datetime(2025, 8, 29, 11, 0, tzinfo=IST).timestamp()) * 10**9
            await eventually(lambda: market.now_ns() >= eleven_ns, within_s=2000, look_every_s=5.0)
            assert manager.primary == "broker1"
            assert not manager.incidents.failovers_snapshot()
            causes = [incident.cause for incident in manager.incidents.incidents_snapshot()]
            assert all("does not move" in cause or cause == "quotes flow again" for cause in causes), causes
            assert any("does not move" in cause for cause in causes), "the gap itself is said"
            asked = sum("GetQuotes" in request for request in world.transport.requests)
            minutes = asyncio.get_running_loop().time() / 60
            assert asked < 60 * minutes, "of both brokers together, who allow 200 each"

    run_world(
        story,
        market=market,
        market_hours=hours,
        start=datetime(2025, 8, 29, 9, 22, tzinfo=IST),
        orders_per_minute=0.0,
        step_interval_s=0.5,
    )
