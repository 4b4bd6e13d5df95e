"""Starts the simulator's child process: early, while this process still imports what it needs itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.child_process import ChildProcess, command_for
from dualbroker.config.schema import BrokerConfig, Config, SimulatorConfig
from dualbroker.forking import call_in_child

__all__ = ["launch_simulator", "needing_simulator", "simulator_child"]

_launched: dict[bytes, ChildProcess] = {}
"""Those that nobody has taken up yet, by their options."""
_launching = threading.Lock()


def needing_simulator(sections: Sequence[BrokerConfig]) -> list[SimulatedSection]:
    """The brokers among them that a simulator has to be started for."""
    return [
        section for section in sections if isinstance(section, SimulatedSection) and section.rest_base is None
    ]


def launch_simulator(config: Config) -> None:
    """Start the simulator that the brokers of a config will ask for, if any; does not wait.

    A recorded day is not begun early, for its first moments would pass unseen. A child that nobody
    takes up ends with this process.
    """
    names = [section.name for section in needing_simulator(config.enabled_brokers)]
    if not names or config.simulator.market == "replay":
        return
    options = _options(config.simulator, names)
    with _launching:
        if options not in _launched:
            _launched[options] = _start(options)


def simulator_child(config: SimulatorConfig, brokers: int | Sequence[str]) -> ChildProcess:
    """The child that was launched for just this, or one that is started now.

    Parameters
    ----------
    brokers
        How many, or what they are called here; ``config.faults`` names them so.
    """
    options = _options(config, brokers)
    with _launching:
        launched = _launched.pop(options, None)
    return launched or _start(options)


def _start(options: bytes) -> ChildProcess:
    return ChildProcess(
        "the simulator", command_for("dualbroker.simulator.drivers.command", options.decode("utf-8"))
    )


def _options(config: SimulatorConfig, brokers: int | Sequence[str]) -> bytes:
    """As the simulator's ``SimulatorOptions`` has them."""
    called = [] if isinstance(brokers, int) else brokers
    names = {name: f"broker{number}" for number, name in enumerate(called, start=1)}
    options: dict[str, Any] = {
        "brokers": brokers if isinstance(brokers, int) else len(brokers),
        "as_json": True,
        "until_stdin_closes": True,
    }
    same = ("seed", "market", "ticks_per_second", "orders_per_minute", "strikes", "expiries", "hold")
    options |= {name: getattr(config, name) for name in same}
    if config.market == "replay":
        options |= {"file": str(config.file), "speed": config.speed}
    if config.faults:
        faults = {names.get(name, name): each.model_dump() for name, each in config.faults.items()}
        options["faults"] = msgspec.json.encode(faults).decode("utf-8")
    return msgspec.json.encode(options)


call_in_child(_launched.clear)
