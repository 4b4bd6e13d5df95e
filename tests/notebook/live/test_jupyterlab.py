"""The live views as a person meets them: a notebook in a real JupyterLab, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dualbroker.notebook.live.live_view import UNSEEN_AFTER_S
from tests.notebook.live.lab import Lab, Opened, notebook_of, open_notebook
from tests.notebook.live.lab_monitor import connections, wait_for_new_prices
from tests.polling import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.chromium, pytest.mark.jupyterlab]

CONNECT, CHART, MONITOR, BLOCK, ADDRESS, FREEZE, LONG_BLOCK = range(7)
STILL_SEEN = 5
"""Updates after half a minute in which the browser could not be heard: four a second are due, and one in
5 s where nobody looks."""
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
    'time.sleep(40)\nprint(feed.brokers["reconnects"].sum(), "reconnects,", *set(feed.brokers["state"]))',
]


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    return []


@pytest.fixture(scope="module")
def notebook(lab: Lab, browser: Any, complaints: list[str]) -> Iterator[Opened]:
    """The notebook, open; its first three cells have run."""
    with open_notebook(browser, lab, "live.ipynb", notebook_of(CELLS), complaints) as opened:
        opened.run(CONNECT, CHART, MONITOR)
        opened.wait_for(MONITOR)
        yield opened


def _simulator(notebook: Opened) -> str:
    return notebook.run_and_read(ADDRESS).strip().splitlines()[-1]


def test_everything_shows_and_moves(notebook: Opened) -> None:
    page = notebook.page
    page.wait_for_selector('[data-part="summary"]')
    page.wait_for_selector('[data-part="monitor"] .card.is-live >> nth=1')
    page.wait_for_selector(".dualbroker-chart .main-svg")
    wait_for_new_prices(notebook)
    last = page.locator(".dualbroker-chart .price")
    last.scroll_into_view_if_needed()
    before = last.inner_text()
    wait_until(lambda: last.inner_text() != before)


def test_it_goes_on_while_a_cell_blocks(notebook: Opened) -> None:
    notebook.run(BLOCK)
    notebook.wait_until_it_runs(BLOCK)
    wait_for_new_prices(notebook)
    wait_for_new_prices(notebook)
    assert "slept" not in notebook.output(BLOCK)
    notebook.wait_for(BLOCK)
    assert notebook.output(BLOCK).strip() == "slept, 1 publisher", "and no thread wrote into the cell"


def test_it_goes_on_all_the_while_when_a_cell_blocks_for_longer_than_nobody_looks(notebook: Opened) -> None:
    notebook.run(LONG_BLOCK)
    notebook.wait_until_it_runs(LONG_BLOCK)
    began, late = time.monotonic(), 0
    while notebook.is_running(LONG_BLOCK):
        wait_for_new_prices(notebook)
        late += time.monotonic() - began > UNSEEN_AFTER_S
    assert late >= STILL_SEEN
    notebook.wait_for(LONG_BLOCK)
    assert notebook.output(LONG_BLOCK).strip() == "0 reconnects, live"
    assert connections(_simulator(notebook)) == {"broker1": 1, "broker2": 1}


def test_a_cell_run_again_makes_nothing_new(notebook: Opened) -> None:
    address = _simulator(notebook)
    notebook.run(CONNECT, MONITOR, MONITOR, BLOCK)
    notebook.wait_for(BLOCK)
    assert notebook.output(BLOCK).strip() == "slept, 1 publisher"
    assert connections(address) == {"broker1": 1, "broker2": 1}
    assert notebook.page.locator('[data-part="monitor"]').count() == 1
    wait_for_new_prices(notebook)


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
    wait_for_new_prices(notebook)
    assert connections(address) == {"broker1": 1, "broker2": 1}


def test_a_kernel_started_anew_leaves_no_connection_and_begins_afresh(notebook: Opened) -> None:
    address = _simulator(notebook)
    notebook.restart()
    wait_until(lambda: not _answers(address))
    notebook.run(CONNECT, CHART, MONITOR)
    notebook.wait_for(MONITOR)
    notebook.page.wait_for_selector('[data-part="monitor"] .card.is-live')
    wait_for_new_prices(notebook)
    assert connections(_simulator(notebook)) == {"broker1": 1, "broker2": 1}


def _answers(address: str) -> bool:
    try:
        connections(address)
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
