"""A simulated broker: the same session code, pointed at the simulator's loopback sockets."""

from __future__ import annotations

import msgspec

from dualbroker.brokers.noren.broker import NorenBroker, dialect_of
from dualbroker.brokers.noren.section import NorenSection, SimulatedSection
from dualbroker.errors import ConfigError
from dualbroker.noren.dialects import Dialect

__all__ = ["SimulatedBroker"]


class SimulatedBroker(NorenBroker):
    """Its addresses and its login come from the simulator that was started for this config."""

    section = SimulatedSection

    def _make_dialect(self, config: NorenSection) -> Dialect:
        if not (config.rest_base and config.websocket_url and config.masters_base):
            raise ConfigError(f"brokers.{config.name}: the simulator has not said where this broker is")
        return msgspec.structs.replace(
            dialect_of(config, "shoonya"),
            name="simulated",
            login="password_totp",
            requests_per_second=int(config.requests_per_second or 100),
            requests_per_minute=int(config.requests_per_minute or 6000),
            chunk_pause_s=config.chunk_pause or 0.0,
        )

    @property
    def master_source(self) -> str:
        """None is kept: each simulator has instruments of its own."""
        return ""
