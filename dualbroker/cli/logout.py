"""``dualbroker logout``: end the sessions that are kept on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["logout"]


def logout(
    broker: Annotated[str | None, typer.Option(help="Only this broker.")] = None,
    config: Annotated[Path | None, typer.Option(help="The config file.")] = None,
) -> None:
    """End the kept session of every enabled broker, and forget its token."""
    from dualbroker.cli.sessions import log_out_all

    if not log_out_all(config, broker):
        raise typer.Exit(1)
