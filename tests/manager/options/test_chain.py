"""An option chain's subscriptions: around the money, as it moves, over failovers and nights."""

from __future__ import annotations

import asyncio
import math
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dualbroker import clock
from dualbroker.clock import IST
from dualbroker.errors import UnknownInstrumentError
from dualbroker.manager import WebSocketManager
from dualbroker.manager.options.chain import ChainFollower
from dualbroker.manager.options.chain_series import days_left
from dualbroker.manager.options.chain_table import chain_table
from dualbroker.market_hours import MarketHours
from tests.manager.options.options_only import OPENING, TIME_VALUE, options_only
from tests.simulated import World, eventually, run_world, synthetic_market

STEP = 50.0


def follower(manager: WebSocketManager, **changes: Any) -> ChainFollower:
    asked = {"expiry": 0, "strikes": 2, "holder": "chain 1", **changes}
    return ChainFollower(manager, asked.pop("underlying", "NIFTY"), **asked)


def held_by(manager: WebSocketManager, holder: str) -> set[tuple[str, str]]:
    return set(manager.routing.machine.holders.held_by(holder))


def shown(chain: ChainFollower) -> set[tuple[str, str]]:
    assert chain.view is not None
    underlying = chain.view.underlying
    return {*([underlying.key] if underlying else []), *(option.key for option in chain.view.options)}


def middle(chain: ChainFollower) -> float:
    assert chain.view is not None
    return chain.view.window.middle


class Puppet:
    """A price of the underlying that goes where it is told."""

    def __init__(self, manager: WebSocketManager, monkeypatch: pytest.MonkeyPatch) -> None:
        self.price: float | None = None
        real = manager.quotes.last_price

        def last_price(index: int) -> float | None:
            is_spot = manager.quotes.instruments[index].key == ("NSE", "26000")
            return self.price if is_spot and self.price is not None else real(index)

        monkeypatch.setattr(manager.quotes, "last_price", last_price)


def test_it_holds_the_strikes_around_the_money_and_the_underlying() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = follower(manager)
            await chain.start()
            assert chain.view is not None
            price = world.simulation.market.quote(world.simulation.market.index_of(("NSE", "26000")) or 0)[
                "ltp"
            ]
            assert abs(middle(chain) - price) <= STEP * 0.75
            assert len(chain.view.options) == 10
            assert held_by(manager, "chain 1") == shown(chain) == set(manager.wanted())
            table = chain_table(manager.quotes, chain.view, manager.market_hours)
            assert not any(math.isnan(value) for value in (*table.straddle, *table.put_call_ratio))
            assert table.straddle[2] == table.calls["ltp"][2] + table.puts["ltp"][2]
            assert table.ratio_by_open_interest == pytest.approx(
                table.puts["open_interest"].sum() / table.calls["open_interest"].sum()
            )
            await chain.close()
            assert not manager.wanted()

    run_world(story)


def test_it_follows_the_money_and_lets_go_of_what_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain, other = follower(manager), follower(manager, strikes=1, holder="chain 2")
            await chain.start()
            puppet = Puppet(manager, monkeypatch)
            begun = middle(chain)
            puppet.price = begun
            await other.start()
            mine = [
                option
                for option in (chain.view.options if chain.view else [])
                if option.strike == begun - 100
            ]
            await manager.subscribe(mine)
            await asyncio.sleep(3)
            for way in (0.4, 0.6, 0.74, -0.6):
                puppet.price = begun + way * STEP
                await asyncio.sleep(3)
            assert (middle(chain), chain.recentred) == (begun, 0), "a price that swings moves nothing"
            puppet.price = begun + 6 * STEP
            await eventually(lambda: middle(chain) == middle(other) == begun + 6 * STEP)
            await asyncio.sleep(6)
            assert (chain.recentred, other.recentred) == (1, 1)
            assert held_by(manager, "chain 1") == shown(chain)
            assert held_by(manager, "chain 2") == shown(other)
            assert {option.key for option in mine} == held_by(manager, "user"), "what a person holds stays"
            await chain.close()
            assert set(manager.wanted()) == shown(other) | {option.key for option in mine}
            for key in manager.wanted():
                assert manager.routing.machine.moves.target_of(key) == manager.primary

    run_world(story)


def test_it_is_looked_after_at_a_low_rate_and_not_for_each_tick() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = follower(manager)
            await chain.start()
            asked = 0
            real = manager.quotes.last_price

            def counting(index: int) -> float | None:
                nonlocal asked
                asked += 1
                return real(index)

            manager.quotes.last_price = counting  # type: ignore[method-assign]
            before = manager.quotes.tick_count
            await asyncio.sleep(20)
            assert manager.quotes.tick_count > before + 40
            assert asked <= 20

    run_world(story)


