"""config.yaml: what it may say, where it is found, and how its secrets are filled in."""

from __future__ import annotations

from .broker import mask
from .schema import Around, BrokerConfig, Config, SimulatorConfig, demo_config

__all__ = ["Around", "BrokerConfig", "Config", "SimulatorConfig", "demo_config", "mask"]
