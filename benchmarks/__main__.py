"""``python -m benchmarks``: the whole table of what a tick costs, from one command. See README.md."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))

from suite import FULL, PARTS, QUICK, run
from suite_tables import show


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in under four minutes instead of an hour")
    parser.add_argument("--official", metavar="PYTHON", help="interpreter that has the official client")
    words = f"only this, of {', '.join(PARTS)}; may be given several times"
    parser.add_argument("--part", action="append", choices=PARTS, metavar="PART", help=words)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print the tables of README.md")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    sizes = QUICK if arguments.quick else FULL
    with console.status("starting") as status:
        result = run(sizes, arguments.official, status.update, arguments.part or PARTS)
    result["method"]["command"] = " ".join(["python -m benchmarks", *sys.argv[1:]])
    for reason in result["method"]["left_out"]:
        console.print(reason, highlight=False)
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result, markdown=arguments.markdown)


if __name__ == "__main__":
    main()
