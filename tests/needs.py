"""What some tests need and not everybody has: by the test's marker, what lacks and how to get it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from typing import NoReturn

import pytest

__all__ = ["NEEDS", "WITHOUT_DATA", "absent", "chromium_path", "skip_what_lacks_its_tools"]

BARE = "DUALBROKER_TESTS_BARE"
"""Set by ``.ci/run`` where it proves the README's command without the tools of ``[dev]``. What is skipped
there runs in CI's complete environment, by these markers."""

WITHOUT_DATA = "DUALBROKER_TESTS_WITHOUT_DATA"
"""Set where CI runs in public, which never has the recorded days: what needs them is skipped there too."""


def absent(reason: str) -> NoReturn:
    """Skip what can't be run here; CI has everything, so there it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def chromium_path() -> str | None:
    """Where an installed Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def _module(name: str) -> str | None:
    return None if importlib.util.find_spec(name) else f"needs {name}: pip install -e '.[dev]'"


def _chromium() -> str | None:
    return _module("playwright") or (None if chromium_path() else "needs Chromium: apt install chromium")


NEEDS: Mapping[str, Callable[[], str | None]] = {
    "chromium": _chromium,
    "jupyterlab": lambda: _module("jupyterlab"),
    "schemathesis": lambda: _module("schemathesis"),
}
"""By marker: what lacks here, if anything does."""


def skip_what_lacks_its_tools(item: pytest.Item) -> None:
    """Skip a test whose marker names a tool that is not here; in CI's complete environment it fails."""
    for name, lacking in NEEDS.items():
        if item.get_closest_marker(name) and (reason := lacking()):
            if os.environ.get(BARE):
                pytest.skip(reason)
            absent(reason)
