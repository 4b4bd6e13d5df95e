"""The benchmarks run and count right. How fast they are is for their README, not for a test."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_every_row_of_the_journal_is_timed() -> None:
    command = [sys.executable, str(BENCHMARKS / "journal_row.py"), "--rows=200", "--pause-ms=0.1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    result = json.loads(done.stdout)
    assert [series["rows"] for series in result.values()] == [200, 10]
    assert all(0 < series["p50_us"] <= series["p99_us"] <= series["most_us"] for series in result.values())


def test_a_bound_of_the_live_views_that_is_missed_by_far_or_not_measured_is_named() -> None:
    script = runpy.run_path(str(BENCHMARKS / "notebook.py"))
    within = dict(script["LIMITS"])
    assert script["beyond_limits"](within) == []
    name = "chart update bytes"
    beyond = script["beyond_limits"]({**within, name: within[name] + 1, "kernel %": float("nan")})
    assert [words.partition(":")[0] for words in beyond] == ["kernel %", name]
