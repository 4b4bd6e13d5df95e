"""Who carries what, carried out: start-up, subscriptions, the ledger kept true."""

from __future__ import annotations

from dualbroker.manager.manager import WebSocketManager

__all__ = ["WebSocketManager"]
