"""``dualbroker doctor``: what works, what does not, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(config: Annotated[Path | None, typer.Option(help="The config file.")] = None) -> None:
    """Check config, credentials, reachability, login, masters, a first tick and a first order book.

    It reads only. It uses each login's one socket for some seconds. Exit status 0 when nothing failed,
    1 when something did, 2 when the config can't be used.
    """
    from dualbroker.cli.consultation import run_doctor

    if not run_doctor(config):
        raise typer.Exit(1)
