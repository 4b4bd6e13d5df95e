"""How long quotes are away when their source fails: on real sockets, by wall clock, per instrument.

Simulated brokers in a process of their own, the real manager in this one. The broker that carries
quotes is closed, reset, muted or black-holed; the gap runs from its last quote of any instrument to the
other broker's first of each. Beside it the official client on the same faults.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from failover_figures import AIM_MS, Measured, Quantiles, Series, Summary, load, save, summarise
from failover_official import Found, official_client
from failover_run import SHORTENED, failovers
from report import machine, print_markdown, print_table
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

FAULTS = ("closed", "reset", "mute", "black_hole")
PACINGS = ("none", "shipped")
SILENT = ("mute", "black_hole")
COLUMNS = ("fault", "instruments", "pacing", "clocks", "times", "gap, ms", "detected, ms", "move, ms", "aim")
OFFICIAL_COLUMNS = ("fault", "websocket-client", "instruments", "came back", "gap, ms", "what it did")


def main() -> None:
    arguments = parse_arguments()
    measured = load(arguments.save) if arguments.save else []
    found: list[Found] = []
    interrupted = False
    try:
        asyncio.run(run(arguments, measured, found))
    except KeyboardInterrupt:
        interrupted = True
    result = report(arguments, measured, found)
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(result)))
    else:
        show(result, found, markdown=arguments.markdown)
    if interrupted:
        print("Interrupted: this is what was measured until then.", file=sys.stderr)
        raise SystemExit(130)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--failovers", type=int, default=200, help="of each series (default 200)")
    parser.add_argument(
        "--instruments", type=int, action="append", help="may be given again (default 100 and 2000)"
    )
    parser.add_argument("--faults", type=_faults, default=FAULTS, help=f"default {','.join(FAULTS)}")
    parser.add_argument("--pacing", choices=("none", "shipped", "both"), default="both")
    parser.add_argument(
        "--shipped-clocks",
        type=int,
        default=10,
        metavar="N",
        help="failovers of a silent source with the shipped clocks as well, at the first number of "
        "instruments and without pacing (default 10; each takes about half a minute)",
    )
    parser.add_argument(
        "--official",
        metavar="PYTHON",
        action="append",
        default=[],
        help="interpreter that has NorenRestApiPy; again for one with another version of websocket-client",
    )
    parser.add_argument("--official-times", type=int, default=20, help="broken connections of each kind")
    parser.add_argument(
        "--official-silence", type=float, default=60.0, help="seconds that a broker is silent"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="lines of JSON; what is in it is not repeated"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--markdown", action="store_true", help="print the tables as the README has them")
    arguments = parser.parse_args()
    arguments.instruments = arguments.instruments or [100, 2000]
    return arguments


def _faults(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(FAULTS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(FAULTS)}, found {','.join(unknown)}")
    return chosen


def chosen_series(arguments: argparse.Namespace) -> list[tuple[Series, int]]:
    """Every series asked for, and how many failovers each shall have."""
    chosen: list[tuple[Series, int]] = []
    for instruments in arguments.instruments:
        for pacing in PACINGS if arguments.pacing == "both" else (arguments.pacing,):
            for fault in arguments.faults:
                clocks = "shortened" if fault in SILENT else "shipped"
                chosen.append((_series(fault, instruments, pacing, clocks), arguments.failovers))
    for fault in arguments.faults:
        if fault in SILENT and arguments.shipped_clocks:
            series = _series(fault, arguments.instruments[0], "none", "shipped")
            chosen.append((series, arguments.shipped_clocks))
    return chosen


def _series(fault: str, instruments: int, pacing: str, liveness: str) -> Series:
    words = {"fault": fault, "instruments": instruments, "pacing": pacing, "liveness": liveness}
    return msgspec.convert(words, Series)


async def run(arguments: argparse.Namespace, measured: list[Measured], found: list[Found]) -> None:
    """Measure what is not yet measured, adding to both lists as it comes."""
    chosen = chosen_series(arguments)
    missing = [
        (series, max(0, count - sum(each.series == series for each in measured))) for series, count in chosen
    ]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("failovers", total=sum(count for _, count in missing))
        for series, count in missing:
            if not count:
                continue
            progress.update(task, description=series.words)
            async with aclosing(failovers(series, count)) as stream:
                async for each in stream:
                    measured.append(each)
                    if arguments.save:
                        save(arguments.save, each)
                    progress.advance(task)
        for number, python in enumerate(arguments.official):
            progress.update(task, description=f"official client, {python}")
            # A second environment is there for its version, which matters where the connection breaks.
            options = {} if number == 0 else {"only": ("closed", "reset")}
            found += await official_client(
                python, arguments.instruments, arguments.official_times, arguments.official_silence, **options
            )


def report(
    arguments: argparse.Namespace, measured: Sequence[Measured], found: Sequence[Found]
) -> dict[str, Any]:
    """All that was measured, and how."""
    series = dict.fromkeys(series for series, _ in chosen_series(arguments))
    return {
        "machine": machine() | {"load": os.getloadavg() if hasattr(os, "getloadavg") else None},
        "failovers": arguments.failovers,
        "shortened_clocks": SHORTENED,
        "aim_ms": AIM_MS,
        "series": [
            summarise(each, [one for one in measured if one.series == each])
            for each in series
            if any(one.series == each for one in measured)
        ],
        "official_client": list(found) or "skipped: --official PYTHON was not given",
    }


def show(result: dict[str, Any], found: Sequence[Found], *, markdown: bool) -> None:
    """The same as tables."""
    write = print_markdown if markdown else print_table
    summaries: list[Summary] = result["series"]
    write(
        "Failovers: p50 / p99 / max over all instruments of all failovers",
        COLUMNS,
        [_row(each) for each in summaries],
        "gap: from the old source's last quote of any instrument to the new one's first of each; "
        "detected: from that last quote to the decision; move: from the decision to the first quote of each. "
        f"Aim without pacing: gap (closed, reset) or move (mute, black_hole), p99 below {AIM_MS:.0f} ms. "
        "Clocks shortened: " + ", ".join(f"{key} {value:g}" for key, value in SHORTENED.items()),
    )
    for each in summaries:
        for trouble in _troubles(each):
            print(f"{each.series.words}: {trouble}")
    if found:
        write(
            "The official client NorenRestApiPy on the same faults",
            OFFICIAL_COLUMNS,
            [_official_row(each) for each in found],
            "It knows one broker, which takes it back at once unless refused. "
            "gap: p50 / p99 / max, from its last quote to the first of each instrument afterwards",
            words=("what it did",),
        )
    else:
        print(f"The official client: {result['official_client']}")


def _row(summary: Summary) -> tuple[str, ...]:
    aim = {True: "met", False: "missed", None: "none"}[summary.aim_met]
    return (
        summary.series.fault,
        f"{summary.series.instruments:,}",
        summary.series.pacing,
        summary.series.liveness,
        str(summary.failovers),
        _words(summary.gap),
        _words(summary.detected),
        _words(summary.move),
        aim,
    )


def _troubles(summary: Summary) -> list[str]:
    """What a table of times does not show."""
    found = []
    if summary.missing:
        found.append(f"{summary.missing} times an instrument had no quote of the new source in time")
    if summary.without_product_gap:
        found.append(f"{summary.without_product_gap} times manager.incidents had no gap of an instrument")
    if summary.disagreement is not None and summary.disagreement > 1:
        found.append(
            f"gaps of manager.incidents differ from the stored rows by up to {summary.disagreement:.1f} ms"
        )
    if summary.unfinished:
        found.append(f"{summary.unfinished} times manager.incidents did not say within 1 s that it was done")
    if summary.further_failovers:
        found.append(f"{summary.further_failovers} changes of the source that nobody commanded")
    return found


def _official_row(found: Found) -> tuple[str, ...]:
    return (
        found.fault,
        found.websocket_client,
        f"{found.instruments:,}",
        f"{found.came_back} of {found.times}",
        _words(found.gap),
        found.did,
    )


def _words(quantiles: Quantiles | None) -> str:
    return "none" if quantiles is None else quantiles.words()


if __name__ == "__main__":
    main()
