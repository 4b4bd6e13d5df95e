"""The feed's figures for Prometheus, read out of the stores at each scrape; nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from dualbroker.manager import WebSocketManager
from dualbroker.model import Role
from dualbroker.service.streams.clients import ClientRegistry
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover
from dualbroker.view.problems import feed_problems

__all__ = ["FeedCollector", "metrics_registry"]

GAP_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_NS = 1e-9


def metrics_registry(manager: WebSocketManager, clients: ClientRegistry) -> CollectorRegistry:
    """A registry of its own, so that two services in one process, or a user's own figures, never mix."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FeedCollector(manager, clients))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class FeedCollector(Collector):
    """Gives Prometheus a running manager's figures. Read on the service's loop."""

    def __init__(self, manager: WebSocketManager, clients: ClientRegistry) -> None:
        self._manager = manager
        self._clients = clients
        self._gaps = _Gaps()

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        """Every figure as it is now."""
        manager = self._manager
        yield InfoMetricFamily(
            "dualbroker",
            "This service; mode SIMULATED means that no price and no order is real.",
            value={
                "version": version("dualbroker"),
                "mode": "SIMULATED" if manager.is_simulated else "LIVE",
            },
        )
        yield GaugeMetricFamily(
            "dualbroker_healthy",
            "1 while quotes come from one broker and orders from every broker (as /health says).",
            value=float(not feed_problems(manager)),
        )
        yield from _brokers(manager)
        yield from _traffic(manager)
        yield from _stores(manager)
        yield from self._failovers()
        yield from _desk(manager)
        yield from _clients(self._clients)

    def _failovers(self) -> Iterator[Metric]:
        store = self._manager.incidents
        yield CounterMetricFamily(
            "dualbroker_failovers", "Changes of the broker that carries quotes.", value=store.failover_count
        )
        yield CounterMetricFamily(
            "dualbroker_incidents", "What went wrong, or somebody should know.", value=store.incident_count
        )
        self._gaps.take(store.failovers_snapshot())
        yield HistogramMetricFamily(
            "dualbroker_failover_gap_seconds",
            "Time without quotes, of each instrument of each finished failover.",
            buckets=self._gaps.buckets(),
            sum_value=self._gaps.sum_s,
        )


class _Gaps:
    """Adds failovers up as they finish, for the store keeps only the newest."""

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()
        self._taken: set[int] = set()
        self.sum_s = 0.0

    def take(self, failovers: Sequence[Failover]) -> None:
        self._taken &= {failover.number for failover in failovers}
        for failover in failovers:
            if not failover.finished or failover.number in self._taken:
                continue
            self._taken.add(failover.number)
            for gap_s in failover.gaps_s.copy().values():
                self.sum_s += gap_s
                bucket = next((edge for edge in GAP_BUCKETS_S if gap_s <= edge), float("inf"))
                self._counts[bucket] += 1

    def buckets(self) -> list[tuple[str, float]]:
        total = 0
        shown: list[tuple[str, float]] = []
        for edge in (*GAP_BUCKETS_S, float("inf")):
            total += self._counts[edge]
            shown.append(("+Inf" if edge == float("inf") else str(edge), total))
        return shown


def _desk(manager: WebSocketManager) -> Iterator[Metric]:
    """Profit of each account; of one that is in doubt or incomplete none is told."""
    lines = [line for line in manager.desk.profit() if line.scope == "broker"]
    yield _by_broker(
        GaugeMetricFamily,
        "dualbroker_profit_rupees",
        "Realised and unrealised profit of all positions, before charges; absent while it is in doubt.",
        [(line.name, line.total if line.complete else None) for line in lines],
    )
    yield _by_broker(
        GaugeMetricFamily,
        "dualbroker_positions",
        "Positions of the day; absent while they are in doubt.",
        [(line.name, None if line.doubt else float(line.positions)) for line in lines],
    )
    yield _by_broker(
        GaugeMetricFamily,
        "dualbroker_margin_used_rupees",
        "As the broker states it.",
        [
            (line.broker_name, line.limits.margin_used if line.limits and not line.doubt else None)
            for line in manager.desk.limits()
        ],
    )


def _by_broker(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    words: str,
    values: Iterable[tuple[str, float | None]],
) -> Metric:
    """One figure of each broker; what is not known is left out, never 0."""
    family = kind(name, words, labels=["broker"])
    for broker, value in values:
        if value is not None:
            family.add_metric([broker], value)
    return family


