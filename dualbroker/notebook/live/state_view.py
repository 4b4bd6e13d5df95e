"""A live view of the dashboard or of one of its parts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import ipywidgets
import msgspec

from dualbroker.errors import DualBrokerError
from dualbroker.feed.runtime import Runtime
from dualbroker.notebook.live.live_view import LiveView
from dualbroker.notebook.live.widgets import DashboardWidget
from dualbroker.view.state import slow_and_quick, view_changes

__all__ = ["StateView"]

logger = logging.getLogger("dualbroker")

LONGEST_SILENCE_NS = 1_000_000_000
"""After which the time is written although nothing changed, so that ages go on."""

State = dict[str, Any]


class StateView(LiveView):
    """A part of the dashboard, drawn in the browser from a state.

    Parameters
    ----------
    feed
        Whose view it is.
    part
        Which part of the dashboard's module draws it.
    state_of
        The state that the part draws, at a moment (UTC ns).
    snapshot_of
        The same for a reader without a kernel, by mimetype: ``text/html`` without scripts, ``text/plain``.
    options
        What the part is told once.
    above
        A live view to be placed above it, such as controls; it lives and ends with this one.
    """

    def __init__(
        self,
        feed: Runtime,
        part: str,
        state_of: Callable[[int], State],
        snapshot_of: Callable[[int], dict[str, Any]],
        *,
        options: Mapping[str, Any] | None = None,
        above: LiveView | None = None,
    ) -> None:
        super().__init__()
        self.what = part
        self._feed = feed
        self._state_of = state_of
        self._snapshot_of = snapshot_of
        self._options = dict(options or {})
        self._slow: State = {}
        self._quick: State = {}
        self._written_ns = 0
        self._dashboard = DashboardWidget(self.heard, part=part, options=self._options)
        self._above = above
        self._widget = self._dashboard if above is None else ipywidgets.VBox([above.widget, self._dashboard])

    @property
    def widget(self) -> ipywidgets.Widget:
        return self._widget

    def heard(self, message: dict[str, Any]) -> None:
        """Somebody looks, or pressed a button on a broker's card; the card shows what becomes of it."""
        super().heard(message)
        manager = self._feed.manager
        what = {"reconnect": manager.reconnect, "carry_quotes": manager.set_quote_source}.get(
            str(message.get("kind"))
        )
        if what is not None and isinstance(broker := message.get("broker"), str):
            self._feed.submit(what(broker)).add_done_callback(_log_refusal)

    def show(self, name: str) -> None:
        if not self.closed:
            self._dashboard.send({"kind": "show", "name": name})

    def _leave_snapshot(self) -> None:
        if self._above is not None:
            self._above.close()
        super()._leave_snapshot()

    def _write(self) -> None:
        if self._above is not None:
            self._above.publish()
        now_ns = self._feed.manager.clock.now_ns()
        slow, quick = slow_and_quick(self._state_of(now_ns))
        if slow != self._slow:
            self._dashboard.packed_slow = msgspec.json.encode(slow)
            self._slow = slow
        if now_ns - self._written_ns >= LONGEST_SILENCE_NS or view_changes(self._quick, quick):
            self._dashboard.packed = msgspec.json.encode(quick)
            self._quick, self._written_ns = quick, now_ns

    def _write_failure(self, words: str) -> None:
        self._dashboard.options = {**self._options, "notice": words} if words else self._options

    def _snapshot(self) -> dict[str, Any]:
        return self._snapshot_of(self._feed.manager.clock.now_ns())


def _log_refusal(asked: Future[Any]) -> None:
    if not asked.cancelled() and isinstance(error := asked.exception(), DualBrokerError):
        logger.warning("%s", error)
