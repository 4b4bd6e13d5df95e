"""CPU per tick from the wire to a stored row: dualbroker, the official client, and the floor under both.

The same frames are served to each from a process of its own. CPU is that of the client's process alone,
from the start of the ticks to the marker after the last one.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from processes import Measurement, clients, measure, source
from report import Spread, machine, print_table, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=500_000)
    parser.add_argument("--instruments", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rate", type=float, default=0.0, help="ticks per second; 0 is saturation (default)")
    parser.add_argument("--official", metavar="PYTHON", help="interpreter that has NorenRestApiPy")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    measured: dict[str, list[Measurement]] = {}
    with source(arguments.ticks, arguments.instruments, arguments.rate) as greeting:
        chosen = clients(arguments.official)
        if arguments.rate:
            # What needs no socket has no rate.
            chosen = [client for client in chosen if client.work not in ("store", "decode")]
        # Round by round, so that a busy minute of the machine falls on every client.
        for _ in range(arguments.runs):
            for client in chosen:
                run = measure(client, greeting["port"], arguments.ticks, arguments.instruments)
                measured.setdefault(client.name, []).append(run)
    result = summary(measured, arguments, greeting["frame_bytes"])
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result)


def summary(
    measured: dict[str, list[Measurement]], arguments: argparse.Namespace, frame_bytes: dict[str, float]
) -> dict[str, Any]:
    """All that was measured, and how."""
    return {
        "machine": machine(),
        "ticks": arguments.ticks,
        "instruments": arguments.instruments,
        "runs": arguments.runs,
        "rate": arguments.rate or None,
        "frame_bytes": frame_bytes,
        "official_client": "measured" if arguments.official else "skipped: --official PYTHON was not given",
        "clients": {
            name: {
                "ticks": [run.ticks for run in runs],
                "cpu_us_per_tick": spread([run.cpu_us_per_tick for run in runs])._asdict(),
                "wall_us_per_tick": spread([run.wall_us_per_tick for run in runs])._asdict(),
                "versions": runs[0].versions,
            }
            for name, runs in measured.items()
        },
    }


def show(result: dict[str, Any]) -> None:
    """The same as a table."""
    rows = []
    base = result["clients"]["dualbroker"]["cpu_us_per_tick"]["median"]
    for name, client in result["clients"].items():
        cpu, wall = client["cpu_us_per_tick"], client["wall_us_per_tick"]
        rows.append(
            (
                name,
                Spread(**cpu).words(2),
                f"{cpu['median'] / base:.2f}",
                f"{1e6 / wall['median']:,.0f}",
            )
        )
    note = "ratio: of the medians, dualbroker is 1"
    if "skipped" in result["official_client"]:
        note += f"; official client {result['official_client']}"
    pace = f"at {result['rate']:,.0f} ticks/s" if result["rate"] else "at saturation"
    print_table(
        f"{result['ticks']:,} ticks of {result['instruments']:,} instruments {pace}, {result['runs']} runs",
        ("CPU µs per tick", "min / median / max", "ratio", "ticks/s"),
        rows,
        note,
    )


if __name__ == "__main__":
    main()
