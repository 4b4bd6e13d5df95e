"""``dualbroker chaos``: seeded schedules of faults against the whole client, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["chaos"]


def chaos(
    seeds: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many schedules.")] = 100,
    first_seed: Annotated[int, typer.Option(min=0, help="The first one's seed; the others count on.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="One for each core by default.")
    ] = None,
    schedule: Annotated[
        Path | None, typer.Option(help="Play this schedule (JSON, as printed) and nothing else.")
    ] = None,
    save_digests: Annotated[
        Path | None, typer.Option(help="Write what each seed came to into this file, to compare with later.")
    ] = None,
    compare_digests: Annotated[
        Path | None,
        typer.Option(
            help="Name the seeds that came to something else than in this file; then exit status 1."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play schedules of faults over simulated brokers and check that nothing is lost, doubled or mixed up.

    Exit status 0 if every rule holds, 1 if one is broken or a run differs, 2 if it could not be run.
    """
    from dualbroker.cli.chaos_run import run_chaos

    if not run_chaos(
        seeds=seeds,
        first_seed=first_seed,
        processes=processes,
        schedule_file=schedule,
        save_digests=save_digests,
        compare_digests=compare_digests,
        as_json=as_json,
    ):
        raise typer.Exit(1)
