"""Where things are kept on this machine, as each system has it."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["HOME_VARIABLE", "cache_directory", "state_directory"]

HOME_VARIABLE = "DUALBROKER_HOME"
"""Names a folder that holds everything instead: for tests, and for several set-ups on one machine."""


def cache_directory() -> Path:
    """For what can be downloaded again, such as symbol masters."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / "cache" if home else platformdirs.user_cache_path("dualbroker", appauthor=False)


def state_directory() -> Path:
    """For what belongs to this machine: session tokens and locks. It does not roam."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / "state" if home else platformdirs.user_state_path("dualbroker", appauthor=False)
