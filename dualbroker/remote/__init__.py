"""A feed's source that is attached to a running service: the same stores, filled over its stream endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualbroker.remote.manager import RemoteManager

__all__ = ["RemoteManager"]


def __getattr__(name: str) -> Any:
    # Not at once: whether a text is an address is asked before it is known what has to be imported.
    if name != "RemoteManager":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dualbroker.remote.manager import RemoteManager

    return RemoteManager
