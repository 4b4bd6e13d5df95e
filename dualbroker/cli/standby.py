"""Who would take the quotes over if their broker failed, for the doctor."""

from __future__ import annotations

from dualbroker.cli.findings import Finding, Verdict
from dualbroker.manager import WebSocketManager

__all__ = ["standby"]


def standby(manager: WebSocketManager, primary: str) -> Finding:
    """Whether a second broker with a socket is up; without one a failure costs the prices."""
    others = [name for name in manager.brokers if name != primary]
    able = [name for name in others if manager.serves(name)]
    if able:
        return Finding(
            Verdict.OK, "failover", f"if {primary} fails, {' or '.join(able)} takes the quotes over"
        )
    streaming = [name for name in others if manager.routing.machine.standing.brokers[name].can_stream]
    if streaming:
        advice = f"{', '.join(streaming)} could, and is not up"
    elif others:
        advice = f"{', '.join(others)} could with orders: stream in config.yaml"
    else:
        advice = "enable a second broker in config.yaml"
    return Finding(
        Verdict.WARN,
        "failover",
        f"if {primary} fails, no prices come until it is back: nobody stands by; {advice}",
    )
