"""The order journal beside the real manager: over restarts, and when its file is not well."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dualbroker.clock import IST
from dualbroker.config.schema import Config
from dualbroker.manager import WebSocketManager
from dualbroker.manager.reconcile import journaling
from dualbroker.manager.reconcile.journaling import OrderJournal, account_number, events_of_days, journal_path
from dualbroker.model import OrderStatus, OrderUpdate, ReportType, UpdateSource
from dualbroker.noren.orders import order_update_from_row
from dualbroker.stores.orders import Ledger, OrderEvent
from tests.manager.test_virtual_time import ledger, order_truth, same_status
from tests.simulated import World, eventually, run_world

NOW = datetime(2026, 3, 10, 10, 0, tzinfo=IST)
DAY = NOW.date()


class StillClock:
    """Moves when it is told to."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now_ns(self) -> int:
        return int(self.at.timestamp()) * 1_000_000_000

    def follow(self, feed_time_s: int) -> None:
        pass


class Desk:
    """A ledger with a journal, and what was said."""

    def __init__(self, path: Path, clock: StillClock | None = None, keep_days: int = 30) -> None:
        self.clock = clock or StillClock()
        self.ledger = Ledger()
        self.ledger.identity = "of this process"
        self.said: list[tuple[str, str]] = []
        self.journal = OrderJournal(
            path,
            keep_days,
            ledger=self.ledger,
            clock=self.clock,
            note=lambda cause, action: self.said.append((cause, action)),
        )
        self.journal.open({"broker1": 1, "broker2": 2})

    def order(self, number: int, **fields: Any) -> OrderEvent | None:
        said: dict[str, Any] = {"status": OrderStatus.OPEN, "report_type": ReportType.NEW, "price": 50.0}
        return self.ledger.apply(
            OrderUpdate(
                broker_name="broker1",
                receive_time_ns=self.clock.now_ns(),
                source=UpdateSource.STREAM,
                order_id=str(number),
                trading_day=self.clock.at.date(),
                **(said | fields),
            )
        )

    def connection(self) -> sqlite3.Connection:
        connection = self.journal._journal._connection
        assert connection is not None
        return connection


def reopened(desk: Desk, **settings: Any) -> Desk:
    desk.journal.close()
    return Desk(desk.journal.path, desk.clock, **settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.sqlite"


# Over restarts


def crashed_copy(path: Path) -> None:
    """What a killed process leaves: the file and its log, as they are at this moment."""
    for ending in ("", "-wal"):
        shutil.copy(f"{path}{ending}", f"{path.with_name('crashed.sqlite')}{ending}")


def test_a_restart_knows_the_orders_of_today_and_the_books_bring_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journaling, "TEND_EVERY_S", 3_600.0)  # a thread has no place in virtual time
    path, crashed = tmp_path / "orders.sqlite", tmp_path / "crashed.sqlite"

    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(60)
            # A coroutine that does not wait sees what a kill would leave.
            crashed_copy(path)
            before = manager.orders.events_snapshot()
            states = dict(manager.orders.states)
            identity = manager.orders.identity
        assert len(before) > 100
        await asyncio.sleep(20)  # nobody is there
        changed = world.config.model_copy(
            update={"journal": world.config.journal.model_copy(update={"path": crashed})}
        )
        world.config = changed
        again = world.manager()
        shown: list[int] = []
        again.order_listeners.append(lambda event: shown.append(event.sequence))
        async with again:
            assert again.orders.events_snapshot()[: len(before)] == before
            assert again.orders.identity == identity
            assert [again.orders.states[key].first_seen_ns for key in states] == [
                state.first_seen_ns for state in states.values()
            ]
            await asyncio.sleep(30)
            world.simulation.stop()
            await asyncio.sleep(5)
            assert same_status(ledger(again), order_truth(world))
            events = again.orders.events_snapshot()
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert shown == list(range(len(before) + 1, len(events) + 1)), "what was shown before is not again"
        told = [_step(event) for event in events if event.update.source is UpdateSource.STREAM]
        assert len(told) == len(set(told)), "no message of the stream is told twice"
        assert events_of_days(crashed, DAY, DAY) == events

    run_world(story, orders_per_minute=60.0, journal={"path": str(path)})


