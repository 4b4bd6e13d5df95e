"""Brokers are found by their ``type`` through Python entry points, ours included."""

from __future__ import annotations

from dualbroker.brokers.base import Broker, BrokerContext
from dualbroker.config.broker_types import load_type
from dualbroker.config.schema import BrokerConfig
from dualbroker.errors import ConfigError

__all__ = ["create_broker"]


def create_broker(config: BrokerConfig, context: BrokerContext) -> Broker:
    """Make the broker that a section of the config describes.

    Raises
    ------
    ConfigError
        No installed package provides that type, or what it provides is no broker.
    """
    try:
        kind = load_type(config.type)
    except LookupError as error:
        raise ConfigError(f"brokers.{config.name}.type: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, Broker)):
        raise ConfigError(
            f"brokers.{config.name}.type: expected a dualbroker Broker, found {config.type!r} to be none"
        )
    return kind(config, context)
