"""The feed in a notebook: widgets that draw the view's state, and pictures of failovers.

A module behind it is imported only when something of it is asked for. Public are the names below; all else
is shown by the methods of a feed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dualbroker.extras import needs_extra

if TYPE_CHECKING:
    from dualbroker.notebook.pictures.failover_plot import plot_failovers, plot_gaps
    from dualbroker.notebook.pictures.picture import Picture, calm

__all__ = ["Picture", "calm", "plot_failovers", "plot_gaps"]

_HOMES = {
    "Picture": "dualbroker.notebook.pictures.picture",
    "calm": "dualbroker.notebook.pictures.picture",
    "plot_failovers": "dualbroker.notebook.pictures.failover_plot",
    "plot_gaps": "dualbroker.notebook.pictures.failover_plot",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs_extra("notebook"):
        found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found
