"""Hours in which nothing is sent. Pure."""

from __future__ import annotations

from dualbroker.clock import ist

__all__ = ["is_quiet"]

Span = tuple[int, int]
"""Minutes of the day in India; the second may be before the first, and lies in the next day then."""


def is_quiet(span: Span | None, now_ns: int) -> bool:
    """Whether a moment (UTC ns) lies within the quiet hours."""
    if span is None:
        return False
    now = ist(now_ns)
    minute = now.hour * 60 + now.minute
    begin, end = span
    return begin <= minute < end if begin <= end else minute >= begin or minute < end
