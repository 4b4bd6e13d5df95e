"""config.yaml as typed, checked values. Reading the file is ``load``'s job.

A model made from wrong values raises ``pydantic.ValidationError``; ``load`` turns it into a
``ConfigError`` whose lines a person can act upon.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    PrivateAttr,
    SecretStr,
    SerializeAsAny,
    Tag,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    field_validator,
)

from dualbroker.errors import ConfigError

from .alerts import AlertsConfig
from .broker import BrokerConfig, check_section
from .market_hours import MarketHoursConfig
from .problems import file_message, problem_lines
from .sections import (
    Around,
    DeskConfig,
    FilePath,
    JournalConfig,
    LivenessConfig,
    LogConfig,
    OrderEventsConfig,
    OrdersConfig,
    RefereeConfig,
    Section,
    ServerConfig,
    SimulatorConfig,
    TicksConfig,
)

__all__ = [
    "AlertsConfig",
    "Around",
    "BrokerConfig",
    "Config",
    "DeskConfig",
    "JournalConfig",
    "LivenessConfig",
    "LogConfig",
    "MarketHoursConfig",
    "OrderEventsConfig",
    "OrdersConfig",
    "ServerConfig",
    "SimulatorConfig",
    "TicksConfig",
    "demo_config",
]

_PLAIN_WORD = re.compile(r"[^\W_][\w-]{0,39}")

_DEMO_SUBSCRIPTIONS: tuple[str | dict[str, Any], ...] = (
    "NIFTY",
    "BANKNIFTY",
    "INDIA VIX",
    "NSE:RELIANCE-EQ",
    "NSE:TCS-EQ",
    "NSE:HDFCBANK-EQ",
    "NSE:INFY-EQ",
    {"underlying": "NIFTY", "expiry": 0, "strikes": 5},
)


def _subscription_kind(value: Any) -> str:
    return "around" if isinstance(value, Mapping | Around) else "name"


Subscription = Annotated[
    Annotated[str, Field(min_length=1), Tag("name")] | Annotated[Around, Tag("around")],
    Discriminator(_subscription_kind),
]


def _by_its_type(data: Any, _: Any, info: ValidationInfo) -> BrokerConfig:
    return check_section(data, info.context)


BrokerSection = Annotated[SerializeAsAny[BrokerConfig], WrapValidator(_by_its_type)]


class Config(Section):
    """All of config.yaml."""

    brokers: dict[str, BrokerSection]
    """In file order: the first whose login succeeds in time carries quotes, unless ``primary`` names one."""
    subscribe: list[Subscription] = Field(default=[])
    """What is streamed from the start: names, options around the money, and with ``orders`` whatever has an
    order at any broker, also one that comes later. A single name needs no list."""
    primary: str = Field(default="auto", min_length=1)
    """Who carries quotes: ``auto`` by measured stability, or a broker's name, to which quotes return."""
    quotes: Literal["primary", "balanced"] = "primary"
    """``primary``: one broker carries the quotes. ``balanced``: all that stream share them, each instrument
    is at one of them."""
    liveness: LivenessConfig = LivenessConfig()
    """When a connection, or the quotes on it, count as dead."""
    market_hours: MarketHoursConfig = MarketHoursConfig()
    """What the exchanges' calendar does not know; the simulated market never closes."""
    start_timeout: float = Field(default=10.0, gt=0)
    """Seconds that a broker has for its login before the next one becomes the primary."""
    simulator: SimulatorConfig = SimulatorConfig()
    """The market and the accounts behind brokers of ``type: simulated``."""
    referee: RefereeConfig | None = None
    """Compare brokers all day; without it nobody but the primary is asked for quotes."""
    ticks: TicksConfig = TicksConfig()
    """How many ticks are kept."""
    order_events: OrderEventsConfig = OrderEventsConfig()
    """How many order events are kept."""
    orders: OrdersConfig = OrdersConfig()
    """How the ledger is kept equal to the brokers' books."""
    desk: DeskConfig = DeskConfig()
    """Positions, holdings and margin of every account."""
    journal: JournalConfig = JournalConfig()
    """The order journal on disk."""
    server: ServerConfig = ServerConfig()
    """Where ``dualbroker serve`` listens."""
    alerts: AlertsConfig = AlertsConfig()
    """What is told to a person, and where it is sent."""
    log: LogConfig = LogConfig()
    """What is logged, and where to."""
    cache: FilePath | None = None
    """Folder for downloaded symbol masters; the system's own cache folder by default."""

    _path: Path | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path | None:
        """The file it was read from; None when it was made in code."""
        return self._path

    @property
    def enabled_brokers(self) -> list[BrokerConfig]:
        """In file order."""
        return [broker for broker in self.brokers.values() if broker.enabled]

    @property
    def is_simulated(self) -> bool:
        """True when what is shown must carry the word SIMULATED."""
        return any(broker.is_simulated for broker in self.enabled_brokers)

    def fingerprint(self) -> str:
        """A hash that two configs share exactly when nothing that matters differs, secrets included.

        Where the file lies does not matter. For comparing only: never show or store it.
        """

        def plain(value: Any) -> str:
            return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

        text = json.dumps(self.model_dump(), default=plain)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @field_validator("subscribe", mode="before")
    @classmethod
    def _one_name_is_a_list_of_one(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) and value.strip() else value

    @field_validator("brokers", mode="before")
    @classmethod
    def _name_the_brokers(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        named: dict[Any, Any] = {}
        for name, broker in value.items():
            if isinstance(broker, BrokerConfig):
                named[name] = broker.model_copy(update={"name": name})
            elif isinstance(broker, Mapping):
                named[name] = {**broker, "name": broker.get("name", str(name))}
            else:
                named[name] = broker
        return named

    @field_validator("brokers")
    @classmethod
    def _brokers_make_sense(cls, brokers: dict[str, BrokerConfig]) -> dict[str, BrokerConfig]:
        problems = []
        for name, broker in brokers.items():
            if not _PLAIN_WORD.fullmatch(name):
                problems.append(f"expected a plain word (letters, digits, _ and -) as name, found {name!r}")
            elif broker.name != name:
                problems.append(f"expected no other name than the key {name!r}, found {broker.name!r}")
        enabled = [broker for broker in brokers.values() if broker.enabled]
        if not enabled:
            problems.append(
                f"expected at least one enabled broker, found {'none' if brokers else 'no broker'}"
            )
        simulated = [broker.name for broker in enabled if broker.is_simulated]
        real = [broker.name for broker in enabled if not broker.is_simulated]
        if simulated and real:
            problems.append(
                "expected either simulated or real brokers, for a simulated price beside real orders could "
                f"be taken for real; found simulated {', '.join(simulated)} and real {', '.join(real)}"
            )
        logins: dict[tuple[str, str], str] = {}
        for broker in enabled:
            if broker.user_id is not None and not broker.is_simulated:
                first = logins.setdefault((broker.type, broker.user_id), broker.name)
                if first != broker.name:
                    problems.append(
                        f"expected each login once, for a second socket evicts the first; "
                        f"found that of {first} again in {broker.name}"
                    )
        if problems:
            raise ValueError("\n".join(problems))
        return brokers

    @field_validator("simulator")
    @classmethod
    def _faults_are_of_a_broker(cls, value: SimulatorConfig, info: ValidationInfo) -> SimulatorConfig:
        brokers: dict[str, BrokerConfig] = info.data.get("brokers", {})
        known = [name for name, broker in brokers.items() if broker.is_simulated]
        unknown = [name for name in value.faults if name not in (*known, "all")]
        if brokers and unknown:
            raise ValueError(
                f"expected faults of all, or of a simulated broker ({', '.join(known) or 'there is none'}), "
                f"found {', '.join(map(repr, unknown))}"
            )
        return value

    @field_validator("primary")
    @classmethod
    def _primary_streams(cls, value: str, info: ValidationInfo) -> str:
        brokers: dict[str, BrokerConfig] = info.data.get("brokers", {})
        streaming = [name for name, broker in brokers.items() if broker.enabled and broker.orders == "stream"]
        if value != "auto" and brokers and value not in streaming:
            known = ", ".join(streaming) or "there is none"
            raise ValueError(f"expected auto, or an enabled broker that streams ({known}), found {value!r}")
        return value


def demo_config(brokers: int = 2, **simulator: Any) -> Config:
    """A config of that many simulated brokers, ``broker1``, ``broker2`` …; nothing is read from a file.

    Parameters
    ----------
    brokers
        How many, at least one.
    **simulator
        Keys of the section ``simulator``, such as ``seed=7`` or ``ticks_per_second=1000``.

    Raises
    ------
    ConfigError
        No broker, or a key or value that the simulator does not know.
    """
    document = {
        "brokers": {f"broker{number}": {"type": "simulated"} for number in range(1, brokers + 1)},
        "subscribe": list(_DEMO_SUBSCRIPTIONS),
        "simulator": simulator,
    }
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        problems = problem_lines(error, Config, document)
    raise ConfigError(file_message("demo", problems))
