"""The failover benchmark runs, agrees with the product, and goes on where it stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "failover.py"
INSTRUMENTS = 30


def run(*options: str) -> dict[str, Any]:
    """What it prints in a tiny form."""
    command = [sys.executable, str(SCRIPT), f"--instruments={INSTRUMENTS}", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=240)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_every_fault_moves_every_instrument_and_the_product_measures_the_same_gaps() -> None:
    result = run("--failovers=2", "--pacing=none", "--shipped-clocks=0")
    found = {each["series"]["fault"]: each for each in result["series"]}
    assert list(found) == ["closed", "reset", "mute", "black_hole"]
    for fault, each in found.items():
        assert each["failovers"] == 2, fault
        assert each["missing"] == each["without_product_gap"] == each["further_failovers"] == 0, fault
        # The product looks at the same rows, so only rounding may lie between the two.
        assert each["disagreement"] < 1.0, fault
        p50, p99, longest = each["gap"]
        assert 0 < p50 <= p99 <= longest, fault
        # A silent source is found out by a clock, a broken one by the connection itself.
        assert (each["detected"][0] > 200) == (fault in ("mute", "black_hole")), (fault, each["detected"])
    assert result["official_client"].startswith("skipped")


def test_what_was_saved_is_not_measured_again(tmp_path: Path) -> None:
    options = ["--faults=reset", "--pacing=shipped", f"--save={tmp_path / 'failovers.jsonl'}"]
    first = run("--failovers=1", *options)
    assert run("--failovers=1", *options)["series"] == first["series"]
    (more,) = run("--failovers=2", *options)["series"]
    assert more["failovers"] == 2
    assert len((tmp_path / "failovers.jsonl").read_text(encoding="utf-8").splitlines()) == 2
