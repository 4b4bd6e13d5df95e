"""Where things are kept on this machine, as each system has it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs

from dualbroker.errors import ConfigError

__all__ = ["HOME_VARIABLE", "cache_directory", "state_directory"]

HOME_VARIABLE = "DUALBROKER_HOME"
"""Names a folder that holds everything instead: for tests, and for several set-ups on one machine."""


def cache_directory() -> Path:
    """For what can be downloaded again, such as symbol masters.

    Raises
    ------
    ConfigError
        This user has no home folder, and no variable names another.
    """
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "cache"
    return _known(platformdirs.user_cache_path, "XDG_CACHE_HOME")


def state_directory() -> Path:
    """For what belongs to this machine: session tokens and locks. It does not roam.

    Raises
    ------
    ConfigError
        This user has no home folder, and no variable names another.
    """
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "state"
    return _known(platformdirs.user_state_path, "XDG_STATE_HOME")


def _known(find: Callable[..., Path], variable: str) -> Path:
    """Where a user has no home, some versions of platformdirs raise and others leave the ``~`` as it is: a
    folder of that name in some working directory, whose locks would hold nobody back."""
    is_linux = sys.platform.startswith("linux")
    # With an empty HOME, ``~`` is the root folder.
    is_empty = sys.platform != "win32" and os.environ.get("HOME") == ""
    if not is_empty or (is_linux and os.environ.get(variable, "").strip()):
        with contextlib.suppress(RuntimeError):
            folder = find("dualbroker", appauthor=False)
            if folder.is_absolute():
                return folder
    found = "empty" if is_empty else "not set, and the system's list of users names none for this user"
    also = f" (or {variable})" if is_linux else ""
    raise ConfigError(
        "expected a home folder for session tokens, locks and the order journal, found none: "
        f"HOME is {found}; set the variable {HOME_VARIABLE}{also} to a folder that it can write"
    )
