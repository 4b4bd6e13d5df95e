"""Alerts as a person at the page gets them, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.drawn import draw, draw_again, state_of

pytestmark = pytest.mark.chromium


def alert(number: int, state: str, words: str, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "time": "2026-03-02T11:00:05.000+05:30",
        "state": state,
        "rule": "broker_down",
        "broker_name": "broker1",
        "symbol": None,
        "words": words,
        **more,
    }


def with_alerts(state: dict[str, Any], *rows: dict[str, Any]) -> dict[str, Any]:
    newest_first = sorted(rows, key=lambda row: -row["number"])
    return state | {
        "alerts": {"rows": newest_first, "count": max((row["number"] for row in rows), default=0)}
    }


def toasts(page: Any) -> list[str]:
    return [toast.inner_text() for toast in page.locator("#drawn .toast .words").all()]


def test_a_toast_comes_with_each_new_alert_and_goes_when_it_is_over(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    page.evaluate(
        """() => {
          window.notified = [];
          window.Notification = class {
            constructor(title, { body }) { window.notified.push(`${title}: ${body}`); }
            static requestPermission() { return Promise.resolve("granted"); }
          };
        }"""
    )
    state = state_of(page)
    before = alert(1, "raised", "told before the page was opened", rule="login_needed")
    draw(page, with_alerts(state, before))
    assert page.locator("#drawn .toasts").is_hidden()
    assert toasts(page) == []
    down = alert(2, "raised", "broker1 is down")
    draw_again(page, with_alerts(state, before, down))
    assert toasts(page) == ["broker1 is down"]
    assert page.locator("#drawn .toasts").is_visible()
    box = page.locator("#drawn .toast").bounding_box()
    assert box["y"] + box["height"] <= page.viewport_size["height"], "wherever the page is scrolled"
    draw_again(page, with_alerts(state, before, down))
    assert toasts(page) == ["broker1 is down"], "once"
    page.click("#drawn .toasts button:text-is('Browser notification')")
    page.wait_for_selector("#drawn .toasts button[aria-pressed=true]")
    over = alert(3, "resolved", "broker1 is up again")
    draw_again(page, with_alerts(state, before, down, over))
    assert toasts(page) == ["broker1 is up again"], "the end takes the place of the beginning"
    assert page.evaluate("window.notified") == ["dualbroker SIMULATED: broker1 is up again"]
    page.click("#drawn .toast button")
    assert page.locator("#drawn .toasts").is_hidden()


def test_no_more_toasts_lie_on_the_page_than_it_can_bear(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page)
    first = alert(1, "event", "rejected 1")
    draw(page, with_alerts(state, first))
    many = [alert(number, "event", f"rejected {number}") for number in range(1, 20)]
    draw_again(page, with_alerts(state, *many))
    assert toasts(page) == [f"rejected {number}" for number in range(15, 20)]
