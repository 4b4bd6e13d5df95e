"""``dualbroker serve``: the brokers of a config, with a web API and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["serve"]

ENDS_WITHIN_S = 4.5
"""From Ctrl-C or a stop of the service to the end of the process, whatever hangs."""


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; the config's server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="0 takes any free one; the config's server.port.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The config file.")] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(help="Write the log there as well, in files of 10 MB, five older ones kept."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A further host name under which browsers and programs may ask, such as that of a reverse "
            "proxy on this machine; may be given several times. The config's server.allowed_hosts.",
        ),
    ] = None,
    token: Annotated[
        bool,
        typer.Option(
            "--token",
            help="Demand a token on this machine, too. It is the value of the variable DUALBROKER_TOKEN (an "
            "argument could be read by every user here); without that one is made and printed once.",
        ),
    ] = False,
) -> None:
    """Run the brokers and serve them: the page, the API under /api, its description at /docs.

    On 127.0.0.1, which is where it listens unless told otherwise, only this machine reaches it. On any other
    --host it demands a token. Either way what it sends is not encrypted: from another machine rather use
    ssh -L 8000:127.0.0.1:8000.
    """
    typer.echo("Starting …")  # at once: what follows is imported first
    import os
    import secrets

    from dualbroker.brokers.simulator_launch import launch_simulator
    from dualbroker.cli.log_output import log_to_terminal, use_log_config
    from dualbroker.config import load_config

    log_to_terminal()
    chosen = load_config(config)
    use_log_config(chosen.log, log_file)
    typer.echo(f"Config: {chosen.path}")
    typer.echo("Mode:   SIMULATED: no price and no order is real" if chosen.is_simulated else "Mode:   LIVE")
    launch_simulator(chosen)  # beside the imports

    from dualbroker.service.guard.access import TOKEN_VARIABLE, chosen_token
    from dualbroker.service.server import address_of, is_opened, listen
    from dualbroker.service.server import serve as run

    demanded = chosen_token(os.environ)
    where = host or chosen.server.host
    listener = listen(where, chosen.server.port if port is None else port)
    address = address_of(listener)
    typer.echo(f"Page:   {address}")
    typer.echo(f"API:    {address}/docs")
    if demanded is not None:
        typer.echo(f"Token:  that of {TOKEN_VARIABLE}")
    elif token or is_opened(listener):
        demanded = secrets.token_urlsafe(32)
        typer.echo(f"Login:  {address}/?token={demanded}")
        typer.echo(f"        This token is shown this once; to choose one, set {TOKEN_VARIABLE}.")
    if is_opened(listener):
        typer.echo(f"Careful: on {where} it is reached from the network, and nothing is encrypted.")
    typer.echo("Ctrl-C ends it.")
    # What a person types for the place to listen on is a name that a browser may be given, too.
    allowed_hosts = [where, *chosen.server.allowed_hosts, *(allow_host or [])]
    run(chosen, listener, demanded, allowed_hosts=allowed_hosts, process_ends_within_s=ENDS_WITHIN_S)
    typer.echo("Ended: every socket is closed.")