def _step(event: OrderEvent) -> tuple[object, ...]:
    update = event.update
    terms = (update.status, update.report_type, update.filled_quantity, update.event_time_ns)
    return (*update.key, *terms, update.price, update.quantity)


def test_an_event_is_in_the_journal_before_anybody_is_shown_it(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"

    async def story(world: World) -> None:
        manager = world.manager()
        seen: list[bool] = []

        def look(event: OrderEvent) -> None:
            if len(seen) < 50:
                seen.append(event in events_of_days(path, DAY, DAY))

        manager.order_listeners.append(look)
        async with manager:
            await eventually(lambda: len(seen) >= 50)
        assert all(seen)

    run_world(story, orders_per_minute=120.0, journal={"path": str(path)})


def test_doubts_late_messages_and_told_steps_survive_a_restart(path: Path) -> None:
    desk = Desk(path)
    event = desk.order(1, event_time_ns=20)
    assert event is not None
    assert desk.order(1, event_time_ns=10, report_type=ReportType.NEW) is None
    desk.ledger.set_doubt(event.update.key, "not in the book")
    again = reopened(desk)
    assert again.ledger.states == desk.ledger.states
    assert again.ledger.states[event.update.key].doubt == "not in the book"
    assert again.order(1, event_time_ns=10, report_type=ReportType.NEW) is None
    assert again.ledger.repeat_count == 1, "it is known as a repeat"


def test_only_orders_of_today_and_of_the_same_account_are_taken_up(path: Path) -> None:
    desk = Desk(path)
    desk.order(1)
    desk.clock.at += timedelta(days=1)
    desk.order(2)
    again = reopened(desk)
    assert [key[2] for key in again.ledger.states] == ["2"]
    assert again.ledger.event_count == 2
    again.journal.close()
    other = Desk.__new__(Desk)
    other.ledger = Ledger()
    journal = OrderJournal(path, 30, ledger=other.ledger, clock=desk.clock, note=lambda *_: None)
    journal.open({"broker1": 99})
    assert not other.ledger.states, "nobody's orders are taken for another's"
    assert other.ledger.event_count == 2, "the numbering is one"
    journal.close()
    assert [event.order_id for event in events_of_days(path, DAY, DAY + timedelta(days=1))] == ["1", "2"]


EVENING = datetime(2026, 3, 10, 18, 13, tzinfo=IST)
NEXT_MORNING = datetime(2026, 3, 11, 9, 15, tzinfo=IST)
AFTER_A_HOLIDAY = datetime(2026, 3, 16, 9, 15, tzinfo=IST)


def sent_after_market(desk: Desk, **fields: Any) -> OrderEvent | None:
    """One step of the order that was sent on the evening, by the number that the broker gave it then."""
    row = {"norenordno": "26031000573218", "amo": "Yes", "qty": "75", "tsym": "NIFTY30MAR26C25000", **fields}
    now_ns = desk.clock.now_ns()
    return desk.ledger.apply(
        order_update_from_row(row, broker_name="broker1", receive_time_ns=now_ns, source=UpdateSource.STREAM)
    )


@pytest.mark.parametrize("keep_days", [1, 30])
@pytest.mark.parametrize("market_day", [NEXT_MORNING, AFTER_A_HOLIDAY])
@pytest.mark.parametrize("restarts", [(), ("night",), ("day",), ("night", "day")])
def test_an_after_market_order_lives_on_over_the_night_and_restarts(
    path: Path, restarts: tuple[str, ...], market_day: datetime, keep_days: int
) -> None:
    desk = Desk(path, StillClock(EVENING), keep_days)
    received = {"status": "OPEN", "reporttype": "New"}
    filled = {"status": "COMPLETE", "reporttype": "Fill", "fillshares": "75", "exchordid": "11", "flid": "7"}
    filled |= {"flqty": "75", "flprc": "12.5"}
    assert sent_after_market(desk, **received)
    ((key, state),) = desk.ledger.states.items()
    assert (key[1], state.status, state.amo) == (DAY, OrderStatus.PENDING, True)
    desk.clock.at = market_day - timedelta(hours=1)
    desk.journal._drop_days()  # as `tend` does on a new day
    if "night" in restarts:
        desk = reopened(desk, keep_days=keep_days)
        assert desk.ledger.states[key] == state, "it is to be filled today"
        assert sent_after_market(desk, **received) is None
    desk.clock.at = market_day
    assert sent_after_market(desk, **filled)
    told = desk.ledger.events_snapshot()
    if "day" in restarts:
        desk = reopened(desk, keep_days=keep_days)
        assert sent_after_market(desk, **filled) is None, "what was told is not told again"
    assert list(desk.ledger.states) == [key], "it has one key all its life"
    assert desk.ledger.states[key].status is OrderStatus.COMPLETE
    assert desk.ledger.events_snapshot() == told
    assert [event.status for event in told] == ["PENDING", "COMPLETE"]
    desk.journal.close()


def test_an_after_market_order_that_has_ended_is_history_on_the_next_day(path: Path) -> None:
    desk = Desk(path, StillClock(EVENING))
    assert sent_after_market(desk, status="OPEN", reporttype="New")
    assert sent_after_market(desk, status="AMO CANCELED", reporttype="Canceled")
    desk.clock.at = NEXT_MORNING
    assert reopened(desk).ledger.states == {}


def test_days_are_dropped_at_the_start_and_at_the_turn_of_the_day(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(path, keep_days=2)
    for number in range(4):
        desk.order(number)
        desk.clock.at += timedelta(days=1)
    with caplog.at_level(logging.INFO, logger="dualbroker"):
        again = reopened(desk, keep_days=2)
    assert "order journal: dropped 2026-03-10, 2026-03-11, 2026-03-12, for 2 days are kept" in caplog.text
    again.journal.close()
    assert [event.order_id for event in events_of_days(path, DAY, DAY + timedelta(days=9))] == ["3"]


# When the file is not well


def test_a_full_disk_is_said_once_and_what_waited_is_written_later(path: Path) -> None:
    desk = Desk(path)
    desk.order(1)
    (pages,) = desk.connection().execute("PRAGMA page_count").fetchone()
    desk.connection().execute(f"PRAGMA max_page_count = {pages}")
    for number in range(2, 40):
        desk.order(number, remarks="x" * 500)
    assert len(desk.ledger.states) == 39, "orders are shown all the same"
    ((cause, action),) = desk.said
    assert cause.endswith("the disk is full")
    assert "it is tried again" in action
    assert desk.journal.waiting
    desk.connection().execute("PRAGMA max_page_count = 1000000")
    desk.clock.at += timedelta(seconds=10)
    desk.order(40)
    assert not desk.journal.waiting
    assert "is written again" in desk.said[-1][0]
    assert reopened(desk).ledger.states == desk.ledger.states


def test_what_waits_has_a_bound_and_the_states_are_written_whole_after_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journaling, "MOST_WAITING", 10)
    desk = Desk(path)
    desk.order(0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for number in range(1, 50):
            desk.order(number)
        assert desk.journal.waiting <= 10
        assert "another program holds it" in desk.journal.problem
        holder.execute("ROLLBACK")
    desk.clock.at += timedelta(seconds=10)
    desk.order(50)
    assert desk.journal.problem == ""
    again = reopened(desk)
    assert again.ledger.states == desk.ledger.states
    assert again.ledger.events == desk.ledger.events


@pytest.mark.parametrize("where", ["at the start", "while it runs", "deleted"])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun_with_what_is_known(
    path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(path)
    identity = desk.ledger.identity
    for number in range(200):
        desk.order(number)
    known = dict(desk.ledger.states)
    if where == "at the start":
        desk.journal.close()
        path.write_bytes(b"\xff" * 100_000)
        desk = Desk(path, desk.clock)
        assert not desk.ledger.states
        known.clear()
    elif where == "while it runs":
        desk.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = path.read_bytes()
        path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
        desk.connection().execute("PRAGMA shrink_memory")  # what it has read already it would not read again
    else:
        path.unlink()
        monkeypatch.setattr(journaling, "TEND_EVERY_S", 0.01)
        asyncio.run(_tended(desk))
    event = desk.order(200)
    assert event is not None
    known[event.update.key] = desk.ledger.states[event.update.key]
    ((cause, action),) = desk.said
    assert "damaged" in cause or "deleted" in cause
    assert "a new one was begun" in action
    again = reopened(desk)
    assert again.said == []
    assert again.ledger.states == known
    if where != "at the start":
        assert again.ledger.identity == identity
        assert again.ledger.events == desk.ledger.events


async def _tended(desk: Desk) -> None:
    tending = asyncio.create_task(desk.journal.tend())
    deadline = asyncio.get_running_loop().time() + 10
    while not desk.said:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)


def test_a_journal_in_use_or_in_no_folder_is_an_incident_and_the_feed_goes_on(
    path: Path, tmp_path: Path
) -> None:
    first = Desk(path)
    second = Desk(path)
    assert "is in use by another feed of this machine" in second.said[0][0]
    assert "this feed keeps no journal" in second.said[0][1]
    assert second.order(1) is not None
    assert first.order(2) is not None
    (tmp_path / "file").write_text("", encoding="utf-8")
    third = Desk(tmp_path / "file" / "orders.sqlite")
    assert "can't be written" in third.said[0][0]
    assert third.order(1) is not None
    for desk in (first, second, third):
        desk.journal.close()
    assert [event.order_id for event in events_of_days(path, DAY, DAY)] == ["2"]


def test_an_incident_of_the_journal_is_one_of_the_feed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    async def story(world: World) -> None:
        async with world.manager() as manager:
            (incident,) = manager.incidents.incidents_snapshot()
            assert incident.broker_name is None
            assert "order journal" in incident.cause
            await eventually(lambda: manager.orders.event_count > 20)

    run_world(story, orders_per_minute=120.0, journal={"path": str(tmp_path / "file" / "orders.sqlite")})


# Which feed has one


def test_real_brokers_have_one_unless_told_and_simulated_ones_where_a_path_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUALBROKER_HOME", str(tmp_path))
    real = {"b": {"type": "flattrade", "user_id": "FA1", "api_key": "k", "api_secret": "s"}}
    simulated = {"b": {"type": "simulated"}}

    def path_of(brokers: dict[str, Any], **journal: Any) -> Path | None:
        return journal_path(Config.model_validate({"brokers": brokers, "journal": journal}))

    assert path_of(real) == tmp_path / "state" / "orders.sqlite"
    assert path_of(real, enabled=False) is None
    assert path_of(real, path="x.sqlite") == Path("x.sqlite")
    assert path_of(simulated) is path_of(simulated, enabled=True) is None
    assert path_of(simulated, path="x.sqlite") == Path("x.sqlite")


def test_orders_of_a_simulator_of_before_are_nobodys() -> None:
    sections = Config.model_validate({"brokers": {"b": {"type": "simulated", "user_id": "S1"}}}).brokers
    assert account_number(sections["b"], "one run") != account_number(sections["b"], "another run")
    assert account_number(sections["b"]) == account_number(sections["b"])


def test_a_manager_without_a_journal_has_none() -> None:
    async def story(world: World) -> None:
        manager: WebSocketManager = world.manager()
        async with manager:
            assert manager.journal is None

    run_world(story)
