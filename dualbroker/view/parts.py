"""The parts that a dashboard is made of, and what of the state each of them needs. Pure."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["MONITOR_PARTS", "PARTS", "SLOW_KEYS", "keys_of"]

_ALWAYS = frozenset({"mode", "time", "market"})

PARTS: dict[str, frozenset[str]] = {
    "summary": frozenset({"headline", "verdict", "problems", "brokers", "traffic", "counts"}),
    "cards": frozenset({"headline", "verdict", "problems", "brokers", "traffic"}),
    "quotes": frozenset({"instruments", "quotes"}),
    "orders": frozenset({"orders", "histories"}),
    "logs": frozenset({"incidents", "failovers"}),
    "bandwidth": frozenset({"traffic"}),
    "chain": frozenset({"chain"}),
}
"""Each part, and the keys of the state that it draws, besides the mode, the time and the market."""

MONITOR_PARTS = ("cards", "quotes", "orders", "logs", "bandwidth")
"""What ``monitor`` stands for."""

SLOW_KEYS = frozenset({"instruments", "orders", "histories", "incidents", "failovers", "traffic"})
"""Keys that change seldom. A carrier that can't leave out what has not changed sends these apart, as the
trait ``slow``, when one of them has changed; the module lays ``state`` over it."""


def keys_of(parts: str | Iterable[str]) -> frozenset[str]:
    """The keys of the state that these parts need.

    Raises
    ------
    ValueError
        There is no part of that name.
    """
    names = [parts] if isinstance(parts, str) else list(parts)
    named = [part for name in names for part in (MONITOR_PARTS if name == "monitor" else (name,))]
    for name in named:
        if name not in PARTS:
            raise ValueError(f"part: expected monitor or one of {', '.join(PARTS)}, found {name!r}")
    return _ALWAYS.union(*(PARTS[name] for name in named))
