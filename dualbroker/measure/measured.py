"""What was measured, as frames. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from dualbroker.measure.figures import Measurement, MessageCount, Plan, PlanReport, StreamCounts

__all__ = ["MESSAGE_TYPES", "MeasuredSavings"]

MEBIBYTE = 1024 * 1024
MODE = "SIMULATED"

MESSAGE_TYPES = {
    "tk": "touchline, in full: acknowledges a subscription",
    "tf": "touchline, what changed",
    "dk": "touchline and five levels, in full: acknowledges a subscription",
    "df": "touchline and five levels, what changed",
    "om": "order update",
    "ok": "acknowledges the subscription of orders",
    "ck": "answer to the first frame, older protocol",
    "ak": "answer to the first frame",
    "hk": "answer to a heartbeat",
    "uk": "acknowledges an unsubscription",
    "udk": "acknowledges an unsubscription, with five levels",
}
"""Types of messages as they stand on the wire."""

AT_SOCKETS = "measured at the sockets: bytes after TLS, with the headers of frames"
PER_MESSAGE = "measured, each message with the header of its frame"
BY_PROCESS = "measured: CPU time and largest resident set of the plan's own process"
FORMULA = "computed: (N − 1) / N"

_HOW = [
    ("bytes, messages", AT_SOCKETS),
    ("bytes by message type and by instrument", PER_MESSAGE),
    ("bytes per second", "measured bytes by the measured time that the market ran"),
    (
        "CPU seconds",
        "measured: of the plan's own process, all its threads, while the market ran and it drained",
    ),
    ("CPU µs per tick", "measured CPU seconds by the quote messages that came in that time"),
    ("peak memory", "measured: largest resident set of the plan's own process, looked at ten times a second"),
    ("saved, in percent", "of what was measured: naive less optimised, by naive"),
    ("formula_percent", FORMULA),
]


class MeasuredSavings:
    """Both plans, measured on simulated brokers, for one or several numbers of brokers.

    Each frame is fresh, yours to edit. ``plan`` is ``naive`` (every broker streams quotes, each to a client
    of its own) or ``optimised`` (one does); orders come from every broker either way. ``attrs["mode"]`` is
    ``SIMULATED``; the column ``how``, or the frame ``how``, says how figures were obtained.
    """

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self.measurements = list(measurements)
        """One for each number of brokers, as ``dualbroker verify`` makes them."""

    @property
    def ok(self) -> bool:
        """Every check holds."""
        return all(each.verification.ok for each in self.measurements)

    @property
    def checks(self) -> pd.DataFrame:
        """What has to hold for the measurement to be fair: columns brokers, check, ok, details."""
        return self._frame(
            [
                (each.verification.brokers, check.name.replace("_", " "), check.ok, check.details)
                for each in self.measurements
                for check in each.verification.checks
            ],
            ["brokers", "check", "ok", "details"],
        )

    @property
    def savings(self) -> pd.DataFrame:
        """What one source saves, indexed by the number of brokers; in percent of the naive plan.

        ``formula_percent`` is what quote bytes should save. Bytes of orders and the rest are the same in both
        plans, so ``all_bytes_percent`` is a little less. CPU and memory vary from run to run, and may be
        below zero where there is little to save.
        """
        rows = []
        for each in self.measurements:
            brokers, saving = each.verification.brokers, each.verification.saving
            naive, optimised = (
                sum(_all_bytes(stream) for stream in report.streams.values())
                for report in (each.naive, each.optimised)
            )
            rows.append(
                (
                    brokers,
                    saving.quote_bytes_percent,
                    100 * (brokers - 1) / brokers,
                    100 * (naive - optimised) / naive if naive else float("nan"),
                    saving.cpu_percent,
                    saving.memory_percent,
                )
            )
        columns = [
            "quote_bytes_percent",
            "formula_percent",
            "all_bytes_percent",
            "cpu_percent",
            "memory_percent",
        ]
        return self._frame(rows, ["brokers", *columns]).set_index("brokers")

    @property
    def plans(self) -> pd.DataFrame:
        """What each plan carried and cost in the measured ``seconds``, indexed by (brokers, plan)."""
        rows = []
        for brokers, plan, report, seconds in self._reports():
            total = _sum(report.streams.values())
            carried = _all_bytes(total)
            ticks = total.quote_messages
            rows.append(
                {
                    "brokers": brokers,
                    "plan": plan,
                    "seconds": seconds,
                    "quote_bytes": total.quote_bytes,
                    "order_bytes": total.order_bytes,
                    "control_bytes": total.control_bytes,
                    "bytes_per_second": carried / seconds,
                    "ticks": ticks,
                    "order_messages": total.order_messages,
                    "bytes_per_tick": total.quote_bytes / ticks if ticks else float("nan"),
                    "cpu_seconds": report.cpu_seconds,
                    "cpu_percent_of_a_core": 100 * report.cpu_seconds / seconds,
                    "cpu_us_per_tick": 1e6 * report.cpu_seconds / ticks if ticks else float("nan"),
                    "peak_memory_mib": report.peak_memory_bytes / MEBIBYTE,
                }
            )
        return self._frame(rows).set_index(["brokers", "plan"])

    @property
    def traffic(self) -> pd.DataFrame:
        """Bytes and messages of each broker by kind (quotes, orders, control), and how they were obtained."""
        rows = [
            (brokers, plan, name, kind, size, messages, size / seconds, AT_SOCKETS)
            for brokers, plan, report, seconds in self._reports()
            for name, stream in report.streams.items()
            for kind, size, messages in (
                ("quotes", stream.quote_bytes, stream.quote_messages),
                ("orders", stream.order_bytes, stream.order_messages),
                ("control", stream.control_bytes, stream.control_messages),
            )
        ]
        columns = ["broker_name", "kind", "bytes", "messages", "bytes_per_second", "how"]
        return self._frame(rows, ["brokers", "plan", *columns])

    @property
    def message_types(self) -> pd.DataFrame:
        """Bytes and messages of each broker by type on the wire.

        ``when`` is ``measured``, or ``starting`` for what came before the market ran: the answers to logins,
        and the full quotes that acknowledge subscriptions.
        """
        rows = []
        for brokers, plan, report, _ in self._reports():
            for when, by_broker in (("starting", report.starting), ("measured", report.measured)):
                for name, counts in by_broker.items():
                    for kind, (size, messages) in _by_type(counts).items():
                        meaning = MESSAGE_TYPES.get(kind, "other")
                        each = size / messages
                        rows.append(
                            (brokers, plan, name, when, kind, meaning, size, messages, each, PER_MESSAGE)
                        )
        columns = ["broker_name", "when", "type", "meaning", "bytes", "messages", "bytes_per_message", "how"]
        return self._frame(rows, ["brokers", "plan", *columns])

    @property
    def instruments(self) -> pd.DataFrame:
        """Bytes and ticks of each instrument in the measured time, by broker; a tick is one quote message.

        An instrument that did not tick in that time is not listed.
        """
        rows = []
        for each in self.measurements:
            known = {item.key: item for item in each.instruments}
            for plan, report in _plans(each):
                for name, counts in report.measured.items():
                    for count in counts:
                        if (instrument := known.get((count.exchange, count.token))) is None:
                            continue
                        rows.append(
                            (
                                each.verification.brokers,
                                plan,
                                name,
                                instrument.symbol,
                                count.exchange,
                                count.token,
                                instrument.kind.value,
                                count.type,
                                count.bytes,
                                count.messages,
                                count.bytes / count.messages,
                                count.bytes / each.market_seconds,
                                PER_MESSAGE,
                            )
                        )
        columns = ["broker_name", "symbol", "exchange", "token", "kind", "type", "bytes", "ticks"]
        return self._frame(rows, ["brokers", "plan", *columns, "bytes_per_tick", "bytes_per_second", "how"])

    @property
    def how(self) -> pd.DataFrame:
        """How each kind of figure was obtained, in words."""
        return self._frame(_HOW, ["figure", "how"]).set_index("figure")

    def _reports(self) -> Iterator[tuple[int, str, PlanReport, float]]:
        for each in self.measurements:
            for plan, report in _plans(each):
                yield each.verification.brokers, plan, report, each.market_seconds

    @staticmethod
    def _frame(rows: Sequence[Any], columns: Sequence[str] | None = None) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=columns)  # type: ignore[arg-type]
        frame.attrs["mode"] = MODE
        frame.attrs["method"] = "measured"
        return frame

    def _words(self) -> str:
        numbers = ", ".join(str(each.verification.brokers) for each in self.measurements)
        failed = sum(not check.ok for each in self.measurements for check in each.verification.checks)
        verdict = "every check holds" if not failed else f"{failed} checks FAILED, see .checks"
        return f"{MODE} · both plans measured with {numbers} brokers · {verdict}"

    def __repr__(self) -> str:
        return f"{self._words()}\n{self.savings.round(1).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._words())}</p>{self.savings.round(1).to_html()}"


def _plans(each: Measurement) -> tuple[tuple[str, PlanReport], ...]:
    return ((Plan.NAIVE.value, each.naive), (Plan.OPTIMISED.value, each.optimised))


def _sum(streams: Any) -> StreamCounts:
    rows = list(streams)
    return StreamCounts(*(sum(getattr(row, name) for row in rows) for name in StreamCounts.__struct_fields__))


def _all_bytes(stream: StreamCounts) -> int:
    return stream.quote_bytes + stream.order_bytes + stream.control_bytes


def _by_type(counts: Sequence[MessageCount]) -> Mapping[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for count in counts:
        size, messages = sums.get(count.type, (0, 0))
        sums[count.type] = (size + count.bytes, messages + count.messages)
    return sums
