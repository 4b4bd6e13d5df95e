"""A user's file that is named like a module of the standard library, in the folder that they work in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

START_SCRIPT = Path(__file__).parents[1] / "start_dual_broker_web.py"
FILES = ("secrets", "token", "email", "calendar", "random", "queue", "logging", "http", "ssl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / f"{name}.py").write_text("API_KEY = 'made up'\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "DUALBROKER_HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_program_takes_pythons_own_modules(folder: Path) -> None:
    for arguments in (["-m", "dualbroker"], [str(START_SCRIPT)]):
        done = run(folder, *arguments, "--help")
        assert done.returncode == 0, done.stderr
        assert "serve" in done.stdout
    # An empty part of PYTHONPATH is the working directory.
    path = os.pathsep + os.environ.get("PYTHONPATH", "") + os.pathsep + str(START_SCRIPT.parent)
    done = run(folder, "-m", "dualbroker", "--version", PYTHONPATH=path)
    assert done.stdout.startswith("dualbroker "), done.stderr


def test_a_copy_of_the_start_script_beside_such_files_runs_too(folder: Path) -> None:
    (folder / START_SCRIPT.name).write_bytes(START_SCRIPT.read_bytes())
    done = run(folder, START_SCRIPT.name, "--help")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_children_of_a_program_that_does_not_look_there_do_not_look_there_either(folder: Path) -> None:
    program = """
import asyncio, dualbroker
with dualbroker.demo() as feed:
    print(len(feed.quotes))
measured = dualbroker.measure_savings(symbols=5, seconds=0.3, progress=False)
print(measured.measurements[0].verification.brokers)
"""
    done = run(folder, "-P", "-c", program)
    assert done.stdout.split() == ["29", "2"], done.stderr


def test_children_run_the_package_that_their_parent_runs_wherever_it_found_it(folder: Path) -> None:
    # As a notebook that puts a checkout on its path, with nothing installed.
    root = START_SCRIPT.parent
    program = f"""
import sys
sys.path.insert(0, {str(root)!r})
import dualbroker
with dualbroker.demo() as feed:
    print(len(feed.quotes))
"""
    done = run(folder, "-P", "-c", program, PYTHONPATH="")
    assert done.stdout.split() == ["29"], done.stderr


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("email", "import dualbroker; dualbroker.demo()"),
        ("secrets", "import secrets, dualbroker; dualbroker.demo()"),
        ("calendar", "import calendar, dualbroker; dualbroker.demo()"),
    ],
)
def test_in_somebody_elses_program_the_file_that_is_in_the_way_is_named(
    name: str, program: str, tmp_path: Path
) -> None:
    (tmp_path / f"{name}.py").write_text("API_KEY = 'made up'\n", encoding="utf-8")
    done = run(tmp_path, "-c", program)
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("ImportError: "), done.stderr
    for words in (f"{name}.py was taken for Python's own module '{name}'", "rename it", "PYTHONSAFEPATH=1"):
        assert words in said


def test_a_users_file_that_nobody_else_uses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test.py").write_text("mine = 1\n", encoding="utf-8")
    done = run(tmp_path, "-c", "import test, dualbroker; print(dualbroker.connect and test.mine)")
    assert done.stdout.strip() == "1", done.stderr
