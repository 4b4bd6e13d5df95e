"""Memory per stored tick: dualbroker's rows, and the official client's messages in a list.

It is the growth of the client process's resident memory from before it connects to after the last tick,
so it holds connection, subscriptions, empty room in blocks, and what the allocator rounds up to.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from processes import clients, measure, source
from report import Spread, machine, print_table, spread

from dualbroker.stores.tick_blocks import TICK_DTYPE

MEASURED = ("official client", "dualbroker")
"""The others keep no ticks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=500_000)
    parser.add_argument("--instruments", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--official", metavar="PYTHON", help="interpreter that has NorenRestApiPy")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    rows: dict[str, dict[str, Any]] = {}
    with source(arguments.ticks, arguments.instruments) as greeting:
        for client in clients(arguments.official):
            if client.name not in MEASURED:
                continue
            runs = [
                measure(client, greeting["port"], arguments.ticks, arguments.instruments)
                for _ in range(arguments.runs)
            ]
            rows[client.name] = {
                "ticks": [run.ticks for run in runs],
                "bytes_per_tick": spread([run.bytes_per_tick for run in runs])._asdict(),
            }
    result = {
        "machine": machine(),
        "ticks": arguments.ticks,
        "instruments": arguments.instruments,
        "runs": arguments.runs,
        "row_bytes": TICK_DTYPE.itemsize,
        "official_client": "measured" if arguments.official else "skipped: --official PYTHON was not given",
        "clients": rows,
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print_table(
        f"{arguments.ticks:,} ticks of {arguments.instruments:,} instruments, {arguments.runs} runs",
        ("bytes of memory per stored tick", "min / median / max"),
        [(name, Spread(**client["bytes_per_tick"]).words(0)) for name, client in rows.items()],
        f"a row is {TICK_DTYPE.itemsize} bytes; official client {result['official_client']}",
    )


if __name__ == "__main__":
    main()
