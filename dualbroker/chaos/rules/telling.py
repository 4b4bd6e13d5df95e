"""What must hold of what a person is told: each change of the quote source, with its gap, to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dualbroker.chaos.changes import Change
from dualbroker.chaos.rules.bounds import at_once, streamed_s
from dualbroker.chaos.rules.scene import Rule, Scene
from dualbroker.clock import NS_PER_S
from dualbroker.stores.incidents import Failover

__all__ = ["TELLING_RULES"]

_ROUNDING_S = 1e-6


def _told(scene: Scene) -> Iterator[str]:
    failovers = scene.world.manager.incidents.failovers_snapshot()
    for change in scene.changes.changes:
        name = change.instrument.qualified_name
        chain = _chain(change, failovers)
        if chain is None:
            yield (
                f"{name} went from {change.old} to {change.new} at {_at_s(scene, change.first_ns):.1f} s, "
                "and no failover says so"
            )
            continue
        gap_s = chain[-1].gaps_s[change.instrument.key]
        # The old source may have brought other instruments after this one, but none after it was given up.
        most_s = (change.first_ns - change.last_ns) / NS_PER_S
        least_s = most_s if chain[0].planned else (change.first_ns - chain[0].time_ns) / NS_PER_S
        if not least_s - _ROUNDING_S <= gap_s <= most_s + _ROUNDING_S:
            yield (
                f"{name} went from {change.old} to {change.new} at {_at_s(scene, change.first_ns):.1f} s, "
                f"and its gap is said to be {gap_s:.3f} s; it was between {least_s:.3f} and {most_s:.3f} s"
            )


def _chain(change: Change, failovers: Sequence[Failover]) -> list[Failover] | None:
    """The failovers that lead an instrument from one source to the next, in order: one, or several where
    brokers that were to take over failed before they did. None: they do not."""
    chain: list[Failover] = []
    target = change.new
    for failover in reversed(failovers):
        if failover.time_ns > change.first_ns or failover.to_broker != target:
            continue
        if chain:
            tells = change.instrument.qualified_name in failover.uncovered
        else:
            tells = change.instrument.key in failover.gaps_s
        if not tells or (failover.time_ns < change.last_ns and not failover.planned):
            continue
        chain.insert(0, failover)
        target = failover.from_broker
        if target == change.old:
            return chain
    return None


def _at_s(scene: Scene, time_ns: int) -> float:
    return scene.now_s - (scene.world.clock.now_ns() - time_ns) / NS_PER_S


def _ended(scene: Scene) -> Iterator[str]:
    if not scene.able:
        return
    for failover in scene.world.manager.incidents.failovers_snapshot():
        if not failover.finished:
            yield (
                f"the failover from {failover.from_broker} to {failover.to_broker} at "
                f"{_at_s(scene, failover.time_ns):.1f} s has not ended"
            )


TELLING_RULES = (
    Rule("told", "each change of an instrument's quote source is a failover, with its gap", at_once, _told),
    Rule("failovers end", "each failover comes to its end", streamed_s, _ended),
)
