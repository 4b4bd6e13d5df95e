"""The first chart of a fresh notebook, in a real JupyterLab whose browser is slow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notebook.live.lab import Lab, notebook_of, open_notebook

pytestmark = [pytest.mark.slow, pytest.mark.chromium, pytest.mark.jupyterlab]

SLOWER = 6
"""Times that the browser computes slower: then plotly.js takes more than the 2 s that anywidget gives a
model to begin."""


def test_the_first_chart_is_drawn_and_a_slow_browser_complains_of_nothing(lab: Lab, browser: Any) -> None:
    cells = [
        "import dualbroker\n"
        "feed = dualbroker.demo(ticks_per_second=100)\n"
        'feed.subscribe("NIFTY")\n'
        'feed.chart("NIFTY", minutes=1)',
    ]
    complaints: list[str] = []
    with open_notebook(browser, lab, "first.ipynb", notebook_of(cells), complaints) as notebook:
        page = notebook.page
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        notebook.run(0)
        notebook.wait_for(0)
        page.wait_for_selector(".dualbroker-chart .main-svg")
    assert complaints == []
