"""``dualbroker serve``: the brokers of a config, with a web API and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["serve"]


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; the config's server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="0 takes any free one; the config's server.port.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The config file.")] = None,
) -> None:
    """Run the brokers and serve them: the page, the API under /api, its description at /docs."""
    from dualbroker.cli.log_output import log_to_terminal, use_log_config
    from dualbroker.config import load_config
    from dualbroker.service.guard import is_loopback
    from dualbroker.service.server import address_of, listen
    from dualbroker.service.server import serve as run

    log_to_terminal()
    chosen = load_config(config)
    use_log_config(chosen.log)
    where = host or chosen.server.host
    listener = listen(where, chosen.server.port if port is None else port)
    address = address_of(listener)
    typer.echo(f"Config: {chosen.path}")
    typer.echo("Mode:   SIMULATED: no price and no order is real" if chosen.is_simulated else "Mode:   LIVE")
    typer.echo(f"Page:   {address}")
    typer.echo(f"API:    {address}/docs")
    if not is_loopback(where):
        typer.echo(
            f"Careful: on {where} everybody in the network can read prices, orders and masked accounts; "
            "there is no login"
        )
    typer.echo("Ctrl-C ends it.")
    run(chosen, listener)
    typer.echo("Ended: every socket is closed.")
