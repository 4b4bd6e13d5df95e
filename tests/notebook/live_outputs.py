"""A plugin for the pytest that runs a notebook through nbval: keeps what each cell showed.

``-p tests.notebook.live_outputs`` writes the outputs by cell id, as JSON, to the file that the variable
``NOTEBOOK_OUTPUTS`` names. So one run serves both nbval and the checks of what a reader would see.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

__all__ = ["pytest_sessionfinish"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what was shown."""
    shown: dict[str, Any] = {}
    for item in session.items:
        outputs = getattr(item, "test_outputs", None)
        if outputs is not None:
            shown[item.cell.id] = outputs  # type: ignore[attr-defined]
    Path(os.environ["NOTEBOOK_OUTPUTS"]).write_text(json.dumps(shown), encoding="utf-8")
