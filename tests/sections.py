"""Sections of config.yaml by their own models."""

from __future__ import annotations

from dualbroker.brokers.noren.section import NorenSection
from dualbroker.config import BrokerConfig

__all__ = ["noren"]


def noren(section: BrokerConfig) -> NorenSection:
    """A section of a broker that speaks Noren."""
    assert isinstance(section, NorenSection)
    return section
