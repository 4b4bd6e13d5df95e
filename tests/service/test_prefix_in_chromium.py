"""The page behind a proxy that serves it below a path of its own, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.serving import Serving
from tests.service.drawn import TIMEOUT_MS
from tests.service.prefix_proxy import prefix_proxy
from tests.service.real_service import real_service

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

PREFIX = "/user/asha/proxy/8000"
TOKEN = "a-token-of-enough-signs"


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """A page whose every request must be answered, and go below the prefix."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    asked: list[str] = []
    refused: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.on("websocket", lambda socket: asked.append(urlsplit(socket.url).path))
    page.on("response", lambda answer: refused.append(answer.url) if answer.status in (403, 404) else None)
    yield page
    context.close()
    assert f"{PREFIX}/ws" in asked
    assert [path for path in asked if not path.startswith(f"{PREFIX}/")] == []
    assert refused == []


def test_behind_a_prefix_the_page_the_search_and_the_docs_work(opened: Any, service: Serving) -> None:
    with prefix_proxy(service.address, PREFIX) as address:
        opened.goto(f"{address}/")
        opened.wait_for_selector(".card.is-live")
        opened.wait_for_selector(".quotes tbody tr:has-text('RELIANCE-EQ') td.number:not(:text('–'))")
        opened.fill(".search input", "sbin")
        opened.wait_for_selector(".found li:has-text('SBIN')")
        opened.goto(f"{address}/docs")
        opened.locator("#operations-health-health_health_get button").first.click()
        opened.click("button:has-text('Try it out')")
        opened.click("button:has-text('Execute')")
        opened.wait_for_selector(".live-responses-table .response-col_status:has-text('200')")


def test_behind_a_prefix_a_browser_logs_in_and_its_cookie_stays_below_it(opened: Any) -> None:
    with real_service(token=TOKEN) as service, prefix_proxy(service, PREFIX) as address:
        opened.goto(f"{address}/")
        opened.fill("input[name=token]", TOKEN)
        opened.keyboard.press("Enter")
        opened.wait_for_selector(".card.is-live")
        assert opened.url == f"{address}/"
        assert [cookie["path"] for cookie in opened.context.cookies()] == [PREFIX]
        opened.goto(f"{address}/?token={TOKEN}")
        opened.wait_for_selector(".card.is-live")
        assert opened.url == f"{address}/"
