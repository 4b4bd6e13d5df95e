"""Keeps the order journal beside the ledger: takes it up at the start, writes, drops days, survives its file.

Whatever happens to the file, orders are shown and the feed goes on: that is said once, in words, and
what could not be written waits and is written later.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from dualbroker.clock import Clock, ist
from dualbroker.config.schema import BrokerConfig, Config
from dualbroker.errors import JournalDamagedError, JournalError
from dualbroker.storage.journal import Journal, JournalRow, read_days
from dualbroker.storage.paths import state_directory
from dualbroker.stores.order_records import (
    OrderEvent,
    OrderRecord,
    StateNote,
    changes_of,
    decode_record,
    encode_record,
    key_of,
)
from dualbroker.stores.orders import Ledger

__all__ = ["OrderJournal", "account_number", "events_of_days", "journal_path"]

logger = logging.getLogger("dualbroker")

TRY_AGAIN_NS = 5_000_000_000
"""Between two attempts to write what waits."""
MOST_WAITING = 20_000
"""Records that wait for a file that can be written; beyond, the states are written whole instead."""
TEND_EVERY_S = 30.0
AFTER_MARKET_DAYS = 7
"""So long before may an order have been sent that reaches the exchange today: holidays lie between."""


def journal_path(config: Config) -> Path | None:
    """Where the journal of a config is; None when it has none.

    Simulated brokers have one only where its path is given: their orders start over with each simulator.
    """
    section = config.journal
    if section.enabled is False or (config.is_simulated and section.path is None):
        return None
    return section.path or state_directory() / "orders.sqlite"


def account_number(section: BrokerConfig, simulator: str = "") -> int:
    """Tells whose orders a journal's rows are, so that nobody else's are taken up; and nobody who it is.

    Parameters
    ----------
    simulator
        Names the one simulator that was started for this feed, where the broker lives in it.
    """
    words = [*section.account_words, *([simulator] if section.is_simulated else [])]
    digest = hashlib.sha256("\0".join(words).encode("utf-8")).digest()
    return int.from_bytes(digest[:7], "big")


def events_of_days(path: Path, first: date, last: date) -> list[OrderEvent]:
    """The order events that a journal has of some trading days, both included, in their order.

    Raises
    ------
    JournalError
        It can't be read.
    """
    return [
        record
        for record in (_decoded(path, row) for row in read_days(path, first, last))
        if isinstance(record, OrderEvent)
    ]


def _decoded(path: Path, row: JournalRow) -> OrderRecord:
    try:
        return decode_record(row.content)
    except ValueError as error:
        raise JournalDamagedError(f"the order journal {path} is damaged: {error}") from None


def _of_the_day(records: list[OrderRecord], today: date) -> list[OrderRecord]:
    """Those of today's orders: sent today, or before that and still on their way, or heard of today.

    An after-market order has the day on which it was sent and is filled on another; its whole life is
    taken up, so that nothing of it is told again.
    """
    earlier = Ledger(max_events=1)
    earlier.restore(record for record in records if key_of(record)[1] < today)
    goes_on = {
        key
        for key, state in earlier.states.items()
        if state.awaits_market or ist(state.last_update_ns).date() >= today
    }
    return [record for record in records if (key := key_of(record))[1] >= today or key in goes_on]


class OrderJournal:
    """Writes down what a ledger records.

    Parameters
    ----------
    keep_days
        Calendar days that are kept, today included.
    note
        Told what went wrong and what is done about it, in words.
    """

    def __init__(
        self,
        path: Path,
        keep_days: int,
        *,
        ledger: Ledger,
        clock: Clock,
        note: Callable[[str, str], object],
    ) -> None:
        self._journal = Journal(path)
        self._keep_days = keep_days
        self._ledger = ledger
        self._clock = clock
        self._note = note
        self._accounts: Mapping[str, int] = {}
        self._waiting: deque[JournalRow] = deque()
        self._begins_anew = False
        """Records were left out: the states are written whole before any other."""
        self._try_again_ns = 0
        self._problem = ""
        self._today: date | None = None

    @property
    def path(self) -> Path:
        return self._journal.path

    @property
    def problem(self) -> str:
        """Why it is not written just now, in words; empty when it is."""
        return self._problem

    @property
    def waiting(self) -> int:
        """Records that could not be written yet."""
        return len(self._waiting)

    # Taken up

    def open(self, accounts: Mapping[str, int]) -> None:
        """Take the ledger up where it was left today, and record what it says from now on.

        Parameters
        ----------
        accounts
            By broker's name; what is of other accounts stays in the file.
        """
        self._accounts = accounts
        try:
            self._open_and_restore()
        except JournalDamagedError as error:
            if not self._replace(str(error)):
                return
        except JournalError as error:
            self._journal.close()
            self._say(
                str(error),
                "this feed keeps no journal: after a restart its orders come from the brokers' books alone; "
                "mend it, or name another file as journal.path, and start again",
            )
            return
        self._ledger.identity = self._journal.identity
        self._ledger.recorders.append(self.append)
        self._drop_days()

    def _open_and_restore(self) -> None:
        self._journal.open()
        today = ist(self._clock.now_ns()).date()
        since = today - timedelta(days=AFTER_MARKET_DAYS)
        rows = self._journal.rows(since, self._accounts.items())
        try:
            records = _of_the_day([_decoded(self.path, row) for row in rows], today)
            self._ledger.restore(records, last_sequence=self._journal.last_sequence)
        except ValueError as error:
            raise JournalDamagedError(f"the order journal {self.path} is damaged: {error}") from None
        if records:
            logger.info(
                "%d order updates of %d orders are known from %s",
                len(self._ledger.events),
                len(self._ledger.states),
                self.path,
            )

    def _replace(self, problem: str) -> bool:
        """Put a damaged file aside and begin a new one with all that is known; whether that went well."""
        try:
            kept = self._journal.set_aside(ist(self._clock.now_ns()))
            self._journal.open(self._ledger.identity)
            self._journal.append([*self._rows_of_all(), *self._waiting])
        except JournalError as error:
            self._journal.close()
            self._waiting.clear()
            self._say(f"{problem}; {error}", "this feed keeps no journal from now on")
            return False
        self._waiting.clear()
        self._begins_anew = False
        self._problem = ""
        self._say(problem, f"a new one was begun with what is known; what is left of it is {kept.name}")
        self._problem = ""
        return True

    # Written

    def append(self, record: OrderRecord) -> None:
        """Write a record down; where that can't be done now, it waits. Raises nothing."""
        if not self._journal.is_open:
            return  # it was given up, which has been said
        try:
            row = self._row_of(record)
        except (ValueError, TypeError, OverflowError):
            logger.exception("an order record can't be written down; the feed goes on")
            return
        if not self._waiting and not self._begins_anew:
            try:
                self._journal.append([row])
            except JournalError as error:
                self._wait(row)
                self._cannot(error)
            return
        self._wait(row)
        if self._clock.now_ns() >= self._try_again_ns:
            self._catch_up()

    def _row_of(self, record: OrderRecord) -> JournalRow:
        broker_name, day, _ = key_of(record)
        sequence = record.sequence if isinstance(record, OrderEvent) else None
        account = self._accounts.get(broker_name, 0)
        return JournalRow(sequence, day, broker_name, account, encode_record(record))

    def _rows_of_all(self) -> Iterable[JournalRow]:
        """Everything that the ledger knows: kept events, and each state as it stands."""
        for event in self._ledger.events:
            yield self._row_of(event)
        for state in self._ledger.states.values():
            yield self._row_of(StateNote(state.key, changes_of(None, state, None)))

    def _wait(self, row: JournalRow) -> None:
        self._waiting.append(row)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.clear()
            self._begins_anew = True

    def _catch_up(self) -> None:
        """Write what waits."""
        try:
            rows = [*self._rows_of_all()] if self._begins_anew else []
            self._journal.append([*rows, *self._waiting])
        except JournalError as error:
            self._cannot(error)
            return
        count = len(self._waiting)
        self._waiting.clear()
        self._begins_anew = False
        if self._problem:
            self._problem = ""
            cause = f"the order journal {self.path} is written again"
            self._note(cause, f"{count} records that waited are in it")
            logger.info("%s", cause)

    def _cannot(self, error: JournalError) -> None:
        if isinstance(error, JournalDamagedError) and self._journal.is_open:
            self._replace(str(error))
            return
        self._try_again_ns = self._clock.now_ns() + TRY_AGAIN_NS
        self._say(str(error), "the feed goes on; what is not written waits, and it is tried again")

    def _say(self, cause: str, action: str) -> None:
        """Once for each outage."""
        if not self._problem:
            self._note(cause, action)
            logger.warning("%s; %s", cause, action)
        self._problem = cause

    # Tended

    async def tend(self) -> None:
        """Checkpoints, the day's turn and what waits, until it is cancelled."""
        while True:
            await asyncio.sleep(TEND_EVERY_S)
            if not self._journal.is_open:
                continue
            if not self.path.exists():
                self._replace(f"the order journal {self.path} was deleted")
            if (self._waiting or self._begins_anew) and self._clock.now_ns() >= self._try_again_ns:
                self._catch_up()
            if ist(self._clock.now_ns()).date() != self._today:
                self._drop_days()
            await asyncio.to_thread(self._journal.checkpoint)
            self._journal.shorten_log()

    def _drop_days(self) -> None:
        today = ist(self._clock.now_ns()).date()
        try:
            first = today - timedelta(days=self._keep_days - 1)
            still = today - timedelta(days=AFTER_MARKET_DAYS)
            # Not the life of an order that goes on today.
            alive = (state.trading_day for state in self._ledger.states.values() if state.awaits_market)
            first = min([first, *(day for day in alive if still <= day)])
            dropped = self._journal.drop_days_before(first)
        except (JournalError, OverflowError) as error:
            logger.warning("days of the order journal could not be dropped: %s", error)
            return
        self._today = today
        if dropped:
            days = ", ".join(day.isoformat() for day in dropped)
            logger.info("order journal: dropped %s, for %d days are kept", days, self._keep_days)

    def close(self) -> None:
        """Write what waits and give the file back. Raises nothing."""
        if not self._journal.is_open:
            return
        if self._waiting or self._begins_anew:
            self._catch_up()
        if self._waiting:
            logger.error("%d order records could not be written: %s", len(self._waiting), self._problem)
        self._journal.close()
