"""The quote table as columns."""

from __future__ import annotations

from dualbroker.frames.frames import quotes_frame
from dualbroker.notebook.plain.drawing import quotes_html, quotes_text
from dualbroker.service.tables import json_rows
from dualbroker.view.named import named_quotes, with_named_rows
from dualbroker.view.quotes import quote_columns, shown_instruments
from dualbroker.view.state import view_state
from tests.simulated import World, eventually, run_world


def test_columns_say_the_same_as_the_frame() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.tick_count > 10)
            named = named_quotes(view_state(manager, world.clock.now_ns(), "quotes"))
            rows = json_rows(quotes_frame(manager.quotes, list(manager.wanted())))
            assert [row["symbol"] for row in named] == [row["symbol"] for row in rows]
            for one, other in zip(named, rows, strict=True):
                for name in ("exchange", "broker_name", "ltp", "bid", "ask", "volume"):
                    assert one[name] == other[name], name
                assert one["receive_time"][:19] == other["receive_time"][:19]
            assert with_named_rows(view_state(manager, world.clock.now_ns(), "cards"))["mode"] == "SIMULATED"

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ", "NSE:TCS-EQ"])


def test_an_instrument_without_a_quote_is_a_row_of_unknowns() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 2)
            manager.quotes.start_day()
            state = view_state(manager, world.clock.now_ns(), "quotes")
            assert state["quotes"]["ltp"] == [None, None]
            assert state["quotes"]["received_s"] == [None, None]
            assert {row["broker_name"] for row in named_quotes(state)} == {"broker1"}

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])


def test_what_was_chosen_and_is_not_subscribed_any_more_is_named() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(["TCS-EQ"], "NSE")
            chosen = frozenset({"NSE:TCS-EQ", "RELIANCE-EQ"})
            assert shown_instruments(manager, chosen).columns["gone"] == []
            await manager.unsubscribe(["TCS-EQ"], "NSE")
            state = with_named_rows(view_state(manager, world.clock.now_ns(), "quotes", chosen))
            assert state["instruments"]["gone"] == ["NSE:TCS-EQ"]
            said = "Not subscribed any more: NSE:TCS-EQ; feed.subscribe brings it back."
            assert said in quotes_html(state)
            assert said in quotes_text(state)

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])


def test_rows_can_be_chosen_by_symbol_and_names_belong_to_their_figures() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.quotes.snapshot_count >= 2)
            now_ns = world.clock.now_ns()
            everything = shown_instruments(manager)
            chosen = shown_instruments(manager, {"NSE:RELIANCE-EQ"})
            assert chosen.columns["symbol"] == ["RELIANCE-EQ"]
            assert shown_instruments(manager).columns is everything.columns, "made once"
            figures = quote_columns(manager, chosen, now_ns)
            assert chosen.columns["revision"] == figures["revision"]
            assert chosen.columns["revision"] != everything.columns["revision"]
            assert len(figures["ltp"]) == 1
            assert (everything.columns["gone"], chosen.columns["gone"]) == ([], [])
            assert figures["count"] == 2

    run_world(story, subscribe=["NIFTY", "NSE:RELIANCE-EQ"])
