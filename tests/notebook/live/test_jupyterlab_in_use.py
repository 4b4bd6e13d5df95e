"""What a person does to a live notebook in JupyterLab: set things, press stop, close its tab, pass it on."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.notebook.live.lab import BEGUN, Lab, Opened, notebook_of, open_notebook
from tests.notebook.live.lab_monitor import connections, symbols, wait_for_new_prices
from tests.polling import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.chromium, pytest.mark.jupyterlab]

CONNECT, CONTROLS, MONITOR, CHART, SUBSCRIBE, CHAIN, BLOCK, ASK, WATCH, UNWATCH = range(10)
RELOAD, RATE = 10, 11
SAYS_SO = f'print("{BEGUN}", time.monotonic_ns(), flush=True)'
CELLS = [
    "import dualbroker, threading, time\n"
    "from pathlib import Path\n"
    "feed = dualbroker.demo(ticks_per_second=400, orders_per_minute=240)\n"
    'feed.subscribe(["NIFTY", "BANKNIFTY"])',
    "feed.controls()",
    "feed.monitor(controls=False)",
    'feed.chart("NIFTY", minutes=1)',
    f'{SAYS_SO}\nwhile True:\n    feed.subscribe("FINNIFTY")\n    feed.unsubscribe("FINNIFTY")',
    f'{SAYS_SO}\nwhile True:\n    feed.chain("NIFTY", strikes=3).close()',
    f"{SAYS_SO}\ntime.sleep(600)",
    "names = [each.name for each in threading.enumerate()]\n"
    'print(feed.manager.simulator.masters_base, names.count("dualbroker-publisher"), feed.primary)',
    "from dualbroker.notebook.live import live_view\n"
    "live_view.UNSEEN_AFTER_S = 1.0\n"
    "view = feed.monitor(controls=False)\n"
    "write = view._write\n"
    'view._write = lambda: (write(), Path("written").touch())',
    "live_view.UNSEEN_AFTER_S = 30.0",
    "import importlib\n"
    "from dualbroker.notebook.live import kernel, publisher, views, widgets\n"
    "for module in (kernel, widgets, publisher, views, dualbroker):\n"
    "    importlib.reload(module)",
    "from dualbroker.notebook.live.publisher import publisher_of\n"
    "print(publisher_of(feed._runtime).updates_per_second)",
]
SHARE = "MARUTI-EQ"
"""Which the built-in simulator does not stream by itself."""
ONE_EACH = {"broker1": 1, "broker2": 1}
STOPPED_AT_S = (0.0, 0.05, 0.2)
"""After a cell has begun."""


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    return []


@pytest.fixture(scope="module")
def notebook(lab: Lab, browser: Any, complaints: list[str]) -> Iterator[Opened]:
    """The notebook, open; its first four cells have run."""
    with open_notebook(browser, lab, "used.ipynb", notebook_of(CELLS), complaints) as opened:
        opened.run(CONNECT, CONTROLS, MONITOR, CHART)
        opened.wait_for(CHART)
        opened.page.wait_for_selector('[data-part="monitor"] .card.is-live >> nth=1')
        yield opened


def _ask(notebook: Opened) -> list[str]:
    """Where the simulator is, how many threads write views, which broker carries quotes."""
    return notebook.run_and_read(ASK).split()


def _assert_one_each(notebook: Opened) -> None:
    address, publishers, _ = _ask(notebook)
    assert publishers == "1"
    assert connections(address) == ONE_EACH


# The controls


def _controls(notebook: Opened) -> Any:
    return notebook.cell(CONTROLS)


def _chooser(notebook: Opened, label: str) -> Any:
    return _controls(notebook).locator(".widget-dropdown", has_text=label).locator("select")


def test_what_is_searched_for_by_typing_comes_and_goes_by_clicking(notebook: Opened) -> None:
    controls = _controls(notebook)
    wait_until(lambda: "NIFTY INDEX" in symbols(notebook))
    assert SHARE not in symbols(notebook)
    controls.locator("input[type=text]").press_sequentially("maruti eq", delay=20)
    hit = controls.locator("select[size] option")
    # The list shows spaces as ones that don't break.
    wait_until(lambda: [text.replace("\xa0", " ") for text in hit.all_inner_texts()] == ["MARUTI · NSE"])
    # Playwright waits until a button can be pressed.
    controls.get_by_role("button", name="Subscribe", exact=True).click()
    wait_until(lambda: SHARE in symbols(notebook))
    wait_until(lambda: f"NSE:{SHARE}: subscribed." in controls.inner_text())
    controls.get_by_role("button", name="Unsubscribe", exact=True).click()
    wait_until(lambda: SHARE not in symbols(notebook))


def test_the_update_rate_that_is_chosen_is_kept(notebook: Opened) -> None:
    for rate in ("8", "2"):  # and at the slower one it stays: a browser on a busy machine has enough to draw
        _chooser(notebook, "updates per second").select_option(rate)
        wait_until(lambda rate=rate: float(notebook.run_and_read(RATE)) == float(rate))  # type: ignore[misc]
        wait_for_new_prices(notebook)


def test_the_broker_that_is_chosen_carries_quotes_and_the_cards_say_so(notebook: Opened) -> None:
    cards = notebook.page.locator('[data-part="monitor"] .card')
    for chosen, other in (("broker2", "broker1"), ("broker1", "broker2")):
        _chooser(notebook, "quotes from").select_option(chosen)
        wait_until(lambda chosen=chosen: f"{chosen}, by your choice" in _controls(notebook).inner_text())  # type: ignore[misc]
        cards.filter(has_text=chosen).filter(has_text="quotes and orders").wait_for()
        cards.filter(has_text=other).filter(has_text="orders only").wait_for()
        assert _ask(notebook)[-1] == chosen
        wait_for_new_prices(notebook)


# The stop button


@pytest.mark.parametrize("place", [SUBSCRIBE, CHAIN, BLOCK], ids=["subscribe", "chain", "sleep"])
def test_the_stop_button_stops_the_cell_and_not_the_feed(notebook: Opened, place: int) -> None:
    for after_s in STOPPED_AT_S:
        notebook.run_and_hear(place)
        notebook.page.wait_for_timeout(after_s * 1000)
        notebook.interrupt()
        notebook.wait_for(place)
        assert "KeyboardInterrupt" in notebook.output(place)
        assert "Exception in thread" not in notebook.output(place)
    wait_for_new_prices(notebook)
    _assert_one_each(notebook)


# Modules that are loaded anew, as one does who changes them


def test_with_its_modules_loaded_anew_it_is_the_same_feed_and_the_same_view(notebook: Opened) -> None:
    address, *_ = _ask(notebook)
    assert "Error" not in notebook.run_and_read(RELOAD)
    notebook.run(CONNECT, MONITOR)
    notebook.wait_for(MONITOR)
    wait_for_new_prices(notebook)
    assert _ask(notebook)[0] == address
    assert notebook.page.locator('[data-part="monitor"]').count() == 1
    _assert_one_each(notebook)


# A closed tab


def test_for_a_closed_tab_next_to_nothing_is_written_and_opened_again_it_is_live(notebook: Opened) -> None:
    notebook.run_and_read(WATCH)
    notebook.do("docmanager:save")
    wait_until(lambda: "widget-view" in (notebook.folder / "used.ipynb").read_text(encoding="utf-8"))
    written = notebook.folder / "written"
    wait_until(written.exists)
    notebook.close_tab()
    wait_until(lambda: time.time() - written.stat().st_mtime > 2)
    notebook.open_again()
    notebook.page.wait_for_selector('[data-part="monitor"] .card.is-live')
    notebook.run_and_read(UNWATCH)
    wait_for_new_prices(notebook)
    wait_for_new_prices(notebook)
    _assert_one_each(notebook)


# A notebook that was passed on


def test_untrusted_it_shows_tables_and_pictures_and_runs_nothing(
    notebook: Opened, lab: Lab, browser: Any, complaints: list[str]
) -> None:
    notebook.do("docmanager:save")
    stored = json.loads((notebook.folder / "used.ipynb").read_text(encoding="utf-8"))
    stored["metadata"]["title"] = "Changed, so that nobody here has signed it"
    with open_notebook(browser, lab, "passed_on.ipynb", stored, complaints) as passed_on:
        assert passed_on.page.evaluate(
            "() => [...jupyterapp.shell.currentWidget.content.model.cells].every((cell) => !cell.trusted)"
        )
        wait_until(lambda: "As of" in passed_on.output(MONITOR))
        assert "NIFTY INDEX" in "".join(passed_on.cell(MONITOR).locator("table").all_inner_texts())
        headline, cards = (
            passed_on.cell(MONITOR).locator(".dualbroker").nth(each).bounding_box() for each in (0, 1)
        )
        assert cards["y"] - (headline["y"] + headline["height"]) == pytest.approx(10, abs=1)
        assert "they work while its kernel runs" in passed_on.output(CONTROLS)
        passed_on.cell(CHART).locator(".jp-RenderedImage img").wait_for()
        assert passed_on.page.locator(".jp-OutputArea script, [data-part], .dualbroker-chart").count() == 0
        shown = passed_on.page.locator(".jp-Notebook").inner_text()
        assert not re.search("model not found|Loading widget|Error displaying", shown)


def test_the_browser_had_nothing_to_complain_of(notebook: Opened, complaints: list[str]) -> None:
    assert complaints == []
