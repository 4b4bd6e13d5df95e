"""The controls, worked as a browser does: by setting values and clicking."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dualbroker import Feed
from dualbroker.notebook.live.controls import ControlsView
from dualbroker.notebook.live.publisher import publisher_of
from dualbroker.notebook.live.state_view import StateView
from tests.polling import wait_until


def _controls(feed: Feed) -> ControlsView:
    view = feed.controls()
    assert isinstance(view, ControlsView)
    return view


def _search(view: ControlsView, words: str) -> None:
    view._search.value = words
    wait_until(lambda: view._searched == words and bool(view._found.options))
    wait_until(lambda: view._add.disabled != view._remove.disabled)


def test_it_finds_subscribes_and_lets_go(feed: Feed) -> None:
    view = _controls(feed)
    _search(view, "nifty fut")
    chosen = next(hit for hit in view._hits.values() if hit.key not in feed.manager.wanted())
    view._found.index = list(view._hits.values()).index(chosen)
    wait_until(lambda: not view._add.disabled)
    view._add.click()
    wait_until(lambda: "subscribed" in view._words.value)
    assert chosen.symbol in feed.quotes.index
    assert view._found.value.startswith("●")
    assert view._add.disabled
    view._remove.click()
    wait_until(lambda: "released" in view._words.value)
    assert chosen.symbol not in feed.quotes.index


def test_a_result_reads_as_on_the_page_and_enter_adds_the_first(feed: Feed) -> None:
    view = _controls(feed)
    _search(view, "maruti eq")
    (label,) = view._hits
    assert label.startswith("MARUTI · NSE")
    assert "Searched NSE" in view._words.value
    view._search._handle_custom_msg({"event": "submit"}, [])
    wait_until(lambda: "MARUTI-EQ: subscribed" in view._words.value)
    view._search.value = "sbin eq"
    view._search._handle_custom_msg({"event": "submit"}, [])
    wait_until(lambda: "SBIN-EQ: subscribed" in view._words.value)
    for symbol in ("MARUTI-EQ", "SBIN-EQ"):
        assert symbol in feed.quotes.index
        feed.unsubscribe(symbol, exchange="NSE")


def test_what_is_added_comes_into_sight_in_the_tables_of_the_feed(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor, table = feed.monitor(), feed.quote_table()
    sent: list[tuple[object, dict[str, Any]]] = []
    for opened in (monitor, table):
        assert isinstance(opened, StateView)
        monkeypatch.setattr(opened._dashboard, "send", lambda content, of=opened: sent.append((of, content)))
    view = _controls(feed)
    _search(view, "maruti eq")
    view._add.click()
    message = {"kind": "show", "name": "NSE:MARUTI-EQ"}
    wait_until(lambda: sent == [(monitor, message), (table, message)])
    feed.unsubscribe("MARUTI-EQ", exchange="NSE")


def test_nothing_found_is_said_and_the_list_goes_with_the_words(feed: Feed) -> None:
    view = _controls(feed)
    _search(view, "nifty")
    assert view._found.layout.display == ""
    view._search.value = "no such thing <b>"
    wait_until(lambda: " fits “no such thing &lt;b&gt;”." in view._words.value)
    assert view._found.layout.display == "none"
    assert view._add.disabled
    view._search.value = ""
    wait_until(lambda: view._words.value == "")


def test_it_shows_and_moves_the_broker_that_carries_quotes(feed: Feed) -> None:
    view = _controls(feed)
    feed.set_quote_source("broker1")
    wait_until(lambda: view._sources.value == "broker1")
    view._sources.value = "broker2"
    wait_until(lambda: feed.primary == "broker2")
    wait_until(lambda: "Quotes from broker2, by your choice." in view._words.value)
    feed.set_quote_source("broker1")
    wait_until(lambda: view._sources.value == "broker1")
    assert feed.primary == "broker1", "what is shown is no wish"
    assert view._sources.label == "broker1"


def test_what_is_left_to_be_measured_stays_so_and_who_carries_quotes_now_can_be_pinned(feed: Feed) -> None:
    view = _controls(feed)
    feed.set_quote_source("broker2")
    wait_until(lambda: view._sources.value == "broker2")
    view._sources.value = "auto"
    wait_until(lambda: "Quotes from broker2, chosen by what is measured." in view._words.value)
    wait_until(lambda: view._sources.label == "auto (now broker2)")
    assert view._sources.value == "auto"
    view._sources.value = "broker2"
    wait_until(lambda: feed.manager.preferred == "broker2")
    wait_until(lambda: [label for label, _ in view._sources.options] == ["broker1", "broker2", "auto"])
    assert view._sources.label == "broker2"


def test_no_source_is_a_dash_and_a_choice_that_is_not_kept_to_names_who_carries(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = _controls(feed)
    feed.set_quote_source("broker1")
    wait_until(lambda: view._sources.label == "broker1")
    for primary, label in ((None, "broker1 (now –)"), ("broker2", "broker1 (now broker2)")):
        monkeypatch.setattr(view, "_feed", _FeedWith(feed, primary))
        wait_until(lambda label=label: view._sources.label == label)  # type: ignore[misc]


class _FeedWith:
    """A feed whose quotes another broker carries, or none."""

    def __init__(self, feed: Feed, primary: str | None) -> None:
        self.manager, self.primary = feed.manager, primary


def test_what_goes_wrong_is_said_in_the_controls(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    view = _controls(feed)
    feed.set_quote_source("broker1")
    wait_until(lambda: view._sources.value == "broker1")

    async def fail(*_: Any) -> None:
        raise RuntimeError("broker2 is not connected")

    monkeypatch.setattr(feed.manager, "set_quote_source", fail)
    view._sources.value = "broker2"
    wait_until(lambda: "broker2 is not connected" in view._words.value)
    wait_until(lambda: view._sources.value == "broker1")


def test_the_rate_is_set_for_all_views_and_shown_when_it_is_set_elsewhere(feed: Feed) -> None:
    view = _controls(feed)
    view._rate.value = 2.0
    assert publisher_of(feed._runtime).updates_per_second == 2
    feed.monitor(updates_per_second=5)
    wait_until(lambda: view._rate.value == 5.0)


def test_callbacks_work_on_any_thread(feed: Feed) -> None:
    view = _controls(feed)
    thread = threading.Thread(target=lambda: setattr(view._search, "value", "tcs"))
    thread.start()
    thread.join()
    wait_until(lambda: view._searched == "tcs" and bool(view._found.options))


def test_the_monitor_has_them_above_and_they_end_with_it(feed: Feed) -> None:
    monitor = feed.monitor()
    above, dashboard = monitor.widget.children
    assert above.comm is not None
    assert dashboard.part == "monitor"
    monitor.close()
    assert above.comm is None
    assert monitor.widget.comm is None
