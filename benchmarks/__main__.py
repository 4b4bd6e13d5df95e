"""``python -m benchmarks``: the whole table of what a tick costs, from one command. See README.md."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))

from suite import FULL, QUICK, run
from suite_tables import show


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in under four minutes instead of an hour")
    parser.add_argument("--official", metavar="PYTHON", help="interpreter that has the official client")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print the tables of README.md")
    arguments = parser.parse_args()
    words = Console(stderr=True)
    with words.status("starting") as status:
        result = run(QUICK if arguments.quick else FULL, arguments.official, status.update)
    result["method"]["command"] = " ".join(["python -m benchmarks", *sys.argv[1:]])
    for reason in result["method"]["left_out"]:
        words.print(reason, highlight=False)
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result, markdown=arguments.markdown)


if __name__ == "__main__":
    main()
