"""The streams that show rather than fill: the newest quotes, and what the page draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualbroker.errors import RequestRefusedError
from dualbroker.remote.messages import LatestWish, ViewWish
from dualbroker.service.streams.hub import StreamHub, ViewOf
from dualbroker.service.streams.rows import quote_rows
from dualbroker.view.parts import SLOW_KEYS, parts_of
from dualbroker.view.patches import patch
from dualbroker.view.state import view_changes

__all__ = ["LatestStream", "ViewStream"]

LONGEST_SILENCE_S = 2.0
"""After which the time is sent although nothing changed, so that the page knows the service lives."""

SHORT_TABLE_ROWS = 200
_PATCHED = SLOW_KEYS | {"brokers"}


class LatestStream:
    """The newest quote of each instrument that has changed; the last one always arrives."""

    def __init__(self, hub: StreamHub, wish: LatestWish) -> None:
        self._hub = hub
        self._store = hub.manager.quotes
        self._every_s = 1.0 / wish.hz
        self._symbols = None if wish.symbols is None else frozenset(wish.symbols)
        self._due_s = 0.0
        self._sent = np.empty(0, np.int64)

    def take(self, now_s: float) -> dict[str, Any]:
        if now_s < self._due_s:
            return {}
        numbers = self._store.last_rows()
        known_ones = np.full(len(numbers), -1, np.int64)
        known_ones[: len(self._sent)] = self._sent
        changed = set(np.flatnonzero((numbers != known_ones) & (numbers >= 0)).tolist())
        if not changed:
            return {}
        self._due_s = now_s + self._every_s
        self._sent = numbers
        rows = self._rows(changed)
        return {"latest": rows} if rows else {}

    def _rows(self, changed: set[int]) -> list[dict[str, Any]]:
        store = self._store
        indices, rows, brokers = store.latest()
        places = [place for place, index in enumerate(indices.tolist()) if self._is_shown(index, changed)]
        names = [store.broker_names[number] for number in brokers[places].tolist()]
        return quote_rows(store, indices[places].tolist(), rows[places], names)

    def _is_shown(self, index: int, changed: set[int]) -> bool:
        store = self._store
        if index not in changed or index in store.retired:
            return False
        instrument = store.instruments[index]
        names = (instrument.symbol, instrument.qualified_name)
        return self._symbols is None or not self._symbols.isdisjoint(names)


class ViewStream:
    """First the whole state, then the keys of it that changed, of large ones what has changed of them."""

    def __init__(self, hub: StreamHub, wish: ViewWish) -> None:
        self._hub = hub
        self._what: ViewOf = (
            tuple(wish.parts or ("monitor",)),
            None if wish.symbols is None else tuple(wish.symbols),
            wish.broker,
        )
        try:
            parts_of(self._what[0])
        except ValueError as error:
            raise RequestRefusedError(f"view: {error}") from None
        self._every_s = 1.0 / wish.hz
        self._due_s = 0.0
        self._sent_s = 0.0
        self._patches = wish.patches
        self._shown: dict[str, Any] = {}

    def take(self, now_s: float) -> dict[str, Any]:
        if now_s < self._due_s:
            return {}
        self._due_s = now_s + self._every_s
        state = {**self._hub.view(self._what, now_s), "clients": self._hub.registry.summary()}
        message = view_changes(self._shown, state)
        if not message and now_s - self._sent_s >= LONGEST_SILENCE_S:
            message = {"time": state["time"]}
        shown, self._shown = self._shown, state
        if not message:
            return {}
        self._sent_s = now_s
        if not self._patches or not shown:
            return {"view": message}
        patches = {
            name: change
            for name in self._patched(state) & message.keys() & shown.keys()
            if (change := patch(shown[name], message.pop(name))) is not None
        }
        return {"view": message, "view_patch": patches} if patches else {"view": message}

    def _patched(self, state: dict[str, Any]) -> frozenset[str]:
        """Where little changes at a time; of a long quote table nearly all does."""
        is_short = "quotes" in state and state["quotes"]["count"] <= SHORT_TABLE_ROWS
        return _PATCHED | {"quotes"} if is_short else _PATCHED
