"""The watch over market data, where nothing can be learnt about it, and where it fails itself."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from dualbroker.clock import IST
from dualbroker.errors import ConnectionFailedError
from dualbroker.manager.watch import QuoteWatch
from dualbroker.market_hours import MarketHours
from dualbroker.model import InstrumentKey
from tests.simulated import World, eventually, run_world

LIVENESS = {"quotes_silent_after": 5.0, "probe_every": 3.0}


@pytest.mark.slow
def test_a_silence_that_nobody_can_explain_is_told_once_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(10)

            async def no_answer(key: InstrumentKey) -> Any:
                raise ConnectionFailedError("expected an answer, found none")

            for broker in manager.brokers.values():
                monkeypatch.setattr(broker, "quote", no_answer)
            world.simulation.set_faults("broker1", quotes_silent=True)
            await asyncio.sleep(10 * 60)
            assert manager.primary == "broker1", "what can't be known moves nothing"
            [incident] = manager.incidents.incidents_snapshot()
            assert incident.broker_name == "broker1"
            assert "nobody answers whether the market moves" in incident.cause
            world.simulation.clear_faults("broker1")
            await asyncio.sleep(30)
            _, end = manager.incidents.incidents_snapshot()
            assert end.cause == "quotes flow again"

    run_world(story, liveness=LIVENESS)


def test_a_watch_that_fails_in_an_unforeseen_way_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        look = QuoteWatch._look_at
        looks = 0

        def fail_at_first(self: QuoteWatch, name: str, now_s: float) -> None:
            nonlocal looks
            looks += 1
            if looks <= 5:
                raise ZeroDivisionError("nobody thought of this")
            look(self, name, now_s)

        monkeypatch.setattr(QuoteWatch, "_look_at", fail_at_first)
        async with world.manager() as manager:
            await manager.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE"])
            await asyncio.sleep(10)
            [incident] = manager.incidents.incidents_snapshot()
            assert incident.cause == "the watch over quotes failed in an unforeseen way: ZeroDivisionError"
            world.simulation.set_faults("broker1", quotes_silent=True)
            await eventually(lambda: manager.primary == "broker2", within_s=30)

    run_world(story, liveness=LIVENESS)


def test_what_nobody_streamed_before_the_opening_is_asked_for_when_the_market_opens() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            world.simulation.set_faults("all", unacknowledged=1.0)
            await manager.subscribe(["NSE:RELIANCE-EQ"])
            await eventually(lambda: manager.routing.machine.refusals.count("broker2") == 1, within_s=40)
            world.simulation.clear_faults("all")
            opening_ns = int(datetime(2026, 3, 10, 9, 15, tzinfo=IST).timestamp()) * 10**9
            await asyncio.sleep((opening_ns - manager.clock.now_ns()) / 1e9 - 1)
            assert manager.quotes.total_rows == 0, "each of them is asked again only a minute later"
            await asyncio.sleep(6)
            assert manager.quotes.total_rows > 0

    run_world(
        story,
        liveness=LIVENESS,
        start=datetime(2026, 3, 10, 9, 14, 25, tzinfo=IST),
        market_hours=MarketHours(),
    )


def test_beside_the_closing_auction_the_silence_of_shares_without_derivatives_is_noticed_on() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["NSE:RELIANCE-EQ", "NIFTY"])
            watched = partial(manager._watch._in_continuous_trading, "broker1")
            assert len(manager.routing.machine.moves.streamed_by("broker1")) == 2
            assert watched() == [], "nobody knows yet what has derivatives"
            for exchange in ("NFO", "BFO"):
                await manager.masters.load(manager.brokers["broker1"], exchange)
            assert watched() == [("NSE", "2885")]
            await asyncio.sleep(10 * 60)
            assert watched() == [], "closed"

    run_world(
        story,
        brokers=1,
        ticks_per_second=1.0,
        start=datetime(2026, 11, 30, 15, 21, tzinfo=IST),
        market_hours=MarketHours(),
    )
