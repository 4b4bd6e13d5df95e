"""Figures as a person or a program reads them."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

__all__ = ["Spread", "machine", "print_markdown", "print_table", "spread"]

WIDTH_IN_A_FILE = 140


class Spread(NamedTuple):
    """Several runs of one figure."""

    minimum: float
    median: float
    maximum: float

    def words(self, digits: int) -> str:
        """``min / median / max``."""
        return " / ".join(f"{value:,.{digits}f}" for value in self)


def spread(values: Sequence[float]) -> Spread:
    """Minimum, median and maximum of several runs."""
    return Spread(min(values), statistics.median(values), max(values))


def machine() -> dict[str, str | int | None]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The processor's name; Python knows none on Linux, where the kernel tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    note: str = "",
    *,
    words: Collection[str] = (),
) -> None:
    """A table: the first column and those in ``words`` are words, which may wrap, the others figures."""
    table = Table(title=title, caption=note or None, title_justify="left", caption_justify="left")
    for number, column in enumerate(columns):
        is_figure = number > 0 and column not in words
        table.add_column(column, justify="right" if is_figure else "left", no_wrap=is_figure)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE).print(table)


def print_markdown(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    note: str = "",
    *,
    words: Collection[str] = (),
) -> None:
    """The same as `print_table`, as a page in Markdown has it."""
    aligned = ["---" if not number or name in words else "---:" for number, name in enumerate(columns)]
    lines = [f"**{title}**", ""]
    lines += [f"| {' | '.join(cells)} |" for cells in (columns, aligned, *rows)]
    print("\n".join([*lines, "", *([note] if note else [])]))
