"""Flattrade: another row of the same table."""

from __future__ import annotations

from dualbroker.brokers.noren.broker import NorenBroker

__all__ = ["FlattradeBroker"]


class FlattradeBroker(NorenBroker):
    """Logs in through its own browser page; ``dualbroker login`` opens it."""

    dialect_name = "flattrade"
