"""The part of a feed that writes what it knows into an Excel workbook."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from dualbroker import tables
from dualbroker.errors import ArgumentError
from dualbroker.feed import frames
from dualbroker.feed.bars import interval_ns
from dualbroker.feed.failing_over import FailingOverFeed
from dualbroker.feed.reading import ReadingFeed
from dualbroker.feed.workbook import EXCEL_ROWS, Workbook, import_xlsxwriter
from dualbroker.figures import number
from dualbroker.tables import Table

__all__ = ["ExportingFeed"]

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


class ExportingFeed(ReadingFeed, FailingOverFeed):
    """Workbooks."""

    def export(
        self,
        path: Path | str,
        *,
        bars: str = "1min",
        ticks: int = EXCEL_ROWS,
        progress: Callable[[float, str], None] | bool = True,
    ) -> pd.DataFrame:
        """Write quotes, orders, ticks and all else into an Excel workbook, for those who go on there.

        The first sheet says what it is: SIMULATED or LIVE, as of when, in which units, and what was left
        out. Times are naive Indian wall time to the millisecond, ids and tokens are text, unknown cells are
        empty, and no text is taken for a formula. What is there under that name is replaced at the end.

        Parameters
        ----------
        path
            A name ending in ``.xlsx``.
        bars
            The bars' length.
        ticks
            The newest ticks at most; a sheet holds 1,048,575 rows.
        progress
            Shows how far it is where there is much to write; False does not; or a function that is told the
            part of the work (0 to 1) and what is written.

        Returns
        -------
        DataFrame
            The sheets: ``rows`` written, ``left_out`` (had come, and is not in it), ``what``; indexed by
            ``sheet``. ``attrs["path"]`` says where.

        Raises
        ------
        ValueError
            The name ends otherwise, or the bars' length can't be read.
        ImportError
            The library that writes workbooks is not installed; the message says how to have it.
        OSError
            The file can't be written, for one because it is open in Excel.
        """
        try:
            target = Path(path).expanduser()
        except RuntimeError:
            raise ValueError(
                f"path: found {str(path)!r}, but no home folder for its ~; name it whole"
            ) from None
        if target.suffix.lower() != ".xlsx":
            raise ArgumentError(
                f"path: expected a name ending in .xlsx, found {target.name!r}; "
                "single frames go elsewhere by pandas, such as feed.orders.to_csv(...) and .to_parquet(...)"
            )
        interval_ns(bars)
        import_xlsxwriter()
        rows = min(ticks, self._manager.quotes.total_rows)
        with _reporting(progress, rows, target.name) as report, _replacing(target) as fresh:
            written = self._write(fresh, bars, ticks, report)
        written.attrs["path"] = str(target)
        return written

    def export_async(
        self,
        path: Path | str,
        *,
        bars: str = "1min",
        ticks: int = EXCEL_ROWS,
        progress: Callable[[float, str], None] | bool = False,
    ) -> Awaitable[pd.DataFrame]:
        """The async twin of :meth:`export`; it works on a thread of its own."""
        return asyncio.to_thread(self.export, path, bars=bars, ticks=ticks, progress=progress)

    def _write(self, path: Path, bars: str, ticks: int, report: Report) -> pd.DataFrame:
        store = self._manager.quotes
        stop = store.total_rows
        start = max(store.first_row, stop - max(0, min(ticks, EXCEL_ROWS)))
        quotes = self.quotes.reset_index()
        known_frames: dict[str, pd.DataFrame] = {
            "quotes": quotes,
            "orders": self.orders,
            "order_events": self.order_events,
            "brokers": self.brokers.reset_index(),
            "bandwidth": self.bandwidth,
            "savings": self.savings().reset_index(),
            "failovers": self.failovers,
            "incidents": self.incidents,
        }
        all_bars = list(self._bars_of_all(bars))
        known = {name: len(table) for name, table in known_frames.items()}
        known |= {"ticks": stop, "bars": sum(map(len, all_bars))}
        rows = {name: min(count, EXCEL_ROWS) for name, count in known.items()} | {"ticks": stop - start}
        contents = pd.DataFrame(
            {
                "sheet": list(_SHEETS),
                "rows": [rows[name] for name in _SHEETS],
                "left_out": [known[name] - rows[name] for name in _SHEETS],
                "what": [what for _, what in _SHEETS.values()],
            }
        )
        with Workbook(path, self.mode) as book:
            book.lines(
                "about", "What a dualbroker feed knew", self._about(contents, quotes.attrs["as_of"], bars)
            )
            for name, (table, _) in _SHEETS.items():
                # Ticks that come meanwhile are left for the next one: all sheets are of the same time.
                parts = {"ticks": self._ticks_between(start, stop, report), "bars": all_bars}
                book.table(name, table.all_columns, parts.get(name) or [known_frames[name]])
        return self._stamp(contents.set_index("sheet"))

    def _ticks_between(self, start: int, stop: int, report: Report) -> Iterator[pd.DataFrame]:
        store = self._manager.quotes
        for block, first, count in store.rows_since(start):
            last = min(count, stop - block.first)
            for begin in range(first, last, CHUNK_ROWS):
                report((block.first + begin - start) / max(1, stop - start), "ticks")
                yield frames.stored_ticks_frame(store, block, begin, min(last, begin + CHUNK_ROWS))

    def _bars_of_all(self, interval: str) -> Iterator[pd.DataFrame]:
        store = self._manager.quotes
        for key in list(self._manager.wanted()):
            index = store.index_of(key)
            if index is not None:
                instrument = store.instruments[index]
                bars = self.bars(instrument, interval).reset_index()
                yield bars.assign(symbol=instrument.symbol, exchange=instrument.exchange)

    def _about(self, contents: pd.DataFrame, as_of: str, bars: str) -> Iterator[tuple[str, ...]]:
        simulated = self.mode == "SIMULATED"
        yield ("",)
        if simulated:
            yield (
                "SIMULATED: made-up prices and orders, or a recorded day's. Nothing in it is an account's.",
            )
        yield ("as of", f"{pd.Timestamp(as_of):%Y-%m-%d %H:%M:%S} Indian time")
        yield ("quotes come from", self.primary or "no broker")
        yield ("times", "Indian wall time (UTC+05:30) without a zone, to the millisecond")
        yield ("prices", "rupees")
        yield ("quantities", "units, never lots; open interest too")
        yield ("unknown", "an empty cell; a 0 is a 0 that was received")
        yield ("ids, tokens", "text, so that no digit is lost")
        yield ("bars", f"of {bars}")
        yield ("",)
        yield ("sheet", "rows", "left out", "what")
        for row in contents.itertuples():
            yield (str(row.sheet), number(int(str(row.rows))), number(int(str(row.left_out))), str(row.what))
        yield ("",)
        yield (
            f"A sheet holds {number(EXCEL_ROWS)} rows. What was left out is older; "
            "the feed may have let go of it.",
        )


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its place when all went well."""
    with tempfile.TemporaryDirectory(prefix=f".{target.stem}-", dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        yield fresh
        fresh.replace(target)


@contextmanager
def _reporting(progress: Report | bool, rows: int, name: str) -> Iterator[Report]:
    """Whom the work tells how far it is."""
    if not isinstance(progress, bool):
        progress(0.0, "")
        yield progress
        progress(1.0, "")
        return
    if not progress or rows < LONG_WORK_ROWS:
        yield lambda part, words: None
        return
    from dualbroker.notebook.progress import ProgressLine, in_kernel

    if in_kernel():
        line = ProgressLine(f"writing {name}")
        yield line.show
        line.close(f"{name} is written")
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(f"writing {name}", total=1.0)
        yield lambda part, words: bar.update(task, completed=part)
