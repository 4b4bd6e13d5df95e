"""Every notebook of the repository runs from top to bottom, through nbval, on simulated brokers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dualbroker.config import find_config

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST_BYTES = 200_000
TIME_LIMIT_S = 300

# The shipped config.yaml may have real accounts in it by now; a test never logs in at those.
CONFIG = """
brokers: {broker1: {type: simulated}, broker2: {type: simulated}}
subscribe: [NIFTY, "NSE:RELIANCE-EQ", {underlying: NIFTY, strikes: 3}]
simulator: {ticks_per_second: 500, orders_per_minute: 240}
"""


def _name(path: Path) -> str:
    return path.stem


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=_name)
def test_it_runs_from_top_to_bottom(notebook: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    environment = {
        **os.environ,
        "DUALBROKER_CONFIG": str(config),
        # Nothing of a person's own Jupyter set-up takes part, and nothing is left in it.
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter-runtime"),
        "PYTHONIOENCODING": "utf-8",
    }
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "120"]
    # Ours are for our own code: a warning of Jupyter's own machinery is none of a notebook's.
    unlike_here = ["--override-ini", "addopts=", "--override-ini", "filterwarnings=default"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *options,
            *unlike_here,
            notebook.name,
        ],
        cwd=notebook.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=_name)
def test_it_is_kept_small_and_without_outputs_that_grow_old(notebook: Path) -> None:
    assert notebook.stat().st_size < LARGEST_BYTES
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert not [cell["id"] for cell in cells if cell.get("outputs")]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_a_notebook_finds_the_config_of_the_folder_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUALBROKER_CONFIG", raising=False)
    assert find_config(ROOT / "notebooks") == ROOT / "config.yaml"
