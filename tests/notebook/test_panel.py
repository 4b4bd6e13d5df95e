"""The live widget, on a feed of simulated brokers; no kernel is needed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import dualbroker
from dualbroker import Feed, FeedClosedError
from dualbroker.notebook import panel as panel_module
from dualbroker.notebook.panel import Panel
from tests.polling import wait_until


@pytest.fixture
def feed() -> Iterator[Feed]:
    feed = dualbroker.demo(ticks_per_second=500, orders_per_minute=600, seed=11)
    yield feed
    feed.close()
    wait_until(lambda: not _threads())


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dualbroker-panel"]


def _html(panel: Panel) -> str:
    return str(panel._repr_mimebundle_()["text/html"])


def test_it_is_filled_at_once_and_goes_on_by_itself(feed: Feed) -> None:
    panel = feed.panel()
    style, headline, cards, quotes, orders = panel.widget.children
    assert "Price/Quote updates: broker1 only" in headline.value
    assert "broker2" in cards.value
    assert orders.titles == ("all orders", "broker1", "broker2", "incidents", "failovers")
    assert "<style>" in style.value
    table = quotes.children[0]
    before = table.value
    assert "RELIANCE-EQ" in before
    wait_until(lambda: table.value != before)


def test_it_writes_at_a_steady_pace_and_only_what_changed(feed: Feed) -> None:
    panel = feed.panel()
    style, _, _, quotes, _ = panel.widget.children
    written: list[object] = []
    touched: list[object] = []
    quotes.children[0].observe(written.append, "value")
    style.observe(touched.append, "value")
    began = time.monotonic()
    wait_until(lambda: len(written) >= 4)
    panel.close()
    assert len(written) <= (time.monotonic() - began) / panel_module.UPDATE_INTERVAL_S + 1
    assert not touched


def test_a_feed_has_one_panel_and_the_older_one_ends(feed: Feed) -> None:
    older = feed.panel()
    newer = feed.panel()
    assert older.closed
    assert not newer.closed
    assert len(_threads()) == 1


def test_closing_it_ends_its_thread_and_its_widgets(feed: Feed) -> None:
    panel = feed.panel()
    panel.close()
    panel.close()
    assert panel.closed
    assert not _threads()
    assert panel.widget.comm is None
    assert not feed.closed


def test_it_ends_with_its_feed_and_can_still_be_read(feed: Feed) -> None:
    panel = feed.panel()
    feed.close()
    wait_until(lambda: not _threads())
    assert panel.closed
    assert "RELIANCE-EQ" in _html(panel)
    with pytest.raises(FeedClosedError):
        feed.panel()


def test_it_reads_without_a_widget_too(feed: Feed) -> None:
    panel = feed.panel()
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<script" not in bundle["text/html"]
    assert "SIMULATED" in bundle["text/plain"]
    assert repr(panel).startswith("dualbroker · SIMULATED")
    panel.close()
    assert set(panel._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_a_failure_is_said_once_and_tried_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def fail(*_: Any) -> dict[str, Any]:
        tries.append(1)
        raise RuntimeError("<no state>")

    panel = feed.panel()
    headline = panel.widget.children[1]
    with caplog.at_level(logging.ERROR, "dualbroker"):
        monkeypatch.setattr(panel_module, "view_state", fail)
        wait_until(lambda: len(tries) >= 3)
        assert len(caplog.records) == 1
    assert "what is shown is old" in headline.value
    assert "&lt;no state&gt;" in headline.value
    monkeypatch.undo()
    wait_until(lambda: "Price/Quote updates" in headline.value)


def test_what_it_displayed_turns_into_a_plain_snapshot(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, dict[str, Any]]] = []

    def note(bundle: dict[str, Any], *, raw: bool, display_id: str) -> None:
        assert raw
        shown.append((display_id, bundle))

    monkeypatch.setattr(panel_module, "display", note)
    monkeypatch.setattr(panel_module, "update_display", note)
    panel = feed.panel()
    panel._ipython_display_()
    panel.close()
    (first_id, live), (last_id, cold) = shown
    assert first_id == last_id
    assert "application/vnd.jupyter.widget-view+json" in live
    assert set(cold) == {"text/html", "text/plain"}
