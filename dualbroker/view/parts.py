"""The parts of a dashboard, a record each; ``notebook.plain.snapshot`` has what stays without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dualbroker.figures import plural
from dualbroker.manager.source import FeedSource
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth
from dualbroker.view.cards import card_rows
from dualbroker.view.desk import desk_state
from dualbroker.view.histories import order_histories
from dualbroker.view.incidents import alert_rows, failover_rows, incident_rows
from dualbroker.view.market import market_state
from dualbroker.view.orders import order_counts, order_keys, order_table
from dualbroker.view.problems import feed_problems
from dualbroker.view.quotes import Shown, quote_columns, shown_instruments
from dualbroker.view.severity import verdict
from dualbroker.view.traffic import bytes_per_second, savings, traffic_history
from dualbroker.view.unknown import order_sources, quote_sources

__all__ = [
    "FAILOVERS_SHOWN",
    "MONITOR_PARTS",
    "PARTS",
    "SLOW_KEYS",
    "Look",
    "Part",
    "panels_script",
    "parts_of",
]

INCIDENTS_SHOWN = 50
FAILOVERS_SHOWN = 20
ALERTS_SHOWN = 20


@dataclass(frozen=True)
class Look:
    """What a view looks at, and when; see ``view.state.view_state``."""

    source: FeedSource
    now_ns: int
    symbols: Collection[str] | None
    broker: str | None
    keys: frozenset[str]
    """All that the view shows."""

    @cached_property
    def market(self) -> dict[str, Any]:
        return market_state(self.source, self.now_ns)

    @cached_property
    def shown(self) -> Shown:
        return shown_instruments(self.source, self.symbols)

    @property
    def is_brief(self) -> bool:
        """Beside the cards, tables leave out what those say."""
        return "brokers" in self.keys


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the dashboard."""

    makers: Mapping[str, Callable[[Look], Any]]
    """By key of the state that it draws, besides the mode, the time and the market: what makes it."""
    scripts: tuple[str, ...]
    """Its files under ``static``, each after those that it imports from."""
    panels: tuple[str, ...]
    """The functions in them that draw it, from the top down."""
    added: frozenset[str] = frozenset()
    """Keys that it draws and that are added by what keeps what they show."""

    @property
    def keys(self) -> frozenset[str]:
        return self.added | self.makers.keys()


def _brokers(look: Look) -> list[dict[str, Any]]:
    failovers = failover_rows(look.source, FAILOVERS_SHOWN)
    return card_rows(look.source, look.market, failovers, look.now_ns)


def _traffic(look: Look) -> dict[str, Any]:
    return {
        "history": traffic_history(look.source),
        "bytes_per_second": bytes_per_second(look.source),
        "savings": savings(look.source),
    }


def _incidents(look: Look) -> dict[str, Any]:
    rows = incident_rows(look.source, INCIDENTS_SHOWN)
    return {"rows": rows, "count": look.source.incidents.incident_count}


def _failovers(look: Look) -> dict[str, Any]:
    rows = failover_rows(look.source, FAILOVERS_SHOWN)
    return {"rows": rows, "count": look.source.incidents.failover_count}


def _alerts(look: Look) -> dict[str, Any]:
    return {"rows": alert_rows(look.source, ALERTS_SHOWN), "count": look.source.alerts.count}


def _counts(look: Look) -> dict[str, Any]:
    return {"instruments": len(look.source.wanted()), "orders": order_counts(look.source)}


def _headline(look: Look) -> dict[str, str]:
    return {
        "quotes": f"Price/Quote updates: {_sources(quote_sources(look.source))}",
        "orders": f"Order updates: {', '.join(order_sources(look.source)) or 'no broker'}",
    }


def _sources(sources: list[BrokerHealth]) -> str:
    primaries = [health.broker_name for health in sources if health.role is Role.PRIMARY]
    others = [
        f"{health.broker_name} for {plural(health.subscriptions, 'instrument')}"
        for health in sources
        if health.role is Role.SOME_QUOTES
    ]
    if primaries and not others:
        return f"{primaries[0]} only"
    return ", ".join([*primaries, *others]) or "no broker"


_CARDS: dict[str, Callable[[Look], Any]] = {
    "headline": _headline,
    "verdict": lambda look: verdict(look.source),
    "problems": lambda look: feed_problems(look.source),
    "brokers": _brokers,
    "traffic": _traffic,
}

PARTS: dict[str, Part] = {
    "cards": Part(makers=_CARDS, scripts=("cards.js",), panels=("headline", "feedProblems", "cards")),
    "quotes": Part(
        makers={
            "instruments": lambda look: look.shown.columns,
            "quotes": lambda look: quote_columns(look.source, look.shown, look.now_ns, brief=look.is_brief),
        },
        scripts=("quotes.js", "search.js"),
        panels=("quotes",),
    ),
    "orders": Part(
        makers={
            "orders": lambda look: order_table(look.source, look.broker, brief=look.is_brief),
            "histories": lambda look: order_histories(look.source, order_keys(look.source, look.broker)),
        },
        scripts=("timeline.js", "orders.js"),
        panels=("orders",),
    ),
    "desk": Part(
        makers={"desk": lambda look: desk_state(look.source)}, scripts=("desk.js",), panels=("desk",)
    ),
    "logs": Part(
        makers={"incidents": _incidents, "failovers": _failovers, "alerts": _alerts},
        scripts=("logs.js", "alerts.js"),
        panels=("incidents", "failovers", "alerts"),
    ),
    "bandwidth": Part(makers={"traffic": _traffic}, scripts=("bandwidth.js",), panels=("bandwidth",)),
    "chain": Part(makers={}, added=frozenset({"chain"}), scripts=("chain.js",), panels=("chain",)),
    "summary": Part(makers={**_CARDS, "counts": _counts}, scripts=("summary.js",), panels=("summary",)),
}

MONITOR_PARTS = ("cards", "desk", "quotes", "orders", "logs", "bandwidth")
"""What ``monitor`` stands for."""
_BELOW_MONITOR = ("attached", "help")
"""Panels that it has besides."""

SLOW_KEYS = frozenset({"instruments", "orders", "histories", "incidents", "failovers", "alerts", "traffic"})
"""Keys that change rarely. A carrier that can't leave out what has not changed sends these apart, as the
trait ``slow``, when one of them has changed; the module lays ``state`` over it."""


def parts_of(names: str | Iterable[str]) -> list[Part]:
    """The parts of these names, ``monitor`` for several of them.

    Raises
    ------
    ValueError
        There is no part of that name.
    """
    named = [names] if isinstance(names, str) else list(names)
    named = [part for name in named for part in (MONITOR_PARTS if name == "monitor" else (name,))]
    for name in named:
        if name not in PARTS:
            raise ValueError(f"part: expected monitor or one of {', '.join(PARTS)}, found {name!r}")
    return [PARTS[name] for name in named]


def panels_script() -> str:
    """``panels.js``: by part, the functions that draw it."""
    monitor = [panel for name in MONITOR_PARTS for panel in PARTS[name].panels]
    panels = {"monitor": (*monitor, *_BELOW_MONITOR)} | {name: part.panels for name, part in PARTS.items()}
    rows = "".join(f"  {name}: [{', '.join(drawn)}],\n" for name, drawn in panels.items())
    return f"export const PARTS = {{\n{rows}}};\n"
