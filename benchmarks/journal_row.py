"""What a row of the order journal costs whoever writes it: one after the other, and with pauses between."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from report import print_table

from dualbroker.storage.journal import Journal, JournalRow

CONTENT_BYTES = 300
"""About an order update's."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--pause-ms", type=float, default=2.0, help="before each row of the second series")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        journal = Journal(Path(folder) / "orders.sqlite")
        journal.open()
        found = {
            "one after the other": figures(write(journal, 1, chosen.rows, 0.0)),
            f"{chosen.pause_ms:g} ms between": figures(
                write(journal, chosen.rows + 1, chosen.rows // 20, chosen.pause_ms / 1000)
            ),
        }
        journal.close()
    if chosen.json:
        print(json.dumps(found))
        return
    rows = [[name, *(f"{value:,.0f}" for value in series.values())] for name, series in found.items()]
    print_table("A row of the journal, µs", ["rows", "written", "mean", "p50", "p99", "most"], rows)


def write(journal: Journal, first: int, count: int, pause_s: float) -> list[float]:
    """Seconds that each row took."""
    content, day = bytes(CONTENT_BYTES), date(2026, 11, 26)
    took_s = []
    for sequence in range(first, first + count):
        if pause_s:
            time.sleep(pause_s)
        begun_s = time.perf_counter()
        journal.append([JournalRow(sequence, day, "broker1", 1, content)])
        took_s.append(time.perf_counter() - begun_s)
    return took_s


def figures(took_s: list[float]) -> dict[str, float]:
    """Rows, and µs a row."""
    ordered = sorted(second * 1e6 for second in took_s)
    return {
        "rows": len(ordered),
        "mean_us": statistics.fmean(ordered),
        "p50_us": ordered[len(ordered) // 2],
        "p99_us": ordered[int(0.99 * (len(ordered) - 1))],
        "most_us": ordered[-1],
    }


if __name__ == "__main__":
    main()
