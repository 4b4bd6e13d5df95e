"""Runs a simulator until it is told to end: what ``dualbroker simulate`` does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from dualbroker.errors import DualBrokerError
from dualbroker.extras import needs_extra
from dualbroker.noren.times import ist_day
from dualbroker.simulator.broker import RULES, BrokerRules
from dualbroker.simulator.faults.faults import ALL_BROKERS
from dualbroker.simulator.faults.planned import PlannedStrike
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.market.replay import ReplayMarket
from dualbroker.simulator.market.synthetic import SyntheticMarket
from dualbroker.simulator.market.universe import build_universe
from dualbroker.simulator.simulation import Simulation

with needs_extra("service"):
    from dualbroker.simulator.drivers.server import SimulatorServer

__all__ = ["SimulatorOptions", "build_simulation", "main", "run_simulator"]

_STANDARD_INPUT = 0


class SimulatorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What can be chosen on the command line."""

    brokers: int = 2
    seed: int = 1
    market: Literal["synthetic", "replay"] = "synthetic"
    file: Path | None = None
    """The recorded day of a replay."""
    speed: float = 1.0
    """Of a replay: market seconds per second."""
    hold: bool = False
    """The market waits for ``POST <masters_base>/simulator/release``."""
    ticks_per_second: float = 600.0
    orders_per_minute: float = 12.0
    strikes: int = 15
    """Of each chain, on each side of the money."""
    expiries: int = 2
    """Weekly ones of each chain that has them."""
    faults: str | None = None
    """What is wrong from the start: JSON of switches by broker, ``all`` among them."""
    like: tuple[str, ...] = ()
    """Broker types whose rules hold, ``shoonya`` for all or ``broker2=shoonya`` for one."""
    generation: Literal["c", "a"] = "a"
    """Which login the printed table explains; every broker takes both."""
    as_json: bool = False
    until_stdin_closes: bool = False


def build_simulation(options: SimulatorOptions, now_ns: int) -> Simulation:
    """Market and brokers, named broker1, broker2 …; a synthetic market starts at ``now_ns`` (UTC).

    Raises
    ------
    DualBrokerError
        An option is out of its bounds, or the file can't be replayed.
    """
    if options.brokers < 1:
        raise DualBrokerError(f"--brokers: expected at least 1, found {options.brokers}")
    market: Market
    if options.market == "replay":
        if options.file is None:
            raise DualBrokerError("--market replay: expected --file with the recorded day, found none")
        market = ReplayMarket(options.file, speed=options.speed)
        market.release()  # the simulation itself holds, so that brokers and actors wait too
    else:
        universe = build_universe(
            ist_day(now_ns), strikes_each_side=options.strikes, expiries=options.expiries
        )
        market = SyntheticMarket(
            universe, seed=options.seed, start_ns=now_ns, ticks_per_second=options.ticks_per_second
        )
    names = [f"broker{number}" for number in range(1, options.brokers + 1)]
    simulation = Simulation(
        market,
        names,
        rules=_rules(options.like, names),
        seed=options.seed,
        orders_per_minute=options.orders_per_minute,
        hold=options.hold,
    )
    for name, switches in _faults(options.faults).items():
        for fields in switches.pop("at", ()):
            simulation.plan_strike(PlannedStrike.read(name, fields))
        simulation.set_faults(name, **switches)
    return simulation


def _rules(like: Sequence[str], names: Sequence[str]) -> dict[str, BrokerRules]:
    """What is said of all first, so that what is said of one goes beyond it."""
    rules: dict[str, BrokerRules] = {}
    for said in sorted(like, key=lambda each: "=" in each):
        name, _, kind = said.rpartition("=")
        if kind not in RULES or name not in ("", *names):
            raise DualBrokerError(
                f"--like: expected one of {', '.join(RULES)}, or broker2=shoonya, found {said!r}"
            )
        rules |= dict.fromkeys([name] if name else names, RULES[kind])
    return rules


def _faults(text: str | None) -> dict[str, dict[str, Any]]:
    """What is said of all first, so that what is said of one goes beyond it."""
    try:
        faults = msgspec.json.decode(text or "{}", type=dict[str, dict[str, Any]])
    except msgspec.MsgspecError as error:
        example = '{"broker2": {"delay_s": 0.2}}'
        raise DualBrokerError(f"--faults: expected JSON such as {example}; found: {error}") from None
    return dict(sorted(faults.items(), key=lambda item: item[0] != ALL_BROKERS))


def run_simulator(options: SimulatorOptions) -> None:
    """Serve until Ctrl-C, or until standard input ends when that was asked for.

    Raises
    ------
    DualBrokerError
        As ``build_simulation``.
    """
    simulation = build_simulation(options, time.time_ns())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(simulation, options))


def main() -> None:
    """What a child process runs: its one argument is ``SimulatorOptions`` as JSON.

    What goes wrong on purpose is one line on standard error and exit status 2.
    """
    try:
        run_simulator(msgspec.json.decode(sys.argv[1], type=SimulatorOptions, dec_hook=_decode_path))
    except (DualBrokerError, OSError) as error:
        print(f"dualbroker: {error}", file=sys.stderr)
        sys.exit(2)


def _decode_path(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path else value


async def _serve(simulation: Simulation, options: SimulatorOptions) -> None:
    ended = asyncio.Event()
    if options.until_stdin_closes:
        loop = asyncio.get_running_loop()
        _when_stdin_closes(lambda: loop.call_soon_threadsafe(ended.set))
    replays = options.market == "replay"
    clock = None if replays else time.time_ns
    async with SimulatorServer(simulation, waits_for_readers=replays, clock=clock) as server:
        if options.as_json:
            sys.stdout.write(msgspec.json.encode(server.description()).decode("utf-8") + "\n")
            sys.stdout.flush()
        else:
            _print_table(server.description(), options)
        await ended.wait()


def _when_stdin_closes(tell: Callable[[], object]) -> None:
    """The parent's death closes our standard input, on every system.

    Read by its descriptor: a thread that waits inside ``sys.stdin`` would hold its lock at exit.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(_STANDARD_INPUT, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            tell()

    threading.Thread(target=wait, name="dualbroker-stdin", daemon=True).start()


def _print_table(description: dict[str, Any], options: SimulatorOptions) -> None:
    from rich.console import Console  # a child process prints no table
    from rich.table import Table

    console = Console()
    fields = ["rest_base", "websocket_url", "uid"]
    fields += (
        ["client_id", "oauth_secret", "oauth_code"]
        if options.generation == "a"
        else ["password", "totp_secret", "api_key", "vendor_code"]
    )
    table = Table("broker", "field", "value", title=f"SIMULATED brokers, {options.market} market")
    for broker in description["brokers"]:
        for field in fields:
            table.add_row(broker["name"] if field == fields[0] else "", field, broker[field])
        table.add_section()
    console.print(table)
    console.print(f"Symbol masters: {description['masters_base']}", highlight=False)
    console.print("All logins with --json. Ctrl-C ends it.", highlight=False)
