"""Order events of earlier days, read from the order journal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from dualbroker.config.load import find_config, load_config
from dualbroker.errors import ConfigError
from dualbroker.frames.frames import order_events_frame
from dualbroker.manager.reconcile.journaling import events_of_days, journal_path
from dualbroker.storage.paths import state_directory

__all__ = ["read_journal"]


def read_journal(
    first: date | str, last: date | str | None = None, *, path: Path | str | None = None
) -> pd.DataFrame:
    """What orders did on some trading days: the columns of ``feed.order_events``.

    Also while a service writes the journal.

    Parameters
    ----------
    first, last
        Trading days in India, both included, dates or texts such as ``2030-01-31``; one day by default.
    path
        The journal; that of the ``config.yaml`` found by default.

    Raises
    ------
    ConfigError
        A day is none, or there is no journal.
    JournalError
        It can't be read.
    """
    begin = _day(first)
    end = begin if last is None else _day(last)
    journal = Path(path) if path is not None else _configured()
    if not journal.exists():
        raise ConfigError(f"expected an order journal, found no file {journal}")
    return order_events_frame(events_of_days(journal, begin, end))


def _day(value: date | str) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigError(f"expected a day such as 2030-01-31, found {str(value)[:40]!r}") from None


def _configured() -> Path:
    if find_config() is None:
        return state_directory() / "orders.sqlite"
    config = load_config()
    path = journal_path(config)
    if path is None:
        raise ConfigError(f"{config.path} keeps no order journal; journal.path names one")
    return path
