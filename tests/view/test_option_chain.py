"""An option chain as the state that is drawn."""

from __future__ import annotations

import json

from dualbroker.manager.options.chain import ChainFollower
from dualbroker.manager.options.chain_table import chain_table
from dualbroker.notebook.live.chain_view import chain_html
from dualbroker.stores.health import BrokerState
from dualbroker.view.option_chain import option_chain_state
from dualbroker.view.rows import iso_time
from tests.simulated import World, eventually, run_world


def test_it_is_plain_and_says_what_the_table_says() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = ChainFollower(manager, "NIFTY", expiry=0, strikes=2, holder="chain 1")
            await chain.start()
            assert chain.view is not None
            state = option_chain_state(manager, chain, manager.clock.now_ns())
            shown = json.loads(json.dumps(state, allow_nan=False))["chain"]
            table = chain_table(manager.quotes, chain.view, manager.market_hours)
            rows = [dict(zip(shown["columns"], row, strict=True)) for row in shown["rows"]]
            assert [row["strike"] for row in rows] == table.strikes.tolist()
            assert [row["put_open_interest_change"] for row in rows] == table.puts[
                "open_interest_change"
            ].tolist()
            assert [row["call_change_percent"] for row in rows] == table.calls["change_percent"].tolist()
            assert all(value is not None for row in rows for value in row.values())
            assert shown["atm"] == table.at_the_money
            assert shown["ltp"] == table.underlying_ltp
            assert shown["implied_forward"] == table.implied_forward
            assert (shown["expiry"], shown["expiry_words"]) == ("2026-03-10", "Tue 10 Mar · expires today")
            assert (shown["note"], shown["no_source"]) == ("", [])
            assert table.newest_ns is not None
            assert shown["newest"] == iso_time(table.newest_ns)
            assert state["mode"] == "SIMULATED"
            chain.problem = "the market is on fire"
            assert option_chain_state(manager, chain, 0)["chain"]["note"] == "the market is on fire"

    run_world(story)


def test_a_chain_whose_source_is_lost_says_why() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = ChainFollower(manager, "NIFTY", expiry=0, strikes=1, holder="chain 1")
            await chain.start()
            world.simulation.set_faults("broker1", refuse=True)
            world.drop("broker1")
            await eventually(lambda: manager.health["broker1"].state is BrokerState.RECONNECTING)
            state = option_chain_state(manager, chain, world.clock.now_ns())
            (row,) = state["chain"]["no_source"]
            assert row["broker_name"] == "broker1"
            assert row["why"].startswith("it is reconnecting")
            later = {**state, "time": iso_time(world.clock.now_ns() + 60_000_000_000)}
            for words in (f"No broker carries quotes. broker1: {row['why']}", "last quote 6"):
                assert words in chain_html(later)
            assert "ago" not in chain_html({**state, "time": state["chain"]["newest"]})

    run_world(story, brokers=1)


def test_what_is_not_known_yet_is_unknown() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            chain = ChainFollower(manager, "NIFTY", expiry=0, strikes=1, holder="chain 1")
            await chain.start()
            manager.quotes.start_day()
            shown = option_chain_state(manager, chain, manager.clock.now_ns())["chain"]
            assert (shown["ltp"], shown["atm"], shown["straddle"], shown["put_call_ratio"]) == (None,) * 4
            assert all(value is None for row in shown["rows"] for value in row[1:])
            assert all(row[0] is not None for row in shown["rows"])

    run_world(story)
