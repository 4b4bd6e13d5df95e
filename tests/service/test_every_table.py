"""Every table has the same columns and values in every form.

As a frame, as the frame of a feed that is attached to the service, as JSON, CSV and Parquet.
"""

from __future__ import annotations

import asyncio
import csv
import io
import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dualbroker import tables
from dualbroker.clock import ist
from dualbroker.frames import desk_frames as desk
from dualbroker.frames import frames
from dualbroker.frames.bars import bars_frame
from dualbroker.frames.chain_frames import chain_frame
from dualbroker.frames.comparison import comparison_frame
from dualbroker.frames.savings import savings_frame
from dualbroker.manager.options.chain import ChainFollower
from dualbroker.manager.options.chain_series import view_of
from dualbroker.manager.options.chain_table import chain_table
from dualbroker.manager.source import FeedSource
from dualbroker.remote.tick_frames import Ticks
from dualbroker.service import tables as service_tables
from dualbroker.service.streams import rows as stream_rows
from dualbroker.tables import Column, Table
from tests.remote.world import Network, attached
from tests.service.world import Served, served
from tests.simulated import World, eventually, run_world

SHARE = "NSE:RELIANCE-EQ"
Made = Callable[[FeedSource], pd.DataFrame | Awaitable[pd.DataFrame]]


def index_of(manager: FeedSource) -> int:
    index = manager.quotes.index_of(("NSE", "2885"))
    assert index is not None
    return index


def found(manager: FeedSource) -> pd.DataFrame:
    catalogue_row = manager.quotes.instruments[index_of(manager)]
    today = ist(manager.clock.now_ns()).date()
    return frames.instruments_frame([catalogue_row], manager.quotes, manager.wanted(), today)


def ticks(manager: FeedSource) -> pd.DataFrame:
    return frames.ticks_frame(manager.quotes, index_of(manager))


def depth(manager: FeedSource) -> pd.DataFrame:
    kept = manager.quotes.depth(index_of(manager))
    return frames.depth_frame(kept and kept[1])


async def compared(manager: FeedSource) -> pd.DataFrame:
    return comparison_frame(await manager.comparison())


def chain_of_what_streams(manager: FeedSource) -> pd.DataFrame:
    store = manager.quotes
    held = [store.instruments[at] for key in manager.wanted() if (at := store.index_of(key)) is not None]
    view = view_of(held, "NIFTY", 0)
    return chain_frame(view, chain_table(store, view, manager.market_hours))


FORMS: dict[str, tuple[Table, str, Made]] = {
    "quotes": (tables.QUOTES, "/api/quotes", lambda m: frames.quotes_frame(m.quotes, list(m.wanted()))),
    "ticks": (tables.TICKS, "/api/ticks/NSE/RELIANCE-EQ?limit=50000", ticks),
    "bars": (tables.BARS, "/api/bars/NSE/RELIANCE-EQ?interval=1s", lambda m: bars_frame(ticks(m), "1s")),
    "levels": (
        tables.DEPTH,
        "/api/depth/NSE/RELIANCE-EQ",
        depth,
    ),
    "orders": (tables.ORDERS, "/api/orders", lambda m: frames.orders_frame(m.orders.snapshot())),
    "order_events": (
        tables.ORDER_EVENTS,
        "/api/order-events",
        lambda m: frames.order_events_frame(m.orders.events_snapshot()),
    ),
    "brokers": (
        tables.BROKERS,
        "/api/brokers/details",
        lambda m: frames.brokers_frame(m.health, m.bandwidth),
    ),
    "bandwidth": (tables.BANDWIDTH, "/api/bandwidth", lambda m: frames.bandwidth_frame(m.bandwidth)),
    "figures": (
        tables.SAVINGS,
        "/api/savings",
        lambda m: savings_frame(m.bandwidth, m.streaming_brokers()),
    ),
    "comparison": (
        tables.COMPARISON,
        "/api/comparison",
        compared,
    ),
    "failovers": (
        tables.FAILOVERS,
        "/api/failovers",
        lambda m: frames.failovers_frame(m.incidents.failovers_snapshot()),
    ),
    "assignment": (
        tables.ASSIGNMENT,
        "/api/assignment",
        lambda m: frames.assignment_frame(m.quotes, m.wanted(), m.source_of, m.why_source, m.serves),
    ),
    "gaps": (
        tables.GAPS,
        "/api/gaps",
        lambda m: frames.gaps_frame(m.incidents.failovers_snapshot(), m.quotes),
    ),
    "chain": (tables.CHAIN, "/api/chain/NIFTY", chain_of_what_streams),
    "positions": (tables.POSITIONS, "/api/positions", lambda m: desk.positions_frame(m.desk.positions())),
    "holdings": (tables.HOLDINGS, "/api/holdings", lambda m: desk.holdings_frame(m.desk.holdings())),
    "limits": (tables.LIMITS, "/api/limits", lambda m: desk.limits_frame(m.desk.limits())),
    "trades": (tables.TRADES, "/api/trades", lambda m: desk.trades_frame(m.desk.trades())),
    "fills": (tables.FILLS, "/api/fills", lambda m: desk.fills_frame(m.desk.fills())),
    "pnl": (tables.PNL, "/api/pnl", lambda m: desk.pnl_frame(m.desk.profit())),
    "pnl_check": (
        tables.PNL_CHECK,
        "/api/pnl-check?method=fifo",
        lambda m: desk.pnl_check_frame(m.desk.check("fifo")),
    ),
    "pnl_curve": (
        tables.PNL_CURVE,
        "/api/pnl-curve",
        lambda m: desk.pnl_curve_frame(m.desk_books.curve),
    ),
    "stops": (tables.STOPS, "/api/stops", lambda m: desk.stops_frame(m.desk.stops())),
    "mirror": (
        tables.MIRROR,
        "/api/mirror?window=60",
        lambda m: desk.mirror_frame(*m.desk.mirror(window_s=60)),
    ),
    "incidents": (
        tables.INCIDENTS,
        "/api/incidents",
        lambda m: frames.incidents_frame(m.incidents.incidents_snapshot()),
    ),
    "alerts": (tables.ALERTS, "/api/alerts", lambda m: frames.alerts_frame(m.alerts.snapshot())),
    "instruments": (tables.INSTRUMENTS, "/api/instruments?search=RELIANCE-EQ&exchange=NSE&limit=1", found),
}


