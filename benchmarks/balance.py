"""How long it takes to share 10,000 instruments out over three brokers: python benchmarks/balance.py

Four cases: nobody carries anything yet; all is carried as it should be; one broker has died; everything is at
one broker and is to be levelled without a limit. Shares and options of eight expiries; the best run.
"""

from __future__ import annotations

import argparse
import time

from dualbroker.model import InstrumentKey
from dualbroker.routing.balance import Carrier, balance

NAMES = ("broker1", "broker2", "broker3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instruments", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    options, expiries = arguments.instruments // 2, 8
    groups: dict[str, list[InstrumentKey]] = {
        f"expiry {e}": [("NFO", f"{e}/{n}") for n in range(options // expiries)] for e in range(expiries)
    }
    groups |= {f"share {n}": [("NSE", str(n))] for n in range(arguments.instruments - options)}
    carriers = [Carrier(name, most=arguments.instruments) for name in NAMES]
    shared = balance(groups, {}, carriers).targets
    settled = {key: name for key, name in shared.items() if name is not None}
    at_one = dict.fromkeys(settled, NAMES[0])
    cases = {
        "nothing carried yet": lambda: balance(groups, {}, carriers, move_limit=None),
        "nothing to do": lambda: balance(groups, settled, carriers, move_limit=None),
        "one broker dead": lambda: balance(groups, settled, carriers[1:]),
        "all at one broker": lambda: balance(groups, at_one, carriers, move_limit=None),
    }
    for words, case in cases.items():
        best_s = min(_seconds(case) for _ in range(arguments.runs))
        print(f"{words}: {best_s * 1000:.1f} ms")


def _seconds(case: object) -> float:
    assert callable(case)
    start_s = time.perf_counter()
    case()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    main()
