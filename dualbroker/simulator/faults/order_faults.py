"""Order updates that are lost, doubled or out of order on their way to a connection."""

from __future__ import annotations

import random
from typing import Protocol

from dualbroker.simulator.faults.faults import Faults

__all__ = ["OrderFaults"]

_LATEST_NS = 500_000_000
"""After which a frame that waits for the next one goes without it."""


class _OrderTaker(Protocol):
    outbox: list[bytes]
    late_orders: list[tuple[int, bytes]]


class OrderFaults:
    """Sends ``om`` frames as a broker's faults have it.

    Parameters
    ----------
    dice
        Decides which frames suffer; not thrown while there is no such fault.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def send(self, taker: _OrderTaker, frame: bytes, faults: Faults, running_ns: int) -> None:
        """Put a frame into the outbox: once, twice, later or never."""
        if faults.drop_orders and self._dice.random() < faults.drop_orders:
            return
        if faults.reorder_orders and self._dice.random() < faults.reorder_orders:
            taker.late_orders.append((running_ns + _LATEST_NS, frame))
            return
        taker.outbox.append(frame)
        if faults.duplicate_orders and self._dice.random() < faults.duplicate_orders:
            taker.outbox.append(frame)
        if taker.late_orders:
            taker.outbox += [late for _, late in taker.late_orders]
            taker.late_orders = []

    def release_due(self, taker: _OrderTaker, running_ns: int) -> None:
        """Send the frames that have waited long enough."""
        taker.outbox += [frame for due_ns, frame in taker.late_orders if due_ns <= running_ns]
        taker.late_orders = [late for late in taker.late_orders if late[0] > running_ns]
