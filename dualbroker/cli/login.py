"""``dualbroker login``: the daily browser login of every broker that needs one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["login"]


def login(
    broker: Annotated[str | None, typer.Option(help="Only this broker.")] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address and take the code by pasting.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="The config file.")] = None,
) -> None:
    """Log in at every broker whose login needs a browser, once a day."""
    from dualbroker.cli.sessions import log_in_all

    if not log_in_all(config, broker, use_browser=not no_browser):
        raise typer.Exit(1)
