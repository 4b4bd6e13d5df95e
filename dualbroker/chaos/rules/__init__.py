"""What must hold once the faults are over: each rule by its name, one file for each kind of rule.

A rule yields what breaks it, in words. It has a bound: so many seconds after the faults' end it must hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from dualbroker.chaos.rules.orders import ORDER_RULES
from dualbroker.chaos.rules.quotes import QUOTE_RULES
from dualbroker.chaos.rules.scene import Rule, Scene
from dualbroker.chaos.rules.sessions import SESSION_RULES
from dualbroker.chaos.rules.telling import TELLING_RULES
from dualbroker.chaos.schedule import Schedule

__all__ = ["RULES", "Rule", "Scene", "longest_bound_s"]

RULES: Mapping[str, Rule] = {
    rule.name: rule for rule in (*QUOTE_RULES, *ORDER_RULES, *SESSION_RULES, *TELLING_RULES)
}


def longest_bound_s(schedule: Schedule) -> float:
    """Seconds after the faults' end by which every rule must hold."""
    return max(rule.bound_s(schedule) for rule in RULES.values())
