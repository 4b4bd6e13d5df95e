"""Runs the measurement of both plans and prints it for a person, or as JSON."""

from __future__ import annotations

import asyncio
import sys

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from dualbroker.figures import number, percent
from dualbroker.measure.figures import Verification
from dualbroker.measure.verify import verify_plans

__all__ = ["run_verification"]

MEBIBYTE = 1024 * 1024


def run_verification(
    *, brokers: int, symbols: int, ticks_per_second: float, seconds: float, as_json: bool
) -> bool:
    """Measure, with a progress bar on a terminal, and print; True when every check holds.

    Raises
    ------
    DualBrokerError
        It could not be run.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:g} s"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as progress:
        task = progress.add_task("starting", total=seconds)
        result = asyncio.run(
            verify_plans(
                brokers=brokers,
                symbols=symbols,
                ticks_per_second=ticks_per_second,
                seconds=seconds,
                on_progress=lambda elapsed: progress.update(
                    task, completed=elapsed, description="measuring, SIMULATED brokers"
                ),
            )
        )
    if as_json:
        typer.echo(msgspec.json.encode(result.as_dict()).decode("utf-8"))
    else:
        _print(result)
    return result.ok


def _print(result: Verification) -> None:
    naive, optimised, saving = result.naive, result.optimised, result.saving
    table = Table(title=f"SIMULATED: {result.brokers} brokers, one market, {result.seconds:g} s, measured")
    table.add_column("")
    for heading in ("naive: all stream quotes", "optimised: one does", "saving"):
        table.add_column(heading, justify="right")
    table.add_row(
        "quote bytes",
        number(naive.quote_bytes),
        number(optimised.quote_bytes),
        percent(saving.quote_bytes_percent),
    )
    table.add_row("order bytes", number(naive.order_bytes), number(optimised.order_bytes), "")
    table.add_row("messages", number(naive.messages), number(optimised.messages), "")
    table.add_row(
        "CPU seconds",
        f"{naive.cpu_seconds:.2f}",
        f"{optimised.cpu_seconds:.2f}",
        percent(saving.cpu_percent),
    )
    table.add_row(
        "peak memory, MiB",
        f"{naive.peak_memory_bytes / MEBIBYTE:.1f}",
        f"{optimised.peak_memory_bytes / MEBIBYTE:.1f}",
        percent(saving.memory_percent),
    )
    console = Console()
    console.print(table)
    for check in result.checks:
        verdict = "[green]ok    [/green]" if check.ok else "[red]FAILED[/red]"
        console.print(f"{verdict} {check.name.replace('_', ' ')}: ", end="")
        console.print(check.details, markup=False, highlight=False)
