"""Every notebook of the repository runs from top to bottom, through nbval, on simulated brokers; and what it
shows can be read without its kernel."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from dualbroker.config import find_config
from tests.notebook.checks import CHECKS, with_checks
from tests.notebook.plain.without_kernel import LARGEST_BYTES, ROOT, as_page, bundles, problems

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TIME_LIMIT_S = 300

# The shipped config.yaml may have real accounts in it by now; a test never logs in at those.
CONFIG = """
brokers: {broker1: {type: simulated}, broker2: {type: simulated}}
subscribe: [NIFTY, "NSE:RELIANCE-EQ", {underlying: NIFTY, strikes: 3}]
simulator: {ticks_per_second: 500, orders_per_minute: 240}
"""

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
QUICK = "monitor"
"""The one that shows it all, which also the short run runs."""


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def test_the_notebooks_are_for_people_and_the_checks_are_the_tests() -> None:
    assert set(CHECKS) == {path.stem for path in NOTEBOOKS}
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                assert "assert" not in cell.source
                for line in cell.source.splitlines():
                    words = line.split()
                    if words[:1] in (["import"], ["from"]) and words[1].startswith("dualbroker"):
                        assert words[1] in ("dualbroker", "dualbroker.notebook"), "only what is public"
                        home = importlib.import_module(words[1])
                        asked = "".join(words[3:]).split(",") if words[0] == "from" else []
                        assert set(asked) <= set(home.__all__)


def run_with_checks(notebook: NotebookNode, name: str, room: Path) -> dict[str, list[Any]]:
    """Run it with its checks behind its cells; what each cell showed, by the cell's id."""
    copy = room / f"{name}.ipynb"
    nbformat.write(with_checks(notebook, name), copy)
    config, shown = room / "config.yaml", room / "shown.json"
    config.write_text(CONFIG, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTHONPATH": str(ROOT),
        "DUALBROKER_CONFIG": str(config),
        "NOTEBOOK_OUTPUTS": str(shown),
        # Nothing of a person's own Jupyter set-up takes part, and nothing is left in it.
        "IPYTHONDIR": str(room / "ipython"),
        "JUPYTER_CONFIG_DIR": str(room / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(room / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(room / "jupyter-runtime"),
        "PYTHONIOENCODING": "utf-8",
    }
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "150"]
    plugins = ["-p", "no:cacheprovider", "-p", "tests.notebook.live_outputs"]
    # Ours are for our own code: a warning of Jupyter's own machinery is none of a notebook's.
    unlike_here = ["--override-ini", "addopts=", "--override-ini", "filterwarnings=default"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options, *unlike_here, copy.name],
        cwd=room,
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
    found: dict[str, list[Any]] = json.loads(shown.read_text(encoding="utf-8"))
    return found


def reads_well(notebook: NotebookNode) -> None:
    """A page that is made of it shows every table and picture, and asks for no kernel."""
    tables = pictures = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert problems(cell.id, cell.outputs) == []
            for bundle in bundles(cell.outputs):
                tables += str(bundle.get("text/html", "")).count("<table")
                pictures += "image/png" in bundle and "text/html" not in bundle
    page = as_page(notebook)
    assert page.count("<table") == tables
    assert page.count('src="data:image/png;base64,') == pictures
    assert tables + pictures, "it shows something"


@pytest.mark.parametrize(
    "notebook",
    [
        pytest.param(path, id=path.stem, marks=() if path.stem == QUICK else pytest.mark.slow)
        for path in NOTEBOOKS
    ],
)
def test_it_runs_from_top_to_bottom_and_what_it_shows_needs_no_kernel(notebook: Path, tmp_path: Path) -> None:
    live = nbformat.read(notebook, as_version=4)
    shown = run_with_checks(live, notebook.stem, tmp_path)
    for cell in live.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(output) for output in shown[cell.id]]
    reads_well(live)


@pytest.mark.slow
@pytest.mark.shared
def test_the_monitor_runs_on_a_recorded_day_by_changing_one_line(shared_data: Path, tmp_path: Path) -> None:
    day = shared_data / "nifty-option-chain-2025-08-29.parquet"
    notebook = nbformat.read(ROOT / "notebooks" / "monitor.ipynb", as_version=4)
    [cell] = [
        cell for cell in notebook.cells if "dualbroker.demo(" in cell.source and cell.cell_type == "code"
    ]
    lines = [
        f'feed = dualbroker.demo(market="replay", file={str(day)!r}, speed=30)' if "demo(" in line else line
        for line in cell.source.splitlines()
    ]
    assert len([line for line in lines if line not in cell.source.splitlines()]) == 1
    cell.source = "\n".join(lines)
    shown = run_with_checks(notebook, "monitor", tmp_path)
    [chain] = [bundle for bundle in bundles(shown["code-08"]) if "text/html" in bundle]
    assert "implied by calls and puts" in chain["text/html"]
    assert "NIFTY options of 2025-09-02" in chain["text/plain"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(output) for output in shown[cell.id]]
    reads_well(notebook)


@every_notebook
def test_it_is_kept_small_and_what_is_kept_of_it_reads_well(notebook: Path) -> None:
    assert notebook.stat().st_size < LARGEST_BYTES
    stored = nbformat.read(notebook, as_version=4)
    nbformat.validate(stored)
    assert len({cell.id for cell in stored.cells}) == len(stored.cells)
    assert set(stored.metadata) == {"kernelspec", "language_info"}, "no widget state"
    assert "version" not in stored.metadata.language_info
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    if any(cell.outputs for cell in code):
        # nbval takes outputs without a count for those of a cell that was never run.
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        reads_well(stored)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("failover", {"helpers"}),
        ("monitor", {"chain-columns"}),
        ("savings", {"checks", "savings", "how"}),
    ],
)
def test_what_is_the_same_on_each_run_is_compared_with_what_is_stored(name: str, cells: set[str]) -> None:
    stored = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    checked = [cell for cell in stored.cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert {cell.id for cell in checked} == cells
    assert all(cell.outputs for cell in checked), "there is something to compare with"


def test_savings_are_kept_with_their_outputs_and_say_that_they_are_simulated() -> None:
    stored = nbformat.read(ROOT / "notebooks" / "savings.ipynb", as_version=4)
    shown = [bundle for cell in stored.cells for bundle in bundles(cell.get("outputs", []))]
    titles = [bundle["text/plain"] for bundle in shown if "image/png" in bundle]
    assert len(titles) >= 6
    assert all("SIMULATED" in title for title in titles)


def test_a_notebook_finds_the_config_of_the_folder_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUALBROKER_CONFIG", raising=False)
    assert find_config(ROOT / "notebooks") == ROOT / "config.yaml"
