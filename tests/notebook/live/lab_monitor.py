"""What a notebook's monitor shows in the browser, and what its simulator says of it."""

from __future__ import annotations

import json
from urllib.request import urlopen

from tests.notebook.live.lab import Opened
from tests.polling import wait_until

__all__ = ["connections", "prices", "symbols", "wait_for_new_prices"]


def prices(notebook: Opened) -> list[str]:
    """The prices in the table of quotes that are in sight. Ages go on without the kernel, prices don't."""
    return _in_quotes(notebook, "td.price")


def symbols(notebook: Opened) -> list[str]:
    """The symbols beside them."""
    return _in_quotes(notebook, "th.symbol > span:first-child")


def _in_quotes(notebook: Opened, cells: str) -> list[str]:
    rows = notebook.page.locator('[data-part="monitor"] .quotes tbody:not([aria-hidden])')
    # What is out of sight is not drawn.
    rows.scroll_into_view_if_needed()
    found: list[str] = rows.locator(cells).all_inner_texts()
    return found


def wait_for_new_prices(notebook: Opened) -> None:
    """Wait until a price is another than now."""
    before = prices(notebook)
    wait_until(lambda: prices(notebook) != before)


def connections(address: str) -> dict[str, int]:
    """How many connections the simulator at an address has, by broker."""
    with urlopen(f"{address}/simulator/state", timeout=5) as answer:
        found: dict[str, int] = json.load(answer)["connections"]
        return found
