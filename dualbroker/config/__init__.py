"""config.yaml: what it may say, where it is found, and how its secrets are filled in."""

from __future__ import annotations

from .broker import mask
from .load import find_config, load_config, parse_config
from .schema import Around, BrokerConfig, Config, SimulatorConfig, demo_config

__all__ = [
    "Around",
    "BrokerConfig",
    "Config",
    "SimulatorConfig",
    "demo_config",
    "find_config",
    "load_config",
    "mask",
    "parse_config",
]
