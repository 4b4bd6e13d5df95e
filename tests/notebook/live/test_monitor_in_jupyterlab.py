"""The notebook that shows it all, opened by a person in a real JupyterLab and run from top to bottom."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from tests.notebook.live.lab import Lab, open_notebook
from tests.notebook.live.lab_monitor import wait_for_new_prices
from tests.notebook.plain.without_kernel import ROOT
from tests.polling import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.chromium, pytest.mark.jupyterlab]

CHAIN_PRICES = '[data-part="chain"] td'


def test_run_from_top_to_bottom_its_three_views_are_live(lab: Lab, browser: Any) -> None:
    content = nbformat.read(ROOT / "notebooks" / "monitor.ipynb", as_version=4)
    code = [place for place, cell in enumerate(content.cells) if cell.cell_type == "code"]
    for place in code:
        content.cells[place].update(outputs=[], execution_count=None)
    complaints: list[str] = []
    with open_notebook(browser, lab, "monitor.ipynb", content, complaints) as notebook:
        notebook.do("notebook:run-all-cells")
        for place in code:
            notebook.wait_for(place)
            assert "Traceback" not in notebook.output(place)
        page = notebook.page
        page.wait_for_selector('[data-part="summary"]')
        page.wait_for_selector('[data-part="monitor"] .card.is-live >> nth=1')
        wait_for_new_prices(notebook)
        chain = page.locator(CHAIN_PRICES)
        # What is out of sight is not drawn.
        page.locator('[data-part="chain"]').scroll_into_view_if_needed()
        before = chain.all_inner_texts()
        assert any(text.strip() for text in before)
        wait_until(lambda: chain.all_inner_texts() != before)
    assert complaints == []
