"""The sections of config.yaml that are not brokers, each with its defaults and bounds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .faults import FaultsConfig
from .section import Section

__all__ = [
    "Around",
    "DeskConfig",
    "FilePath",
    "JournalConfig",
    "LivenessConfig",
    "LogConfig",
    "OrderEventsConfig",
    "OrdersConfig",
    "RefereeConfig",
    "Section",
    "ServerConfig",
    "SimulatorConfig",
    "TicksConfig",
]


def _resolve(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    if "\0" in str(path):
        raise ValueError("expected a path, found a NUL character in it")
    try:
        path = path.expanduser()
    except RuntimeError:
        raise ValueError("expected a path, found a ~ of a user who has no home folder here") from None
    return path if folder is None else Path(folder) / path


FilePath = Annotated[Path, Field(strict=False), AfterValidator(_resolve)]
"""A path; ``~`` is the home folder, and a relative one starts at the config file's folder."""


_HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class Around(Section):
    """An entry of ``subscribe``: options around the money of an underlying."""

    underlying: str = Field(min_length=1)
    """NIFTY, BANKNIFTY …, or a share with options."""
    expiry: int = Field(default=0, ge=0, le=1_000)
    """0 is the nearest expiry, 1 the next one."""
    strikes: int = Field(default=5, ge=0, le=200)
    """How many strikes on each side of the one at the money."""


class SimulatorConfig(Section):
    """The market and the accounts behind brokers of ``type: simulated``."""

    market: Literal["synthetic", "replay"] = "synthetic"
    """Made up, or a recorded day."""
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """The same seed makes the same accounts, prices and orders."""
    ticks_per_second: float = Field(default=600.0, ge=1, le=50_000)
    """Of the synthetic market, all instruments together."""
    orders_per_minute: float = Field(default=12.0, ge=0, le=60_000)
    """Placed on each account by the simulator's own actor."""
    strikes: int = Field(default=15, ge=1, le=200)
    """Of each chain of the synthetic market, on each side of the money."""
    expiries: int = Field(default=2, ge=1, le=10)
    """Weekly ones of each chain that has them."""
    file: FilePath | None = None
    """The recorded day of a replay (parquet)."""
    speed: float = Field(default=1.0, gt=0, le=10_000)
    """Of a replay: market seconds per second."""
    generation: Literal["c", "a"] = "a"
    """Of the protocol: ``c`` logs in with password and TOTP, ``a`` by OAuth with a bearer token."""
    hold: bool = False
    """The market waits until it is told to go."""
    faults: dict[str, FaultsConfig] = Field(default={})
    """What is wrong from the start, by the broker's name here, or ``all``."""

    @model_validator(mode="after")
    def _replay_has_a_file(self) -> SimulatorConfig:
        if self.market == "replay" and self.file is None:
            raise ValueError("expected file, the recorded day to replay, found none")
        return self


class RefereeConfig(Section):
    """Brokers are compared all day: a small sample is streamed by all of them, its bytes counted apart."""

    budget_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Of the quote bytes, that the sample may add; nothing is compared while one instrument would be more."""


class TicksConfig(Section):
    """How quotes are read, and how much of the past is kept."""

    max_rows: int = Field(default=2_000_000, ge=1, le=1_000_000_000)
    """Ticks kept in memory, of all instruments together; the oldest go first."""
    gather: float = Field(default=0.02, ge=0, le=0.5)
    """The longest time, in seconds, that messages of a busy socket may gather before they are read together,
    which costs far less work. An order on that socket waits as long, too, and receive times are of the read.
    0 reads each message as it comes."""


class OrderEventsConfig(Section):
    """How many order events are kept."""

    max_rows: int = Field(default=100_000, ge=1, le=1_000_000_000)
    """Order events kept in memory; the oldest go first."""


class DeskConfig(Section):
    """Positions, holdings and margin of every account."""

    read: bool = True
    """False reads none of these books, and the desk is empty."""
    subscribe: bool | None = None
    """Whether what is held or has an open order is streamed by itself, so that its price is known; it counts
    against the brokers' caps, under the holder ``desk``. Unless told: for real brokers yes, for simulated
    ones no."""
    read_every: float = Field(default=60.0, ge=1)
    """Seconds between two reads of a broker's positions in market hours; order events bring further ones."""
    rate_share: float = Field(default=0.25, gt=0, le=1)
    """Share of a login's REST rates within which these books are read: your own programs share the login."""


class JournalConfig(Section):
    """The order journal: what orders did, on disk, so that a restart forgets nothing."""

    enabled: bool | None = None
    """Unless told: for real brokers yes, for simulated ones where a path is given."""
    path: FilePath | None = None
    """A file that ends in ``.sqlite``; ``orders.sqlite`` in the system's folder for state by default."""
    keep_days: int = Field(default=30, ge=1, le=36_500)
    """Calendar days, today included; earlier ones are dropped."""

    @field_validator("path")
    @classmethod
    def _ends_in_sqlite(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".sqlite":
            raise ValueError(f"expected a file name that ends in .sqlite, found {value.name!r}")
        return value


class OrdersConfig(Section):
    """How the ledger is kept equal to the brokers' books."""

    reconcile_every: float = Field(default=60.0, ge=1)
    """Seconds between two reads of a broker's order book in market hours."""


class LivenessConfig(Section):
    """When a connection, or the quotes on it, count as dead. All in seconds."""

    ping_every: float = Field(default=10.0, ge=0.05)
    """Between two pings of a WebSocket."""
    pong_within: float = Field(default=10.0, ge=0.05)
    """A server that has answered pings before, and brings nothing for so long after one, is gone."""
    heartbeat_every: float | None = Field(default=None, ge=0.05)
    """Between two heartbeats of the broker's own protocol; the broker's own rhythm by default."""
    heartbeat_within: float = Field(default=15.0, ge=0.05)
    """A broker that has answered heartbeats before, and does not for so long, is gone."""
    quotes_silent_after: float = Field(default=5.0, ge=0.05)
    """Silence of all instruments of one source in market hours, after which the market is asked by REST."""
    instrument_silent_after: float = Field(default=60.0, ge=0.05)
    """Silence of one instrument while others tick, after which it is asked by REST; at least twenty
    times its usual interval."""
    probe_every: float = Field(default=5.0, ge=0.05)
    """Between two such questions while the silence lasts; the interval grows to a minute."""


class ServerConfig(Section):
    """Where ``dualbroker serve`` listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Any other than this machine's own loopback address demands a token."""
    port: int = Field(default=8000, ge=0, le=65_535)
    """0 takes any free one."""
    allowed_hosts: list[str] = Field(default=[])
    """Host names under which it may be asked besides its own, such as a reverse proxy's."""

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"expected names without scheme, port and brackets, found {name[:80]!r}")
        return value


class LogConfig(Section):
    """What is logged, and where to."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    """The least severe messages that are logged."""
    file: FilePath | None = None
    """Besides the terminal; UTF-8, rotated at 10 MB, five older ones kept."""
