"""Keeps what was made of a store while nothing in it is new: a view is made several times a second."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["Remembered"]

T = TypeVar("T")

MOST_NAMES = 16


class Remembered:
    """The last value by owner and name, made again when its mark is another. It keeps no owner alive.

    Safe from any thread: at worst two make the same value.
    """

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Any, dict[Hashable, tuple[Any, Any]]] = WeakKeyDictionary()

    def of(self, owner: Any, name: Hashable, mark: Any, make: Callable[[], T]) -> T:
        """What ``make`` gave for this mark, if that was the last one; else what it gives now.

        The value is shared by all who ask: nobody changes it.
        """
        kept = self._kept.setdefault(owner, {})
        last = kept.get(name)
        if last is not None and last[0] == mark:
            value: T = last[1]
            return value
        value = make()
        if len(kept) >= MOST_NAMES and name not in kept:
            kept.pop(next(iter(kept)), None)
        kept[name] = (mark, value)
        return value
