"""Where installs of before find this type; the entry points name ``noren.flattrade`` now."""

from dualbroker.brokers.noren.flattrade import FlattradeBroker

__all__ = ["FlattradeBroker"]
