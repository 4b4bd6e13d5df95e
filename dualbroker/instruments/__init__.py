"""Symbol masters: parse them, read names, look instruments up. No I/O and no clock."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualbroker.instruments.master import parse_master
    from dualbroker.instruments.registry import Instruments
    from dualbroker.instruments.table import MasterTable

__all__ = ["Instruments", "MasterTable", "parse_master"]

_HOMES = {"Instruments": "registry", "MasterTable": "table", "parse_master": "master"}


def __getattr__(name: str) -> Any:
    # Not at once: the simulator takes names from this package and reads no symbol master with pyarrow.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"dualbroker.instruments.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
