"""``dualbroker replay``: a recorded day through simulated brokers and the whole pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["replay"]


def replay(
    file: Annotated[Path, typer.Argument(help="The recorded day (parquet).")],
    speed: Annotated[float, typer.Option(min=0.01, max=10_000, help="Market seconds per second.")] = 600.0,
    brokers: Annotated[int, typer.Option(min=1, max=50, help="How many simulated brokers.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Stream a recorded day through simulated brokers, and check that every row of it came out.

    Exit status 0 if it did, 1 if not, 2 if it could not be run.
    """
    from dualbroker.cli.replaying import run_replay

    if not run_replay(file, speed=speed, brokers=brokers, as_json=as_json):
        raise typer.Exit(1)
