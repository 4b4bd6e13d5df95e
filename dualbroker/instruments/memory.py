"""Where pyarrow takes its memory from while a symbol master is read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

__all__ = ["memory_that_is_given_back"]

_one_at_a_time = threading.Lock()


@contextmanager
def memory_that_is_given_back() -> Iterator[None]:
    """Within it pyarrow takes memory from the system, and afterwards gives back what is no longer used.

    Its own pool keeps some 30 MB of the reading of one full master. What other threads make meanwhile
    remembers to which pool it belongs.
    """
    with _one_at_a_time:
        before = pa.default_memory_pool()
        pa.set_memory_pool(pa.system_memory_pool())
        try:
            yield
        finally:
            pa.default_memory_pool().release_unused()  # whichever it is called on, it acts on the one set
            pa.set_memory_pool(before)
