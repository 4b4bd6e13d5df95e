"""What a forked child of this process finds of it: nothing that it could take for alive.

A fork copies memory and descriptors but only one thread. In the child no price arrives any more, while
everything still looks connected; and what the child closes or unlocks at its end is the parent's own.
So what lives in a process is bound to it: in a child every use is an error in words, its finalizers
never run there, and the child's copies of its descriptors are closed without a word to the other end.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, Self

from dualbroker.errors import FeedClosedError

__all__ = ["BoundToProcess", "call_in_child", "never_finalize"]

_bound: weakref.WeakSet[BoundToProcess] = weakref.WeakSet()
_calls: dict[str, Callable[[], object]] = {}


class BoundToProcess:
    """Base of what works only in the process that made it, because threads and sockets serve it there.

    In a forked child it is emptied: each attribute of the instance, and so each property and method that
    needs one, raises ``FeedClosedError``. In the process itself attributes are as fast as any.
    """

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        made = super().__new__(cls)
        made._made_in = os.getpid()
        _bound.add(made)
        return made

    _made_in: int
    """The process that made it."""

    @property
    def is_of_another_process(self) -> bool:
        """Whether this process was forked from the one that made it; nothing of it can be used here."""
        return bool(vars(self).get("_made_in", os.getpid()) != os.getpid())

    def _release_copies(self) -> None:
        """In a forked child, before it is emptied: close the descriptors that must not be held twice."""

    def _leave_to_parent(self) -> None:
        self._release_copies()
        kept = vars(self).copy()
        never_finalize(kept)
        vars(self).clear()
        self._made_in = kept["_made_in"]
        # Only here, since Python reads the attributes of a class with a __getattr__ more slowly.
        kind = type(self)
        self.__class__ = type(kind.__name__, (kind,), {"__getattr__": _raise_elsewhere})

    def _words_elsewhere(self) -> str:
        return (
            f"this feed runs in process {self._made_in}, of which this process ({os.getpid()}) is a forked "
            "child: no price or order arrives here; dualbroker.connect() or demo() opens a new feed here, or "
            "hand the frames that are needed to the child"
        )


def _raise_elsewhere(bound: BoundToProcess, name: str) -> object:
    """What is missing was emptied; names in double underscores are asked for by Python and libraries."""
    if name.startswith("__"):
        raise AttributeError(f"{type(bound).__name__!r} object has no attribute {name!r}")
    raise FeedClosedError(bound._words_elsewhere())


def call_in_child(function: Callable[[], object]) -> None:
    """Have a module's function called in each forked child; a reloaded module's replaces the old."""
    _calls[f"{function.__module__}.{function.__qualname__}"] = function


def never_finalize(thing: object) -> None:
    """Keep an object for as long as the process lives, also while the interpreter ends.

    An event loop, a lock or a database that is finalized in a child would unregister, unlock or check
    in what it shares with its parent.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _in_child() -> None:
    # First what lives: what is dropped before it is kept for good would be finalized.
    for bound in list(_bound):
        bound._leave_to_parent()
    _bound.clear()
    for function in list(_calls.values()):
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
