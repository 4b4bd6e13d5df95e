from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from dualbroker.errors import MissingExtraError
from dualbroker.extras import needs_extra

ROOT = Path(__file__).resolve().parent.parent
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]

WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run_without(libraries: set[str], script: str) -> str:
    """What a script prints in a process that finds none of these libraries."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(names=libraries) + script],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


def libraries_of(*groups: str) -> set[str]:
    """What the libraries of these groups are imported as."""
    named = {_plain(re.split(r"[^\w.-]", each)[0]) for group in groups for each in GROUPS[group]}
    return {
        module
        for module, brought in packages_distributions().items()
        if named & {_plain(each) for each in brought}
    }


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def test_a_feed_and_its_frames_need_neither_web_server_nor_widgets() -> None:
    absent = libraries_of("notebook", "service", "excel") | {"starlette", "IPython"}
    script = """
import dualbroker, dualbroker.cli, dualbroker.manager, dualbroker.brokers.registry, dualbroker.remote
import dualbroker.feed.opening, dualbroker.frames.frames, dualbroker.frames.workbook
import dualbroker.notebook.plain.feed_text
print(dualbroker.Feed.__name__)
"""
    assert run_without(absent, script) == "Feed\n"


@pytest.mark.parametrize(
    ("library", "script", "extra"),
    [
        ("ipywidgets", "import dualbroker.notebook.live.views", "notebook"),
        ("plotly", "from dualbroker.notebook import plot_gaps", "notebook"),
        ("starlette", "import dualbroker.service.server", "service"),
        ("uvicorn", "import dualbroker.simulator.drivers.command", "service"),
        (
            "xlsxwriter",
            "from dualbroker.frames.workbook import import_xlsxwriter; import_xlsxwriter()",
            "excel",
        ),
    ],
)
def test_the_error_names_the_extra_of_what_is_missing(library: str, script: str, extra: str) -> None:
    last = run_without({library}, script).splitlines()[-1]
    assert last.endswith(
        f"expected {library}, found it not installed: pip install 'dualbroker[{extra}]' brings it"
    )
    assert "MissingExtraError" in last


def test_what_is_missing_of_our_own_is_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, needs_extra("notebook"):
        importlib.import_module("dualbroker.is_not_there")
    assert not isinstance(caught.value, MissingExtraError)
