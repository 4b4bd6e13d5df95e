"""Where installs of before find this type; the entry points name ``noren.simulated`` now."""

from dualbroker.brokers.noren.simulated import SimulatedBroker

__all__ = ["SimulatedBroker"]
