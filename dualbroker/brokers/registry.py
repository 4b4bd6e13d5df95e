"""Brokers are found by their ``type`` through Python entry points, ours included."""

from __future__ import annotations

from importlib.metadata import entry_points

from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.config.schema import BrokerConfig
from dualbroker.errors import ConfigError

__all__ = ["create_broker"]

GROUP = "dualbroker.brokers"


def create_broker(config: BrokerConfig, context: BrokerContext) -> Broker:
    """Make the broker that a section of the config describes.

    Raises
    ------
    ConfigError
        No installed package provides that type, or what it provides is no broker.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == config.type:
            kind = entry.load()
            if not (isinstance(kind, type) and issubclass(kind, Broker)):
                raise ConfigError(f"brokers.{config.name}.type: {entry.value} is no dualbroker Broker")
            return kind(config, context)
    known = ", ".join(sorted({entry.name for entry in entry_points(group=GROUP)})) or "none"
    raise ConfigError(f"brokers.{config.name}.type: expected one of {known}, found {config.type!r}")
