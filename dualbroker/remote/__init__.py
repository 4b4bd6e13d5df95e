"""A feed's source that is attached to a running service: the same stores, filled over its stream endpoint."""

from __future__ import annotations

from dualbroker.remote.manager import RemoteManager

__all__ = ["RemoteManager"]
