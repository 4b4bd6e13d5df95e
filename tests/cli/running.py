"""The command line in a process of its own, as a person starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "run_command"]

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
