"""``dualbroker verify``: what the one-source plan saves, measured on simulated brokers."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["verify"]


def verify(
    seconds: Annotated[float, typer.Option(min=0.5, max=86_400, help="For how long to measure.")] = 15.0,
    brokers: Annotated[int, typer.Option(min=1, max=50, help="How many simulated brokers.")] = 2,
    symbols: Annotated[int, typer.Option(min=1, help="How many instruments are streamed.")] = 50,
    rate: Annotated[
        float, typer.Option(min=1, max=50_000, help="Ticks a second of the whole simulated market.")
    ] = 1000.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure every broker streaming quotes against one, at the same time, on simulated brokers.

    Exit status 0 if all checks hold, 1 if one fails, 2 if it could not be run.
    """
    from dualbroker.cli.verification import run_verification

    if not run_verification(
        brokers=brokers, symbols=symbols, ticks_per_second=rate, seconds=seconds, as_json=as_json
    ):
        raise typer.Exit(1)
