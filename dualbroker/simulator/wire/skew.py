"""A broker whose clock is wrong: its own times shifted, those of the exchange left alone."""

from __future__ import annotations

import re
from typing import Any

from dualbroker.clock import NS_PER_S
from dualbroker.noren.times import order_time_text, wall_time_ns
from dualbroker.simulator.wire.framing import payload_of, text_frame

__all__ = ["skewed_frame", "skewed_row", "skewed_rows"]

_EPOCH_SECONDS = ("tm", "ordenttm", "ft", "lut")
_ORDER_TIMES = ("norentm", "request_time")
_FEED_TIME = re.compile(rb'"ft":"(\d+)"')


def skewed_frame(frame: bytes, skew_s: float) -> bytes:
    """A quote frame with its feed time shifted; frames without one are returned as they are."""

    def shift(found: re.Match[bytes]) -> bytes:
        return b'"ft":"%d"' % (int(found[1]) + round(skew_s))

    payload = payload_of(frame)
    shifted = _FEED_TIME.sub(shift, payload, count=1)
    return frame if shifted == payload else text_frame(shifted)


def skewed_row(row: dict[str, Any], skew_s: float) -> dict[str, Any]:
    """A row of a book, an ``om`` message or an answer with the broker's own times shifted."""
    shifted = dict(row)
    for name in _EPOCH_SECONDS:
        if name in row:
            shifted[name] = str(int(row[name]) + round(skew_s))
    for name in _ORDER_TIMES:
        time_ns = wall_time_ns(row.get(name))
        if time_ns is not None:
            shifted[name] = order_time_text(time_ns + round(skew_s) * NS_PER_S)
    return shifted


def skewed_rows(result: object, skew_s: float) -> object:
    """An endpoint's result, an object or an array of them, with the broker's own times shifted."""
    if isinstance(result, dict):
        return skewed_row(result, skew_s)
    if isinstance(result, list):
        return [skewed_row(row, skew_s) if isinstance(row, dict) else row for row in result]
    return result
