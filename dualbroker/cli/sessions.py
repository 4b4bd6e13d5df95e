"""Opens and ends the sessions that are kept on this machine, and tells a person how it went."""

from __future__ import annotations

import asyncio
import random
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

import typer

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren import NorenBroker
from dualbroker.brokers.noren_login import login_id
from dualbroker.brokers.noren_rest import NorenRest
from dualbroker.brokers.oauth import (
    RedirectCatcher,
    authorise_url,
    code_from_pasted,
    exchange_code,
    is_loopback_redirect,
)
from dualbroker.brokers.registry import create_broker
from dualbroker.clock import SystemClock, WallClock, ist
from dualbroker.config import BrokerConfig, load_config, mask
from dualbroker.errors import (
    ConfigError,
    ConnectionFailedError,
    DualBrokerError,
    LoginHeldError,
    SessionExpiredError,
)
from dualbroker.model import MessageKind
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint
from dualbroker.storage.locks import LoginLock
from dualbroker.storage.paths import state_directory
from dualbroker.storage.tokens import SavedSession, SessionTokens
from dualbroker.stores.bandwidth import Traffic
from dualbroker.stores.health import BrokerHealth
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
    dialect = _dialect(broker)
    if dialect is None or dialect.login == "password_totp":
        return "logs in by itself when it connects, needs no login here"
    code = _code(broker, authorise_url(broker, dialect), use_browser=use_browser)
    session = asyncio.run(_exchange(broker, dialect, code))
    SessionTokens(state_directory()).save(login_id(broker), session)
    return f"logged in as {mask(session.user_id)} until {ist(session.expires_ns):%d %b %H:%M} IST"


def _log_out(broker: BrokerConfig) -> str:
    if broker.token is not None:
        return "uses the config's token, whose session is another program's; it is not ended"
    dialect = None if broker.is_simulated else _dialect(broker)
    if dialect is None:
        return "keeps no session here"
    tokens = SessionTokens(state_directory())
    session = tokens.load(login_id(broker), time.time_ns())
    outcome = "no session is kept"
    if session is not None:
        _warn_holder(broker)
        try:
            asyncio.run(_end(dialect, session))
            outcome = "logged out"
        except SessionExpiredError:
            outcome = "its session had ended already"
    tokens.delete(login_id(broker))
    return outcome


def _dialect(config: BrokerConfig) -> Dialect | None:
    """How a broker logs in, as its own type says; None when it does not speak Noren."""
    context = BrokerContext(
        transport=NetworkTransport(),
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
        state_directory=None,
        on_connected=lambda broker_name: None,
    )
    broker = create_broker(config, context)
    return broker.dialect if isinstance(broker, NorenBroker) else None


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


async def _exchange(broker: BrokerConfig, dialect: Dialect, code: str) -> SavedSession:
    transport = NetworkTransport()
    try:
        return await exchange_code(broker, dialect, code, transport, time.time_ns())
    finally:
        await transport.aclose()


def _warn_holder(broker: BrokerConfig) -> None:
    """A process that works with this session is about to lose it; say so."""
    lock = LoginLock(login_id(broker), state_directory())
    try:
        lock.acquire()
    except LoginHeldError as error:
        typer.echo(f"{broker.name}: a running process loses its session: {error}", err=True)
    finally:
        lock.release()


async def _end(dialect: Dialect, session: SavedSession) -> None:
    transport = NetworkTransport()
    try:
        rest = NorenRest(dialect, transport)
        rest.use(session.token, fresh=False)
        await rest.call(Endpoint.LOGOUT, {"uid": session.user_id, "ordersource": "API"})
    finally:
        await transport.aclose()
