"""Opens and ends the sessions that are kept on this machine, and tells a person how it went."""

from __future__ import annotations

import asyncio
import random
import webbrowser
from collections.abc import Callable
from pathlib import Path

import typer

from dualbroker.brokers.base import BrokerContext, StoredLogin
from dualbroker.brokers.redirect import RedirectCatcher, code_from_pasted, is_loopback_redirect
from dualbroker.brokers.registry import create_broker
from dualbroker.clock import SystemClock, WallClock, ist
from dualbroker.config import BrokerConfig, load_config, mask
from dualbroker.errors import ConfigError, ConnectionFailedError, DualBrokerError
from dualbroker.model import MessageKind
from dualbroker.storage.paths import state_directory
from dualbroker.storage.tokens import SavedSession
from dualbroker.stores.bandwidth import Traffic
from dualbroker.stores.health import BrokerHealth
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport

__all__ = ["log_in_all", "log_out_all"]

BROWSER_TIMEOUT_S = 300.0


def log_in_all(config_path: Path | None, only: str | None, *, use_browser: bool) -> bool:
    """Log in at every enabled broker, or the one named; False when one of them refused.

    Raises
    ------
    ConfigError
        The config, or a broker's share of it, can't be used.
    """
    return _each(config_path, only, lambda broker: _log_in(broker, use_browser=use_browser))


def log_out_all(config_path: Path | None, only: str | None) -> bool:
    """End the kept session of every enabled broker, or of the one named; False when one could not be ended.

    Raises
    ------
    ConfigError
        The config, or a broker's share of it, can't be used.
    """
    return _each(config_path, only, _log_out)


def _each(config_path: Path | None, only: str | None, act: Callable[[BrokerConfig], str]) -> bool:
    config = load_config(config_path)
    typer.echo(f"Config: {config.path}")
    names = [broker.name for broker in config.enabled_brokers]
    if only is not None and only not in names:
        raise ConfigError(f"--broker: expected one of {', '.join(names)}, found {only!r}")
    all_well = True
    for broker in config.enabled_brokers:
        if only not in (None, broker.name):
            continue
        try:
            typer.echo(f"{broker.name}: {act(broker)}")
        except ConfigError:
            raise
        except DualBrokerError as error:
            all_well = False
            typer.echo(f"{broker.name}: failed: {error}", err=True)
    return all_well


def _log_in(broker: BrokerConfig, *, use_browser: bool) -> str:
    if broker.is_simulated:
        return "simulated, needs no login"
    if broker.token is not None:
        return "uses the config's token, needs no login here"
    transport = NetworkTransport()
    login = _stored_login(broker, transport)
    page = None if login is None else login.page()
    if login is None or page is None:
        return "logs in by itself when it connects, needs no login here"
    code = _code(broker, page, use_browser=use_browser)
    session = asyncio.run(_take_code(login, code, transport))
    return f"logged in as {mask(session.user_id)} until {ist(session.expires_ns):%d %b %H:%M} IST"


async def _take_code(login: StoredLogin, code: str, transport: Transport) -> SavedSession:
    try:
        return await login.take_code(code)
    finally:
        await transport.aclose()


def _log_out(broker: BrokerConfig) -> str:
    if broker.token is not None:
        return "uses the config's token, whose session is another program's; it is not ended"
    transport = NetworkTransport()
    login = None if broker.is_simulated else _stored_login(broker, transport)
    if login is None:
        return "keeps no session here"
    if login.kept() is not None and (holder := login.holder()) is not None:
        # A process that works with this session is about to lose it.
        typer.echo(f"{broker.name}: a running process loses its session: {holder}", err=True)
    was_alive = asyncio.run(_end_kept(login, transport))
    if was_alive is None:
        return "no session is kept"
    return "logged out" if was_alive else "its session had ended already"


async def _end_kept(login: StoredLogin, transport: Transport) -> bool | None:
    try:
        return await login.end_kept()
    finally:
        await transport.aclose()


def _stored_login(config: BrokerConfig, transport: Transport) -> StoredLogin | None:
    """What a broker of that type keeps here; None where it keeps nothing."""
    context = BrokerContext(
        transport=transport,
        clock=SystemClock(),
        wall_clock=WallClock(),
        random=random.Random(),
        health=BrokerHealth(
            broker_name=config.name,
            broker_type=config.type,
            account=mask(config.account_id or ""),
            simulated=False,
        ),
        traffic={kind: Traffic() for kind in MessageKind},
        state_directory=state_directory(),
        on_connected=lambda broker_name: None,
    )
    return create_broker(config, context).stored_login


def _code(broker: BrokerConfig, page: str, *, use_browser: bool) -> str:
    found_browser = True
    if use_browser and broker.redirect_url is not None and is_loopback_redirect(broker.redirect_url):
        try:
            with RedirectCatcher(broker.redirect_url, broker.name) as catcher:
                if webbrowser.open(page):
                    typer.echo(f"{broker.name}: log in on the page that has opened in the browser")
                    return catcher.wait(BROWSER_TIMEOUT_S)
            found_browser = False
        except ConnectionFailedError as error:
            typer.echo(f"{broker.name}: {error}")
    elif use_browser:
        found_browser = webbrowser.open(page)
    missing = "" if found_browser else "no browser found here: open it in any browser; "
    typer.echo(f"{broker.name}: {missing}log in on this page:\n  {page}")
    return code_from_pasted(typer.prompt("Paste the address it sends you to, or the code in it"))
