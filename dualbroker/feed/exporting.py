"""Writes what a feed knows into an Excel workbook."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from dualbroker import tables
from dualbroker.errors import ArgumentError
from dualbroker.figures import number
from dualbroker.frames import frames
from dualbroker.frames.workbook import EXCEL_ROWS, Workbook
from dualbroker.stores.quotes import QuoteStore
from dualbroker.tables import Table

__all__ = ["Exported", "Report", "reporting", "target_of", "write_workbook"]

CHUNK_ROWS = 20_000
LONG_WORK_ROWS = 100_000
"""From so many rows on a person wants to see how far it is."""

Report = Callable[[float, str], None]

_SHEETS: Mapping[str, tuple[Table, str]] = {
    "quotes": (tables.QUOTES, "the latest full quote of each subscribed instrument"),
    "orders": (tables.ORDERS, "one row per broker and order, in its latest state, the newest first"),
    "order_events": (tables.ORDER_EVENTS, "each update of each order, in order of arrival"),
    "ticks": (tables.ALL_TICKS, "each quote update that is kept, in order of arrival, the newest of them"),
    "bars": (tables.ALL_BARS, "bars of the ticks that were seen, by their left edge, counted from 09:15"),
    "brokers": (tables.BROKERS, "how each broker is doing; bytes since the start"),
    "bandwidth": (tables.BANDWIDTH, "bytes and messages of each second, the last hour; measured"),
    "savings": (
        tables.SAVINGS,
        "what one source of quotes saved; each figure says whether it was measured or estimated",
    ),
    "failovers": (tables.FAILOVERS, "each change of the broker that carries quotes; gaps in seconds"),
    "incidents": (tables.INCIDENTS, "what went wrong, and what was done about it"),
}


class Exported(NamedTuple):
    """What a workbook is made of."""

    mode: str
    primary: str | None
    store: QuoteStore
    frames: Mapping[str, pd.DataFrame]
    """By sheet; but for ticks and bars, whose frames come in parts."""
    bars: Sequence[pd.DataFrame]
    """One frame for each instrument."""


def target_of(path: Path | str) -> Path:
    """The file that a person means.

    Raises
    ------
    ValueError
        Its name does not end in ``.xlsx``, or there is no home folder for its ``~``.
    """
    try:
        target = Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"path: found {str(path)!r}, but no home folder for its ~; name it whole") from None
    if target.suffix.lower() != ".xlsx":
        raise ArgumentError(
            f"path: expected a name ending in .xlsx, found {target.name!r}; "
            "single frames go elsewhere by pandas, such as feed.orders.to_csv(...) and .to_parquet(...)"
        )
    return target


def write_workbook(
    target: Path, known: Exported, *, interval: str, ticks: int, progress: Report | bool
) -> pd.DataFrame:
    """Write a workbook; what is there under its name is replaced at the end.

    Returns
    -------
    DataFrame
        The sheets, as ``Feed.export`` gives them.
    """
    stop = known.store.total_rows
    start = max(known.store.first_row, stop - max(0, min(ticks, EXCEL_ROWS)))
    counts = {name: len(table) for name, table in known.frames.items()}
    counts |= {"ticks": stop, "bars": sum(map(len, known.bars))}
    rows = {name: min(count, EXCEL_ROWS) for name, count in counts.items()} | {"ticks": stop - start}
    contents = pd.DataFrame(
        {
            "sheet": list(_SHEETS),
            "rows": [rows[name] for name in _SHEETS],
            "left_out": [counts[name] - rows[name] for name in _SHEETS],
            "what": [what for _, what in _SHEETS.values()],
        }
    )
    with (
        reporting(
            progress,
            f"writing {target.name}",
            f"{target.name} is written",
            is_long=stop - start >= LONG_WORK_ROWS,
        ) as report,
        _replacing(target) as fresh,
        Workbook(fresh, known.mode) as book,
    ):
        book.lines("about", "What a dualbroker feed knew", _about(contents, known, interval))
        for name, (table, _) in _SHEETS.items():
            # Ticks that come meanwhile are left for the next one: all sheets are of the same time.
            parts = {"ticks": _ticks_between(known.store, start, stop, report), "bars": known.bars}
            book.table(name, table.all_columns, parts.get(name) or [known.frames[name]])
    return contents.set_index("sheet")


def _ticks_between(store: QuoteStore, start: int, stop: int, report: Report) -> Iterator[pd.DataFrame]:
    for block, first, count in store.rows_since(start):
        last = min(count, stop - block.first)
        for begin in range(first, last, CHUNK_ROWS):
            report((block.first + begin - start) / max(1, stop - start), "ticks")
            yield frames.stored_ticks_frame(store, block, begin, min(last, begin + CHUNK_ROWS))


def _about(contents: pd.DataFrame, known: Exported, interval: str) -> Iterator[tuple[str, ...]]:
    yield ("",)
    if known.mode == "SIMULATED":
        yield ("SIMULATED: made-up prices and orders, or a recorded day's. Nothing in it is an account's.",)
    yield ("as of", f"{pd.Timestamp(known.frames['quotes'].attrs['as_of']):%Y-%m-%d %H:%M:%S} Indian time")
    yield ("quotes come from", known.primary or "no broker")
    yield ("times", "Indian wall time (UTC+05:30) without a zone, to the millisecond")
    yield ("prices", "rupees")
    yield ("quantities", "units, never lots; open interest too")
    yield ("unknown", "an empty cell; a 0 is a 0 that was received")
    yield ("ids, tokens", "text, so that no digit is lost")
    yield ("bars", f"of {interval}")
    yield ("",)
    yield ("sheet", "rows", "left out", "what")
    for row in contents.itertuples():
        yield (str(row.sheet), number(int(str(row.rows))), number(int(str(row.left_out))), str(row.what))
    yield ("",)
    yield (
        f"A sheet holds {number(EXCEL_ROWS)} rows. What was left out is older; the feed may have dropped it.",
    )


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its place when all went well."""
    with tempfile.TemporaryDirectory(prefix=f".{target.stem}-", dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        yield fresh
        fresh.replace(target)


@contextmanager
def reporting(progress: Report | bool, what: str, done: str, *, is_long: bool = True) -> Iterator[Report]:
    """Whom a piece of work tells how far it is.

    Parameters
    ----------
    progress
        Told itself, or whether a bar is shown; it is not for work that is not long.
    what, done
        In words, while it is done and afterwards.
    """
    if not isinstance(progress, bool):
        progress(0.0, "")
        yield progress
        progress(1.0, "")
        return
    if not progress or not is_long:
        yield lambda part, words: None
        return
    from dualbroker.notebook.live.progress import ProgressLine, in_kernel

    if in_kernel():
        line = ProgressLine(what)
        yield line.show
        line.close(done)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda part, words: bar.update(task, completed=part)
