"""Broker types: found by name through Python entry points, those of this package and those of others."""

from __future__ import annotations

import importlib.metadata
from typing import Any

__all__ = ["GROUP", "broker_types", "load_type"]

GROUP = "dualbroker.brokers"


def broker_types() -> tuple[str, ...]:
    """The types that exist here."""
    return tuple(sorted({entry.name for entry in importlib.metadata.entry_points(group=GROUP)}))


def load_type(name: str) -> Any:
    """What the package of that type provides: a ``Broker`` class, unless the package is at fault.

    Raises
    ------
    LookupError
        No installed package provides that type, or what it names can't be imported; in words.
    """
    for entry in importlib.metadata.entry_points(group=GROUP):
        if entry.name == name:
            try:
                return entry.load()
            except Exception as error:  # whatever another package's import raises
                problem = f"expected the class {entry.value}, found none: {type(error).__name__}: {error}"
                raise LookupError(problem) from error
    raise LookupError(f"expected one of {', '.join(broker_types()) or 'none'}, found {name!r}")
