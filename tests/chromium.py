"""An installed Chromium, driven by playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.needs import chromium_path

__all__ = ["open_browser"]


@contextmanager
def open_browser() -> Iterator[Any]:
    """A headless Chromium that asks nobody but whom it is told to; its tests have the marker ``chromium``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--disable-background-networking", "--disable-quic"],
        )
        yield browser
        browser.close()
