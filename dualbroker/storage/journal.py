"""The order journal: one SQLite file that holds each order record before anybody is shown it.

What a record says is not known here; it is bytes with the order's day and broker beside them.

A killed process loses nothing: a row is committed to the write-ahead log, which the system keeps whoever
dies. That log is not forced to the disk row by row (``synchronous=NORMAL``), for that would hold up
quotes by milliseconds: a loss of power may take the rows of the last moments, never what was there
before. The numbering then gets a new identity, for its last numbers may be given again. A row takes about
a tenth of a millisecond (``benchmarks/journal_row.py``), so it is written where it is; checkpoints,
which do wait for the disk, go beside it on a connection of their own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import filelock
import psutil

from dualbroker.errors import JournalDamagedError, JournalError

__all__ = ["Journal", "JournalRow", "read_days"]

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x44424F4A
"""``DBOJ``, in the file's header."""
LARGEST_LOG_BYTES = 32 * 2**20
"""Of the write-ahead log: beyond it the writer itself waits once for a checkpoint."""
_BOOT_TIME_APART_S = 60.0
"""Two readings of when the machine was started differ by less."""

_SCHEMA = (
    """CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        sequence INTEGER,           -- of an event; NULL for what is none
        trading_day TEXT NOT NULL,
        broker TEXT NOT NULL,
        account INTEGER NOT NULL,   -- tells one account from another, and nobody which it is
        content BLOB NOT NULL
    )""",
    # Instead of an index, which would make each row dearer to write.
    "CREATE TABLE days (trading_day TEXT PRIMARY KEY, first_id INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class JournalRow(NamedTuple):
    """One record and what it is found by."""

    sequence: int | None
    """Of an event; None for a record that is none."""
    trading_day: date
    broker_name: str
    account: int
    """A number that tells accounts apart, so that nobody's orders are taken for another's."""
    content: bytes


class Journal:
    """The one writer of a journal. Used on one thread, but for :meth:`checkpoint`.

    Parameters
    ----------
    path
        The file; it is made when missing, for its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.identity = ""
        """Names the numbering of its events; set once it is open."""
        self._lock = filelock.FileLock(f"{self.path}.lock", timeout=0, thread_local=False, mode=0o600)
        self._connection: sqlite3.Connection | None = None
        self._days: set[str] = set()
        self._last_sequence = 0

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    @property
    def last_sequence(self) -> int:
        """The highest sequence number that it has ever borne."""
        return self._last_sequence

    # Opened and closed

    def open(self, identity: str = "") -> None:
        """Take the file, for nobody else to write, and make it when it is missing.

        Parameters
        ----------
        identity
            Of the numbering that a new file goes on with; a fresh one unless given.

        Raises
        ------
        JournalDamagedError
            It is no journal any more; see :meth:`set_aside`.
        JournalError
            Another process has it, or it can't be written; in words.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
            with contextlib.suppress(FileExistsError):
                # SQLite itself would make it readable for everybody.
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except filelock.Timeout:
            raise JournalError(
                f"the order journal {self.path} is in use by another feed of this machine"
            ) from None
        except OSError as error:
            self._lock.release()
            raise JournalError(
                f"the order journal {self.path} can't be written: {error.strerror or error}"
            ) from None
        try:
            with _in_words(self.path):
                self._connection = _connect(self.path)
                self._prepare(self._connection, identity)
        except BaseException:
            self.close()
            raise

    def _prepare(self, connection: sqlite3.Connection, identity: str) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and application != _APPLICATION_ID:
            raise JournalError(f"expected an order journal, found another database: {self.path}")
        if version > SCHEMA_VERSION:
            raise JournalError(
                f"the order journal {self.path} is of a newer version of dualbroker "
                f"(expected layout {SCHEMA_VERSION}, found {version})"
            )
        with _transaction(connection):
            if not tables:
                for statement in _SCHEMA:
                    connection.execute(statement)
            self._take_up(connection, identity)

    def _take_up(self, connection: sqlite3.Connection, identity: str) -> None:
        facts = dict(connection.execute("SELECT name, value FROM facts"))
        booted_s = psutil.boot_time()
        lost_power = (
            not facts.get("closed", 1) and abs(facts.get("booted_s", 0) - booted_s) > _BOOT_TIME_APART_S
        )
        self.identity = facts.get("identity", identity)
        if not self.identity or lost_power:
            self.identity = secrets.token_hex(8)
        for fact in (("identity", self.identity), ("closed", 0), ("booted_s", booted_s)):
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", fact)
        newest = connection.execute(
            "SELECT sequence FROM records WHERE sequence IS NOT NULL ORDER BY id DESC LIMIT 1"
        ).fetchone()
        self._last_sequence = max(facts.get("last_sequence", 0), newest[0] if newest else 0)
        self._days = {day for (day,) in connection.execute("SELECT trading_day FROM days")}

    def close(self) -> None:
        """Bring everything into the one file and give it back; safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("UPDATE facts SET value = 1 WHERE name = 'closed'")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        self._lock.release()

    def set_aside(self, at: datetime) -> Path:
        """Rename a file that is damaged, so that a new one can be begun; where it is now.

        Raises
        ------
        JournalError
            It can't be renamed.
        """
        self.close()
        kept = self.path.with_name(f"{self.path.name}.damaged-{at:%Y%m%d-%H%M%S}")
        try:
            for ending in ("-wal", "-shm", ""):
                part = Path(f"{self.path}{ending}")
                if part.exists():
                    part.replace(f"{kept}{ending}")
        except OSError as error:
            raise JournalError(
                f"the order journal {self.path} is damaged and can't be renamed: {error.strerror or error}"
            ) from None
        return kept

    # Written

    def append(self, rows: Sequence[JournalRow]) -> None:
        """Write rows, all of them or none. An event whose number it has already is passed over.

        Raises
        ------
        JournalDamagedError
            It is no journal any more.
        JournalError
            The disk is full, somebody holds the file …: nothing was written, and it may be tried again.
        """
        with _in_words(self.path):
            connection = self._require_open()
            news, last = [], self._last_sequence
            for row in rows:
                if row.sequence is None or row.sequence > last:
                    news.append(row)
                    last = row.sequence or last
            if len(news) == 1 and news[0].trading_day.isoformat() in self._days:
                self._insert(connection, news[0])  # a transaction by itself
            elif news:
                with _transaction(connection):
                    for row in news:
                        self._insert(connection, row)
            self._days.update(row.trading_day.isoformat() for row in news)
            self._last_sequence = last

    def _insert(self, connection: sqlite3.Connection, row: JournalRow) -> None:
        day = row.trading_day.isoformat()
        cursor = connection.execute(
            "INSERT INTO records (sequence, trading_day, broker, account, content) VALUES (?, ?, ?, ?, ?)",
            (row.sequence, day, row.broker_name, row.account, row.content),
        )
        if day not in self._days:
            connection.execute("INSERT OR IGNORE INTO days VALUES (?, ?)", (day, cursor.lastrowid))

    def drop_days_before(self, day: date) -> list[date]:
        """Delete what is of earlier trading days; which days that were.

        Raises
        ------
        JournalError
            As :meth:`append` does.
        """
        first = day.isoformat()
        dropped = sorted(known for known in self._days if known < first)
        if dropped:
            with _in_words(self.path), _transaction(self._require_open()) as connection:
                # The numbering goes on although the last event's row may be deleted.
                last = ("last_sequence", self._last_sequence)
                connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", last)
                connection.execute("DELETE FROM records WHERE trading_day < ?", (first,))
                connection.execute("DELETE FROM days WHERE trading_day < ?", (first,))
            self._days.difference_update(dropped)
        return [date.fromisoformat(known) for known in dropped]

    def checkpoint(self) -> None:
        """Bring what was written into the file itself. Waits for the disk; may be called on any thread.

        Writing goes on meanwhile. What goes wrong is not lost: the log is kept and grows.
        """
        with contextlib.suppress(sqlite3.Error), contextlib.closing(_connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def shorten_log(self) -> None:
        """After :meth:`checkpoint`: let a log that was written to all the time start over. Rarely waits."""
        with contextlib.suppress(OSError, sqlite3.Error):
            if Path(f"{self.path}-wal").stat().st_size > LARGEST_LOG_BYTES:
                self._require_open().execute("PRAGMA wal_checkpoint(PASSIVE)")

    # Read

    def rows(self, since: date, accounts: Iterable[tuple[str, int]]) -> Iterator[JournalRow]:
        """What was written of trading days from that one on, of those brokers' accounts, in order.

        Raises
        ------
        JournalDamagedError, JournalError
            It can't be read.
        """
        wanted = set(accounts)
        with _in_words(self.path):
            for row in _select(self._require_open(), since, date.max):
                if (row.broker_name, row.account) in wanted:
                    yield row

    def _require_open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise JournalError(f"the order journal {self.path} is closed")
        return self._connection


def read_days(path: Path, first: date, last: date) -> list[JournalRow]:
    """What a journal has of some trading days, both included; also while a feed writes it.

    Raises
    ------
    JournalDamagedError, JournalError
        It can't be read.
    """
    with _in_words(path), contextlib.closing(_connect(path, read_only=True)) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != _APPLICATION_ID:
            raise JournalError(f"expected an order journal, found something else: {path}")
        return list(_select(connection, first, last))


def _select(connection: sqlite3.Connection, first: date, last: date) -> Iterator[JournalRow]:
    days = (first.isoformat(), last.isoformat())
    cursor = connection.execute(
        """SELECT sequence, trading_day, broker, account, content FROM records
           WHERE id >= (SELECT min(first_id) FROM days WHERE trading_day BETWEEN ? AND ?)
           AND trading_day BETWEEN ? AND ? ORDER BY id""",
        days * 2,
    )
    for sequence, day, broker_name, account, content in cursor:
        yield JournalRow(sequence, date.fromisoformat(day), broker_name, account, content)


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection that waits for nobody: another holder of the file must not hold up quotes."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=5.0 if read_only else 0.0,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        words = {
            sqlite3.SQLITE_FULL: "the disk is full",
            sqlite3.SQLITE_BUSY: "another program holds it",
            sqlite3.SQLITE_LOCKED: "another program holds it",
            sqlite3.SQLITE_READONLY: "it can only be read",
            sqlite3.SQLITE_CANTOPEN: "it can't be opened",
        }
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise JournalError(f"the order journal {path}: {words.get(code, str(error))}") from None
    except (sqlite3.DatabaseError, ValueError) as error:
        raise JournalDamagedError(f"the order journal {path} is damaged: {error}") from None
