"""Broker types: found by name through Python entry points, those of this package and those of others."""

from __future__ import annotations

import importlib.metadata
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

__all__ = ["GROUP", "broker_types", "load_type"]

GROUP = "dualbroker.brokers"


def broker_types() -> tuple[str, ...]:
    """The types that exist here."""
    return tuple(sorted({entry.name for entry in _entries()}))


def load_type(name: str) -> Any:
    """What the package of that type provides: a ``Broker`` class, unless the package is at fault.

    Raises
    ------
    LookupError
        No installed package provides that type, or what it names can't be imported; in words.
    """
    for entry in _entries():
        if entry.name == name:
            try:
                return entry.load()
            except Exception as error:  # whatever another package's import raises
                problem = f"expected the class {entry.value}, found none: {type(error).__name__}: {error}"
                raise LookupError(problem) from error
    raise LookupError(f"expected one of {', '.join(broker_types()) or 'none'}, found {name!r}")


def _entries() -> tuple[EntryPoint, ...]:
    return _read(tuple((folder, _changed_ns(folder)) for folder in sys.path))


@lru_cache(maxsize=4)
def _read(folders: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """Read again only when a folder has changed: it opens a file of every package that is installed."""
    return tuple(importlib.metadata.entry_points(group=GROUP))


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0