def plain(column: Column, value: Any) -> Any:
    """A cell of any form as one comparable value; None is unknown."""
    if value is None or value is pd.NaT or value is pd.NA or value == "":
        return None
    if column.kind in ("price", "number", "quantity", "count"):
        number = float(value)
        return None if math.isnan(number) else number
    if column.kind == "time":
        moment = (
            pd.Timestamp(value) if not isinstance(value, str) else pd.Timestamp(datetime.fromisoformat(value))
        )
        return moment.floor("us").tz_convert("UTC").isoformat(timespec="microseconds")
    if column.kind == "day":
        return str(value)[:10]
    if column.kind in ("flag", "answer"):
        return str(value) == "True" if isinstance(value, str) else bool(value)
    text = str(value)
    return None if text == "nan" else text.removeprefix("'")


def rows_of(table: Table, rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [[plain(column, row[column.name]) for column in table.all_columns] for row in rows]


def records(table: Table, frame: pd.DataFrame) -> list[dict[str, Any]]:
    if table.index is not None:
        frame = frame.reset_index()
    names = [column.name for column in table.all_columns]
    assert list(frame.columns) == names
    values = [frame[name].astype(object).to_numpy() for name in names]
    return [dict(zip(names, row, strict=True)) for row in np.array(values, dtype=object).T.tolist()]


async def forms_of(service: Served, client: FeedSource, key: str) -> None:
    table, path, make = FORMS[key]
    names = [column.name for column in table.all_columns]

    async def made(source: FeedSource) -> list[list[Any]]:
        frame = make(source)
        return rows_of(table, records(table, frame if isinstance(frame, pd.DataFrame) else await frame))

    expected = await made(service.manager)
    assert expected, key
    assert await made(client) == expected, key
    joint = "&" if "?" in path else "?"
    as_json = (await service.get(path))[key]
    as_csv = (await service.client.get(f"{path}{joint}format=csv")).text
    as_parquet = (await service.client.get(f"{path}{joint}format=parquet")).content
    assert rows_of(table, as_json) == expected, key
    assert [list(row) for row in as_json] == [names] * len(as_json)
    read = csv.reader(io.StringIO(as_csv, newline=""))
    assert next(read) == names
    assert rows_of(table, [dict(zip(names, row, strict=True)) for row in read]) == expected, key
    frame = pd.read_parquet(io.BytesIO(as_parquet))
    assert rows_of(table, records(table, frame)) == expected, key


def test_every_table_is_the_same_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(function: Callable[[], Any]) -> Any:
        return function()

    # While a worker works, virtual time would run on, and the next form would be of a later moment.
    monkeypatch.setattr(service_tables, "work", at_once)

    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            manager = service.manager
            await eventually(lambda: manager.orders.event_count > 3)
            await eventually(lambda: all(each.limits is not None for each in manager.desk.limits()))
            await eventually(lambda: bool(manager.desk.stops()) and len(manager.desk_books.curve) > 2)
            await eventually(lambda: len(manager.bandwidth.history()) > 2)
            await eventually(lambda: manager.quotes.tick_count > 10)
            manager.incidents.note(world.clock.now_ns(), None, "a cause", "=an action")
            await manager.subscribe([SHARE], depth=True, holder="test")
            await manager.test_alerts()
            follower = ChainFollower(manager, "NIFTY", expiry=0, strikes=2, holder="chain 1")
            await follower.start()
            await manager.begin_comparison(20)
            await asyncio.sleep(21)
            assert follower.view is not None
            followed = chain_frame(
                follower.view, chain_table(manager.quotes, follower.view, manager.market_hours)
            )
            pd.testing.assert_frame_equal(chain_of_what_streams(manager), followed)
            await manager.set_quote_source("broker2")
            async with attached(Network(service)) as client:
                world.simulation.stopped = True
                await eventually(lambda: client.quotes.total_rows == manager.quotes.total_rows)
                await eventually(lambda: client.bandwidth.history() == manager.bandwidth.history())
                for key in FORMS:
                    # The curve of the day's profit grows each second, also while nothing happens.
                    await eventually(lambda: client.desk_books.curve_count == manager.desk_books.curve_count)
                    await forms_of(service, client, key)
            missing = await service.client.get("/api/chain/NIFTY?expiry=2020-01-01")
            assert missing.status_code == 404
            await follower.close()

    run_world(story, subscribe=["NIFTY", SHARE])


def test_the_rows_of_a_stream_are_those_of_its_table() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await eventually(lambda: manager.orders.event_count > 3)
            await eventually(lambda: manager.quotes.tick_count > 10)
            await eventually(lambda: len(manager.bandwidth.history()) > 2)
            manager.incidents.note(world.clock.now_ns(), None, "a cause", "an action")
            await manager.set_quote_source("broker2")
            world.simulation.stopped = True
            store = manager.quotes
            ((block, start, stop),) = store.rows_since(0)
            snapshots = np.frombuffer(block.snapshots, np.uint8)[start:stop]
            brokers = np.frombuffer(block.brokers, np.uint8)[start:stop]
            published = block.published()[start:stop], block.published_instruments()[start:stop]
            ticks = stream_rows.tick_rows(store, start, Ticks(*published, brokers, snapshots))
            named = [dict(zip(ticks["columns"], row, strict=True)) for row in ticks["rows"]]
            assert named == service_tables.json_rows(frames.stored_ticks_frame(store, block, start, stop))
            indices, rows, numbers = store.latest()
            names = [store.broker_names[number] for number in numbers]
            latest = stream_rows.quote_rows(store, indices.tolist(), rows, names)
            assert latest == service_tables.json_rows(frames.quotes_frame(store, list(manager.wanted())))
            events = manager.orders.events_snapshot()
            expected = service_tables.json_rows(frames.order_events_frame(events))
            assert stream_rows.order_event_rows(events) == expected
            kept, moves = manager.incidents.incidents_snapshot(), manager.incidents.failovers_snapshot()
            told = stream_rows.incidents(kept, moves, manager.alerts.snapshot())
            assert told["incidents"] == service_tables.json_rows(frames.incidents_frame(kept))
            beside = [row.pop("uncovered_names") for row in told["failovers"]]
            assert beside == [[]]
            assert told["failovers"] == service_tables.json_rows(frames.failovers_frame(moves))
            cards = stream_rows.brokers(manager)["rows"]
            for row in cards:
                del row["unexpected_quotes"], row["bytes_per_second"]
            assert cards == service_tables.json_rows(frames.brokers_frame(manager.health, manager.bandwidth))
            seconds = stream_rows.bandwidth({}, manager.bandwidth.history())["seconds"]
            assert seconds == service_tables.json_rows(frames.bandwidth_frame(manager.bandwidth))
            assert min(len(named), len(latest), len(events), len(kept), len(seconds)) > 0

    run_world(story, subscribe=["NIFTY", SHARE])


def test_each_table_that_is_shipped_is_among_them() -> None:
    without_a_route = {
        tables.ALL_TICKS.call,
        tables.SUBSCRIBED.call,
        tables.RECONCILED.call,
        tables.DELIVERED.call,
    }
    covered = {table.call for table, _, _ in FORMS.values()}
    assert {table.call for table in tables.TABLES} == covered | without_a_route
