"""Plays the schedules and prints what came of them, for a person or as JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dualbroker.chaos.batch import BatchResult, Broken, changed_seeds, digest_lines, run_batch, run_schedule
from dualbroker.chaos.schedule import read_schedule, write_schedule

__all__ = ["run_chaos"]


def run_chaos(
    *,
    seeds: int,
    first_seed: int,
    processes: int | None,
    schedule_file: Path | None,
    save_digests: Path | None,
    compare_digests: Path | None,
    as_json: bool,
) -> bool:
    """Play, with a progress bar on a terminal, and print; True when every rule held and no run differs.

    Raises
    ------
    DualBrokerError
        The file holds no schedule, or no digests of these seeds.
    OSError
        It can't be read or written.
    """
    kept = None if compare_digests is None else compare_digests.read_text(encoding="utf-8")
    if schedule_file is not None:
        result = run_schedule(read_schedule(schedule_file.read_bytes()))
    else:
        result = _with_progress(seeds, first_seed, processes)
    if save_digests is not None:
        save_digests.write_text(digest_lines(result), encoding="utf-8", newline="\n")
    changed = [] if kept is None else changed_seeds(result, kept)
    if as_json:
        figures = result.as_dict() | ({} if kept is None else {"changed_seeds": changed})
        typer.echo(msgspec.json.encode(figures).decode("utf-8"))
    else:
        _print(result)
        if kept is not None:
            named = ", ".join(map(str, changed)) or "none"
            typer.echo(f"Runs that differ from {compare_digests}: {named}.")
    return not result.violations and not changed


def _with_progress(seeds: int, first_seed: int, processes: int | None) -> BatchResult:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as progress:
        task = progress.add_task("playing schedules", total=seeds)

        def show(done: int, broken: int) -> None:
            words = f"playing schedules, {broken} broke a rule" if broken else "playing schedules"
            progress.update(task, completed=done, description=words)

        return run_batch(seeds, first_seed=first_seed, processes=processes, on_progress=show)


def _print(result: BatchResult) -> None:
    figures = result.as_dict()
    for broken in result.violations:
        _print_broken(broken)
    gaps, detected = figures["gap_s"], figures["detected_after_s"]
    typer.echo(
        f"{result.seeds} schedules from seed {result.first_seed} on, {figures['events']} events in "
        f"{figures['virtual_hours']} virtual hours: {len(result.violations)} broken rules. "
        f"{result.seconds:.1f} s in {result.processes} process{'es' if result.processes > 1 else ''}."
    )
    typer.echo(
        f"{figures['failovers']} failovers (gap {_spread(gaps)}; noticed after {_spread(detected)}) and "
        f"{figures['hand_overs']} hand-overs; {figures['ticks']} ticks and "
        f"{figures['order_events']} order events."
    )


def _print_broken(broken: Broken) -> None:
    typer.echo(f"seed {broken.seed} broke the rule {broken.rule!r}: {broken.words}")
    typer.echo(f"{'cut down to' if broken.shrunk else 'its schedule'} (save it as schedule.json):")
    typer.echo(write_schedule(broken.schedule))
    typer.echo("play it again: dualbroker chaos --schedule schedule.json")
    typer.echo("")


def _spread(quantiles: dict[str, float | None]) -> str:
    if quantiles["max"] is None:
        return "not measured"
    return f"p50 {quantiles['p50']:.2f} s, p99 {quantiles['p99']:.2f} s, at most {quantiles['max']:.2f} s"
