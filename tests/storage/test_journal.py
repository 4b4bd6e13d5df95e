"""The file of the order journal: rows in, rows out, and what becomes of it when it is not well."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from dualbroker.errors import JournalDamagedError, JournalError
from dualbroker.storage import journal as journal_module
from dualbroker.storage.journal import Journal, JournalRow, read_days

DAY = date(2026, 1, 15)
ACCOUNT = ("broker1", 7)


def row(sequence: int | None, day: date = DAY, broker: str = "broker1", account: int = 7) -> JournalRow:
    return JournalRow(sequence, day, broker, account, f"content {sequence}".encode())


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    journal.open()
    try:
        yield journal
    finally:
        journal.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder that is made" / "orders.sqlite"


def test_rows_come_back_in_order_and_the_numbering_is_known(path: Path) -> None:
    rows = [row(1), row(None), row(2), row(3, DAY + timedelta(days=1))]
    with opened(path) as journal:
        assert journal.last_sequence == 0
        for each in rows[:2]:
            journal.append([each])
        journal.append(rows[2:])
        identity = journal.identity
    with opened(path) as journal:
        assert list(journal.rows(DAY, [ACCOUNT])) == rows
        assert list(journal.rows(DAY + timedelta(days=1), [ACCOUNT])) == rows[3:]
        assert journal.last_sequence == 3
        assert journal.identity == identity


def test_it_is_for_its_owner_only_and_one_file_once_it_is_closed(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(1)])
        if sys.platform != "win32":
            assert {each.stat().st_mode & 0o077 for each in path.parent.iterdir()} == {0}
    assert {each.name for each in path.parent.iterdir()} - {"orders.sqlite.lock"} == {"orders.sqlite"}


def test_an_event_that_it_bears_already_is_passed_over(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(1), row(2)])
        journal.append([row(2)])
        journal.append([row(2), row(3), row(3)])
        assert [each.sequence for each in journal.rows(DAY, [ACCOUNT])] == [1, 2, 3]


def test_rows_of_other_accounts_stay_in_the_file(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(1), row(2, account=8), row(3, broker="broker2")])
        assert [each.sequence for each in journal.rows(DAY, [ACCOUNT])] == [1]
        assert [each.sequence for each in journal.rows(DAY, [("broker2", 7), ("broker1", 8)])] == [2, 3]
        assert journal.last_sequence == 3


def test_nobody_else_may_write_it_and_everybody_may_read_it(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(1)])
        with pytest.raises(JournalError, match="is in use by another feed"):
            Journal(path).open()
        assert read_days(path, DAY, DAY) == [row(1)]
        journal.append([row(2)])
    assert read_days(path, DAY, DAY) == [row(1), row(2)]
    with opened(path):
        pass


def test_days_are_dropped_and_the_numbering_goes_on_all_the_same(path: Path) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    with opened(path) as journal:
        journal.append([row(number, day) for number, day in enumerate(days, 1)])
        # A late word of an earlier day, after the first of a later one.
        journal.append([row(5, days[1])])
        assert journal.drop_days_before(days[2]) == days[:2]
        assert journal.drop_days_before(days[2]) == []
        assert [each.sequence for each in journal.rows(date.min, [ACCOUNT])] == [3, 4]
        assert journal.drop_days_before(date.max) == days[2:]
    with opened(path) as journal:
        assert journal.last_sequence == 5
        journal.append([row(6, days[0])])
        assert [each.sequence for each in journal.rows(DAY, [ACCOUNT])] == [6]


def test_a_file_that_is_no_journal_any_more_is_set_aside_and_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"nonsense" * 1000)
    journal = Journal(path)
    with pytest.raises(JournalDamagedError, match="is damaged: file is not a database"):
        journal.open()
    kept = journal.set_aside(datetime(2026, 1, 15, 9, 30))
    assert kept.name == "orders.sqlite.damaged-20260115-093000"
    assert kept.read_bytes() == b"nonsense" * 1000
    journal.open()
    journal.append([row(1)])
    journal.close()
    assert read_days(path, DAY, DAY) == [row(1)]


def test_damage_within_is_found_when_it_is_read(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(number) for number in range(1, 2_000)])
    content = bytearray(path.read_bytes())
    content[8192 : len(content) - 4096] = b"\xff" * (len(content) - 4096 - 8192)
    path.write_bytes(content)
    with pytest.raises(JournalDamagedError):
        _read_whole(path)


def _read_whole(path: Path) -> None:
    with opened(path) as journal:
        list(journal.rows(DAY, [ACCOUNT]))


def test_another_programs_database_and_a_newer_layout_are_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (text)")
    with pytest.raises(JournalError, match="expected an order journal, found another database"):
        Journal(path).open()
    with pytest.raises(JournalError, match="found something else"):
        read_days(path, DAY, DAY)
    path.unlink()
    with opened(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match=r"newer version of dualbroker \(expected layout 1, found 99\)"):
        Journal(path).open()


def test_a_full_disk_is_said_in_words_and_nothing_of_the_batch_is_written(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(1)])
        assert journal._connection is not None
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        many = [row(number) for number in range(2, 500)]
        with pytest.raises(JournalError, match="the disk is full"):
            journal.append(many)
        assert journal.last_sequence == 1
        journal._connection.execute("PRAGMA max_page_count = 1000000")
        journal.append(many)
        assert len(list(journal.rows(DAY, [ACCOUNT]))) == 499


def test_whoever_holds_the_file_does_not_hold_up_the_writer(path: Path) -> None:
    with opened(path) as journal:
        journal.append([row(1)])
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="another program holds it"):
                journal.append([row(2)])
            other.execute("ROLLBACK")
        journal.append([row(2)])
        assert journal.last_sequence == 2


def test_a_folder_that_can_not_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(JournalError, match="can't be written"):
        Journal(tmp_path / "file" / "orders.sqlite").open()


def test_the_log_is_brought_into_the_file_and_begins_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "LARGEST_LOG_BYTES", 100_000)
    log = path.with_name("orders.sqlite-wal")
    with opened(path) as journal:
        for number in range(1, 100):
            journal.append([row(number)])
        before = log.stat().st_size
        journal.checkpoint()
        journal.shorten_log()
        journal.append([row(100)])
        assert log.stat().st_size == before, "what is in the file already is written over"
    assert len(read_days(path, DAY, DAY)) == 100


def test_after_a_loss_of_power_the_numbering_has_another_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Journal(path)
    killed.open()
    assert killed._connection is not None
    killed._connection.close()  # as a kill does, it says no goodbye
    killed._connection = None
    killed.close()
    with opened(path) as journal:
        assert journal.identity == killed.identity, "a kill loses nothing"
        journal._connection, connection = None, journal._connection
        assert connection is not None
        connection.close()
    booted_s = psutil.boot_time() + 3600
    monkeypatch.setattr(psutil, "boot_time", lambda: booted_s)
    with opened(path) as journal:
        assert journal.identity != killed.identity
        identity = journal.identity
    booted_s += 3600
    with opened(path) as journal:
        assert journal.identity == identity, "it had been closed in order"
