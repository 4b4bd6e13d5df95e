"""A real JupyterLab, and a notebook opened in it in a real browser."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.polling import wait_until

__all__ = [
    "BEGUN",
    "Lab",
    "Opened",
    "jupyter_lab",
    "notebook_of",
    "open_notebook",
]

START_S = 180.0
STOP_S = 20.0
TIMEOUT_MS = 120_000
SAID_BY_OTHERS = (
    "WebSocket is closed before the connection is established",
    "Connection lost, reconnecting",
    "Comm not found",
    '"stream.stderr" is not valid JSON',
    "ms to activate",
    "too long to activate",
)
"""JupyterLab's own words: which plugins a busy machine starts late; it opens the socket to its kernel
twice, it forgets a kernel that is restarted before that has said its last, and it can't read what such a
kernel writes to its error output."""

BEGUN = "begun at"

_READY = """async () => {
  const pause = () => new Promise((go) => setTimeout(go, 50));
  const panel = () => jupyterapp.shell.currentWidget;
  while (!panel()?.sessionContext) await pause();
  await panel().sessionContext.ready;
  while (!panel().sessionContext.session?.kernel) await pause();
  await panel().sessionContext.session.kernel.info;
}"""

_RUN = """(place) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = place;
  notebook.deselectAll();
  notebook.widgets[place].model.executionCount = null; // so that what it did before is not taken for done
  jupyterapp.commands.execute("notebook:run-cell");
}"""

_RUNNING = """(place) =>
  jupyterapp.shell.currentWidget.content.widgets[place].model.executionState === "running"
"""

_DONE = """(place) => {
  const cell = jupyterapp.shell.currentWidget.content.widgets[place].model;
  return cell.executionState === "idle" && cell.executionCount !== null;
}"""


def notebook_of(cells: Sequence[str]) -> dict[str, Any]:
    """A notebook of code cells."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": uuid.uuid4().hex[:8],
                "metadata": {},
                "source": cell,
                "outputs": [],
                "execution_count": None,
            }
            for cell in cells
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


class Lab:
    """A running server."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder


class Opened:
    """A notebook that is open on a page.

    Parameters
    ----------
    make_page
        Makes a new page, as often as the notebook is opened anew.
    """

    def __init__(self, make_page: Callable[[], Any], lab: Lab, name: str) -> None:
        self._make_page = make_page
        self.page = make_page()
        self._lab = lab
        self._name = name

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._lab.folder

    def open(self) -> None:
        """Open it, or load the page anew, and wait until its kernel can be asked."""
        # In a workspace of its own, where no other notebook was left open.
        self.page.goto(f"{self._lab.address}/lab/workspaces/{Path(self._name).stem}/tree/{self._name}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.evaluate(_READY)

    def close_tab(self) -> None:
        """Close the page, as the browser's tab is closed; the kernel lives on."""
        self.page.close()

    def open_again(self) -> None:
        """Open it in a new tab."""
        self.page = self._make_page()
        self.open()

    def run(self, *places: int) -> None:
        """Begin to run cells, by their place."""
        for place in places:
            self.page.evaluate(_RUN, place)

    def wait_for(self, place: int) -> None:
        """Wait until a cell has run."""
        self.page.wait_for_function(_DONE, arg=place)

    def wait_until_it_runs(self, place: int) -> None:
        """Wait until a cell runs, or is about to: it must take its time."""
        self.page.wait_for_function(_RUNNING, arg=place)

    def run_and_hear(self, place: int) -> None:
        """Run a cell that first prints something new, and wait until the kernel runs it.

        JupyterLab calls a cell running as soon as it has asked for that. A kernel that is interrupted before
        it has begun ignores it, and then runs the cell.
        """
        before = self.output(place)
        self.run(place)
        wait_until(lambda: BEGUN in self.output(place) and self.output(place) != before)

    def is_running(self, place: int) -> bool:
        """Whether a cell runs now."""
        return bool(self.page.evaluate(_RUNNING, place))

    def run_and_read(self, place: int) -> str:
        """Run a cell to its end; what it then shows, as text."""
        self.run(place)
        self.wait_for(place)
        return self.output(place)

    def interrupt(self) -> None:
        """Press the stop button."""
        self.page.locator('[data-command="notebook:interrupt-kernel"]').first.click()

    def output(self, place: int) -> str:
        """What a cell shows, as text."""
        return str(self.cell(place).locator(".jp-OutputArea").inner_text())

    def cell(self, place: int) -> Any:
        """A cell with what it shows, as playwright's locator."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(place)

    def restart(self) -> None:
        """Start its kernel anew, as the menu does, and wait until it can be asked."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.page.evaluate(_READY)

    def do(self, command: str) -> None:
        """One of JupyterLab's own commands, such as ``docmanager:save``."""
        self.page.evaluate("(name) => jupyterapp.commands.execute(name)", command)


@contextmanager
def open_notebook(
    browser: Any, lab: Lab, name: str, content: dict[str, Any], complaints: list[str]
) -> Iterator[Opened]:
    """A notebook of that content, open on a page of its own; what the browser complains of is noted."""
    (lab.folder / name).write_text(json.dumps(content), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1400, "height": 1600})

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and not any(
            words in message.text for words in SAID_BY_OTHERS
        ):
            complaints.append(message.text)

    def make_page() -> Any:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    opened = Opened(make_page, lab, name)
    opened.open()
    yield opened
    context.close()


@contextmanager
def jupyter_lab(folder: Path, theme: str = "JupyterLab Light") -> Iterator[Lab]:
    """A server over a folder, on a free port; nothing of a person's own set-up takes part."""
    own = folder / ".jupyter"
    for name, settings in {
        "themes": {"theme": theme},
        "notification": {"fetchNews": "false", "checkForUpdates": False},
    }.items():
        path = own / "settings" / "@jupyterlab" / "apputils-extension" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")
    environment = {
        **os.environ,
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
        # A kernel that is told to end says its last words, on a busy machine too.
        "--KernelManager.shutdown_wait_time=60",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    said: list[str] = []
    reader = threading.Thread(target=_read, args=(process, said), daemon=True)
    reader.start()
    try:
        wait_until(lambda: _address(said) is not None or process.poll() is not None, START_S)
        address = _address(said)
        assert address is not None, "".join(said)
        wait_until(lambda: _answers(address), START_S)
        yield Lab(address, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(STOP_S)
        assert process.stderr is not None
        process.stderr.close()


def _read(process: subprocess.Popen[str], said: list[str]) -> None:
    assert process.stderr is not None
    said.extend(iter(process.stderr.readline, ""))


def _address(said: list[str]) -> str | None:
    found = re.search(r"http://(?:localhost|127\.0\.0\.1):([1-9]\d*)/", "".join(said))
    return None if found is None else f"http://127.0.0.1:{found[1]}"


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/api", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
