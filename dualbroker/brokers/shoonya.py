"""Where installs of before find this type; the entry points name ``noren.shoonya`` now."""

from dualbroker.brokers.noren.shoonya import ShoonyaBroker

__all__ = ["ShoonyaBroker"]
