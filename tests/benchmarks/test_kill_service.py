"""A real service, killed for good at random moments while orders flow. Fifty kills are for the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_service.py"


@pytest.mark.slow
def test_a_killed_service_loses_no_order_update_and_tells_none_twice() -> None:
    command = [sys.executable, str(SCRIPT), "--kills=5", "--longest=0.5", "--orders=600", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=240)
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["kills"] == 5
    assert result["events"] > 20
    assert result["events by source"]["reconcile"] > 0, "what happened meanwhile came from the books"
    assert done.returncode == 0
