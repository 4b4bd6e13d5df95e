"""``dualbroker login``: the daily browser login of every broker that needs one."""

from __future__ import annotations

import asyncio
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from dualbroker.brokers.noren_login import login_id
from dualbroker.brokers.oauth import (
    RedirectCatcher,
    authorise_url,
    code_from_pasted,
    exchange_code,
    is_loopback_redirect,
)
from dualbroker.cli.accounts import chosen_brokers, dialect_of_broker, fail, read_config
from dualbroker.clock import ist
from dualbroker.config import BrokerConfig, mask
from dualbroker.errors import ConfigError, ConnectionFailedError, DualBrokerError
from dualbroker.noren.dialects import Dialect
from dualbroker.storage.paths import state_directory
from dualbroker.storage.tokens import SavedSession, SessionTokens
from dualbroker.transport.network import NetworkTransport

__all__ = ["login"]

BROWSER_TIMEOUT_S = 300.0


def login(
    broker: Annotated[str | None, typer.Option(help="Only this broker.")] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address and take the code by pasting.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="The config file.")] = None,
) -> None:
    """Log in at every broker whose login needs a browser, once a day."""
    brokers = chosen_brokers(read_config(config), broker)
    problems = 0
    for one in brokers:
        try:
            typer.echo(f"{one.name}: {_log_in(one, use_browser=not no_browser)}")
        except ConfigError as error:
            fail(str(error))
        except DualBrokerError as error:
            problems += 1
            typer.echo(f"{one.name}: not logged in: {error}", err=True)
    if problems:
        raise typer.Exit(1)


def _log_in(broker: BrokerConfig, *, use_browser: bool) -> str:
    dialect = dialect_of_broker(broker, NetworkTransport())
    if broker.is_simulated:
        return "simulated, needs no login"
    if dialect is None or dialect.login == "password_totp":
        return "logs in by itself when it connects, needs no login here"
    code = _code(broker, authorise_url(broker, dialect), use_browser=use_browser)
    session = asyncio.run(_session(broker, dialect, code))
    SessionTokens(state_directory()).save(login_id(broker), session)
    return f"logged in as {mask(session.user_id)} until {ist(session.expires_ns):%d %b %H:%M} IST"


async def _session(broker: BrokerConfig, dialect: Dialect, code: str) -> SavedSession:
    transport = NetworkTransport()
    try:
        return await exchange_code(broker, dialect, code, transport, time.time_ns())
    finally:
        await transport.aclose()


def _code(broker: BrokerConfig, page: str, *, use_browser: bool) -> str:
    if use_browser and broker.redirect_url is not None and is_loopback_redirect(broker.redirect_url):
        try:
            with RedirectCatcher(broker.redirect_url) as catcher:
                if webbrowser.open(page):
                    typer.echo(f"{broker.name}: log in on the page that has opened in the browser")
                    return catcher.wait(BROWSER_TIMEOUT_S)
        except ConnectionFailedError as error:
            typer.echo(f"{broker.name}: {error}")
    elif use_browser:
        webbrowser.open(page)
    typer.echo(f"{broker.name}: log in on this page:\n  {page}")
    return code_from_pasted(typer.prompt("Paste the address it sends you to, or the code in it"))
