"""What the measuring process and its workers say to each other: one JSON object per line.

The worker gets a job, answers ``ready`` when it streams, takes its marks at ``begin``, and at ``end``
drains and answers with its report. It ends when its standard input does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import SecretStr

from dualbroker.config.broker import check_section
from dualbroker.config.schema import BrokerConfig, Config
from dualbroker.measure.figures import Plan
from dualbroker.model import Instrument

__all__ = ["BEGIN", "END", "READY", "Job"]

READY = b"ready\n"
BEGIN = b"begin\n"
END = b"end\n"


class Job(msgspec.Struct, frozen=True):
    """What a worker does."""

    plan: Plan
    brokers: list[dict[str, Any]]
    """Sections of the config with the simulator's addresses and logins, secrets in plain."""
    instruments: list[Instrument]
    depth: int = 0
    """How many of them, the first ones, with five levels."""
    tallies: bool = False
    """Count by type of message and instrument too."""

    @classmethod
    def of(
        cls,
        plan: Plan,
        sections: Sequence[BrokerConfig],
        instruments: list[Instrument],
        *,
        depth: int = 0,
        tallies: bool = False,
    ) -> Job:
        """The job of carrying these instruments and the orders of these brokers by that plan."""
        return cls(plan, [_plain(section) for section in sections], instruments, depth, tallies)

    def names(self) -> dict[str, str]:
        """Each broker's name, by the address of its WebSocket."""
        return {section["websocket_url"]: section["name"] for section in self.brokers}

    def configs(self) -> list[Config]:
        """A config for each client that the plan runs: each has one stream of quotes."""
        sections = [check_section(values) for values in self.brokers]
        groups = [sections] if self.plan is Plan.OPTIMISED else [[section] for section in sections]
        return [Config(brokers={section.name: section for section in group}) for group in groups]


def _plain(section: BrokerConfig) -> dict[str, Any]:
    return {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value
        for key, value in section.model_dump(exclude_none=True).items()
    }
