"""The live views as a person meets them: a notebook in a real JupyterLab, in a real browser."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.chromium import absent, open_browser
from tests.notebook.lab import Lab, Opened, jupyter_lab, notebook_of
from tests.polling import wait_until

pytestmark = pytest.mark.chromium

TIMEOUT_MS = 40_000
CONNECT, CHART, MONITOR, BLOCK, ADDRESS, FREEZE = range(6)
CELLS = [
    "import dualbroker\n"
    "feed = dualbroker.demo(ticks_per_second=400, orders_per_minute=240)\n"
    'feed.subscribe(["NIFTY", "BANKNIFTY"])\n'
    "feed",
    'feed.chart("NIFTY", minutes=1)',
    "feed.monitor()",
    "import threading, time\ntime.sleep(4)\n"
    "names = [each.name for each in threading.enumerate()]\n"
    'print("slept,", names.count("dualbroker-publisher"), "publisher")',
    "print(feed.manager.simulator.masters_base)",
    "feed.monitor().freeze()",
]
SAID_BY_OTHERS = (
    "WebSocket is closed before the connection is established",
    "Connection lost, reconnecting",
    "Comm not found",
    '"stream.stderr" is not valid JSON',
)
"""JupyterLab's own words: it opens the socket to its kernel twice, it forgets a kernel that is started anew
before that has said its last, and it can't read what such a kernel writes to its error output."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if importlib.util.find_spec("jupyterlab") is None:
        absent("needs JupyterLab: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "live.ipynb").write_text(json.dumps(notebook_of(CELLS)), encoding="utf-8")
    with jupyter_lab(folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    return []


@pytest.fixture(scope="module")
def notebook(lab: Lab, browser: Any, complaints: list[str]) -> Iterator[Opened]:
    """The notebook, open; its first three cells have run."""
    page = browser.new_page(viewport={"width": 1400, "height": 1600})
    page.set_default_timeout(TIMEOUT_MS)

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and not any(
            words in message.text for words in SAID_BY_OTHERS
        ):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    opened = Opened(page, lab, "live.ipynb")
    opened.open()
    opened.run(CONNECT, CHART, MONITOR)
    opened.wait_for(MONITOR)
    yield opened
    page.close()


def _prices(notebook: Opened) -> str:
    quotes = notebook.page.locator('[data-part="monitor"] .quotes tbody:not([aria-hidden])')
    # What is out of sight is not drawn.
    quotes.scroll_into_view_if_needed()
    return str(quotes.inner_text())


def _change(notebook: Opened) -> None:
    before = _prices(notebook)
    wait_until(lambda: _prices(notebook) != before)


def _simulator(notebook: Opened) -> str:
    notebook.run(ADDRESS)
    notebook.wait_for(ADDRESS)
    return notebook.output(ADDRESS).strip().splitlines()[-1]


def _connections(address: str) -> dict[str, int]:
    with urlopen(f"{address}/simulator/state", timeout=5) as answer:
        connections: dict[str, int] = json.load(answer)["connections"]
        return connections


def test_everything_shows_and_moves(notebook: Opened) -> None:
    page = notebook.page
    page.wait_for_selector('[data-part="summary"]')
    page.wait_for_selector('[data-part="monitor"] .card.is-live >> nth=1')
    page.wait_for_selector(".dualbroker-chart .main-svg")
    _change(notebook)
    last = page.locator(".dualbroker-chart .price")
    last.scroll_into_view_if_needed()
    before = last.inner_text()
    wait_until(lambda: last.inner_text() != before)


def test_it_goes_on_while_a_cell_blocks(notebook: Opened) -> None:
    notebook.run(BLOCK)
    notebook.page.wait_for_function(
        "(place) => jupyterapp.shell.currentWidget.content.widgets[place].model.executionState === 'running'",
        arg=BLOCK,
    )
    _change(notebook)
    _change(notebook)
    assert "slept" not in notebook.output(BLOCK)
    notebook.wait_for(BLOCK)
    assert notebook.output(BLOCK).strip() == "slept, 1 publisher", "and no thread wrote into the cell"


def test_a_cell_run_again_makes_nothing_new(notebook: Opened) -> None:
    address = _simulator(notebook)
    notebook.run(CONNECT, MONITOR, MONITOR, BLOCK)
    notebook.wait_for(BLOCK)
    assert notebook.output(BLOCK).strip() == "slept, 1 publisher"
    assert _connections(address) == {"broker1": 1, "broker2": 1}
    assert notebook.page.locator('[data-part="monitor"]').count() == 1
    _change(notebook)


def test_frozen_it_is_a_plain_table(notebook: Opened) -> None:
    notebook.run(FREEZE)
    notebook.wait_for(FREEZE)
    notebook.page.wait_for_selector('[data-part="monitor"]', state="detached")
    for place in (MONITOR, FREEZE):
        wait_until(lambda place=place: "As of" in notebook.output(place))  # type: ignore[misc]
    assert "NIFTY INDEX" in notebook.output(MONITOR)


def test_a_page_loaded_anew_is_live_again(notebook: Opened) -> None:
    notebook.run(MONITOR)
    address = _simulator(notebook)
    notebook.page.wait_for_selector('[data-part="monitor"] .card.is-live')
    notebook.do("docmanager:save")
    wait_until(lambda: "widget-view" in (notebook.folder / "live.ipynb").read_text(encoding="utf-8"))
    notebook.open()
    notebook.page.wait_for_selector('[data-part="monitor"] .card.is-live')
    notebook.page.wait_for_selector(".dualbroker-chart .main-svg")
    _change(notebook)
    assert _connections(address) == {"broker1": 1, "broker2": 1}


def test_a_kernel_started_anew_leaves_no_connection_and_begins_afresh(notebook: Opened) -> None:
    address = _simulator(notebook)
    notebook.restart()
    wait_until(lambda: not _answers(address))
    notebook.run(CONNECT, CHART, MONITOR)
    notebook.wait_for(MONITOR)
    notebook.page.wait_for_selector('[data-part="monitor"] .card.is-live')
    _change(notebook)
    assert _connections(_simulator(notebook)) == {"broker1": 1, "broker2": 1}


def _answers(address: str) -> bool:
    try:
        _connections(address)
    except OSError:
        return False
    return True


def test_a_kernel_that_ends_leaves_the_snapshots(notebook: Opened) -> None:
    address = _simulator(notebook)
    notebook.do("kernelmenu:shutdown")
    notebook.page.wait_for_selector('[data-part="monitor"]', state="detached")
    wait_until(lambda: "As of" in notebook.output(MONITOR))
    notebook.page.wait_for_selector(".jp-RenderedImage img")
    wait_until(lambda: not _answers(address))


def test_the_browser_had_nothing_to_complain_of(notebook: Opened, complaints: list[str]) -> None:
    assert complaints == []


def test_cold_and_exported_it_reads_as_a_table(lab: Lab, notebook: Opened) -> None:
    from nbconvert import HTMLExporter

    notebook.do("docmanager:save")
    path = Path(lab.folder) / "live.ipynb"
    wait_until(lambda: "As of" in path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 200_000
    exporter: Any = HTMLExporter
    html, _ = exporter().from_filename(str(path))
    assert "Price/Quote updates: broker1 only" in html
    assert "data:image/png;base64," in html
    assert "model not found" not in html