def test_it_outlives_a_failover(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = follower(manager)
            await chain.start()
            puppet = Puppet(manager, monkeypatch)
            before = middle(chain)
            world.drop("broker1")
            puppet.price = before + 2 * STEP
            await eventually(lambda: manager.primary == "broker2" and middle(chain) == before + 2 * STEP)
            await asyncio.sleep(10)
            assert held_by(manager, "chain 1") == shown(chain)
            assert {manager.source_of(key) for key in shown(chain)} <= {"broker1", "broker2"}
            assert chain.problem == ""

    run_world(story)


def test_what_fails_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = follower(manager)
            await chain.start()
            puppet = Puppet(manager, monkeypatch)
            before = middle(chain)
            manager.routing.machine.standing.primary = None
            puppet.price = before + 2 * STEP
            await eventually(lambda: "no broker carries quotes" in chain.problem)
            assert middle(chain) == before, "what is shown is what is streamed"
            manager.routing.machine.standing.primary = "broker1"
            await eventually(lambda: middle(chain) == before + 2 * STEP)
            assert chain.problem == ""
            assert held_by(manager, "chain 1") == shown(chain)

    run_world(story)


def test_a_chain_that_can_not_begin_leaves_nothing_behind() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            with pytest.raises(UnknownInstrumentError, match="0 is"):
                await follower(manager, expiry=99).start()
            with pytest.raises(UnknownInstrumentError, match="has no options"):
                await follower(manager, underlying="RELIANCE").start()
            with pytest.raises(ValueError, match="1 strike or more"):
                await follower(manager, strikes=0).start()
            assert not manager.wanted()

    run_world(story)


EXPIRY = date(2026, 3, 10)
"""Of the simulated market's nearest index options, a Tuesday."""
EVENING = datetime(2026, 3, 10, 23, 58, tzinfo=IST)
SESSION = ((9 * 60 + 15) * 60 * 10**9, (15 * 60 + 30) * 60 * 10**9)


def test_a_chain_by_number_goes_on_with_the_next_series_and_one_by_day_ends_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A night is long, also in virtual time: this one's morning comes soon.
    monkeypatch.setattr(clock, "PREPARED_AT", time(0, 5))

    async def story(world: World) -> None:
        async with world.manager() as manager:
            nearest, of_day = follower(manager), follower(manager, expiry=EXPIRY, holder="chain 2")
            await nearest.start()
            await of_day.start()
            assert nearest.view is not None
            assert nearest.view.series.expiry == EXPIRY
            assert nearest.expiry_words == of_day.expiry_words == "expires today"
            await asyncio.sleep(180)
            assert nearest.expiry_words == "expired"
            await asyncio.sleep(10 * 60)
            assert nearest.view.series.expiry == EXPIRY + timedelta(days=7)
            assert nearest.expiry_words == "expires in 6 days"
            assert nearest.problem == ""
            assert held_by(manager, "chain 1") == shown(nearest) == set(manager.wanted())
            assert of_day.problem == "NIFTY 2026-03-10: these options have expired; open another chain"
            assert held_by(manager, "chain 2") == {("NSE", "26000")}
            await of_day.close()
            assert set(manager.wanted()) == shown(nearest)

    start_ns = int(EVENING.timestamp()) * 10**9
    run_world(
        story,
        start=EVENING,
        market=synthetic_market(EXPIRY, start_ns, ticks_per_second=1, strikes=6, expiries=2),
        market_hours=MarketHours(),
        step_interval_s=1.0,
        orders_per_minute=0.0,
        simulation={"trading_days": True, "session": SESSION},
    )


@pytest.mark.parametrize(
    ("days", "words"),
    [(-1, "expired"), (0, "expires today"), (1, "expires tomorrow"), (5, "expires in 5 days")],
)
def test_it_says_how_long_a_series_has_to_live(days: int, words: str) -> None:
    today = date(2026, 3, 10)
    assert days_left(today + timedelta(days=days), today) == words


def test_where_only_options_are_listed_it_follows_what_calls_and_puts_imply(tmp_path: Path) -> None:
    market = options_only(tmp_path, lambda second: 24_900.0 + 20.0 * min(second, 15), seconds=60)

    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = follower(manager, underlying="nifty")
            await asyncio.sleep(1)
            await chain.start()
            assert chain.view is not None
            assert (chain.view.name, chain.view.underlying) == ("NIFTY", None)
            assert abs(middle(chain) - 24_900.0) <= STEP
            assert held_by(manager, "chain 1") == shown(chain)
            assert len(shown(chain)) == 10
            await eventually(lambda: middle(chain) == 25_200.0, within_s=40)
            table = chain_table(manager.quotes, chain.view, manager.market_hours)
            assert math.isnan(table.underlying_ltp)
            assert table.implied_forward == pytest.approx(25_200.0)
            assert table.at_the_money == 25_200.0
            assert table.straddle_at_the_money == pytest.approx(2 * TIME_VALUE)
            assert held_by(manager, "chain 1") == shown(chain) == set(manager.wanted())
            assert chain.problem == ""
            await chain.close()
            assert not manager.wanted()

    run_world(story, market=market, start=OPENING)


def test_a_listed_underlying_without_a_price_is_not_replaced_by_what_options_imply() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = follower(manager)
            await chain.start()
            assert chain.view is not None
            table = chain_table(manager.quotes, chain.view, manager.market_hours)
            assert table.implied_forward == pytest.approx(table.underlying_ltp, rel=0.01)
            assert chain.view.underlying is not None
            unquoted = msgspec.structs.replace(chain.view.underlying, token="1")
            table = chain_table(
                manager.quotes, msgspec.structs.replace(chain.view, underlying=unquoted), manager.market_hours
            )
            assert math.isnan(table.at_the_money)
            assert not math.isnan(table.implied_forward)

    run_world(story)
