"""What is left of a view on a web page, as the browser lays it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

from dualbroker import Feed
from dualbroker.notebook.plain.snapshot import part_snapshot
from tests.notebook.plain.without_kernel import as_page

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

PAGE_WIDTH = 1_100
"""Of a window on a small notebook computer, in pixels."""


@contextmanager
def page_of(browser: Any, folder: Path, html: str, width: int = PAGE_WIDTH) -> Iterator[Any]:
    """A notebook that shows this, as nbconvert makes a page of it."""
    shown = nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": "view"})
    cell = nbformat.v4.new_code_cell("feed", outputs=[shown])
    path = folder / "page.html"
    path.write_text(as_page(nbformat.v4.new_notebook(cells=[cell])), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    yield page
    page.close()


def test_a_chain_fits_or_can_be_scrolled(feed: Feed, browser: Any, tmp_path: Path) -> None:
    chain = feed.chain("NIFTY", strikes=3)
    html = chain._repr_html_()
    chain.close()
    for width in (PAGE_WIDTH, 600):
        with page_of(browser, tmp_path, html, width) as page:
            last = page.get_by_text("PCR", exact=True)
            last.scroll_into_view_if_needed()
            box = last.bounding_box()
            assert box["x"] + box["width"] <= width
            fits = page.locator(".wide").evaluate("(node) => node.scrollWidth <= node.clientWidth")
            assert not fits or width == PAGE_WIDTH, "a table that can't be narrower is scrolled in its box"


def test_cards_and_tables_stand_apart(feed: Feed, browser: Any, tmp_path: Path) -> None:
    html = part_snapshot(feed.manager, feed.manager.clock.now_ns(), "monitor")["text/html"]
    with page_of(browser, tmp_path, html) as page:
        edges = [
            (node.bounding_box()["y"], node.bounding_box()["height"])
            for node in page.locator(".dualbroker .cards, .dualbroker table").all()
        ]
        assert len(edges) > 1
        for (top, height), (next_top, _) in pairwise(edges):
            assert next_top - (top + height) >= 10
