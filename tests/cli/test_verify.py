from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dualbroker.cli import app
from dualbroker.measure.figures import Check, PlanFigures, Saving, Verification
from tests.cli.running import ROOT, run_command, run_here

SCRIPT = (ROOT / "test_optimized_websockets.py",)


@pytest.mark.slow
def test_the_script_prints_one_object(tmp_path: Path) -> None:
    arguments = ("--seconds", "2", "--brokers", "2", "--symbols", "10", "--rate", "200", "--json")
    done = run_command(*arguments, home=tmp_path, program=SCRIPT)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert list(result) == ["ok", "brokers", "seconds", "naive", "optimised", "saving", "checks"]
    assert result["ok"] is True
    figures = {"quote_bytes", "order_bytes", "messages", "cpu_seconds", "peak_memory_bytes"}
    assert set(result["naive"]) == set(result["optimised"]) == figures
    assert set(result["saving"]) == {"quote_bytes_percent", "cpu_percent", "memory_percent"}
    assert all(check["ok"] for check in result["checks"])
    assert result["saving"]["quote_bytes_percent"] == 50.0


@pytest.mark.slow
def test_one_broker_saves_nothing_and_the_table_says_simulated(tmp_path: Path) -> None:
    done = run_command("verify", "--seconds", "2", "--brokers", "1", "--symbols", "10", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIMULATED" in done.stdout
    assert "0.0 %" in done.stdout
    assert "every order update optimised" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("--brokers", "0"), ("--seconds", "soon"), ("--rate", "0"), ("--pace", "1")]
)
def test_wrong_usage_is_status_2(tmp_path: Path, arguments: tuple[str, str]) -> None:
    done = run_here("verify", *arguments, home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "--json"]])
def test_a_check_that_fails_is_status_1(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    figures = PlanFigures(1, 1, 2, 0.1, 1)
    failed = [Check("same_last_prices", False, "broker2 [NSE|1]: expected 1.00, found no price")]
    result = Verification(2, 1.0, figures, figures, Saving(0.0, 0.0, 0.0), failed)

    async def measured(**options: Any) -> Verification:
        return result

    monkeypatch.setattr("dualbroker.cli.verification.verify_plans", measured)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "broker2 [NSE|1]: expected 1.00" in done.output
