"""The live views, on a feed of simulated brokers; no kernel is needed."""

from __future__ import annotations

import importlib
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import dualbroker
from dualbroker import ConfigError, Feed, FeedClosedError, UnknownInstrumentError
from dualbroker.notebook.live import kernel, live_view, publisher, state_view, views
from dualbroker.notebook.live.live_view import UNSEEN_AFTER_S, UNSEEN_INTERVAL_S, LiveView
from dualbroker.notebook.live.publisher import MOST_VIEWS, publisher_of
from dualbroker.notebook.live.state_view import StateView
from tests.notebook.conftest import publisher_threads
from tests.polling import wait_until

LIVE = "application/vnd.jupyter.widget-view+json"
PARTS = ("monitor", "cards", "quote_table", "order_table", "bandwidth_chart")


def _dashboard(view: LiveView) -> Any:
    assert isinstance(view, StateView)
    return view._dashboard


def _state(view: LiveView) -> dict[str, Any]:
    widget = _dashboard(view)
    return {**json.loads(widget.packed_slow or b"{}"), **json.loads(widget.packed)}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_filled_at_once_goes_on_by_itself_and_reads_without_a_widget(
    feed: Feed, part: str
) -> None:
    view = getattr(feed, part)()
    assert _state(view)["mode"] == "SIMULATED"
    before = _dashboard(view).packed
    bundle, _ = view._repr_mimebundle_()
    assert LIVE in bundle
    assert "SIMULATED" in bundle["text/plain"]
    assert "<script" not in bundle.get("text/html", "")
    assert ("image/png" in bundle) != ("text/html" in bundle)
    wait_until(lambda: _dashboard(view).packed != before)


def test_what_changes_seldom_is_written_apart_from_what_ticks(feed: Feed) -> None:
    view = feed.quote_table()
    written: list[str] = []
    _dashboard(view).observe(lambda change: written.append(change["name"]), ["packed", "packed_slow"])
    wait_until(lambda: written.count("packed") >= 5)
    assert "packed_slow" not in written
    feed.subscribe("SENSEX", exchange="BSE")
    wait_until(lambda: "packed_slow" in written)


def test_it_is_written_at_the_rate_that_is_set(feed: Feed) -> None:
    view = feed.monitor(updates_per_second=8)
    written: list[float] = []
    _dashboard(view).observe(lambda _: written.append(time.monotonic()), "packed")
    wait_until(lambda: len(written) >= 9)
    assert len(written) <= (written[-1] - written[0]) * 8 + 2
    for wrong in (0, 100):
        with pytest.raises(ValueError, match=r"updates_per_second: expected 0\.1 to 10"):
            feed.monitor(updates_per_second=wrong)


def test_a_cell_that_is_run_again_makes_no_second_view(feed: Feed) -> None:
    first = feed.monitor()
    assert feed.monitor() is first
    assert feed.quote_table(["NIFTY"]) is feed.quote_table("NIFTY")
    assert feed.quote_table() is not feed.quote_table("NIFTY")
    assert feed.order_table("broker1") is not feed.order_table("broker2")
    assert len(publisher_threads()) == 1


def test_views_are_bounded_and_the_oldest_ends_first(feed: Feed) -> None:
    opened = [
        views.open_part(
            feed._runtime, number, "summary", lambda _: {"mode": "SIMULATED"}, lambda _: {"text/plain": ""}
        )
        for number in range(MOST_VIEWS + 2)
    ]
    assert [view.closed for view in opened] == [True, True, *[False] * MOST_VIEWS]


def test_a_reload_of_the_module_finds_the_views_that_live(feed: Feed) -> None:
    view = feed.monitor()
    importlib.reload(publisher)
    assert feed.monitor() is view
    assert len(publisher_threads()) == 1


@pytest.mark.parametrize("show", [Feed.monitor, lambda feed: feed.chart("NIFTY")], ids=["monitor", "chart"])
@pytest.mark.parametrize(
    "stopped", [(LiveView, "publish"), (publisher.Publisher, "_start")], ids=lambda at: at[1]
)
def test_the_stop_button_leaves_no_half_opened_view_behind(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, show: Callable[[Feed], LiveView], stopped: tuple[type, str]
) -> None:
    made: list[LiveView] = []
    begin = LiveView.__init__

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    def note(view: LiveView) -> None:
        made.append(view)
        begin(view)

    with monkeypatch.context() as patched:
        patched.setattr(LiveView, "__init__", note)
        patched.setattr(*stopped, stop)
        with pytest.raises(KeyboardInterrupt):
            show(feed)
    assert made
    assert all(view.closed and view.widget.comm is None for view in made)
    assert publisher_of(feed._runtime).views == []
    assert not publisher_threads()
    again = show(feed)
    assert again not in made
    assert not again.closed


def test_only_what_is_asked_for_is_shown(feed: Feed) -> None:
    assert _state(feed.quote_table(["NIFTY"]))["instruments"]["symbol"] == ["NIFTY INDEX"]
    assert set(_state(feed.order_table("broker2"))["orders"]["counts"]) == {"broker2"}
    with pytest.raises(UnknownInstrumentError):
        feed.quote_table("NO-SUCH-NAME")
    with pytest.raises(ConfigError, match="broker: expected one of broker1, broker2, found 'broker9'"):
        feed.order_table("broker9")


