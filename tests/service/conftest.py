"""The page, open in a real browser over a real service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chromium import open_browser
from tests.cli.serving import Serving, serving
from tests.service.drawn import TIMEOUT_MS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def service() -> Iterator[Serving]:
    with serving() as running:
        running.wait_until_it_works()
        yield running


@pytest.fixture
def page(browser: Any, service: Serving) -> Iterator[Any]:
    """The open page; at the end its console must be clean and nobody else asked for anything."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.goto(service.address)
    yield page
    context.close()
    assert complaints == []
    assert asked == {urlsplit(service.address).netloc}
