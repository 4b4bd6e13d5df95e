"""The benchmarks run and count right. How fast they are is for their README, not for a test."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TICKS = 2_000


def run(script: str, *options: str) -> dict[str, Any]:
    """The JSON that a benchmark prints in its tiny form."""
    command = [sys.executable, str(BENCHMARKS / script), f"--ticks={TICKS}", "--instruments=50", "--runs=1"]
    done = subprocess.run(
        [*command, "--json", *options], capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("rate", [0, 20_000])
def test_wire_to_store_counts_every_tick(rate: int) -> None:
    result = run("wire_to_store.py", f"--rate={rate}")
    assert {"dualbroker", "floor: read and cut"} <= set(result["clients"])
    for client in result["clients"].values():
        assert client["ticks"] == [TICKS]
        assert client["cpu_us_per_tick"]["median"] > 0
    assert result["official_client"].startswith("skipped")
    assert 60 <= result["frame_bytes"]["min"] <= result["frame_bytes"]["max"] <= 160


def test_every_row_of_the_journal_is_timed() -> None:
    command = [sys.executable, str(BENCHMARKS / "journal_row.py"), "--rows=200", "--pause-ms=0.1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    result = json.loads(done.stdout)
    assert [series["rows"] for series in result.values()] == [200, 10]
    assert all(0 < series["p50_us"] <= series["p99_us"] <= series["most_us"] for series in result.values())


def test_memory_per_tick_counts_every_tick() -> None:
    result = run("memory_per_tick.py")
    assert result["clients"]["dualbroker"]["ticks"] == [TICKS]
    assert result["clients"]["dualbroker"]["bytes_per_tick"]["median"] > result["row_bytes"]


def test_ticks_frame_holds_every_tick_of_its_instrument() -> None:
    result = run("ticks_frame.py", "--instruments=1")
    assert result["ticks"] == TICKS
    assert result["mean_rows"] == TICKS


def test_a_bound_of_the_live_views_that_is_missed_by_far_or_not_measured_is_named() -> None:
    script = runpy.run_path(str(BENCHMARKS / "notebook.py"))
    within = dict(script["LIMITS"])
    assert script["beyond_limits"](within) == []
    name = "chart update bytes"
    beyond = script["beyond_limits"]({**within, name: within[name] + 1, "kernel %": float("nan")})
    assert [words.partition(":")[0] for words in beyond] == ["kernel %", name]
