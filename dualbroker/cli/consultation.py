"""Prints the doctor's findings, one line each, as they come."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import typer

from dualbroker.cli.diagnosis import diagnose
from dualbroker.cli.findings import Verdict
from dualbroker.clock import WallClock
from dualbroker.config import Config, load_config

__all__ = ["run_doctor"]

COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def run_doctor(path: Path | None) -> bool:
    """Check everything that a config names; True when nothing failed.

    Raises
    ------
    ConfigError
        The config can't be used.
    """
    return asyncio.run(_consult(load_config(path)))


async def _consult(config: Config) -> bool:
    counts = Counter[Verdict]()
    async for finding in diagnose(config, WallClock()):
        verdict = typer.style(f"{finding.verdict.value:<4}", fg=COLOURS[finding.verdict])
        typer.echo(f"{verdict}  {finding.subject}: {finding.words}")
        counts[finding.verdict] += 1
    typer.echo(f"{counts[Verdict.FAIL]} failed, {counts[Verdict.WARN]} to look at, {counts[Verdict.OK]} well")
    return not counts[Verdict.FAIL]
