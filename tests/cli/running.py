"""The command line in a process of its own, as a person starts it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from dualbroker.cli import main

__all__ = ["ROOT", "run_command", "run_here"]

ROOT = Path(__file__).resolve().parents[2]


def run_command(
    *arguments: str | Path,
    home: Path,
    program: tuple[str | Path, ...] = ("-m", "dualbroker"),
    timeout_s: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end in an empty folder, with nothing of this machine's own settings."""
    environment = {key: value for key, value in os.environ.items() if key != "DUALBROKER_CONFIG"}
    environment |= {"DUALBROKER_HOME": str(home / "home"), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *map(str, program), *map(str, arguments)],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )


def run_here(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, for what ends soon: a process of its own loads every library again."""
    out, err = io.StringIO(), io.StringIO()
    status: str | int | None = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(home)
        patch.setattr(sys, "argv", ["dualbroker", *map(str, arguments)])
        patch.setenv("DUALBROKER_HOME", str(home / "home"))
        patch.setenv("NO_COLOR", "1")
        patch.delenv("DUALBROKER_CONFIG", raising=False)
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int | None)
    return subprocess.CompletedProcess(sys.argv, status or 0, out.getvalue(), err.getvalue())
