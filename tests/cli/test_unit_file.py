"""The sample unit for systemd says what the command line understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer.main

from dualbroker.cli import app
from dualbroker.cli.serve import ENDS_WITHIN_S

UNIT = Path(__file__).resolve().parents[2] / "docs" / "dualbroker.service"


def test_the_sample_unit_starts_it_as_it_is_and_waits_long_enough_for_its_end() -> None:
    text = UNIT.read_text(encoding="utf-8")
    settings = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z]\w+=", line))
    program, command, *arguments = shlex.split(settings["ExecStart"])
    assert program.endswith("/dualbroker")
    group = typer.main.get_command(app)
    serve = group.commands[command]  # type: ignore[attr-defined]
    known = {option for parameter in serve.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= known
    assert float(settings["TimeoutStopSec"]) > ENDS_WITHIN_S
    assert settings["StateDirectory"] in settings["Environment"]
