"""What ``login`` and ``logout`` share: the config, the brokers meant, how each of them logs in."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NoReturn

import typer

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren import NorenBroker
from dualbroker.brokers.registry import create_broker
from dualbroker.clock import SystemClock
from dualbroker.config import BrokerConfig, Config, load_config, mask
from dualbroker.errors import ConfigError
from dualbroker.model import MessageKind
from dualbroker.noren.dialects import Dialect
from dualbroker.stores.bandwidth import Traffic
from dualbroker.stores.health import BrokerHealth
from dualbroker.transport.base import Transport

__all__ = ["chosen_brokers", "dialect_of_broker", "fail", "read_config"]

CONFIG_STATUS = 2


def fail(message: str) -> NoReturn:
    """Say what is wrong on standard error and end with status 2."""
    typer.echo(message, err=True)
    raise typer.Exit(CONFIG_STATUS)


def read_config(path: Path | None) -> Config:
    """The config, or the end of the program with what is wrong with it. Says which file it is."""
    try:
        config = load_config(path)
    except ConfigError as error:
        message = str(error)
    else:
        typer.echo(f"Config: {config.path}")
        return config
    fail(message)


def chosen_brokers(config: Config, name: str | None) -> list[BrokerConfig]:
    """All enabled brokers, or the one that is named."""
    enabled = config.enabled_brokers
    chosen = [broker for broker in enabled if name in (None, broker.name)]
    if not chosen:
        fail(f"--broker: expected one of {', '.join(broker.name for broker in enabled)}, found {name!r}")
    return chosen


def dialect_of_broker(config: BrokerConfig, transport: Transport) -> Dialect | None:
    """How a broker logs in; None for a simulated one and for one that does not speak Noren.

    Raises
    ------
    ConfigError
        No installed package provides its type, or its dialect does not exist.
    """
    if config.is_simulated:
        return None
    clock = SystemClock()
    context = BrokerContext(
        transport=transport,
        clock=clock,
        wall_clock=clock,
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
