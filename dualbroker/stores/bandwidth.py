"""Bytes and messages as they come off each socket, by broker and kind, in total and per second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from dualbroker.model import MessageKind

__all__ = ["BandwidthStore", "SecondOfTraffic", "Traffic"]

HISTORY_S = 3600


class Traffic(msgspec.Struct, gc=False):
    """What has come off one socket's wire in one kind."""

    bytes: int = 0
    messages: int = 0


class SecondOfTraffic(msgspec.Struct, frozen=True, gc=False):
    """What one broker carried in one second of one kind."""

    second: int
    """Epoch seconds (UTC)."""
    broker_name: str
    kind: MessageKind
    bytes: int
    messages: int


class BandwidthStore:
    """Counts traffic. Bytes are after TLS, frame headers included, before decompression.

    What is neither a quote nor an order message is control: handshakes, acknowledgements, heartbeats,
    pings, and the part of a frame that has come while the rest is on its way.
    """

    def __init__(self, history_s: int = HISTORY_S) -> None:
        self._totals: dict[str, dict[MessageKind, Traffic]] = {}
        self._marks: dict[tuple[str, MessageKind], tuple[int, int]] = {}
        self._history: deque[SecondOfTraffic] = deque()
        self._history_s = history_s

    def add_broker(self, broker_name: str) -> dict[MessageKind, Traffic]:
        """The counters of one broker, for its session to raise; the same ones again if known."""
        return self._totals.setdefault(broker_name, {kind: Traffic() for kind in MessageKind})

    def totals(self) -> dict[str, dict[MessageKind, Traffic]]:
        """A copy of all counters at this moment."""
        return {
            broker: {kind: Traffic(traffic.bytes, traffic.messages) for kind, traffic in kinds.items()}
            for broker, kinds in list(self._totals.items())
        }

    def messages(self, broker_name: str, kind: MessageKind) -> int:
        """Messages of one kind that have come off one broker's sockets so far."""
        return self._totals[broker_name][kind].messages

    def close_second(self, second: int) -> None:
        """Write down what each counter gained since this was last called, as that of ``second``."""
        for broker, kinds in self._totals.items():
            for kind, traffic in kinds.items():
                before = self._marks.get((broker, kind), (0, 0))
                now = (traffic.bytes, traffic.messages)
                self._marks[broker, kind] = now
                if kind is MessageKind.PROBE and now == before:
                    # Mostly there are none: no row says so.
                    continue
                self._history.append(
                    SecondOfTraffic(second, broker, kind, now[0] - before[0], now[1] - before[1])
                )
        while self._history and self._history[0].second <= second - self._history_s:
            self._history.popleft()

    def history(self) -> list[SecondOfTraffic]:
        """The last hour, a row per second, broker and kind; oldest first."""
        return list(self._history.copy())

    def seconds_after(self, second: int) -> list[SecondOfTraffic]:
        """The rows of the last hour that are of later seconds; oldest first."""
        rows = []
        for row in reversed(self._history.copy()):
            if row.second <= second:
                break
            rows.append(row)
        rows.reverse()
        return rows

    def follow(
        self, totals: Mapping[str, Mapping[MessageKind, Traffic]], rows: list[SecondOfTraffic]
    ) -> None:
        """Become equal to another store that has these totals, and these rows that are not known yet."""
        for broker, kinds in totals.items():
            known = self.add_broker(broker)
            for kind, traffic in kinds.items():
                known[kind].bytes, known[kind].messages = traffic.bytes, traffic.messages
        self._history.extend(rows)
        while self._history and self._history[0].second <= self._history[-1].second - self._history_s:
            self._history.popleft()

    def rates(self, seconds: int = 5) -> dict[tuple[str, MessageKind], float]:
        """Bytes per second over the last closed seconds."""
        rows = self.history()
        if not rows:
            return {}
        newest = rows[-1].second
        sums: dict[tuple[str, MessageKind], int] = {}
        first = newest
        for row in reversed(rows):
            if row.second <= newest - seconds:
                break
            first = row.second
            sums[row.broker_name, row.kind] = sums.get((row.broker_name, row.kind), 0) + row.bytes
        span = newest - first + 1
        return {key: total / span for key, total in sums.items()}
