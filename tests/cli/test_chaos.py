from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dualbroker.chaos.generate import generate_schedule
from dualbroker.chaos.schedule import read_schedule, write_schedule
from dualbroker.cli import app
from tests.chaos.mutations import MUTATIONS
from tests.cli.running import run_here


def test_schedules_that_hold_end_with_zero_and_figures() -> None:
    answer = CliRunner().invoke(app, ["chaos", "--seeds", "2", "--processes", "1", "--json"])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.output)
    assert figures["seeds"] == 2
    assert figures["violations"] == []
    assert figures["seconds"] > 0
    assert set(figures["gap_s"]) == {"p50", "p99", "max"}


@pytest.mark.slow
def test_a_broken_rule_ends_with_one_and_a_schedule_to_play_again(tmp_path: Path) -> None:
    with MUTATIONS["leave_the_old_connection_open"].breakage():
        answer = CliRunner().invoke(app, ["chaos", "--seeds", "1", "--processes", "1"])
        assert answer.exit_code == 1
        assert "broke the rule" in answer.output
        line = next(line for line in answer.output.splitlines() if line.startswith("{"))
        kept = tmp_path / "schedule.json"
        kept.write_text(line, encoding="utf-8")
        assert len(read_schedule(line).events) < len(generate_schedule(0).events)
        again = CliRunner().invoke(app, ["chaos", "--schedule", str(kept), "--json"])
        assert again.exit_code == 1
        assert json.loads(again.output)["violations"]
    assert CliRunner().invoke(app, ["chaos", "--schedule", str(kept)]).exit_code == 0


def test_runs_that_differ_from_those_kept_are_named_and_end_with_one(tmp_path: Path) -> None:
    kept = tmp_path / "digests.txt"
    played = ["chaos", "--seeds", "2", "--processes", "1"]
    assert CliRunner().invoke(app, [*played, "--save-digests", str(kept)]).exit_code == 0
    same = CliRunner().invoke(app, [*played, "--compare-digests", str(kept)])
    assert (same.exit_code, "differ from" in same.output, "none" in same.output) == (0, True, True)
    lines = kept.read_text(encoding="utf-8").splitlines()
    kept.write_text(f"{lines[0]}\n1 0123456789abcdef\n", encoding="utf-8")
    other = CliRunner().invoke(app, [*played, "--compare-digests", str(kept), "--json"])
    assert (other.exit_code, json.loads(other.output)["changed_seeds"]) == (1, [1])


def test_digests_that_lack_a_seed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "digests.txt").write_text("7 0123456789abcdef\n", encoding="utf-8")
    answer = run_here("chaos", "--seeds", "1", "--compare-digests", "digests.txt", home=tmp_path)
    assert answer.returncode == 2
    assert "expected digests of all seeds played" in answer.stderr


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--first-seed", "-1"], ["--schedule", "none.json"]])
def test_wrong_usage_ends_with_two(tmp_path: Path, arguments: list[str]) -> None:
    answer = run_here("chaos", *arguments, home=tmp_path)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_a_file_that_holds_no_schedule_ends_with_two_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text(write_schedule(generate_schedule(1))[:100], encoding="utf-8")
    answer = run_here("chaos", "--schedule", "wrong.json", home=tmp_path)
    assert answer.returncode == 2
    assert "expected a schedule" in answer.stderr
