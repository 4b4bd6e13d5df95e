"""Bad input against every parser: frames, REST answers, symbol masters, names, config.yaml, saved tokens.

Inputs are mutations of real material (../shared/data, where it lies beside the checkout) and of our own, and
what grammars of nearly good input make. Each must end in a value that a slow, obvious reading agrees with, or
in an error of ``dualbroker.errors``, or in a logged skip: nothing else, and in time. Seed, target and number
tell an input, so ``--replay TARGET:NUMBER`` shows it again. Exits with 1 when something failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from fuzzing.material import Material
from fuzzing.targets import TARGETS, shares
from fuzzing.watched import chunks, run_watched
from fuzzing.work import Tally, input_of
from report import machine, print_table
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=sorted(TARGETS), help="this one only, with all inputs")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    parser.add_argument("--replay", metavar="TARGET:NUMBER", help="show one input, and what becomes of it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dualbroker-fuzz-") as room:
        if arguments.replay:
            return replay(arguments.replay, arguments.seed, Path(room))
        return run(arguments, Path(room))


def run(arguments: argparse.Namespace, room: Path) -> int:
    """Feed all of them, and show what became of them."""
    numbers = {arguments.target: arguments.inputs} if arguments.target else shares(arguments.inputs)
    tallies = {name: Tally() for name in numbers}
    began_s = time.monotonic()
    with progress(quiet=arguments.json) as bar:
        task = bar.add_task("bad inputs", total=sum(numbers.values()))

        def tell(name: str, tally: Tally) -> None:
            tallies[name].add(tally)
            failed = sum(len(each.failures) for each in tallies.values())
            bar.update(task, advance=tally.inputs, description=f"bad inputs, {failed} failures")

        run_watched(chunks(numbers), arguments.seed, arguments.processes, room, tell)
    result = {
        "machine": machine(),
        "seed": arguments.seed,
        "real_material": Material(room).is_real,
        "inputs": sum(tally.inputs for tally in tallies.values()),
        "seconds": round(time.monotonic() - began_s, 1),
        "targets": {name: msgspec.to_builtins(tally) for name, tally in tallies.items()},
        "failures": sum(len(tally.failures) for tally in tallies.values()),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result, tallies)
    return 1 if result["failures"] else 0


def progress(*, quiet: bool) -> Progress:
    """A bar on stderr, so that stdout holds the result alone."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )


def replay(which: str, seed: int, room: Path) -> int:
    """Show one input again, and let an error come through with its traceback."""
    name, _, number = which.rpartition(":")
    if name not in TARGETS or not number.isdigit():
        print(
            f"expected TARGET:NUMBER with a target of {', '.join(TARGETS)}, found {which!r}", file=sys.stderr
        )
        return 2
    target = TARGETS[name](Material(room))
    data = input_of(target, seed, int(number))
    print(data)
    print(target.check(data))
    return 0


def show(result: dict[str, Any], tallies: dict[str, Tally]) -> None:
    """The figures for a person."""
    rows, lines = [], []
    for name, tally in tallies.items():
        accepted = sum(count for kind, count in tally.outcomes.items() if kind.startswith("accepted"))
        others = sorted((-count, kind) for kind, count in tally.outcomes.items() if kind != "accepted")
        slowest = f"{tally.slowest_s * 1000:,.0f} (#{tally.slowest_index})"
        counts = [f"{count:,}" for count in (tally.inputs, accepted, tally.inputs - accepted)]
        rows.append([name, *counts, slowest, str(len(tally.failures))])
        lines.append(f"{name}: " + ", ".join(f"{kind} {-count:,}" for count, kind in others))
    columns = ["target", "inputs", "accepted", "refused", "slowest, CPU ms", "failed"]
    material = "real and own" if result["real_material"] else "own (no ../shared/data)"
    note = f"seed {result['seed']}, material: {material}, {result['seconds']:,} s"
    print_table(f"{result['inputs']:,} bad inputs", columns, rows, note)
    print("\n".join(lines))
    for tally in tallies.values():
        for failure in tally.failures:
            print(f"\n{failure.target}:{failure.index}, {failure.times} times: {failure.kind}")
            print(f"  {failure.message}\n  {failure.reproducer}")


if __name__ == "__main__":
    sys.exit(main())