def _brokers(manager: WebSocketManager) -> Iterator[Metric]:
    rows = manager.all_health()
    states = GaugeMetricFamily(
        "dualbroker_broker_state", "1 for the state it is in.", labels=["broker", "state"]
    )
    roles = GaugeMetricFamily("dualbroker_broker_role", "1 for what it carries.", labels=["broker", "role"])
    for row in rows:
        for state in BrokerState:
            states.add_metric([row.broker_name, state.value], float(row.state is state))
        for role in Role:
            roles.add_metric([row.broker_name, role.value], float(row.role is role))
    yield states
    yield roles
    yield from _ages(manager, rows)
    gauges = {
        "dualbroker_broker_round_trip_seconds": ("Of the last answered ping.", "round_trip_s"),
        "dualbroker_broker_subscribed_instruments": ("Asked for.", "subscriptions"),
        "dualbroker_broker_acknowledged_instruments": ("Asked for and acknowledged.", "acknowledged"),
    }
    counters = {
        "dualbroker_broker_reconnects": ("Connections that were made again.", "reconnects"),
        "dualbroker_broker_unreadable_messages": ("Skipped.", "unreadable_messages"),
        "dualbroker_broker_unexpected_quotes": (
            "Quotes at a broker that carries orders only; not used.",
            "unexpected_quotes",
        ),
    }
    for name, (words, field) in gauges.items():
        yield _by_broker(
            GaugeMetricFamily, name, words, ((row.broker_name, getattr(row, field)) for row in rows)
        )
    for name, (words, field) in counters.items():
        yield _by_broker(
            CounterMetricFamily, name, words, ((row.broker_name, getattr(row, field)) for row in rows)
        )
    reconciles = CounterMetricFamily(
        "dualbroker_reconciles", "Reads of a broker's own books.", labels=["broker", "result"]
    )
    for broker, reconciler in manager.reconcilers.items():
        reconciles.add_metric([broker, "read"], reconciler.reads)
        reconciles.add_metric([broker, "failed"], reconciler.failed_reads)
    yield reconciles


def _ages(manager: WebSocketManager, rows: list[BrokerHealth]) -> Iterator[Metric]:
    now_ns = manager.clock.now_ns()
    for name, words, field in (
        ("dualbroker_last_tick_age_seconds", "Since the last quote.", "last_quote_ns"),
        ("dualbroker_last_order_age_seconds", "Since the last order update.", "last_order_ns"),
        ("dualbroker_last_order_book_age_seconds", "Since its order book was last read.", "last_book_ns"),
    ):
        moments = ((row.broker_name, getattr(row, field)) for row in rows)
        yield _by_broker(
            GaugeMetricFamily,
            name,
            words,
            ((broker, None if ns is None else max(0, now_ns - ns) * _NS) for broker, ns in moments),
        )


def _traffic(manager: WebSocketManager) -> Iterator[Metric]:
    labels = ["broker", "kind"]
    received = CounterMetricFamily(
        "dualbroker_received_bytes", "After TLS, frame headers included, before decompression.", labels=labels
    )
    messages = CounterMetricFamily("dualbroker_received_messages", "Off the brokers' sockets.", labels=labels)
    for broker, kinds in manager.bandwidth.totals().items():
        for kind, traffic in kinds.items():
            received.add_metric([broker, kind.value], traffic.bytes)
            messages.add_metric([broker, kind.value], traffic.messages)
    yield received
    yield messages


def _stores(manager: WebSocketManager) -> Iterator[Metric]:
    quotes, orders = manager.quotes, manager.orders
    for name, words, value in (
        ("dualbroker_ticks", "Quote updates stored, dropped ones included.", quotes.tick_count),
        ("dualbroker_snapshots", "Full quotes stored.", quotes.snapshot_count),
        ("dualbroker_dropped_ticks", "No longer kept, to keep the bound of the store.", quotes.dropped_rows),
        ("dualbroker_stray_quotes", "From no source of the instrument; not used.", quotes.stray_count),
        ("dualbroker_order_events", "Order updates that said something new.", orders.event_count),
        ("dualbroker_repeated_order_updates", "That said nothing new.", orders.repeat_count),
        ("dualbroker_dropped_order_events", "No longer kept in memory.", orders.dropped_events),
    ):
        yield CounterMetricFamily(name, words, value=value)
    yield GaugeMetricFamily("dualbroker_instruments", "Held by anybody.", value=float(len(manager.wanted())))
    counts = Counter((state.broker_name, state.status.value) for state in orders.snapshot())
    by_status = GaugeMetricFamily("dualbroker_orders", "Known orders by status.", labels=["broker", "status"])
    for (broker, status), count in sorted(counts.items()):
        by_status.add_metric([broker, status], count)
    yield by_status


def _clients(clients: ClientRegistry) -> Iterator[Metric]:
    attached = clients.attached()
    totals = clients.totals()
    for name, words, value in (
        ("dualbroker_clients", "Attached to the stream now.", len(attached)),
        (
            "dualbroker_clients_expected_back",
            "Lost, and their subscriptions kept.",
            clients.waiting_to_return(),
        ),
        ("dualbroker_client_lag_ticks", "Of the slowest.", max((r.lag_rows for r in attached), default=0)),
    ):
        yield GaugeMetricFamily(name, words, value=float(value))
    for name, words, value in (
        ("dualbroker_client_connections", "Of the stream.", clients.attach_count),
        ("dualbroker_client_sent_messages", "To clients.", totals["sent_messages"]),
        ("dualbroker_client_sent_bytes", "To clients, before compression.", totals["sent_bytes"]),
        ("dualbroker_client_dropped_ticks", "Not sent, for a client lagged.", totals["dropped_ticks"]),
        ("dualbroker_client_refused_messages", "Not understood, or too many.", totals["refused"]),
        ("dualbroker_client_closes", "Clients that were closed, not by themselves.", clients.closes.total()),
    ):
        yield CounterMetricFamily(name, words, value=value)
