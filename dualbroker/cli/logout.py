"""``dualbroker logout``: end the sessions that are kept on this machine."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from dualbroker.brokers.noren_login import login_id
from dualbroker.brokers.noren_rest import NorenRest
from dualbroker.cli.accounts import chosen_brokers, dialect_of_broker, fail, read_config
from dualbroker.config import BrokerConfig
from dualbroker.errors import ConfigError, DualBrokerError, LoginHeldError, SessionExpiredError
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint
from dualbroker.storage.locks import LoginLock
from dualbroker.storage.paths import state_directory
from dualbroker.storage.tokens import SavedSession, SessionTokens
from dualbroker.transport.network import NetworkTransport

__all__ = ["logout"]


def logout(
    broker: Annotated[str | None, typer.Option(help="Only this broker.")] = None,
    config: Annotated[Path | None, typer.Option(help="The config file.")] = None,
) -> None:
    """End the kept session of every enabled broker, and forget its token."""
    brokers = chosen_brokers(read_config(config), broker)
    problems = 0
    for one in brokers:
        try:
            typer.echo(f"{one.name}: {_log_out(one)}")
        except ConfigError as error:
            fail(str(error))
        except DualBrokerError as error:
            problems += 1
            typer.echo(f"{one.name}: its session could not be ended, try again: {error}", err=True)
    if problems:
        raise typer.Exit(1)


def _log_out(broker: BrokerConfig) -> str:
    dialect = dialect_of_broker(broker, NetworkTransport())
    if dialect is None:
        return "keeps no session here"
    tokens = SessionTokens(state_directory())
    session = tokens.load(login_id(broker), time.time_ns())
    if session is None:
        tokens.delete(login_id(broker))
        return "no session is kept"
    _warn_holder(broker)
    try:
        asyncio.run(_end(dialect, session))
        outcome = "logged out"
    except SessionExpiredError:
        outcome = "its session had ended already"
    tokens.delete(login_id(broker))
    return outcome


def _warn_holder(broker: BrokerConfig) -> None:
    """A process that works with this session is about to lose it; say so."""
    lock = LoginLock(login_id(broker), state_directory(), broker_name=broker.name)
    try:
        lock.acquire()
    except LoginHeldError as error:
        typer.echo(f"{broker.name}: this ends the session of a running process: {error}", err=True)
    finally:
        lock.release()


async def _end(dialect: Dialect, session: SavedSession) -> None:
    transport = NetworkTransport()
    try:
        rest = NorenRest(dialect, transport)
        rest.token = session.token
        await rest.call(Endpoint.LOGOUT, {"uid": session.user_id, "ordersource": "API"})
    finally:
        await transport.aclose()
