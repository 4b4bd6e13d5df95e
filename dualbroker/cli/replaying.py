"""Runs a replay with a progress bar, and prints how it ended for a person, or as JSON."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dualbroker.clock import ist
from dualbroker.figures import number
from dualbroker.measure.recorded_day import read_recorded_day
from dualbroker.measure.replay import ReplaySummary, replay_day

__all__ = ["run_replay"]

MOST_SHOWN = 10


def run_replay(file: Path, *, speed: float, brokers: int, as_json: bool) -> bool:
    """Replay a day and print the summary; True when every row came out as the file has it.

    Raises
    ------
    DualBrokerError
        The file can't be read, or the simulator failed.
    """
    day = read_recorded_day(file)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("ticks"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task("starting", total=day.rows)

        def show(ticks: int, market_time_ns: int) -> None:
            words = f"{ist(market_time_ns):%d %b %Y %H:%M} IST" if market_time_ns else "starting"
            progress.update(task, completed=ticks, description=f"{words}, replayed")

        summary = asyncio.run(replay_day(file, day, speed=speed, brokers=brokers, on_progress=show))
    if as_json:
        typer.echo(msgspec.json.encode(summary.as_dict()).decode("utf-8"))
    else:
        _print(summary, brokers, speed)
    return summary.ok


def _print(summary: ReplaySummary, brokers: int, speed: float) -> None:
    table = Table(
        "", "", title=f"SIMULATED: a recorded day, {brokers} brokers, {speed:g}x", show_header=False
    )
    table.columns[1].justify = "right"
    equal = summary.contracts - len({each.symbol for each in summary.mismatched})
    for words, value in (
        ("rows of the file", summary.rows),
        ("rows sent", summary.rows_sent),
        ("ticks received", summary.ticks_received),
        ("snapshots received (acknowledgements)", summary.snapshots_received),
        ("contracts", summary.contracts),
        ("whose last quote equals the file's last row", equal),
        ("order events", summary.order_updates),
    ):
        table.add_row(words, number(value))
    table.add_row("seconds", f"{summary.seconds:.1f}")
    console = Console()
    console.print(table)
    for each in summary.mismatched[:MOST_SHOWN]:
        console.print(f"  {each.symbol} {each.field}: expected {each.expected:g}, found {each.found:g}")
    if len(summary.mismatched) > MOST_SHOWN:
        console.print(f"  … and {number(len(summary.mismatched) - MOST_SHOWN)} more")
    console.print("[green]ok[/green]" if summary.ok else "[red]FAILED[/red]")
