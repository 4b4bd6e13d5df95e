"""Runs ``start_dual_broker_web.py`` as a person does, on a free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["ROOT", "Serving", "run_to_end", "serving"]

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "start_dual_broker_web.py"
DEADLINE_S = 180.0


class Serving:
    """A running service."""

    def __init__(self, process: subprocess.Popen[str], address: str, said: list[str]) -> None:
        self.process = process
        self.address = address
        self.said = said

    def wait_until_it_works(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while httpx.get(f"{self.address}/health").status_code != 200:
            assert time.monotonic() < deadline, "it did not come to work in time"
            time.sleep(0.1)


def run_to_end(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start it where it can't run, and return what it said."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        env=_environment(environment),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


@contextmanager
def serving(*arguments: str, folder: Path = ROOT, **environment: str) -> Iterator[Serving]:
    """Start it on a free port; ended at last, if it has not been."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", "0", *arguments],
        cwd=folder,
        env=_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    said: list[str] = []
    address = ""
    try:
        for line in process.stdout:
            said.append(line.rstrip())
            if found := re.match(r"Page: +(http://\S+)", line):
                address = found[1]
                break
        assert address, (said, process.stderr and process.stderr.read())
        yield Serving(process, address, said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _environment(changes: dict[str, str]) -> dict[str, str]:
    ours = {"DUALBROKER_CONFIG", "DUALBROKER_TOKEN"}
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return {**kept, "PYTHONIOENCODING": "utf-8", **changes}