def test_frozen_it_is_a_snapshot_and_the_feed_goes_on(feed: Feed) -> None:
    view = feed.monitor()
    assert view.freeze() is view
    view.close()
    assert view.closed
    assert view.widget.comm is None
    assert set(view._repr_mimebundle_()[0]) == {"text/html", "text/plain"}
    assert repr(view).startswith("dualbroker · SIMULATED")
    wait_until(lambda: not publisher_threads())
    assert not feed.closed
    assert not feed.monitor().closed


def test_a_failure_is_said_in_the_view_logged_once_and_tried_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def fail(*_: Any) -> None:
        tries.append(1)
        raise RuntimeError("no state")

    view = feed.cards()
    with caplog.at_level(logging.ERROR, "dualbroker"):
        monkeypatch.setattr(state_view, "slow_and_quick", fail)
        wait_until(lambda: len(tries) >= 3)
        assert len(caplog.records) == 1
    assert "what is shown is old: RuntimeError('no state')" in _dashboard(view).options["notice"]
    monkeypatch.undo()
    wait_until(lambda: "notice" not in _dashboard(view).options)


def test_a_view_that_nobody_looks_at_is_written_seldom_and_at_once_again_when_somebody_does(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = feed.quote_table()
    written: list[int] = []
    _dashboard(view).observe(lambda _: written.append(1), "packed")
    monkeypatch.setattr(view, "_seen_s", time.monotonic() - UNSEEN_AFTER_S - 1)
    monkeypatch.setattr(live_view, "UNSEEN_INTERVAL_S", 1e6)
    wait_until(view._is_unseen)
    del written[:]
    view._written_s = time.monotonic()
    threading.Event().wait(1.0)  # four updates, if it were seen
    assert not written
    view.heard({"kind": "seen"})
    wait_until(lambda: bool(written))


def test_the_longer_nobody_looks_the_more_seldom_it_is_written() -> None:
    view = LiveView()
    for unseen_s, interval_s in ((40, UNSEEN_INTERVAL_S), (3_600, 360), (86_400, 8_640)):
        now_s = time.monotonic()
        view._seen_s = now_s - unseen_s
        view._written_s = now_s - interval_s + 1
        assert view._written_lately()
        view._written_s = now_s - interval_s - 1
        assert not view._written_lately()


def test_while_a_cell_runs_the_browser_can_not_be_heard_and_the_view_goes_on(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = feed.quote_table()
    monkeypatch.setattr(live_view, "cell_is_running", lambda: True)
    monkeypatch.setattr(view, "_seen_s", time.monotonic() - UNSEEN_AFTER_S - 1)
    assert not view._is_unseen()
    monkeypatch.undo()
    assert not view._is_unseen(), "it is given time to be heard again"


def test_cells_that_run_are_counted() -> None:
    cells = kernel._Cells()
    cells.begin()
    cells.begin()
    cells.end()
    assert cells.running == 1
    cells.end()
    cells.end()
    assert cells.running == 0
    assert not kernel.in_kernel()


def test_what_is_displayed_turns_into_its_snapshot_in_its_place(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, dict[str, Any]]] = []

    def note(bundle: dict[str, Any], *, raw: bool, display_id: str, metadata: object) -> None:
        assert raw
        shown.append((display_id, bundle))

    monkeypatch.setattr(live_view, "display", note)
    monkeypatch.setattr(live_view, "update_display", note)
    monkeypatch.setattr(live_view, "in_kernel", lambda: True)
    view = feed.monitor()
    view._ipython_display_()
    view.close()
    (first_id, live), (last_id, cold) = shown
    assert first_id == last_id
    assert LIVE in live
    assert set(cold) == {"text/html", "text/plain"}


def test_views_end_with_their_feed_and_can_still_be_read() -> None:
    feed = dualbroker.demo(seed=12)
    monitor, chart = feed.monitor(), feed.bandwidth_chart()
    feed.close()
    wait_until(lambda: not publisher_threads())
    assert monitor.closed
    assert chart.closed
    assert "RELIANCE-EQ" in monitor._repr_mimebundle_()[0]["text/html"]
    assert "The feed is closed" in repr(feed)
    with pytest.raises(FeedClosedError):
        feed.monitor()


def test_a_feed_by_itself_is_a_text_in_a_terminal(feed: Feed, capsys: pytest.CaptureFixture[str]) -> None:
    feed._ipython_display_()
    feed.monitor()._ipython_display_()
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("dualbroker · SIMULATED · all well · market open · Price/Quote updates: broker1")
    assert "broker2" in repr(feed)


def test_a_feed_by_itself_is_a_live_summary_in_a_notebook(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(live_view, "display", lambda bundle, **_: shown.append(bundle))
    monkeypatch.setattr(live_view, "update_display", lambda *_, **__: None)
    for module in (views, live_view):
        monkeypatch.setattr(module, "in_kernel", lambda: True)
    feed._ipython_display_()
    feed._ipython_display_()
    assert all(LIVE in bundle for bundle in shown)
    assert [view.what for view in publisher_of(feed._runtime).views] == ["summary"]


def test_a_publisher_s_leftovers_never_end_its_thread(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    done = threading.Event()
    with caplog.at_level(logging.ERROR, "dualbroker"):
        publisher_of(feed._runtime).soon(fail)
        publisher_of(feed._runtime).soon(done.set)
        assert done.wait(5)
    assert len(caplog.records) == 1
