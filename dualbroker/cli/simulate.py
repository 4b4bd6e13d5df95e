"""``dualbroker simulate``: simulated brokers on loopback sockets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["simulate"]


class MarketChoice(StrEnum):
    SYNTHETIC = "synthetic"
    REPLAY = "replay"


class GenerationChoice(StrEnum):
    PASSWORD = "c"
    OAUTH = "a"


def simulate(
    brokers: Annotated[int, typer.Option(min=1, max=50, help="How many, named broker1, broker2 …")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same accounts, prices and orders.")] = 1,
    market: Annotated[
        MarketChoice, typer.Option(help="Made up, or a recorded day.")
    ] = MarketChoice.SYNTHETIC,
    file: Annotated[Path | None, typer.Option(help="The recorded day (parquet) of a replay.")] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, max=10_000, help="Replay: market seconds per second.")
    ] = 1.0,
    hold: Annotated[
        bool, typer.Option("--hold", help="Wait for POST <masters_base>/simulator/release.")
    ] = False,
    ticks_per_second: Annotated[
        float, typer.Option(min=1, max=50_000, help="Synthetic: of all instruments together.")
    ] = 600.0,
    orders_per_minute: Annotated[
        float, typer.Option(min=0, help="Placed on each account by a made-up trader.")
    ] = 12.0,
    strikes: Annotated[
        int, typer.Option(min=1, max=200, help="Synthetic: strikes of each chain, on each side.")
    ] = 15,
    expiries: Annotated[
        int, typer.Option(min=1, max=10, help="Synthetic: weekly expiries of each chain.")
    ] = 2,
    faults: Annotated[
        str | None,
        typer.Option(help='What is wrong from the start, as JSON: {"broker2": {"delay_s": 0.2}, "all": …}.'),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(help="Rules of a broker type (shoonya, flattrade), of one broker: broker2=shoonya."),
    ] = None,
    generation: Annotated[
        GenerationChoice,
        typer.Option(
            "--generation",
            "--login",
            help="Which login to print: c password and TOTP, a OAuth. Every broker takes both.",
        ),
    ] = GenerationChoice.OAUTH,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print addresses and logins as one line of JSON.")
    ] = False,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="End when standard input does (child processes).")
    ] = False,
) -> None:
    """Run simulated brokers: REST and WebSocket on free ports of this machine, both protocol generations."""
    from dualbroker.simulator.drivers.command import SimulatorOptions, run_simulator

    run_simulator(
        SimulatorOptions(
            brokers=brokers,
            seed=seed,
            market=market.value,
            file=file,
            speed=speed,
            hold=hold,
            ticks_per_second=ticks_per_second,
            orders_per_minute=orders_per_minute,
            like=tuple(like or ()),
            strikes=strikes,
            expiries=expiries,
            faults=faults,
            generation=generation.value,
            as_json=as_json,
            until_stdin_closes=until_stdin_closes,
        )
    )
