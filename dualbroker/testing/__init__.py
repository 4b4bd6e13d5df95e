"""Holds a broker, also one from outside, to what every broker must do. See docs/brokers-from-outside.md.

A test of one's own needs a `Stand`, the fake other end of that broker, and a line for all checks:

    @pytest.mark.parametrize("check", CHECKS, ids=name_of)
    def test_my_broker(check, tmp_path):
        run_check(check, MyStand, tmp_path)
"""

from dualbroker.testing.bench import Bench, Check, eventually, name_of, run_check
from dualbroker.testing.checks import CHECKS
from dualbroker.testing.memory import MemoryPeer, MemorySocket, MemoryTransport
from dualbroker.testing.stand import Stand

__all__ = [
    "CHECKS",
    "Bench",
    "Check",
    "MemoryPeer",
    "MemorySocket",
    "MemoryTransport",
    "Stand",
    "eventually",
    "name_of",
    "run_check",
]
