from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dualbroker.cli import app
from dualbroker.measure.recorded_day import Mismatch
from dualbroker.measure.replay import ReplaySummary
from tests.cli.running import run_command, run_here
from tests.measure.days import row, write_day


@pytest.mark.slow
@pytest.mark.shared
def test_the_whole_recorded_day_comes_out_as_the_file_has_it(shared_data: Path, tmp_path: Path) -> None:
    day = shared_data / "nifty-option-chain-2025-08-29.parquet"
    done = run_command("replay", day, "--speed", "10000", "--json", home=tmp_path, timeout_s=300)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result.pop("seconds") > 2
    assert result == {
        "ok": True,
        "rows": 291_235,
        "ticks_received": 291_235,
        "contracts": 1_528,
        "mismatched": [],
    }


def test_the_summary_for_a_person(tmp_path: Path) -> None:
    day = write_day(tmp_path / "day.parquet", [row("24000", "09:30:00"), row("24000", "09:31:00", bid=0.0)])
    done = run_command("replay", day, "--speed", "10000", "--brokers", "1", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIMULATED" in done.stdout
    assert done.stdout.splitlines()[-1] == "ok"


def test_what_is_no_recorded_day_is_one_line_and_status_2(tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("not a table", encoding="utf-8")
    for file in (tmp_path / "missing.parquet", tmp_path, text):
        done = run_here("replay", file, home=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("dualbroker: expected a recorded day (parquet) at")
        assert len(done.stderr.splitlines()) == 1


def test_wrong_usage_is_status_2(tmp_path: Path) -> None:
    done = run_here("replay", "day.parquet", "--speed", "0", home=tmp_path)
    assert done.returncode == 2
    assert "--speed" in done.stderr


def test_what_came_out_otherwise_is_status_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = write_day(tmp_path / "day.parquet", [row("24000", "09:30:00")])
    summary = ReplaySummary(1, 1, 1, 1, 1, [Mismatch("NIFTY02SEP25C24000", "bid", 0.0, math.nan)], 0, 0.1)

    async def replayed(*arguments: Any, **options: Any) -> ReplaySummary:
        return summary

    monkeypatch.setattr("dualbroker.cli.replaying.replay_day", replayed)
    done = CliRunner().invoke(app, ["replay", str(day)])
    assert done.exit_code == 1
    assert "NIFTY02SEP25C24000 bid: expected 0, found nan" in done.output
    done = CliRunner().invoke(app, ["replay", str(day), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["mismatched"] == [
        {"symbol": "NIFTY02SEP25C24000", "field": "bid", "expected": 0.0, "found": None}
    ]
