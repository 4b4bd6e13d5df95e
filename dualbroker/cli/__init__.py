"""The command line. One file per command; each imports what it needs only when it is run."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dualbroker.cli.chaos import chaos
from dualbroker.cli.doctor import doctor
from dualbroker.cli.login import login
from dualbroker.cli.logout import logout
from dualbroker.cli.replay import replay
from dualbroker.cli.serve import serve
from dualbroker.cli.simulate import simulate
from dualbroker.cli.verify import verify
from dualbroker.errors import DualBrokerError

__all__ = ["app", "main"]

app = typer.Typer(
    name="dualbroker",
    help="Quotes from one broker, orders from every broker. It reads only and never places an order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(chaos)
app.command()(doctor)
app.command()(login)
app.command()(logout)
app.command()(replay)
app.command()(serve)
app.command()(simulate)
app.command()(verify)


def _show_version(wanted: bool) -> None:
    if wanted:
        from dualbroker import __version__

        typer.echo(f"dualbroker {__version__}")
        raise typer.Exit


@app.callback()
def _commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Gives the program a place for options of its own, before the command."""


def main() -> None:
    """Entry point of ``dualbroker`` and ``python -m dualbroker``.

    What goes wrong on purpose, or because this machine refuses something (a full disk, too many open
    files), is one line on standard error and exit status 2.
    """
    for stream in (sys.stdout, sys.stderr):
        # A console that can't print a character (₹ in an old code page) shows ? and goes on.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except (DualBrokerError, OSError) as error:
        print(f"dualbroker: {error}", file=sys.stderr)
        sys.exit(2)
